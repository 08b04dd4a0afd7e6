// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.ProtocolException;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * Whatever bytes a parser is given, either it takes them or a {@link ProtocolException} comes out.
 * {@code -Dfairlead.fuzz=N} tries more for each.
 */
class FuzzTest {

  private static final int ROUNDS = Integer.getInteger("fairlead.fuzz", 1500);

  private static Map<String, Consumer<byte[]>> parsers() {
    Map<String, Consumer<byte[]>> parsers = new LinkedHashMap<>();
    parsers.put("json", bytes -> Json.parse(bytes, 1 << 20));
    parsers.put("log", LogRecord::parse);
    parsers.put("event", Event::parse);
    parsers.put("heartbeat", Heartbeat::parse);
    parsers.put("hello", Hello::parse);
    parsers.put("lost", Lost::parse);
    parsers.put("command", Command::parse);
    parsers.put("request", Request::parse);
    parsers.put("bundle", BundleRequest::parse);
    parsers.put("reply", Reply::parse);
    parsers.put("envelope", ManifestEnvelope::parse);
    parsers.put("manifest", Manifest::parse);
    parsers.put("run", bytes -> RunRequest.parse(bytes).manifest());
    parsers.put("digest", ComputationDigest::of);
    parsers.put("facts", BootFacts::parse);
    parsers.put("legacy", LegacyCommandLine::computation);
    parsers.put("registration", bytes -> Registration.parse(Json.parseObject(bytes, 1 << 20)));
    return parsers;
  }

  private static List<byte[]> seeds() {
    return List.of(
        Seeds.read("computation-seed.json"),
        Seeds.read("agent-run-seed.json"),
        Seeds.read("run-request-seed.json"),
        new LogRecord(MessagesTest.NOW, LogRecord.Level.INFO, "stdout", "hello", "c").toJson(),
        new Event("Running", "Ready", MessagesTest.NOW, "c", "agent").toJson(),
        new Heartbeat(
                "c",
                "e",
                1,
                MessagesTest.NOW,
                Duration.ofSeconds(5),
                AgentState.IDLE,
                Duration.ZERO,
                new Heartbeat.Backlog(0, 0, 0),
                new Heartbeat.Load(0, 0, 0),
                "1")
            .toJson(),
        new Hello("c", "e", MessagesTest.NOW, AgentState.IDLE, Duration.ZERO, "nats", null, "1")
            .toJson(),
        new Command.Credential("1", "nats", "x", MessagesTest.NOW).toJson(),
        new Command.Shadow("1", "nats", "x", MessagesTest.NOW, new Command.Inject(1, 1, 1, 1))
            .toJson(),
        new Command.Bundle("1", "a.b", "1.0", 7, MessagesTest.SHA).toJson(),
        new BundleRequest.Piece("1", 0).toJson(),
        new BundleRequest.Outcome("1", false, "no", "Not now.", "1.0", 0, 1).toJson(),
        new BundleRequest.Listing(
                "1", List.of(new BundleRequest.Listing.Standing("a.b", "1.0", "active")))
            .toJson(),
        new Request.Register("{\"id\":\"1\"}".getBytes(UTF_8)).toJson(),
        new Reply.Refusal("no", "Not now.").toJson(),
        new ManifestEnvelope("c", "{\"id\":\"1\"}".getBytes(UTF_8)).toJson(),
        ("fairlead.computation=1 fairlead.fleet=f fairlead.transport=n fairlead.transports=n=a:b#- "
                + "fairlead.credential=initrd:"
                + MessagesTest.SHA
                + " fairlead.bundles="
                + MessagesTest.SHA)
            .getBytes(UTF_8),
        "quiet computation={\"id\":\"1\"}".getBytes(UTF_8));
  }

  @Test
  void onlyProtocolExceptionsComeOut() {
    List<byte[]> seeds = seeds();
    parsers()
        .forEach(
            (name, parser) -> {
              for (int round = 0; round < ROUNDS; round++) {
                Random random = new Random(round);
                byte[] input = input(random, seeds);
                try {
                  parser.accept(input);
                } catch (ProtocolException expected) {
                  // the one way out
                } catch (RuntimeException | StackOverflowError e) {
                  throw new AssertionError("Parser " + name + ", seed " + round, e);
                }
              }
            });
  }

  private static byte[] input(Random random, List<byte[]> seeds) {
    if (random.nextInt(8) == 0) {
      byte[] noise = new byte[random.nextInt(300)];
      random.nextBytes(noise);
      return noise;
    }
    byte[] bent = seeds.get(random.nextInt(seeds.size())).clone();
    for (int i = random.nextInt(6); i >= 0 && bent.length > 0; i--) {
      int at = random.nextInt(bent.length);
      switch (random.nextInt(5)) {
        case 0 -> bent[at] = (byte) random.nextInt(256);
        case 1 -> bent[at] = (byte) "{}[]\",:0-9e.\\ =#".charAt(random.nextInt(16));
        case 2 -> bent = Arrays.copyOf(bent, at);
        case 3 -> {
          int length = random.nextInt(bent.length - at);
          System.arraycopy(bent, 0, bent, at, Math.min(length, bent.length - at));
        }
        default -> bent[at]++;
      }
    }
    return bent;
  }
}
