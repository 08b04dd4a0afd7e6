// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.HypervisorException.Category;
import dev.fairlead.hypervisor.host.ProcessIdentity;
import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Which guest has which number. A number is an identity on this host, so that no two VMs have the
 * same, and one is given again as late as possible: the next is always sought above the last.
 *
 * <p>The file {@value #FILE} in the state directory, written whole or not at all under a lock on
 * {@value #LOCK}, which all processes that share the directory take:
 *
 * <pre>
 * {"v":1,"next":18,"leases":[{"cid":16,"run":"/var/lib/fairlead/vms/123","bootId":"…"},…]}
 * </pre>
 *
 * <p>A lease ends when its VM's end is seen. One is dropped besides when the host has booted since,
 * or when its run directory is gone, which a manager removes only after the end.
 */
final class CidLeases {

  /** The lowest: those below are the kernel's own, or what others like to take. */
  static final int FROM = 16;

  /** The highest. */
  static final int TO = 65_535;

  static final String FILE = "cids.json";
  static final String LOCK = "cids.lock";

  private static final int MAX_BYTES = 32 << 20;
  private static final ReentrantLock ONE = new ReentrantLock();

  private final Path state;

  /**
   * Makes one.
   *
   * @param state the directory; made when needed
   */
  CidLeases(Path state) {
    this.state = state;
  }

  /**
   * Takes a number for the VM of a run directory; what that had before is free.
   *
   * @throws HypervisorException {@code RETRY}, code {@code no-cid}; {@code BROKEN}, code {@code
   *     cids-unusable}
   */
  int lease(Path run) {
    return change(
        book -> {
          book.drop(run);
          int cid = book.free();
          book.leases.put(cid, new Lease(run.toString(), ProcessIdentity.hostBootId()));
          return cid;
        });
  }

  /** Gives back what the VM of a run directory has, if it has any. */
  void release(Path run) {
    change(
        book -> {
          book.drop(run);
          return 0;
        });
  }

  private record Lease(String run, String bootId) {

    boolean mayBeAlive() {
      return bootId.equals(ProcessIdentity.hostBootId()) && Files.isDirectory(Path.of(run));
    }
  }

  private interface Change {
    int apply(Book book);
  }

  private static final class Book {

    private final Map<Integer, Lease> leases = new TreeMap<>();
    private int next = FROM;

    void drop(Path run) {
      leases.values().removeIf(lease -> lease.run().equals(run.toString()) || !lease.mayBeAlive());
    }

    int free() {
      for (int looked = FROM; looked <= TO; looked++) {
        int cid = next;
        next = cid == TO ? FROM : cid + 1;
        if (!leases.containsKey(cid)) {
          return cid;
        }
      }
      throw new HypervisorException(
          Category.RETRY, "no-cid", "All vsock numbers of this host are in use; end some VMs.");
    }
  }

  private int change(Change change) {
    ONE.lock();
    try {
      Files.createDirectories(state);
      try (FileChannel channel =
          FileChannel.open(
              state.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        channel.lock();
        Book book = read();
        int result = change.apply(book);
        write(book);
        return result;
      }
    } catch (IOException | ProtocolException e) {
      throw new HypervisorException(
          Category.BROKEN,
          "cids-unusable",
          "%s cannot be used: %s. If it is damaged, end all VMs of this host and remove it."
              .formatted(state.resolve(FILE), e.getMessage()),
          e);
    } finally {
      ONE.unlock();
    }
  }

  private Book read() throws IOException {
    Book book = new Book();
    byte[] bytes;
    try (var in = Files.newInputStream(state.resolve(FILE))) {
      bytes = in.readNBytes(MAX_BYTES + 1);
    } catch (NoSuchFileException e) {
      return book;
    }
    JsonObject json = Json.parseObject(bytes, MAX_BYTES);
    json.integer("v", 1, 1);
    book.next = (int) json.integer("next", FROM, TO);
    for (JsonObject lease : json.array("leases").objects()) {
      book.leases.put(
          (int) lease.integer("cid", FROM, TO),
          new Lease(lease.string("run", 4096), lease.string("bootId", 64)));
    }
    return book;
  }

  private void write(Book book) throws IOException {
    JsonArray leases =
        JsonArray.of(
            book.leases.entrySet().stream()
                .map(
                    entry ->
                        JsonObject.builder()
                            .put("cid", entry.getKey())
                            .put("run", entry.getValue().run())
                            .put("bootId", entry.getValue().bootId())
                            .build())
                .toList());
    Path draft = state.resolve(FILE + ".new");
    Files.write(
        draft,
        JsonObject.builder()
            .put("v", 1)
            .put("next", book.next)
            .put("leases", leases)
            .build()
            .toBytes());
    try (FileChannel channel = FileChannel.open(draft, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    Files.move(draft, state.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
  }
}
