// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Runs the contract outside a build: through JUnit's launcher, each run in a thread group of its
 * own, so that several may run in one JVM and each knows its own threads.
 */
public final class Kit {

  // JUnit's names; the time-out of a rule stands on the contract itself.
  private static final String LIFECYCLE_TIMEOUT =
      "junit.jupiter.execution.timeout.lifecycle.method.default";
  private static final String TIMEOUT_THREAD =
      "junit.jupiter.execution.timeout.thread.mode.default";

  private final Path folder;
  private final long seed;
  private final Consumer<String> progress;

  /**
   * Prepares runs.
   *
   * @param folder where the result files go; those of saboteurs into {@code saboteurs} below it
   * @param seed from which random choices follow
   * @param progress told in single lines what goes on, by several threads
   */
  public Kit(Path folder, long seed, Consumer<String> progress) {
    this.folder = folder;
    this.seed = seed;
    this.progress = progress;
  }

  /** The contracts that the {@link ServiceLoader} finds, by name. */
  public static List<TransportContract> contracts() {
    return ServiceLoader.load(TransportContract.class).stream()
        .map(ServiceLoader.Provider::get)
        .sorted(Comparator.comparing(TransportContract::name))
        .toList();
  }

  /** Holds a transport to the whole contract. Takes at most five minutes. */
  public Results run(TransportContract contract) {
    String name = contract.name();
    Results results = run(contract.getClass(), name, folder, Map.of());
    for (RuleResult each : results.failures()) {
      progress.accept(
          "%s: %s %s: %s".formatted(name, each.rule(), each.outcome().text(), each.failure()));
    }
    progress.accept(
        "%s: %d rules hold, %d do not, %d are untested (%.1f s)"
            .formatted(
                name,
                results.passed(),
                results.failures().size(),
                results.untested().size(),
                results.millis() / 1000.0));
    if (results.problem() != null) {
      progress.accept("%s: %s".formatted(name, results.problem()));
    }
    return results;
  }

  /**
   * Holds saboteurs to the whole contract, several at once.
   *
   * @param atOnce how many, 1 or more
   */
  public Map<Saboteur, Results> run(List<Saboteur> saboteurs, int atOnce) {
    ExecutorService pool = Executors.newFixedThreadPool(atOnce);
    try {
      Map<Saboteur, CompletableFuture<Results>> runs = new EnumMap<>(Saboteur.class);
      for (Saboteur saboteur : saboteurs) {
        runs.put(saboteur, CompletableFuture.supplyAsync(() -> run(saboteur), pool));
      }
      Map<Saboteur, Results> found = new EnumMap<>(Saboteur.class);
      runs.forEach((saboteur, run) -> found.put(saboteur, run.join()));
      return found;
    } finally {
      pool.shutdownNow();
    }
  }

  /** Holds to the contract what saboteurs are made of, without one. */
  public Results control() {
    return run(Sabotage.class, Sabotage.NOBODY, saboteurFolder(), Map.of());
  }

  private Results run(Saboteur saboteur) {
    Map<String, String> parameters =
        Map.of(Sabotage.SABOTEUR, saboteur.name(), LIFECYCLE_TIMEOUT, "5 s");
    Results results = run(Sabotage.class, saboteur.name(), saboteurFolder(), parameters);
    progress.accept(
        "saboteur %s (%s) is caught by %s (%.1f s)"
            .formatted(
                saboteur,
                saboteur.rule(),
                String.join(", ", results.caughtBy()),
                results.millis() / 1000.0));
    return results;
  }

  private Path saboteurFolder() {
    return folder.resolve("saboteurs");
  }

  private Results run(
      Class<? extends TransportContract> contract,
      String name,
      Path results,
      Map<String, String> parameters) {
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(selectClass(contract))
            .configurationParameter(LIFECYCLE_TIMEOUT, "60 s")
            .configurationParameter(TIMEOUT_THREAD, "SEPARATE_THREAD")
            .configurationParameters(parameters)
            .configurationParameter(Recorder.FOLDER, results.toString())
            .configurationParameter(Recorder.SEED, Long.toString(seed))
            .build();
    CompletableFuture<Results> found = new CompletableFuture<>();
    ThreadGroup group = new ThreadGroup("fairlead-tck-" + name);
    Thread thread =
        new Thread(
            group,
            () -> {
              try {
                Files.deleteIfExists(Results.file(results, name));
                LauncherFactory.create().execute(request);
                found.complete(Results.read(results, name));
              } catch (IOException | RuntimeException | Error e) {
                found.completeExceptionally(e);
              }
            },
            "fairlead-tck-" + name);
    thread.start();
    try {
      return found.join();
    } finally {
      // Threads that were left behind: saboteurs', and those of tests that hang.
      group.interrupt();
    }
  }
}
