// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static dev.fairlead.itest.Patience.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.fairlead.bundles.Proof;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.api.TransportProvider;
import java.net.URI;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;

/** Transports' bundles in the framework of a test, and what they offer. */
final class TransportBundles {

  private final BundleContext context;

  TransportBundles(BundleContext context) {
    this.context = context;
  }

  static String symbolicName(String transport) {
    return "dev.fairlead.transport." + transport;
  }

  /** The one bundle of a transport; fails when there are none or several. */
  Bundle of(String transport) {
    String name = symbolicName(transport);
    List<Bundle> found =
        Arrays.stream(context.getBundles())
            .filter(each -> name.equals(each.getSymbolicName()))
            .toList();
    assertEquals(1, found.size(), found::toString);
    return found.get(0);
  }

  /** Where the jar of a transport lies that the test began with: asked before any change. */
  Path jar(String transport) {
    return Path.of(URI.create(of(transport).getLocation()));
  }

  /** Puts the bundle of that jar where it was in the beginning. */
  void restore(String transport, Path jar) throws BundleException {
    Bundle now = of(transport);
    String location = jar.toUri().toString();
    if (!now.getLocation().equals(location)) {
      now.uninstall();
      context.installBundle(location).start();
    }
  }

  /**
   * The bundle of a transport that is there now offers its provider and its issuer, and nobody
   * else: a reference to another's would be stale.
   */
  void assertOffers(String transport) {
    for (Class<?> type : List.of(TransportProvider.class, CredentialIssuer.class)) {
      List<Bundle> offering =
          references(type, transport).stream().<Bundle>map(ServiceReference::getBundle).toList();
      assertEquals(List.of(of(transport)), offering, type::getName);
    }
  }

  /**
   * Waits for a service's object. To ask once is not enough: whoever asks for one that is just
   * made, with its broker, gets none after 5 s.
   */
  <T> T service(Class<T> type, String transport) {
    AtomicReference<@Nullable T> found = new AtomicReference<>();
    await(
        "there is a %s of %s".formatted(type.getName(), transport),
        () -> {
          for (ServiceReference<T> reference : references(type, transport)) {
            found.set(context.getService(reference));
            context.ungetService(reference);
          }
          return found.get() != null;
        });
    return Objects.requireNonNull(found.get());
  }

  private <T> Collection<ServiceReference<T>> references(Class<T> type, String transport) {
    try {
      return context.getServiceReferences(type, "(transport.name=%s)".formatted(transport));
    } catch (InvalidSyntaxException e) {
      throw new AssertionError(e);
    }
  }

  /** By a jar's own digest. */
  static Proof proof(byte[] jar) {
    try {
      return Proof.of(
          HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(jar)), null);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
