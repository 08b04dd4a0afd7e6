// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import static dev.fairlead.hypervisor.api.VmSpec.SecretChannel.INITRD;

import dev.fairlead.bench.rig.Relay;
import dev.fairlead.bench.rig.Status;
import dev.fairlead.bench.rig.Words;
import dev.fairlead.hypervisor.api.Hypervisor;
import dev.fairlead.hypervisor.api.Vm;
import dev.fairlead.hypervisor.api.VmChannel;
import dev.fairlead.hypervisor.api.VmEnd;
import dev.fairlead.hypervisor.api.VmListener;
import dev.fairlead.hypervisor.api.VmSpec;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.PeerAdmission;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One agent, over all its runs: each is a process that the hypervisor starts, with a run directory
 * of its own; spool, credential and link are the same for all. For use by one thread, but for its
 * listener.
 */
final class Guest implements VmListener, AutoCloseable {

  private static final Duration BOOT = Duration.ofSeconds(60);
  private static final Duration GONE_WITHIN = Duration.ofSeconds(10);

  private final Hypervisor hypervisor;
  private final List<CredentialIssuer> issuers;
  private final Map<String, Credential> credentials = new HashMap<>();
  private final String computation;
  private final Path folder;
  private final SortedMap<String, String> facts;
  private int run;
  private final Map<String, Relay> relays = new LinkedHashMap<>();
  private int order;
  private @Nullable Vm vm;
  private volatile PeerAdmission.@Nullable Admission admission;
  private volatile boolean expected;
  private volatile @Nullable VmEnd surprise;

  /**
   * Makes one that has not begun.
   *
   * @param folder of its own, in which all that it has lies; a short path
   * @param issuers of the transports that it may use, the first one first
   * @param facts that every run is told
   */
  Guest(
      Hypervisor hypervisor,
      List<CredentialIssuer> issuers,
      Function<CredentialIssuer, Credential> issued,
      String computation,
      Path folder,
      SortedMap<String, String> facts)
      throws IOException {
    this.hypervisor = hypervisor;
    this.issuers = List.copyOf(issuers);
    for (CredentialIssuer issuer : issuers) {
      credentials.put(issuer.transport(), issued.apply(issuer));
    }
    this.computation = computation;
    this.folder = folder;
    this.facts = new TreeMap<>(facts);
    Status.prepare(status());
    this.facts.put(Words.COMPUTATION, computation);
    this.facts.put(Words.FOLDER, folder.resolve("spool").toString());
    this.facts.put(Words.STATUS, status().toString());
  }

  String computation() {
    return computation;
  }

  private Path status() {
    return folder.resolve("status");
  }

  Optional<JsonObject> books() throws IOException {
    return Status.books(status());
  }

  List<Status.Change> changes() throws IOException {
    return Status.changes(status());
  }

