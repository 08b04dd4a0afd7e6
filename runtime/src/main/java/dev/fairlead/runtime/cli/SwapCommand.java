// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.JsonClient;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Changes the transport of running agents. */
@Command(
    name = "swap",
    description = {
      "Changes the transport of running agents while their lines flow. The new one is",
      "opened beside the old, which drains, closes and loses its credential once the",
      "agent is on the new. Where the new one does not come up, the agent stays where",
      "it is, and says why.",
      "",
      "Name one computation, or --all, or --percent N: then the same ones are chosen",
      "each time, so that a larger percentage takes more beside those that are there.",
      ""
    },
    mixinStandardHelpOptions = true,
    exitCodeListHeading = "%nExit status:%n",
    exitCodeList = {
      " 0:all that were chosen are on the transport",
      " 1:at least one stays where it was; it was said why",
      " 2:the words of the command are off",
      "66:there is no such computation",
      "75:an agent or the service is not heard now: try again",
    })
final class SwapCommand implements Callable<Integer> {

  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final int AT_ONCE = 8;

  @Parameters(paramLabel = "COMPUTATION", arity = "0..1", description = "One computation.")
  private @Nullable String id;

  @Option(
      names = "--to",
      paramLabel = "NAME",
      required = true,
      description = "The transport: nats, mqtt, vsock, or another that is deployed.")
  private String to = "";

  @Option(names = "--all", description = "All computations whose agents live.")
  private boolean all;

  @Option(
      names = "--fleet",
      paramLabel = "NAME",
      description = "As --all; and the service must be that of this fleet.")
  private @Nullable String fleet;

  @Option(
      names = "--percent",
      paramLabel = "N",
      description = "So many of each hundred of them, 1 to 100, those that are there counted in.")
  private @Nullable Integer percent;

  @Option(
      names = "--patience",
      paramLabel = "S",
      defaultValue = "60",
      description = "Seconds to wait for each (default: ${DEFAULT-VALUE}).")
  private int patience = 60;

  @Mixin private Services services = new Services();
  @Mixin private Out out = new Out();

  @Spec private CommandSpec spec = CommandSpec.create();

  private final List<JsonObject> outcomes = new ArrayList<>();
  private int failed;
  private int away;

  /** Made by picocli. */
  SwapCommand() {}

  @Override
  public Integer call() {
    boolean group = all || fleet != null || percent != null;
    if ((id == null) != group) {
      throw off("Name one computation, or --all, --fleet or --percent.");
    }
    if (percent != null && (percent < 1 || percent > 100)) {
      throw off("--percent is 1 to 100, not " + percent + ".");
    }
    if (patience < 1 || patience > 3600) {
      throw off("--patience is 1 to 3600 s.");
    }
    JsonClient client = services.computations();
    requireFleet(client);
    List<String> chosen = id == null ? choose(client) : List.of(id);
    if (id != null) {
      client.get("/computations/" + Paths.segment(id)); // so that an unknown one is told as such
    }
    move(client, new ArrayDeque<>(chosen));
    long moved = chosen.size() - (long) failed - away;
    out.line(
        "%d of %d on %s%s%s"
            .formatted(
                moved,
                chosen.size(),
                to,
                failed > 0 ? ", %d stay".formatted(failed) : "",
                away > 0 ? ", %d not heard now".formatted(away) : ""));
    out.json(
        JsonObject.builder()
            .put("to", to)
            .put("chosen", chosen.size())
            .put("moved", moved)
            .put("failed", failed)
            .put("away", away)
            .put("swaps", JsonArray.of(outcomes))
            .build());
    return failed > 0 ? ExitCode.FAILED : away > 0 ? ExitCode.RETRY : ExitCode.DONE;
  }

  private CommandLine.ParameterException off(String sentence) {
    return new CommandLine.ParameterException(spec.commandLine(), sentence);
  }

