// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.fairlead.bundles.Bundles;
import dev.fairlead.bundles.Change;
import dev.fairlead.bundles.ChangeException;
import dev.fairlead.bundles.Shelf;
import dev.fairlead.bundles.Verifier;
import dev.fairlead.delivery.LinkHolder;
import dev.fairlead.transport.access.CredentialIssuer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import javax.inject.Inject;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.cm.ConfigurationAdmin;

/**
 * A transport's bundle is changed in a real Felix, with its real broker or hub, while lines flow. A
 * class for each transport says its name.
 */
abstract class BundleChangeInFelix {

  /** Tells of each packet, where somebody listens; kept, so that it does not forget its level. */
  private static final Logger PAHO = Logger.getLogger("org.eclipse.paho");

  private final String transport;
  private final String bundleName;

  @Inject private BundleContext context;
  @Inject private ConfigurationAdmin configurations;

  private @Nullable TransportBundles found;
  private Path folder = Path.of("");
  private Path own = Path.of("");
  private @Nullable ServiceRegistration<LinkHolder> holder;

  BundleChangeInFelix(String transport) {
    this.transport = transport;
    this.bundleName = TransportBundles.symbolicName(transport);
  }

  @BeforeEach
  void configure() throws Exception {
    PAHO.setLevel(Level.OFF);
    found = new TransportBundles(context);
    folder = Files.createTempDirectory("fl-it-"); // a socket's path must be short
    own = found.jar(transport);
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
    Patience.await(
        "the issuer goes", () -> context.getServiceReference(CredentialIssuer.class) == null);
    transports().restore(transport, own);
    TransportInFelix.delete(folder);
  }

  @Test
  void newVersionIsTakenWhileLinesFlow() throws Exception {
    Map<Long, Long> others = lastModified();
    try (LinesFlow lines = new LinesFlow(transports(), List.of(transport));
        Bundles bundles = bundles(Patience.LIMIT);
        Bundles hasty = bundles(Duration.ofSeconds(5))) {
      holder = context.registerService(LinkHolder.class, lines, null);
      lines.awaitMore();
      byte[] newer = newer("0.1.1", Map.of());
      Change plan = bundles.update(newer, TransportBundles.proof(newer), true);
      assertEquals(List.of(bundleName + " 0.1.0"), plan.closure());
      assertEquals("0.1.0", version());

      Change change = bundles.update(newer, TransportBundles.proof(newer), false);
      assertEquals(0, change.othersRefreshed());
      assertEquals(1, change.links());
      assertEquals("0.1.1", version());
      transports().assertOffers(transport);
      lines.awaitMore();

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
            assertThrows(
                ChangeException.class, () -> hasty.update(jar, TransportBundles.proof(jar), false));
        assertEquals(bad.getValue(), failure.code(), failure::getMessage);
        assertEquals("0.1.1", version());
        transports().assertOffers(transport);
        lines.awaitMore();
      }

      bundles.rollback(bundleName, false);
      assertEquals("0.1.0", version());
      lines.awaitMore();
      long last = lines.end();
      assertNull(lines.wrong());
      assertEquals(last, lines.stored());
    }
    assertEquals(others, lastModified(), "no other bundle was touched");
  }

  private TransportBundles transports() {
    return Objects.requireNonNull(found);
  }

  private String version() {
    return transports().of(transport).getVersion().toString();
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

  private Map<Long, Long> lastModified() {
    Map<Long, Long> times = new HashMap<>();
    Stream.of(context.getBundles())
        .filter(each -> !bundleName.equals(each.getSymbolicName()))
        .forEach(each -> times.put(each.getBundleId(), each.getLastModified()));
    return times;
  }
}
