// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import dev.fairlead.http.HttpSettings;
import dev.fairlead.http.JsonServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;

/** Lets bundles be changed where a configuration asks for it. */
@Component(
    service = {},
    immediate = true,
    configurationPid = "dev.fairlead.bundles",
    configurationPolicy = ConfigurationPolicy.REQUIRE)
public final class BundlesComponent {

  private final Bundles bundles;
  private final JsonServer server;
  private final DoorPlate plate;
  private final @Nullable Incoming incoming;

  /** The settings, as the module's README explains them. */
  @interface Config {
    /** Where is kept what was chosen. */
    String directory();

    /** The folder that is watched; empty for none. */
    String incoming() default "";

    /** Milliseconds between two looks into it, 10 to 60 000. */
    int incoming_millis() default 1000;

    /** The Ed25519 public key in PEM whose signature each jar needs; empty for none. */
    String key() default "";

    /** The only digests that may come in, where {@link #closed} says so. */
    String[] digests() default {};

    /** Whether only {@link #digests} may come in. */
    boolean closed() default false;

    /** Seconds that a single step may take: a provider to appear, a link to come up. */
    int patience_seconds() default 60;

    /** Where the API listens; empty for loopback. */
    String http_host() default "";

    /** The API's port; 0 for any free one: the file {@code url} in the directory says which. */
    int http_port() default 0;

    /** What clients must show; empty for nothing, on loopback only. */
    String http_token() default "";
  }

  /** Begins to listen, and to look. */
  @Activate
  public BundlesComponent(BundleContext context, Config config) {
    Counts counts = new Counts();
    bundles =
        new Bundles(
            context,
            new Verifier(
                config.key().isBlank() ? null : Verifier.key(config.key()),
                config.closed() ? digests(config.digests()) : null),
            new Shelf(Path.of(config.directory())),
            Duration.ofSeconds(config.patience_seconds()),
            counts);
    server =
        JsonServer.start(
            HttpSettings.at("bundles", config.http_host(), config.http_port())
                .withToken(config.http_token())
                .withThreads(2, 2)
                .withBodyLimit(BundleJar.MOST_BYTES),
            new BundlesRoutes(bundles, counts).routes());
    plate = new DoorPlate(Path.of(config.directory()));
    plate.hang(server.address());
    if (config.incoming().isBlank()) {
      incoming = null;
    } else {
      incoming = new Incoming(Path.of(config.incoming()), bundles);
      incoming.start(Duration.ofMillis(config.incoming_millis()));
    }
  }

  private static Set<String> digests(String[] texts) {
    return Arrays.stream(texts)
        .filter(text -> !text.isBlank())
        .map(
            text ->
                Digests.parse(text)
                    .orElseThrow(
                        () ->
                            ChangeException.refused(
                                "bad-digest", "'%s' is no SHA-256.".formatted(text))))
        .collect(Collectors.toUnmodifiableSet());
  }

  @Deactivate
  void deactivate() {
    if (incoming != null) {
      incoming.close();
    }
    plate.takeDown();
    bundles.close();
    server.close();
  }
}
