// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.grpc;

import dev.fairlead.agent.AgentService;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Answers gRPC for one agent, from its start to its close. */
public final class AgentServer implements AutoCloseable {

  /** The most bytes of one message: a chunk of 1 MiB and what lies around it. */
  private static final int MAX_MESSAGE = (1 << 20) + (64 << 10);

  private static final int MAX_METADATA = 256 << 10;
  private static final int THREADS = 4;
  private static final int WAITING = 256;
  private static final long QUIESCE_SECONDS = 3;

  private final Server server;
  private final ThreadPoolExecutor threads;

  private AgentServer(Server server, ThreadPoolExecutor threads) {
    this.server = server;
    this.threads = threads;
  }

  /**
   * Starts it.
   *
   * @param address port 0 for any free one
   * @throws IOException when it cannot listen there
   */
  public static AgentServer start(AgentService agent, InetSocketAddress address)
      throws IOException {
    AtomicInteger number = new AtomicInteger();
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(WAITING),
            task -> {
              Thread thread = new Thread(task, "agent-grpc-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    threads.allowCoreThreadTimeOut(true);
    Server server =
        NettyServerBuilder.forAddress(address)
            .executor(threads)
            .addService(new AgentDoor(agent))
            .intercept(new HeaderKeeper())
            .maxInboundMessageSize(MAX_MESSAGE)
            .maxInboundMetadataSize(MAX_METADATA)
            .maxConcurrentCallsPerConnection(16)
            .permitKeepAliveTime(10, TimeUnit.SECONDS)
            .build();
    try {
      server.start();
      return new AgentServer(server, threads);
    } catch (IOException e) {
      threads.shutdownNow();
      throw e;
    }
  }

  /** The port on which it listens. */
  public int port() {
    return server.getPort();
  }

  /** Takes no more calls, lets those under way end for 3 s, and lets go. Idempotent. */
  @Override
  public void close() {
    server.shutdown();
    try {
      if (!server.awaitTermination(QUIESCE_SECONDS, TimeUnit.SECONDS)) {
        server.shutdownNow();
        server.awaitTermination(QUIESCE_SECONDS, TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      server.shutdownNow();
      Thread.currentThread().interrupt();
    }
    threads.shutdownNow();
  }

  /** Keeps the metadata of a call, and of its answer, where the service finds it. */
  private static final class HeaderKeeper implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      Metadata ofAnswer = new Metadata();
      ServerCall<Q, A> answering =
          new ForwardingServerCall.SimpleForwardingServerCall<>(call) {
            @Override
            public void sendHeaders(Metadata answer) {
              answer.merge(ofAnswer);
              super.sendHeaders(answer);
            }
          };
      return Contexts.interceptCall(
          Context.current()
              .withValue(Headers.OF_CALL, headers)
              .withValue(Headers.OF_ANSWER, ofAnswer),
          answering,
          headers,
          next);
    }
  }
}
