// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.fairlead.bundles.Bundles;
import dev.fairlead.bundles.Shelf;
import dev.fairlead.bundles.Verifier;
import dev.fairlead.delivery.LinkHolder;
import dev.fairlead.transport.access.CredentialIssuer;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.inject.Inject;
import org.junit.jupiter.api.Test;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.wiring.BundleWiring;
import org.osgi.service.cm.ConfigurationAdmin;

/**
 * An agent's end changes its transport, and transports' bundles are changed, again and again, in a
 * real Felix with real brokers and a hub, while lines flow: nothing is left behind. Run whole
 * ({@code -Dfairlead.full=true}) it is a thousand cycles, each a swap and a change of a bundle.
 */
@InFelix({
  "jackson-core",
  "transport-api",
  "transport-base",
  "lib-junixsocket",
  "transport-nats",
  "transport-mqtt",
  "transport-vsock",
  "protocol",
  "delivery",
  "http",
  "bundles"
})
class ManyChangesInFelixIT {

  /** Tells of each packet, where somebody listens; kept, so that it does not forget its level. */
  private static final Logger PAHO = Logger.getLogger("org.eclipse.paho");

  private static final List<String> TRANSPORTS = List.of("nats", "mqtt", "vsock");
  private static final int CYCLES =
      Integer.getInteger("fairlead.cycles", Boolean.getBoolean("fairlead.full") ? 1000 : 18);

  /**
   * How often what is used is looked at; when it is so for the first time, the JVM has warmed up.
   */
  private static final int LOOKS = 10;

  /**
   * It may keep one or the other for a while: the stack of a thread that just ends, compiled code.
   */
  private static final int HELD_BY_THE_JVM = 2;

  @Inject private BundleContext context;
  @Inject private ConfigurationAdmin configurations;

  private final Map<String, Path> jars = new HashMap<>();
  private final List<WeakReference<ClassLoader>> old = new ArrayList<>();
  private int version;

  @Test
  void nothingIsLeftBehind() throws Exception {
    PAHO.setLevel(Level.OFF);
    TransportBundles transports = new TransportBundles(context);
    Path folder = Files.createTempDirectory("fl-it-"); // a socket's path must be short
    for (String transport : TRANSPORTS) {
      jars.put(transport, transports.jar(transport));
      configurations
          .getConfiguration(pid(transport), "?")
          .update(FrameworkUtil.asDictionary(Map.of("dir", folder.resolve(transport).toString())));
    }
    ProviderGaps gaps = new ProviderGaps(context, TRANSPORTS.toArray(new String[0]));
    try (LinesFlow lines = new LinesFlow(transports, TRANSPORTS);
        Bundles bundles =
            new Bundles(
                context,
                new Verifier(null, null),
                new Shelf(folder.resolve("shelf")),
                Patience.LIMIT,
                () -> (name, from, to, refreshed, failure) -> {})) {
      ServiceRegistration<LinkHolder> holder =
          context.registerService(LinkHolder.class, lines, null);
      context.addServiceListener(gaps);
      cycles(transports, lines, bundles);
      long last = lines.end();
      assertNull(lines.wrong());
      assertEquals(last, lines.stored());
      assertEquals(List.of(), gaps.found(), "a new provider is there before the old one goes");
      assertEquals(version, gaps.gone(), "the listener has seen all go");
      System.err.printf("%d lines, all stored once, in order%n", last);
      holder.unregister();
    } finally {
      context.removeServiceListener(gaps);
      for (String transport : TRANSPORTS) {
        configurations.getConfiguration(pid(transport), "?").delete();
      }
      Patience.await(
          "the issuers go", () -> context.getServiceReference(CredentialIssuer.class) == null);
      for (String transport : TRANSPORTS) {
        transports.restore(transport, Objects.requireNonNull(jars.get(transport)));
      }
      TransportInFelix.delete(folder);
    }
  }

  private void cycles(TransportBundles transports, LinesFlow lines, Bundles bundles)
      throws Exception {
    long seed = Long.getLong("fairlead.seed", System.nanoTime());
    System.err.printf("%d cycles, -Dfairlead.seed=%d%n", CYCLES, seed);
    Random random = new Random(seed);
    // What the JVM makes once and for all is made in the first cycles.
    for (int i = 0; i < 2 * TRANSPORTS.size(); i++) {
      cycle(transports, lines, bundles, TRANSPORTS.get(i % TRANSPORTS.size()), random);
    }
    look(lines, 0);
    int every = Math.max(1, CYCLES / LOOKS);
    ProcessUse baseline = null;
    for (int i = 1; i <= CYCLES; i++) {
      cycle(transports, lines, bundles, TRANSPORTS.get(random.nextInt(TRANSPORTS.size())), random);
      if (i == CYCLES) {
        assertIsLike(Objects.requireNonNull(baseline), lines, i);
      } else if (i % every == 0) {
        ProcessUse now = look(lines, i);
        baseline = baseline == null ? now : baseline;
      }
    }
  }

  private void assertIsLike(ProcessUse baseline, LinesFlow lines, int cycle) throws Exception {
    AtomicReference<ProcessUse> last = new AtomicReference<>(look(lines, cycle));
    Patience.await(
        () -> "what it uses is what it used: at first %s, now %s".formatted(baseline, last),
        () -> {
          ProcessUse now = ProcessUse.now();
          last.set(now);
          return now.isLike(baseline);
        });
    System.err.printf("at the end: %s%n", last);
  }

  /** A swap, and a change of a bundle: of the one on which the agent is, or of another. */
  private void cycle(
      TransportBundles transports, LinesFlow lines, Bundles bundles, String changed, Random random)
      throws Exception {
    List<String> others =
        TRANSPORTS.stream().filter(name -> !name.equals(lines.transport())).toList();
    lines.swapTo(others.get(random.nextInt(others.size())));
    old.add(
        new WeakReference<>(
            Objects.requireNonNull(transports.of(changed).adapt(BundleWiring.class))
                .getClassLoader()));
    version++;
    byte[] jar = NewerJar.of(Objects.requireNonNull(jars.get(changed)), "0.2." + version, Map.of());
    assertEquals(0, bundles.update(jar, TransportBundles.proof(jar), false).othersRefreshed());
    transports.assertOffers(changed);
    lines.awaitMore();
    assertNull(lines.wrong());
  }

  /** Where the agent is on the same transport, and nothing drains. */
  private ProcessUse look(LinesFlow lines, int cycle) throws Exception {
    if (!lines.transport().equals(TRANSPORTS.get(0))) {
      lines.swapTo(TRANSPORTS.get(0));
    }
    Patience.await(
        () -> "%d of %d class loaders are held".formatted(held(), old.size()),
        () -> {
          System.gc();
          return held() <= HELD_BY_THE_JVM;
        });
    ProcessUse now = ProcessUse.now();
    System.err.printf("after %d: %s, %d class loaders held%n", cycle, now, held());
    return now;
  }

  private long held() {
    return old.stream().filter(each -> each.get() != null).count();
  }

  private static String pid(String transport) {
    return TransportBundles.symbolicName(transport) + ".access";
  }
}