  /** Starts the next run. */
  void start() throws IOException {
    run++;
    Path directory = folder.resolve("r" + run);
    Files.createDirectory(
        directory,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    SortedMap<String, String> told = new TreeMap<>(facts);
    told.put(Words.RUN, Integer.toString(run));
    List<URI> endpoints = new ArrayList<>();
    for (CredentialIssuer issuer : issuers) {
      String name = issuer.transport();
      Endpoint endpoint = issuer.guestEndpoint();
      endpoints.add(endpoint.uri());
      URI reached = hypervisor.reach(endpoint.uri(), directory);
      Relay link = relays.get(name);
      if (link == null) {
        link = Relay.open(reached, computation, folder.resolve("link-" + name));
        relays.put(name, link);
      } else {
        link.lead(reached);
      }
      if (issuers.size() == 1) {
        told.put(Words.ENDPOINT, link.endpoint().toString());
        if (endpoint.caSha256() != null) {
          told.put(Words.CA, endpoint.caSha256());
        }
      } else {
        tell(
            told,
            name,
            link.endpoint(),
            endpoint.caSha256(),
            secret(directory, name, credential(name)));
      }
    }
    if (issuers.size() > 1) {
      told.put(
          Words.TRANSPORTS,
          issuers.stream().map(CredentialIssuer::transport).collect(Collectors.joining(",")));
    }
    expected = false;
    vm =
        hypervisor.start(
            new VmSpec(
                computation,
                directory,
                1,
                128,
                told,
                INITRD,
                credential(issuers.get(0).transport()).content(),
                List.of(),
                endpoints,
                BOOT),
            this);
  }

  private Credential credential(String transport) {
    return Objects.requireNonNull(credentials.get(transport), "credential is null");
  }

  /** Says of one of several transports what is to be known. */
  static void tell(
      SortedMap<String, String> words,
      String transport,
      URI endpoint,
      @Nullable String caSha256,
      Path credential) {
    words.put(Words.ENDPOINT + "." + transport, endpoint.toString());
    words.put(Words.CREDENTIAL_FILE + "." + transport, credential.toString());
    if (caSha256 != null) {
      words.put(Words.CA + "." + transport, caSha256);
    }
  }

  /** Writes a credential where only its owner reads it. */
  static Path secret(Path folder, String transport, Credential credential) throws IOException {
    Path secret =
        Files.createFile(
            folder.resolve("credential-" + transport),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    return Files.writeString(secret, credential.content());
  }

  /** Orders it to another transport. */
  void order(String transport) throws IOException {
    order++;
    Orders.give(status(), order, transport);
  }

  /** What became of the orders. */
  List<Orders.Outcome> outcomes() throws IOException {
    return Orders.outcomes(status());
  }

  /** How many bundles of its framework have lost their wiring. */
  long refreshed() throws IOException {
    return Bundled.refreshed(status());
  }

  /** Whether the newest run says lines, so that it can be asked to end. */
  boolean hasBegun() throws IOException {
    return books().filter(any -> any.integer("run", 1, Integer.MAX_VALUE) == run).isPresent();
  }

  boolean isRunning() {
    Vm now = vm;
    return now != null && now.isRunning();
  }

  /** Kills the run as a crash would; returns when it is gone. */
  void kill() throws InterruptedException {
    Vm now = vm;
    if (now != null) {
      expected = true;
      ProcessHandle.of(now.pid())
          .filter(any -> now.isRunning())
          .ifPresent(ProcessHandle::destroyForcibly);
      await(now.ended());
    }
  }

  /** Asks the run to end; completes when it has, by force after the grace. */
  CompletionStage<VmEnd> end(Duration grace) {
    Vm now = vm;
    if (now == null) {
      throw new IllegalStateException("It has not begun.");
    }
    expected = true;
    return now.end(grace);
  }

  /** Cuts its link, or mends it. */
  void cut(boolean on) {
    relays.values().forEach(link -> link.cut(on));
  }

  /** How a run ended that nobody had asked to; empty where none did. */
  Optional<VmEnd> surprise() {
    return Optional.ofNullable(surprise);
  }

  /** Where the newest run says what it does. */
  Path console() {
    return folder.resolve("r" + run).resolve("console.log");
  }

  @Override
  public void opening(VmChannel channel) {
    for (CredentialIssuer issuer : issuers) {
      if (issuer instanceof PeerAdmission peers) {
        admission = peers.admit(computation, channel.peer());
      }
    }
  }

  @Override
  public void noticed(Vm noticed, String what, String detail) {
    System.getLogger(Guest.class.getName())
        .log(System.Logger.Level.WARNING, "{0}: {1}: {2}", computation, what, detail);
  }

  @Override
  public void ended(Vm gone, VmEnd end) {
    PeerAdmission.Admission door = admission;
    if (door != null) {
      door.close();
    }
    if (!expected) {
      surprise = end;
    }
  }

  /** Ends the run by force. Idempotent. */
  @Override
  public void close() {
    Vm now = vm;
    if (now != null) {
      expected = true;
      try {
        await(now.end(Duration.ZERO));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    relays.values().forEach(Relay::close);
  }

  private static void await(CompletionStage<VmEnd> ended) throws InterruptedException {
    try {
      ended.toCompletableFuture().get(GONE_WITHIN.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new ChaosException("An agent's process does not end.", e);
    }
  }
}
