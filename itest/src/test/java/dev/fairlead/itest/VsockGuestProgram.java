// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import dev.fairlead.transport.access.AccessProvider;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.access.PeerAdmission;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import java.net.URI;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Runs inside a guest, on the module path: a hub that listens at AF_VSOCK, and an end that comes to
 * it over the guest's own loopback. Ends with a line that begins {@code VSOCK-OK}.
 */
public final class VsockGuestProgram {

  private static final int COUNT = 20_000;
  private static final int WINDOW = 512;
  private static final int PATIENCE = 120;

  private static final BlockingQueue<String> STATES = new LinkedBlockingQueue<>();

  private VsockGuestProgram() {}

  /** Runs once. */
  public static void main(String[] arguments) throws Exception {
    String dir = arguments[0];
    AccessProvider access = ServiceLoader.load(AccessProvider.class).findFirst().orElseThrow();
    TransportProvider provider =
        ServiceLoader.load(TransportProvider.class).findFirst().orElseThrow();
    say("modules " + access.getClass().getModule() + ", " + provider.getClass().getModule());
    try (CredentialIssuer issuer = access.open(Map.of("dir", dir)::get)) {
      List<String> own = List.of("fl/guest/**");
      Credential credential = issuer.issue(new Grant("guest", own, own), Duration.ofHours(1));
      PeerAdmission admissions = (PeerAdmission) issuer;
      URI itself = URI.create("vsock://1");
      PeerAdmission.Admission admission = admissions.admit("guest", itself);
      Map<String, String> settings =
          Map.of(
              TransportProvider.ENDPOINT,
              "vsock://1:9998",
              TransportProvider.CREDENTIAL,
              credential.content());
      try (Transport transport = provider.open(settings::get, new Teller())) {
        expect("CONNECTED");
        flow(transport);
        largest(transport);
        admission.close();
        expect("CONNECTING");
        admissions.admit("guest", itself);
        expect("CONNECTED");
        issuer.revoke("guest");
        expect("credential-revoked");
      }
      expect("CLOSED");
    }
    say("VSOCK-OK");
  }

  private static void flow(Transport transport) throws Exception {
    AtomicInteger received = new AtomicInteger();
    BlockingQueue<String> faults = new LinkedBlockingQueue<>();
    Transport.Subscription subscription =
        transport.subscribe(
            "fl/guest/up/*",
            message -> {
              int at = received.getAndIncrement();
              if (message.payload().getInt(0) != at) {
                faults.add("message " + at + " is another");
              }
            });
    long began = System.nanoTime();
    Deque<CompletionStage<Void>> window = new ArrayDeque<>();
    for (int i = 0; i < COUNT; i++) {
      byte[] payload = new byte[200];
      ByteBuffer.wrap(payload).putInt(0, i);
      window.add(transport.send(new Message("fl/guest/up/logs", payload)));
      if (window.size() > WINDOW) {
        settle(window.remove());
      }
    }
    while (!window.isEmpty()) {
      settle(window.remove());
    }
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE);
    while (received.get() < COUNT && System.nanoTime() < until) {
      Thread.onSpinWait();
    }
    long millis = (System.nanoTime() - began) / 1_000_000;
    if (received.get() != COUNT || !faults.isEmpty()) {
      throw new IllegalStateException(received + " received; " + faults);
    }
    say(COUNT + " messages of 200 B there and back in " + millis + " ms");
    subscription.close();
  }

  private static void largest(Transport transport) throws Exception {
    BlockingQueue<Integer> sizes = new LinkedBlockingQueue<>();
    transport.subscribe("fl/guest/large", message -> sizes.add(message.payload().remaining()));
    for (int i = 0; i < 16; i++) {
      settle(transport.send(new Message("fl/guest/large", new byte[Message.MAX_PAYLOAD])));
      Integer size = sizes.poll(PATIENCE, TimeUnit.SECONDS);
      if (size == null || size != Message.MAX_PAYLOAD) {
        throw new IllegalStateException("a large message arrived as " + size);
      }
    }
    say("16 of the largest messages");
  }

  private static void settle(CompletionStage<Void> stage) throws Exception {
    stage.toCompletableFuture().get(PATIENCE, TimeUnit.SECONDS);
  }

  private static void expect(String state) throws InterruptedException {
    for (String told = STATES.poll(PATIENCE, TimeUnit.SECONDS);
        !state.equals(told);
        told = STATES.poll(PATIENCE, TimeUnit.SECONDS)) {
      if (told == null) {
        throw new IllegalStateException("not told: " + state);
      }
    }
    say("told " + state);
  }

  private static void say(String words) {
    System.out.println(words);
  }

  private static final class Teller implements TransportListener {
    @Override
    public void stateChanged(Transport.State state, String reason) {
      STATES.add(state.name());
    }

    @Override
    public void refused(@Nullable String address, TransportException refusal) {
      STATES.add(refusal.code());
    }
  }
}
