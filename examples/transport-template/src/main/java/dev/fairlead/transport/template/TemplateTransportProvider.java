// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.template;

import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.base.KeptTransport;
import java.net.URI;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Makes transports that connect to a hub at {@code tcp://host:port}. */
public final class TemplateTransportProvider implements TransportProvider {

  /** Made by the {@link java.util.ServiceLoader}. */
  public TemplateTransportProvider() {}

  @Override
  public String name() {
    return "template";
  }

  @Override
  public Set<Capability> capabilities() {
    return Set.of();
  }

  @Override
  public Transport open(Function<String, @Nullable String> settings, TransportListener listener) {
    endpoint(settings);
    return KeptTransport.open(
        (owner, threads, timer) -> new TemplateLink(settings, owner, threads),
        listener,
        new Random(),
        "fairlead-template");
  }

  static URI endpoint(Function<String, @Nullable String> settings) {
    String endpoint = settings.apply(ENDPOINT);
    String ca = settings.apply(CA_SHA256);
    if (endpoint == null || !endpoint.matches("tcp://[a-z0-9.]+:[0-9]{1,5}")) {
      throw refused("bad-endpoint", "Setting 'endpoint' is not of the form tcp://host:port.");
    }
    if (ca != null && !ca.matches("[0-9a-f]{64}")) {
      throw refused("bad-ca", "Setting 'ca.sha256' is not 64 digits of lower-case hex.");
    }
    return URI.create(endpoint);
  }

  static TransportException refused(String code, String sentence) {
    return new TransportException(TransportException.Category.REFUSED, code, sentence);
  }
}
