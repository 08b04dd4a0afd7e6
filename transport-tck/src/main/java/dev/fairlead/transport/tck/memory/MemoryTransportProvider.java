// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck.memory;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The reference transport: carries messages within one JVM, through a {@link MemoryHub}. Its
 * endpoint is {@code memory:<hub>}.
 */
public final class MemoryTransportProvider implements TransportProvider {

  /** The name of this transport. */
  public static final String NAME = "memory";

  /**
   * Setting: after how many milliseconds a hub that says nothing is taken for dead, 100 to 60000;
   * 2500 where it is absent.
   */
  public static final String SILENCE_MILLIS = "silence.millis";

  private static final int DEFAULT_SILENCE_MILLIS = 2500;

  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final String SCHEME = "memory:";

  private final Set<Capability> capabilities;

  /** With all that a transport without a memory of its own can do. */
  public MemoryTransportProvider() {
    this(
        Set.of(
            Capability.ACKNOWLEDGED_SEND,
            Capability.REFUSED_SEND,
            Capability.REFUSED_SUBSCRIBE,
            Capability.LAST_WILL));
  }

  /**
   * With fewer capabilities, to try how a caller does without.
   *
   * @param capabilities not {@code STORED}
   */
  public MemoryTransportProvider(Set<Capability> capabilities) {
    if (capabilities.contains(Capability.STORED)) {
      throw new IllegalArgumentException("A memory transport does not store.");
    }
    EnumSet<Capability> copy = EnumSet.noneOf(Capability.class);
    copy.addAll(capabilities);
    this.capabilities = Collections.unmodifiableSet(copy);
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Set<Capability> capabilities() {
    return capabilities;
  }

  @Override
  public Transport open(Function<String, @Nullable String> settings, TransportListener listener) {
    Objects.requireNonNull(listener, "listener is null");
    String ca = settings.apply(CA_SHA256);
    if (ca != null && !SHA256.matcher(ca).matches()) {
      throw refuse("bad-ca", "Setting 'ca.sha256' is not 64 digits of lower-case hex.");
    }
    lastWill(settings);
    return new MemoryTransport(
            hubName(settings.apply(ENDPOINT)),
            capabilities,
            silence(settings.apply(SILENCE_MILLIS)),
            settings,
            listener)
        .start();
  }

  /** What the hub is to say when this end is gone, null for nothing. */
  static @Nullable Message lastWill(Function<String, @Nullable String> settings) {
    String address = settings.apply(WILL_ADDRESS);
    if (address == null) {
      return null;
    }
    String payload = Objects.requireNonNullElse(settings.apply(WILL_PAYLOAD), "");
    return new Message(address, payload.getBytes(UTF_8));
  }

  private static String hubName(@Nullable String endpoint) {
    if (endpoint == null) {
      throw refuse("no-endpoint", "Setting 'endpoint' is missing: give it as memory:<hub>.");
    }
    if (!endpoint.startsWith(SCHEME)) {
      throw refuse("bad-endpoint", "Setting 'endpoint' does not begin with memory: give the hub.");
    }
    String name = endpoint.substring(SCHEME.length());
    try {
      Message.requireAddress("hub/" + name);
    } catch (TransportException e) {
      throw new TransportException(
          REFUSED, "bad-endpoint", "Setting 'endpoint' names no hub: give it as memory:<hub>.", e);
    }
    return name;
  }

  private static long silence(@Nullable String millis) {
    if (millis == null) {
      return DEFAULT_SILENCE_MILLIS;
    }
    if (!millis.matches("[1-9][0-9]{2,4}") || Integer.parseInt(millis) > 60_000) {
      throw refuse("bad-silence", "Setting 'silence.millis' is no number from 100 to 60000.");
    }
    return Integer.parseInt(millis);
  }

  private static TransportException refuse(String code, String sentence) {
    return new TransportException(REFUSED, code, sentence);
  }
}
