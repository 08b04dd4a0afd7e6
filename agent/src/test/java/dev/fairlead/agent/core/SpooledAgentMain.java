// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.agent.AlgorithmParameters;
import dev.fairlead.agent.Role;
import dev.fairlead.agent.Upload;
import dev.fairlead.agent.run.BinKind;
import dev.fairlead.agent.run.PlainSandbox;
import dev.fairlead.agent.run.RunLimits;
import dev.fairlead.delivery.Books;
import dev.fairlead.protocol.BootFacts;
import dev.fairlead.protocol.ManifestEnvelope;
import dev.fairlead.protocol.TransportFact;
import dev.fairlead.transport.api.TransportProvider;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.locks.LockSupport;

/**
 * The agent as a process of its own, with a spool. The first time it runs an algorithm that prints
 * lines; the second time it only goes on. Prints how far both streams are, and ends when it is
 * killed.
 */
final class SpooledAgentMain {

  /** Few enough to be under way at once before anybody has answered. */
  static final int LINES = 400;

  private static final long LOOK_NANOS = 20_000_000L;

  private SpooledAgentMain() {}

  /** Takes folder, "first" or "second", endpoint, pin, credential and its digest. */
  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    BootFacts facts =
        new BootFacts(
            "c1",
            "fl",
            "nats",
            List.of(new TransportFact("nats", URI.create(args[2]), args[3])),
            BootFacts.Channel.INITRD,
            args[5],
            null,
            List.of());
    AgentSession session =
        new AgentSession(
            new SessionSetup(
                new StartFacts(facts, args[4]),
                new AgentSettings(
                    1 << 24,
                    1 << 20,
                    2,
                    new RunLimits(Duration.ofSeconds(120), 1 << 28, 64, 1 << 26, 1 << 24, 1 << 20),
                    false,
                    true),
                new SessionSetup.Workspace(
                    folder,
                    new PlainSandbox(folder.resolve("runs")),
                    name -> Optional.of(new BinKind())),
                new SessionSetup.Streams(1 << 23, folder.resolve("spool"), 1 << 24),
                new SessionSetup.Timing(Duration.ofMillis(500), Duration.ofSeconds(10)),
                new SessionSetup.Platform(
                    InstantSource.system(), new SecureRandom(), "test", () -> null),
                new Listener()));
    ServiceLoader.load(TransportProvider.class).forEach(session::offer);
    if (args[1].equals("first")) {
      runAlgorithm(session.agent());
    }
    String last = "";
    while (true) {
      String now = tell("events", session) + " " + tell("logs", session);
      if (!now.equals(last)) {
        System.out.println(now);
        last = now;
      }
      LockSupport.parkNanos(LOOK_NANOS);
    }
  }

  /** Ends the process where the agent cannot go on. */
  private static final class Listener implements SessionSetup.Listener {

    @Override
    public void greeted() {}

    @Override
    public void ended() {}

    @Override
    public void failed(Throwable reason) {
      Runtime.getRuntime().halt(1);
    }
  }

  private static String tell(String name, AgentSession session) {
    Books books = Objects.requireNonNull(session.books().get(name));
    return "%s=%d/%d/%d".formatted(name, books.appended(), books.unacked(), books.delivered());
  }

  private static void runAlgorithm(Agent agent) {
    byte[] script =
        "#!/bin/sh\ni=1; while [ $i -le %d ]; do echo line $i; i=$((i+1)); done\n"
            .formatted(LINES)
            .getBytes(UTF_8);
    KeyPair programmer = Keys.ed25519();
    agent.takeEnvelope(
        new ManifestEnvelope(
                "c1",
                Keys.manifest(
                    "", Keys.entry(script, programmer), List.of(), List.of(Keys.ed25519())))
            .toJson());
    try (Upload upload =
        agent.uploadAlgorithm(
            Keys.proof(
                programmer,
                agent.challenge(Role.ALGORITHM_PROVIDER),
                Role.ALGORITHM_PROVIDER,
                Keys.sha3(script)),
            AlgorithmParameters.DEFAULT)) {
      upload.write(ByteBuffer.wrap(script));
      upload.complete();
    }
  }
}
