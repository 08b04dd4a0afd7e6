// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;

/** The first words of a nats-server. */
final class Greeting {

  private Greeting() {}

  /**
   * Whether it is our server that greets there.
   *
   * @param name the server's own, by which it is told from a stranger on its port
   */
  static boolean comes(InetSocketAddress address, String name) throws IOException {
    try (Socket socket = new Socket()) {
      socket.connect(address, 2_000);
      socket.setSoTimeout(2_000);
      InputStream in = socket.getInputStream();
      byte[] greeting = in.readNBytes(16);
      byte[] rest = new byte[4_096];
      int length = in.read(rest);
      String text = new String(greeting, ISO_8859_1);
      return text.startsWith("INFO ")
          && length > 0
          && (text + new String(rest, 0, length, ISO_8859_1)).contains("\"" + name + "\"");
    }
  }
}
