// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.fairlead.bundles.Bundles;
import dev.fairlead.bundles.Change;
import dev.fairlead.bundles.ChangeException;
import dev.fairlead.bundles.Proof;
import dev.fairlead.bundles.Shelf;
import dev.fairlead.bundles.Verifier;
import dev.fairlead.delivery.LinkHolder;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.api.TransportProvider;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryUsage;
import java.lang.ref.WeakReference;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import javax.inject.Inject;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.wiring.BundleWiring;
import org.osgi.service.cm.ConfigurationAdmin;

/**
 * A transport's bundle is changed in a real Felix, with its real broker or hub, while lines flow. A
 * class for each transport says its name.
 */
abstract class BundleChangeInFelix {

  /** Tells of each packet, where somebody listens; kept, so that it does not forget its level. */
  private static final Logger PAHO = Logger.getLogger("org.eclipse.paho");

  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final int CYCLES = Boolean.getBoolean("fairlead.full") ? 340 : 17;

  /** The JVM keeps one or the other for a while: by soft references, by code it has compiled. */
  private static final int HELD_BY_THE_JVM = 2;

  private final String transport;
  private final String bundleName;

  @Inject private BundleContext context;
  @Inject private ConfigurationAdmin configurations;

  private Path folder = Path.of("");
  private Path own = Path.of("");
  private @Nullable ServiceRegistration<LinkHolder> holder;

  BundleChangeInFelix(String transport) {
    this.transport = transport;
    this.bundleName = "dev.fairlead.transport." + transport;
  }

  @BeforeEach
  void configure() throws Exception {
    PAHO.setLevel(Level.OFF);
    folder = Files.createTempDirectory("fl-it-"); // a socket's path must be short
    own = Path.of(URI.create(bundle().getLocation()));
    configurations
        .getConfiguration(bundleName + ".access", "?")
        .update(FrameworkUtil.asDictionary(Map.of("dir", folder.resolve("peer").toString())));
  }

  /** The next test begins with the build's own bundle, and no broker. */
  @AfterEach
  void restore() throws Exception {
    if (holder != null) {
      holder.unregister();
    }
    configurations.getConfiguration(bundleName + ".access", "?").delete();
    await("the issuer goes", () -> context.getServiceReference(CredentialIssuer.class) == null);
    Bundle now = bundle();
    if (!now.getLocation().equals(own.toUri().toString())) {
      now.uninstall();
      context.installBundle(own.toUri().toString()).start();
    }
    TransportInFelix.delete(folder);
  }

  @Test
  void newVersionIsTakenWhileLinesFlow() throws Exception {
    Map<Long, Long> others = lastModified();
    try (LinesFlow lines = flow();
        Bundles bundles = bundles(PATIENCE);
        Bundles hasty = bundles(Duration.ofSeconds(5))) {
      awaitMore(lines);
      byte[] newer = newer("0.1.1", Map.of());
      Change plan = bundles.update(newer, proof(newer), true);
      assertEquals(List.of(bundleName + " 0.1.0"), plan.closure());
      assertEquals("0.1.0", bundle().getVersion().toString());

      Change change = bundles.update(newer, proof(newer), false);
      assertEquals(0, change.othersRefreshed());
      assertEquals(1, change.links());
      assertEquals("0.1.1", bundle().getVersion().toString());
      assertEquals(bundle(), offering(TransportProvider.class));
      assertEquals(bundle(), offering(CredentialIssuer.class));
      awaitMore(lines);

      // What is no good leaves no trace, whatever is wrong with it.
      for (Map.Entry<Map<String, String>, String> bad :
          Map.of(
                  Map.of("Bundle-Activator", "no.such.Activator"), "not-started",
                  Map.of("Service-Component", ""), "no-provider",
                  Map.of("Import-Package", "no.such.thing"), "not-resolved",
                  Map.of("Bundle-SymbolicName", "dev.fairlead.transport.other"), "unknown-bundle")
              .entrySet()) {
        byte[] jar = newer("0.1.2", bad.getKey());
        ChangeException failure =
            assertThrows(ChangeException.class, () -> hasty.update(jar, proof(jar), false));
        assertEquals(bad.getValue(), failure.code(), failure::getMessage);
        assertEquals("0.1.1", bundle().getVersion().toString());
        assertEquals(bundle(), offering(TransportProvider.class));
        awaitMore(lines);
      }

      bundles.rollback(bundleName, false);
      assertEquals("0.1.0", bundle().getVersion().toString());
      awaitMore(lines);
      long last = lines.end();
      assertNull(lines.wrong());
      assertEquals(last, lines.stored());
    }
    assertEquals(others, lastModified(), "no other bundle was touched");
  }

