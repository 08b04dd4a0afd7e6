// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.lib.grpc;

import io.grpc.ServerBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/** Builders of gRPC servers. */
public final class Servers {

  private static final int MAX_METADATA = 16 * 1024;
  private static final int MAX_CALLS = 16;

  private Servers() {}

  /**
   * A server without TLS that listens at one address only, with limits for clients that nobody
   * knows: 16 calls at once per connection, 16 KiB of metadata, 5 min without a call.
   */
  public static ServerBuilder<?> at(InetSocketAddress address) {
    return NettyServerBuilder.forAddress(address)
        .maxConcurrentCallsPerConnection(MAX_CALLS)
        .maxInboundMetadataSize(MAX_METADATA)
        .permitKeepAliveTime(10, TimeUnit.SECONDS)
        .permitKeepAliveWithoutCalls(true)
        .handshakeTimeout(10, TimeUnit.SECONDS)
        .maxConnectionIdle(5, TimeUnit.MINUTES);
  }
}