  private void requireFleet(JsonClient client) {
    JsonObject health = client.get("/health");
    String own = health.string("fleet");
    if (fleet != null && !fleet.equals(own)) {
      throw new CommandFailure(
          ExitCode.NOT_FOUND,
          "This service is that of fleet '%s', not of '%s': name the other's with --computations."
              .formatted(own, fleet));
    }
  }

  /** Those to be on the transport, the same ones each time. */
  private List<String> choose(JsonClient client) {
    List<String> living = new ArrayList<>();
    for (JsonObject one : client.get("/computations").objects("computations")) {
      String state = Fields.text(one.object("agent"), "state");
      if (state.equals("connected") || state.equals("late")) {
        living.add(one.string("id"));
      }
    }
    living.sort(Comparator.comparing(SwapCommand::rank));
    int share = percent == null ? 100 : percent;
    return living.subList(0, (living.size() * share + 99) / 100);
  }

  private static String rank(String id) {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(id.getBytes(UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256.", e);
    }
  }

  private void move(JsonClient client, Deque<String> waiting) {
    Map<String, Order> underWay = new LinkedHashMap<>();
    while (!waiting.isEmpty() || !underWay.isEmpty()) {
      while (!waiting.isEmpty() && underWay.size() < AT_ONCE) {
        begin(client, waiting.remove(), underWay);
      }
      List.copyOf(underWay.keySet()).forEach(one -> look(client, one, underWay));
      if (!underWay.isEmpty()) {
        LockSupport.parkNanos(POLL_NANOS);
      }
    }
  }

  /** An order under way. */
  private record Order(String command, long begun) {}

  private void begin(JsonClient client, String one, Map<String, Order> underWay) {
    byte[] body = JsonObject.builder().put("to", to).build().toBytes();
    try {
      JsonObject swap =
          client.post("/computations/" + Paths.segment(one) + "/swap", body).object("swap");
      out.progress("%s: %s to %s…".formatted(one, swap.string("from"), to));
      underWay.put(one, new Order(swap.string("command"), System.nanoTime()));
    } catch (HttpProblem e) {
      if (e.code().equals("same-transport")) {
        out.progress("%s: is on %s already".formatted(one, to));
        outcomes.add(outcome(one, "already", e.code(), null).build());
        return;
      }
      boolean retry = e.status() == 503 || e.status() == 504 || e.status() == 0;
      away += retry ? 1 : 0;
      failed += retry ? 0 : 1;
      out.progress("%s: %s".formatted(one, e.getMessage()));
      outcomes.add(outcome(one, "not-begun", e.code(), e.getMessage()).build());
    }
  }

  private void look(JsonClient client, String one, Map<String, Order> underWay) {
    Order order = underWay.get(one);
    if (order == null) {
      return;
    }
    long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - order.begun());
    JsonObject swap = client.get("/computations/" + Paths.segment(one) + "/swap").object("swap");
    String state = swap.string("command").equals(order.command()) ? swap.string("state") : "failed";
    switch (state) {
      case "done" -> {
        underWay.remove(one);
        out.progress("%s: is on %s, after %d ms".formatted(one, to, millis));
        outcomes.add(
            outcome(one, "done", null, null)
                .put("from", swap.string("from"))
                .put("millis", millis)
                .build());
      }
      case "failed" -> {
        underWay.remove(one);
        failed++;
        String why = Fields.text(swap, "message");
        out.progress("%s: stays on %s: %s".formatted(one, swap.string("from"), why));
        outcomes.add(outcome(one, "failed", Fields.text(swap, "code"), why).build());
      }
      default -> {
        if (millis > TimeUnit.SECONDS.toMillis(patience)) {
          underWay.remove(one);
          away++;
          out.progress("%s: nobody knows yet; ask again: GET …/swap".formatted(one));
          outcomes.add(outcome(one, "under-way", null, null).build());
        }
      }
    }
  }

  private static JsonObject.Builder outcome(
      String one, String state, @Nullable String code, @Nullable String message) {
    return JsonObject.builder()
        .put("id", one)
        .put("state", state)
        .putIfPresent("code", code)
        .putIfPresent("message", message);
  }
}
