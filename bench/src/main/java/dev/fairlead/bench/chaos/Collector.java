// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import dev.fairlead.bench.rig.JavaProcess;
import dev.fairlead.bench.rig.Relay;
import dev.fairlead.bench.rig.Status;
import dev.fairlead.bench.rig.Words;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.Endpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The collector over all its runs, on one store. For use by one thread. */
final class Collector implements AutoCloseable {

  private final Path folder;
  private final Relay relay;
  private @Nullable JavaProcess process;

  /**
   * Makes one that has not begun.
   *
   * @param folder of its own; a short path
   * @param words that every run is told
   */
  Collector(Path folder, Endpoint endpoint, Credential credential, SortedMap<String, String> words)
      throws IOException {
    this.folder = folder;
    Status.prepare(folder);
    this.relay = Relay.open(endpoint.uri(), "collector", folder.resolve("link"));
    Path secret =
        Files.createFile(
            folder.resolve("credential"),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.writeString(secret, credential.content());
    SortedMap<String, String> all = new TreeMap<>(words);
    all.put(Words.CREDENTIAL_FILE, secret.toString());
    all.put(Words.ENDPOINT, relay.endpoint().toString());
    if (endpoint.caSha256() != null) {
      all.put(Words.CA, endpoint.caSha256());
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
    relay.cut(on);
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
    relay.close();
  }
}
