// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.lib.junixsocket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * What can be tried without a peer: on a test machine nobody connects to itself over AF_VSOCK, so
 * that bytes are the affair of a test inside a guest.
 */
class VsockTest {

  @Test
  void nativeLibraryLoads() {
    assertThat(Vsock.isSupported()).as("AF_VSOCK is known to kernel and library").isTrue();
  }

  @Test
  void serverBindsAndItsSelectorWakes() throws Exception {
    try (ServerSocketChannel server = Vsock.openServer();
        Selector selector = server.provider().openSelector()) {
      server.bind(Vsock.address(Vsock.ANY_CID, 0xffff_ffffL), 1);
      server.configureBlocking(false);
      server.register(selector, SelectionKey.OP_ACCEPT);
      assertThat(selector.selectNow()).isZero();
      assertThat(server.accept()).isNull();
      CompletableFuture<Integer> ready =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return selector.select();
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
      selector.wakeup();
      assertThat(ready).succeedsWithin(10, TimeUnit.SECONDS).isEqualTo(0);
    }
  }

  @Test
  void channelThatIsNotConnectedHasNoPeer() throws Exception {
    try (SocketChannel channel = Vsock.open()) {
      assertThat(channel.isConnected()).isFalse();
      assertThatThrownBy(() -> Vsock.peer(channel)).isInstanceOf(IOException.class);
    }
  }
}
