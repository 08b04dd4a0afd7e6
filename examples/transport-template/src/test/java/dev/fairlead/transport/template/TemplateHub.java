// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.template;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.template.Wire.Frame;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What the template connects to, and who lets it in: stands for your broker and its access side.
 */
final class TemplateHub implements CredentialIssuer {

  private record Pass(Grant grant, Instant end) {}

  private final Map<String, Pass> passes = new ConcurrentHashMap<>();
  private final Set<Guest> guests = ConcurrentHashMap.newKeySet();
  private final Executor threads = TemplateHub::start;
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final Future<?> checks;
  private final ServerSocket door = listen();
  private volatile boolean dead;

  TemplateHub() {
    threads.execute(this::accept);
    checks = timer.scheduleAtFixedRate(this::check, 0, 250, TimeUnit.MILLISECONDS);
  }

  private void check() {
    guests.forEach(Guest::check);
  }

  private static ServerSocket listen() {
    try {
      return new ServerSocket(0, 64, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = door.accept();
        if (dead) {
          socket.close();
        } else {
          Guest guest = new Guest(new Wire(socket));
          guests.add(guest);
          guest.wire.run(threads, guest::receive, end -> guests.remove(guest));
        }
      }
    } catch (IOException e) {
      kill(); // the hub is closed
    }
  }

  /** One connection. */
  private final class Guest {
    final Wire wire;
    final Map<Integer, String> patterns = new ConcurrentHashMap<>();
    volatile @Nullable Pass pass;

    Guest(Wire wire) {
      this.wire = wire;
    }

    /** Lets itself be heard, and sees to it that nobody stays longer than permitted. */
    void check() {
      Pass mine = pass;
      if (mine != null && (!passes.containsValue(mine) || mine.end().isBefore(Instant.now()))) {
        refuse();
      }
      wire.send(new Frame('P', 0, ""));
    }

    private void refuse() {
      pass = null;
      wire.send(new Frame('R', 0, ""));
      wire.finish();
    }

    void receive(Frame frame) {
      switch (frame.kind()) {
        case 'H' -> {
          pass = passes.get(frame.text());
          if (pass == null) {
            refuse();
          } else {
            check();
          }
        }
        case 'S' -> patterns.put(frame.number(), Message.requirePattern(frame.text()));
        case 'U' -> patterns.remove(frame.number());
        case 'P' -> wire.send(new Frame('Q', 0, ""));
        case 'M' -> publish(Messages.decode(frame));
        default -> {} // Q: it lives
      }
    }

    private void publish(Message message) {
      Pass mine = pass;
      if (mine == null || mine.grant().sends().stream().noneMatch(message::matches)) {
        wire.send(new Frame('R', 0, message.address()));
      } else {
        guests.forEach(guest -> guest.deliver(message));
      }
    }

    private void deliver(Message message) {
      Pass mine = pass;
      if (mine != null && mine.grant().receives().stream().anyMatch(message::matches)) {
        patterns.forEach(
            (number, pattern) -> {
              if (message.matches(pattern) && !wire.send(Messages.encode(number, message))) {
                wire.finish(); // it reads too slowly
              }
            });
      }
    }
  }

  private static void start(Runnable work) {
    Thread thread = new Thread(work, "template-hub");
    thread.setDaemon(true);
    thread.start();
  }

  void kill() {
    dead = true;
    guests.forEach(guest -> guest.wire.finish());
  }

  void restart() {
    dead = false;
  }

  @Override
  public String transport() {
    return "template";
  }

  @Override
  public Endpoint endpoint() {
    return new Endpoint(URI.create("tcp://127.0.0.1:" + door.getLocalPort()), null);
  }

  @Override
  public Credential issue(Grant grant, Duration lifetime) {
    if (lifetime.isNegative() || lifetime.isZero() || lifetime.compareTo(Duration.ofDays(30)) > 0) {
      throw TemplateTransportProvider.refused("bad-lifetime", "Give a lifetime of up to 30 days.");
    }
    Pass pass = new Pass(grant, Instant.now().plus(lifetime));
    String token = UUID.randomUUID().toString();
    passes.put(token, pass);
    return new Credential(grant.subject(), token, pass.end());
  }

  @Override
  public void revoke(String subject) {
    passes.values().removeIf(pass -> pass.grant().subject().equals(subject));
  }

  @Override
  public void close() {
    try {
      door.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    checks.cancel(false);
    timer.shutdown();
  }
}
