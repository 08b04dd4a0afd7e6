// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.rig;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a process of a run says of itself, in a folder of its own: {@code books.json}, its product's
 * own counters, replaced as a whole; and {@code states}, one line for each change of its
 * connection: nanoseconds of the machine's steady clock, the state, the reason.
 */
public final class Status implements SwitchboardListener {

  private static final System.Logger LOG = System.getLogger(Status.class.getName());
  private static final String BOOKS = "books.json";
  private static final String STATES = "states";
  private static final int MAX_BYTES = 1 << 20;

  private final Path folder;
  private volatile Transport.State state = Transport.State.CONNECTING;

  /**
   * A change of a connection.
   *
   * @param nanos by the steady clock, which all processes of a machine share
   * @param state name of the new state
   * @param reason in words
   */
  public record Change(long nanos, String state, String reason) {}

  /** Makes one that has said nothing. */
  public Status(Path folder) {
    this.folder = folder;
  }

  /** Makes the folder of a process that has not begun. */
  public static void prepare(Path folder) throws IOException {
    Files.createDirectories(folder);
    Files.write(folder.resolve(STATES), new byte[0]);
  }

  /** What the books say; empty before they were written for the first time. */
  public static Optional<JsonObject> books(Path folder) throws IOException {
    Path file = folder.resolve(BOOKS);
    return Files.exists(file)
        ? Optional.of(Json.parseObject(Files.readAllBytes(file), MAX_BYTES))
        : Optional.empty();
  }

  /** The changes so far; one that is just being written is left out. */
  public static List<Change> changes(Path folder) throws IOException {
    List<Change> changes = new ArrayList<>();
    for (String line : Files.readString(folder.resolve(STATES), UTF_8).split("\n", -1)) {
      String[] words = line.split(" ", 3);
      if (words.length == 3) {
        changes.add(new Change(Long.parseLong(words[0]), words[1], words[2]));
      }
    }
    return changes;
  }

  /** Replaces the books. */
  public void write(JsonObject books) throws IOException {
    Path draft = folder.resolve(BOOKS + ".new");
    Files.write(draft, books.toBytes());
    Files.move(draft, folder.resolve(BOOKS), StandardCopyOption.ATOMIC_MOVE);
  }

  /** A process has begun. */
  public void begin() {
    note(Transport.State.CONNECTING, "the process has begun");
  }

  /** The state of the connection. */
  public Transport.State state() {
    return state;
  }

  @Override
  public void stateChanged(String transport, Transport.State next, String reason) {
    note(next, reason);
    state = next;
    LOG.log(System.Logger.Level.INFO, "{0} is {1}: {2}", transport, next, reason);
  }

  private void note(Transport.State next, String reason) {
    long now = System.nanoTime();
    try {
      Files.writeString(
          folder.resolve(STATES),
          now + " " + next + " " + reason.replace('\n', ' ') + "\n",
          UTF_8,
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.ERROR, "A change of state is not written down.", e);
    }
  }

  @Override
  public void refused(String transport, @Nullable String address, TransportException refusal) {
    LOG.log(
        System.Logger.Level.WARNING,
        "{0} refused {1}: {2}",
        transport,
        address == null ? "the connection" : address,
        refusal.getMessage());
  }
}