  /** What came with each version is gone with it. */
  @Test
  void nothingIsLeftBehind() throws Exception {
    List<WeakReference<ClassLoader>> old = new ArrayList<>();
    try (LinesFlow lines = flow();
        Bundles bundles = bundles(PATIENCE)) {
      // What the JVM makes once and for all is made in the first cycles.
      for (int i = 1; i <= 3; i++) {
        change(bundles, "0.2." + i, old);
      }
      awaitCollected(old);
      Usage before = Usage.now();
      for (int i = 1; i <= CYCLES; i++) {
        change(bundles, "0.3." + i, old);
        assertNull(lines.wrong());
      }
      awaitMore(lines);
      awaitCollected(old);
      String[] last = {""};
      await(
          () -> "what it uses is what it used: before %s, now %s".formatted(before, last[0]),
          () -> {
            System.gc();
            Usage now = Usage.now();
            last[0] = now.toString();
            return now.isLikeBefore(before);
          });
      long count = lines.end();
      assertNull(lines.wrong());
      assertEquals(count, lines.stored());
      System.err.printf(
          "%s: %d changes, %d lines, before %s, after %s%n",
          transport, CYCLES, count, before, last[0]);
    }
  }

  private void change(Bundles bundles, String version, List<WeakReference<ClassLoader>> old)
      throws Exception {
    old.add(
        new WeakReference<>(
            Objects.requireNonNull(bundle().adapt(BundleWiring.class)).getClassLoader()));
    byte[] jar = newer(version, Map.of());
    assertEquals(0, bundles.update(jar, proof(jar), false).othersRefreshed());
    // One provider, the new one's: a reference to another would be stale.
    assertEquals(bundle(), offering(TransportProvider.class));
    assertEquals(bundle(), offering(CredentialIssuer.class));
  }

  /** What is held must not grow with the changes. */
  private static void awaitCollected(List<WeakReference<ClassLoader>> old) {
    await(
        () ->
            "%d of %d class loaders are held"
                .formatted(old.stream().filter(each -> each.get() != null).count(), old.size()),
        () -> {
          System.gc();
          return old.stream().filter(each -> each.get() != null).count() <= HELD_BY_THE_JVM;
        });
  }

  private static void awaitMore(LinesFlow lines) {
    long before = lines.stored();
    await("lines flow", () -> lines.stored() > before + 100);
    assertNull(lines.wrong());
  }

  private LinesFlow flow() throws Exception {
    LinesFlow lines =
        new LinesFlow(service(TransportProvider.class), service(CredentialIssuer.class));
    holder = context.registerService(LinkHolder.class, lines, null);
    return lines;
  }

  private Bundles bundles(Duration patience) {
    return new Bundles(
        context,
        new Verifier(null, null),
        new Shelf(folder.resolve("shelf")),
        patience,
        () -> (name, from, to, refreshed, failure) -> {});
  }

  private byte[] newer(String version, Map<String, String> headers) throws IOException {
    return NewerJar.of(own, version, headers);
  }

  private static Proof proof(byte[] jar) {
    try {
      return Proof.of(
          HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(jar)), null);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  /** The one bundle of the transport; fails when there are none or several. */
  private Bundle bundle() {
    List<Bundle> found =
        Arrays.stream(context.getBundles())
            .filter(each -> bundleName.equals(each.getSymbolicName()))
            .toList();
    assertEquals(1, found.size(), found::toString);
    return found.get(0);
  }

  /** Who offers the one service of a type. */
  private <T> Bundle offering(Class<T> type) throws Exception {
    Collection<ServiceReference<T>> all = context.getServiceReferences(type, null);
    assertEquals(1, all.size(), all::toString);
    return all.iterator().next().getBundle();
  }

  private Map<Long, Long> lastModified() {
    Map<Long, Long> times = new HashMap<>();
    Stream.of(context.getBundles())
        .filter(each -> !bundleName.equals(each.getSymbolicName()))
        .forEach(each -> times.put(each.getBundleId(), each.getLastModified()));
    return times;
  }

  /**
   * Waits for a service's object. To ask once is not enough: whoever asks for one that is just
   * made, with its broker, gets none after 5 s.
   */
  private <T> T service(Class<T> type) {
    AtomicReference<@Nullable T> found = new AtomicReference<>();
    await(
        "there is a " + type.getName(),
        () -> {
          ServiceReference<T> reference = context.getServiceReference(type);
          if (reference != null) {
            found.set(context.getService(reference));
            context.ungetService(reference);
          }
          return found.get() != null;
        });
    return Objects.requireNonNull(found.get());
  }

  private static void await(String what, BooleanSupplier condition) {
    await(() -> what, condition);
  }

  private static void await(Supplier<String> what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() - deadline < 0, what);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }
  }

  /** What this JVM uses of what there is little of. */
  private record Usage(int threads, long files, long metaspace) {

    /** Of the libraries' own making, and of whatever runs beside. */
    private static final int SOME = 3;

    /** Some is fragmented, and some the JDK's own; a transport's classes take as much each time. */
    private static final long FEW_BYTES = 8L << 20;

    static Usage now() {
      try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
        return new Usage(
            ManagementFactory.getThreadMXBean().getThreadCount(),
            files.count(),
            ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getName().equals("Metaspace"))
                .map(MemoryPoolMXBean::getUsage)
                .mapToLong(MemoryUsage::getUsed)
                .sum());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    boolean isLikeBefore(Usage before) {
      return threads <= before.threads + SOME
          && files <= before.files + SOME
          && metaspace <= before.metaspace + FEW_BYTES;
    }
  }
}
