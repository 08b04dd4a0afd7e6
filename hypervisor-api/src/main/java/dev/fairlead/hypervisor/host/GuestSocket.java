// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.host;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.hypervisor.api.HypervisorException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The socket in a run directory that stands for the VM, by the hybrid convention of Firecracker,
 * Cloud Hypervisor and vhost-device-vsock: what the guest sends to port P of its host arrives at
 * {@code <path>_P}, where somebody on the host listens.
 */
public final class GuestSocket {

  /** The scheme of endpoints that are reached by it: {@code vsock://2:<port>}. */
  public static final String SCHEME = "vsock";

  /** Its name in the run directory. */
  public static final String NAME = "vsock.sock";

  /** A UNIX socket's path, with its NUL, has 108 bytes at most. */
  public static final int MAX_PATH = 107;

  /** Of the guest's own numbers, the one that means its host. */
  private static final String HOST = "2";

  private static final int LONGEST_PORT = 5;
  private static final Pattern AUTHORITY =
      Pattern.compile("([^:@]*|\\[[0-9a-fA-F:.]*]):(\\d{1,5})");

  private GuestSocket() {}

  /** Whether one of a VM's endpoints needs it. */
  public static boolean isWanted(List<URI> endpoints) {
    return endpoints.stream().anyMatch(GuestSocket::reaches);
  }

  /** Whether an endpoint is reached by it. */
  public static boolean reaches(URI endpoint) {
    return SCHEME.equals(endpoint.getScheme());
  }

  /**
   * Where it lies.
   *
   * @throws HypervisorException {@code REFUSED}, code {@code run-directory}, when sockets beside it
   *     would have too long a path
   */
  public static Path of(Path runDirectory) {
    Path socket = runDirectory.toAbsolutePath().normalize().resolve(NAME);
    int length = socket.toString().getBytes(UTF_8).length + 1 + LONGEST_PORT;
    if (length > MAX_PATH) {
      throw new HypervisorException(
          HypervisorException.Category.REFUSED,
          "run-directory",
          "%s is too long a path: a socket's has %d bytes at most, and those in it may have %d."
              .formatted(runDirectory, MAX_PATH, length));
    }
    return socket;
  }

  /** Who connects there, as a URI. */
  public static URI peer(Path socket) {
    return URI.create("unix://" + socket.toUri().getRawPath());
  }

  /**
   * Where on this host that arrives which a guest sends to an endpoint.
   *
   * @throws HypervisorException {@code REFUSED}, code {@code bad-endpoint}
   */
  public static URI arrival(Path socket, URI endpoint) {
    Matcher authority = authority(endpoint);
    if (!authority.group(1).equals(HOST)) {
      throw bad(endpoint);
    }
    return URI.create(peer(socket) + "_" + Long.parseLong(authority.group(2)));
  }

  /**
   * The host and port of an endpoint on a network; not resolved.
   *
   * @throws HypervisorException {@code REFUSED}, code {@code bad-endpoint}
   */
  public static InetSocketAddress internet(URI endpoint) {
    String host = endpoint.getHost();
    if (host == null || endpoint.getPort() < 1 || endpoint.getPort() > 65_535) {
      throw bad(endpoint);
    }
    return InetSocketAddress.createUnresolved(
        host.startsWith("[") ? host.substring(1, host.length() - 1) : host, endpoint.getPort());
  }

  /** The same endpoint at another host. */
  public static URI withHost(URI endpoint, String host) {
    try {
      return new URI(
          endpoint.getScheme(),
          endpoint.getUserInfo(),
          host.indexOf(':') >= 0 ? "[" + host + "]" : host,
          endpoint.getPort(),
          endpoint.getPath(),
          endpoint.getQuery(),
          endpoint.getFragment());
    } catch (URISyntaxException e) {
      throw bad(endpoint);
    }
  }

  private static Matcher authority(URI endpoint) {
    String text = endpoint.getRawAuthority();
    Matcher matcher = AUTHORITY.matcher(text == null ? "" : text);
    if (!matcher.matches()) {
      throw bad(endpoint);
    }
    return matcher;
  }

  private static HypervisorException bad(URI endpoint) {
    return new HypervisorException(
        HypervisorException.Category.REFUSED,
        "bad-endpoint",
        "No guest could be led to the endpoint '%s'; give it a host and a port."
            .formatted(endpoint));
  }
}
