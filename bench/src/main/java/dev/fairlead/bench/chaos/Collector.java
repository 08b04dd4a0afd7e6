// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import dev.fairlead.bench.rig.JavaProcess;
import dev.fairlead.bench.rig.Relay;
import dev.fairlead.bench.rig.Status;
import dev.fairlead.bench.rig.Words;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Endpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The collector over all its runs, on one store. For use by one thread. */
final class Collector implements AutoCloseable {

  private final Path folder;
  private final List<Relay> relays = new ArrayList<>();
  private @Nullable JavaProcess process;

  /**
   * Makes one that has not begun.
   *
   * @param folder of its own; a short path
   * @param issuers of the transports that it listens on
   * @param words that every run is told
   */
  Collector(
      Path folder,
      List<CredentialIssuer> issuers,
      Function<CredentialIssuer, Credential> credentials,
      SortedMap<String, String> words)
      throws IOException {
    this.folder = folder;
    Status.prepare(folder);
    SortedMap<String, String> all = new TreeMap<>(words);
    all.put(
        Words.TRANSPORTS,
        issuers.stream().map(CredentialIssuer::transport).collect(Collectors.joining(",")));
    for (CredentialIssuer issuer : issuers) {
      Endpoint endpoint = issuer.endpoint();
      Relay relay =
          Relay.open(endpoint.uri(), "collector", folder.resolve("link-" + issuer.transport()));
      relays.add(relay);
      Guest.tell(
          all,
          issuer.transport(),
          relay.endpoint(),
          endpoint.caSha256(),
          Guest.secret(folder, issuer.transport(), credentials.apply(issuer)));
    }
    all.put(Words.FOLDER, store().toString());
    all.put(Words.STATUS, folder.toString());
    Words.write(folder.resolve("words"), all);
  }

  void start() throws IOException {
    process =
        JavaProcess.start(
            CollectorMain.class, List.of(folder.resolve("words").toString()), console());
  }

  boolean isRunning() {
    JavaProcess now = process;
    return now != null && now.isAlive();
  }

  void kill() throws InterruptedException {
    JavaProcess now = process;
    if (now != null) {
      now.kill();
    }
  }

  /** Asks it to end, which syncs what it has; false when it had to be killed. */
  boolean end(Duration grace) throws InterruptedException {
    JavaProcess now = process;
    return now == null || now.end(grace);
  }

  void cut(boolean on) {
    relays.forEach(relay -> relay.cut(on));
  }

  Path store() {
    return folder.resolve("store");
  }

  Path console() {
    return folder.resolve("console.log");
  }

  Optional<JsonObject> books() throws IOException {
    return Status.books(folder);
  }

  @Override
  public void close() {
    JavaProcess now = process;
    if (now != null) {
      now.close();
    }
    relays.forEach(Relay::close);
  }
}
