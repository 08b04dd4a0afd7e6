// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.http;

import static java.util.Objects.requireNonNull;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * How a server listens.
 *
 * @param name names its threads: {@code manager}
 * @param address where it listens; port 0 for any free one
 * @param token what a client must show as {@code Authorization: Bearer …}; null where nobody must
 * @param unguarded allows an address beyond loopback without a token: only where something else
 *     keeps strangers away, as a VM's closed network does
 * @param tls its certificate and key, null for plain HTTP
 * @param workers how many requests are handled at once, at least 1
 * @param followers how many clients may be sent lines at once, at least 0
 * @param bodyLimit the largest body, in bytes
 */
public record HttpSettings(
    String name,
    InetSocketAddress address,
    @Nullable String token,
    boolean unguarded,
    @Nullable SSLContext tls,
    int workers,
    int followers,
    int bodyLimit) {

  /** The usual limit of a body: 1 MiB. */
  public static final int BODY_LIMIT = 1 << 20;

  /** Checks the numbers. */
  public HttpSettings {
    requireNonNull(name, "name is null");
    requireNonNull(address, "address is null");
    if (workers < 1 || followers < 0 || bodyLimit < 0) {
      throw new IllegalArgumentException("A server needs a worker; no number may be negative.");
    }
    if (token != null && token.isBlank()) {
      throw new IllegalArgumentException("The token is blank.");
    }
  }

  /** Plain HTTP on loopback, without a token: 8 workers, 64 followers, bodies of 1 MiB. */
  public static HttpSettings loopback(String name, int port) {
    return at(name, new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
  }

  /** The same, at an address. */
  public static HttpSettings at(String name, InetSocketAddress address) {
    return new HttpSettings(name, address, null, false, null, 8, 64, BODY_LIMIT);
  }

  /**
   * The same, at a host as people configure it.
   *
   * @param host name or address; blank for loopback, {@code 0.0.0.0} for all
   * @throws HttpProblem 0, {@code unknown-host}, when it has no address
   */
  public static HttpSettings at(String name, String host, int port) {
    if (host.isBlank()) {
      return loopback(name, port);
    }
    try {
      return at(name, new InetSocketAddress(InetAddress.getByName(host.trim()), port));
    } catch (UnknownHostException e) {
      throw new HttpProblem(
          0, "unknown-host", "The host '%s' to listen at has no address.".formatted(host), e);
    }
  }

  /** The same with a token; blank or null for none. */
  public HttpSettings withToken(@Nullable String value) {
    String kept = value == null || value.isBlank() ? null : value.trim();
    return new HttpSettings(name, address, kept, unguarded, tls, workers, followers, bodyLimit);
  }

  /** The same with TLS; null for none. */
  public HttpSettings withTls(@Nullable SSLContext context) {
    return new HttpSettings(
        name, address, token, unguarded, context, workers, followers, bodyLimit);
  }

  /** The same, allowed beyond loopback without a token. */
  public HttpSettings withoutGuard() {
    return new HttpSettings(name, address, token, true, tls, workers, followers, bodyLimit);
  }

  /** The same with other numbers of threads. */
  public HttpSettings withThreads(int atOnce, int following) {
    return new HttpSettings(name, address, token, unguarded, tls, atOnce, following, bodyLimit);
  }

  /** The same with another limit for bodies, in bytes. */
  public HttpSettings withBodyLimit(int bytes) {
    return new HttpSettings(name, address, token, unguarded, tls, workers, followers, bytes);
  }

  /** Hides the token. */
  @Override
  public String toString() {
    return "HttpSettings[name=%s, address=%s, token=%s, tls=%s]"
        .formatted(name, address, token == null ? "none" : "REDACTED", tls != null);
  }
}
