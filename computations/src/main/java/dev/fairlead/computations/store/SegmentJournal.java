// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.store;

import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.Objects.requireNonNull;

import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A journal of segment files, version 1. Big-endian.
 *
 * <pre>
 * lock              locked while the journal is open; says who has it
 * 0000000001.seg    segments, in order of their numbers; only the last one grows
 *
 * segment:  8 bytes  "FLJRNL" 0 1
 *           8 bytes  salt, random
 *           4 bytes  mark, random
 *           4 bytes  CRC32C of the 20 bytes before
 *           entries
 * entry:    4 bytes  mark, as in the head
 *           4 bytes  length n, 1 to 4 MiB
 *           4 bytes  CRC32C of salt, length and content
 *           n bytes  content
 * </pre>
 *
 * What a reader does with damage: it looks for the next mark that begins a whole entry, skips what
 * lies between, and counts it. Salt and mark are random so that no content can pass for an entry
 * there. Where no whole entry follows in the last segment, its end was torn off by a crash, and is
 * cut away before anything is appended. A segment with a damaged head is skipped as a whole.
 *
 * <p>A write that fails is taken back by cutting the file; after a sync that failed, nothing more
 * is written to that segment, since what the disk holds of it is not known.
 */
final class SegmentJournal implements Journal {

  /** Opens files: the place where tests put faults. */
  interface Opener {
    FileChannel open(Path file, Set<? extends OpenOption> options) throws IOException;
  }

  /** The largest entry, in bytes. */
  static final int MAX_ENTRY = 4 << 20;

  private static final System.Logger LOG = System.getLogger(SegmentJournal.class.getName());
  private static final byte[] MAGIC = {'F', 'L', 'J', 'R', 'N', 'L', 0, 1};
  private static final int HEAD = 24;
  private static final int ENTRY_HEAD = 12;
  private static final int MAX_SEGMENT = 1 << 30;
  private static final int OFFSET_BITS = 32;

  private final Path directory;
  private final long segmentBytes;
  private final Opener opener;
  private final RandomGenerator random;
  private final FileChannel lockFile;
  private final Map<Integer, Head> heads = new ConcurrentHashMap<>();
  private int last;
  private @Nullable FileChannel channel;
  private long end;
  private long syncedEnd;
  private boolean dirty;
  private boolean failed;
  private boolean suspicious;
  private final AtomicLong closedBytes = new AtomicLong();
  private volatile long openBytes;
  private long skipped;

  private record Head(long salt, int mark) {
    int checksum(ByteBuffer content) {
      CRC32C crc = new CRC32C();
      ByteBuffer head = ByteBuffer.allocate(12).putLong(salt).putInt(content.remaining()).flip();
      crc.update(head);
      crc.update(content.duplicate());
      return (int) crc.getValue();
    }
  }

  private SegmentJournal(
      Path directory, long segmentBytes, Opener opener, RandomGenerator random, FileChannel lock) {
    this.directory = directory;
    this.segmentBytes = segmentBytes;
    this.opener = opener;
    this.random = random;
    this.lockFile = lock;
  }

  /** Opens a journal with plain files. */
  static SegmentJournal open(Path directory, long segmentBytes, Visitor visitor)
      throws IOException {
    return open(directory, segmentBytes, visitor, FileChannel::open, new SecureRandom());
  }

  /**
   * Opens a journal, tells of all it holds, and repairs its end.
   *
   * @param directory made where it is absent, for its owner alone
   * @param segmentBytes size at which the next segment begins, 1 KiB to 1 GiB
   * @throws IOException when another process has it, or it cannot be read
   */
  static SegmentJournal open(
      Path directory, long segmentBytes, Visitor visitor, Opener opener, RandomGenerator random)
      throws IOException {
    if (segmentBytes < 1024 || segmentBytes > MAX_SEGMENT) {
      throw new IllegalArgumentException(
          "A segment has 1024 to %d bytes, not %d.".formatted(MAX_SEGMENT, segmentBytes));
    }
    makeDirectory(directory);
    SegmentJournal journal =
        new SegmentJournal(directory, segmentBytes, opener, random, lock(directory));
    try {
      journal.load(requireNonNull(visitor, "visitor is null"));
      return journal;
    } catch (IOException | RuntimeException e) {
      journal.close();
      throw e;
    }
  }

  @Override
  public long append(ByteBuffer bytes) throws IOException {
    int length = bytes.remaining();
    if (length < 1 || length > MAX_ENTRY) {
      throw new IllegalArgumentException(
          "An entry has 1 to %d bytes, not %d.".formatted(MAX_ENTRY, length));
    }
    FileChannel out = writable();
    Head head = requireNonNull(heads.get(last));
    ByteBuffer entry = ByteBuffer.allocate(ENTRY_HEAD + length);
    entry.putInt(head.mark()).putInt(length).putInt(head.checksum(bytes));
    entry.put(bytes.duplicate()).flip();
    long at = end;
    dirty = true;
    try {
      writeFully(out, entry, at);
    } catch (IOException e) {
      failed = true;
      throw e;
    }
    end = at + ENTRY_HEAD + length;
    return ((long) last << OFFSET_BITS) | at;
  }

  @Override
  public void sync() throws IOException {
    FileChannel out = channel;
    if (out == null || !dirty) {
      return;
    }
    try {
      out.force(false);
    } catch (IOException e) {
      failed = true;
      suspicious = true;
      throw e;
    }
    dirty = false;
    syncedEnd = end;
    openBytes = end;
    if (end >= segmentBytes) {
      finish();
    }
  }

  @Override
  public void forget() throws IOException {
    FileChannel out = channel;
    if (out == null || !dirty) {
      failed = false;
      return;
    }
    failed = true; // until the next lines have succeeded
    out.truncate(syncedEnd);
    end = syncedEnd;
    dirty = false;
    failed = false;
    if (suspicious) {
      finish();
      suspicious = false;
    }
  }

  @Override
  public ByteBuffer read(long position) throws IOException {
    int segment = (int) (position >>> OFFSET_BITS);
    long offset = position & ((1L << OFFSET_BITS) - 1);
    Head head = heads.get(segment);
    if (head == null) {
      throw new IOException("There is no segment " + segment + ".");
    }
    // No channel: one would be closed, for all, by the interrupt of any thread that reads.
    try (RandomAccessFile in = new RandomAccessFile(file(segment).toFile(), "r")) {
      in.seek(offset);
      int mark = in.readInt();
      int length = in.readInt();
      int checksum = in.readInt();
      if (mark != head.mark() || length < 1 || length > MAX_ENTRY) {
        throw new IOException(damaged(segment, offset));
      }
      byte[] content = new byte[length];
      in.readFully(content);
      ByteBuffer bytes = ByteBuffer.wrap(content);
      if (checksum != head.checksum(bytes)) {
        throw new IOException(damaged(segment, offset));
      }
      return bytes;
    } catch (EOFException e) {
      throw new IOException(damaged(segment, offset), e);
    }
  }

  @Override
  public long size() {
    return closedBytes.get() + openBytes;
  }

  @Override
  public long skipped() {
    return skipped;
  }

  @Override
  public void close() throws IOException {
    try {
      FileChannel out = channel;
      channel = null;
      if (out != null) {
        out.close();
      }
    } finally {
      lockFile.close();
    }
  }

  /** The channel of the last segment, beginning another where there is none that may be used. */
  private FileChannel writable() throws IOException {
    if (failed) {
      forget(); // nothing is written behind what a failure has left
    }
    FileChannel out = channel;
    return out != null ? out : begin();
  }

  private FileChannel begin() throws IOException {
    int number = last + 1;
    Path file = file(number);
    Head head = new Head(random.nextLong(), random.nextInt());
    ByteBuffer bytes = ByteBuffer.allocate(HEAD);
    bytes.put(MAGIC).putLong(head.salt()).putInt(head.mark());
    CRC32C crc = new CRC32C();
    crc.update(bytes.duplicate().flip());
    bytes.putInt((int) crc.getValue()).flip();
    FileChannel made = opener.open(file, Set.of(CREATE_NEW, READ, WRITE));
    try {
      writeFully(made, bytes, 0);
      made.force(true);
      syncDirectory();
    } catch (IOException e) {
      made.close();
      Files.deleteIfExists(file);
      throw e;
    }
    last = number;
    heads.put(number, head);
    channel = made;
    end = HEAD;
    syncedEnd = HEAD;
    openBytes = HEAD;
    dirty = false;
    return made;
  }

  /** Writes no more to the last segment. */
  private void finish() {
    FileChannel out = requireNonNull(channel);
    channel = null;
    closedBytes.addAndGet(syncedEnd);
    openBytes = 0;
    try {
      out.close();
    } catch (IOException e) {
      LOG.log(WARNING, "{0} did not close well; all that counts of it is synced.", file(last));
    }
  }

  private void load(Visitor visitor) throws IOException {
    List<Path> segments;
    try (Stream<Path> files = Files.list(directory)) {
      segments =
          files
              .filter(file -> file.getFileName().toString().matches("[0-9]{10}\\.seg"))
              .sorted()
              .toList();
    }
    for (int i = 0; i < segments.size(); i++) {
      load(segments.get(i), i == segments.size() - 1, visitor);
    }
  }

  private void load(Path file, boolean newest, Visitor visitor) throws IOException {
    int number = Integer.parseInt(file.getFileName().toString().substring(0, 10));
    last = number;
    FileChannel in = opener.open(file, Set.of(READ, WRITE));
    boolean keep = false;
    try {
      long size = in.size();
      Head head = readHead(in, size);
      if (head == null) {
        if (newest && size <= HEAD) {
          Files.delete(file); // begun, and torn off before anything was in it
          last = number - 1;
        } else {
          skipped++;
          closedBytes.addAndGet(size);
          LOG.log(WARNING, "{0} has a damaged head: it is skipped, and left as it is.", file);
        }
        return;
      }
      heads.put(number, head);
      long good = scan(in, size, number, head, newest, visitor);
      if (newest && good < size) {
        LOG.log(WARNING, "{0} was torn off: {1} bytes are cut away.", file, size - good);
        in.truncate(good);
        in.force(true);
      }
      if (newest && good < segmentBytes) {
        channel = in;
        end = good;
        syncedEnd = good;
        openBytes = good;
        keep = true;
      } else {
        closedBytes.addAndGet(size);
      }
    } finally {
      if (!keep) {
        in.close();
      }
    }
  }

  /** Tells of each entry; returns where the last whole one ends. */
  private long scan(
      FileChannel in, long size, int number, Head head, boolean newest, Visitor visitor)
      throws IOException {
    Window window = new Window(in, size);
    long at = HEAD;
    long good = HEAD;
    while (at < size) {
      ByteBuffer content = window.entry(at, head);
      if (content != null) {
        visitor.entry(((long) number << OFFSET_BITS) | at, content);
        at += ENTRY_HEAD + content.remaining();
        good = at;
        continue;
      }
      long next = window.next(at + 1, head);
      if (next < 0) {
        if (!newest) {
          skipped++;
          LOG.log(WARNING, "{0} is damaged from {1} to its end.", file(number), at);
        }
        return good;
      }
      skipped++;
      LOG.log(WARNING, "{0} is damaged from {1} to {2}: skipped.", file(number), at, next);
      at = next;
    }
    return good;
  }

  /** A part of a segment in memory, large enough for two entries of any size. */
  private static final class Window {
    private final FileChannel in;
    private final long size;
    private final ByteBuffer bytes = ByteBuffer.allocate(2 * (MAX_ENTRY + ENTRY_HEAD));
    private long start;

    Window(FileChannel in, long size) {
      this.in = in;
      this.size = size;
      bytes.limit(0);
    }

    /** The content of the entry that begins there; null when no whole one does. */
    @Nullable ByteBuffer entry(long at, Head head) throws IOException {
      if (size - at < ENTRY_HEAD) {
        return null;
      }
      int index = load(at, ENTRY_HEAD);
      int length = bytes.getInt(index + 4);
      if (bytes.getInt(index) != head.mark()
          || length < 1
          || length > MAX_ENTRY
          || size - at - ENTRY_HEAD < length) {
        return null;
      }
      int checksum = bytes.getInt(index + 8);
      index = load(at, ENTRY_HEAD + length);
      ByteBuffer content = bytes.slice(index + ENTRY_HEAD, length);
      return checksum == head.checksum(content) ? content : null;
    }

    /** Where the next whole entry begins, from a place on; -1 when none does. */
    long next(long from, Head head) throws IOException {
      for (long at = from; size - at >= ENTRY_HEAD; at++) {
        if (bytes.getInt(load(at, ENTRY_HEAD)) == head.mark() && entry(at, head) != null) {
          return at;
        }
      }
      return -1;
    }

    /** Makes sure that a range is in memory; returns its index there. */
    private int load(long at, int length) throws IOException {
      if (at < start || at + length > start + bytes.limit()) {
        start = at;
        bytes.clear();
        long position = at;
        while (bytes.hasRemaining() && position < size) {
          int n = in.read(bytes, position);
          if (n < 0) {
            throw new EOFException("A segment became shorter while it was read.");
          }
          position += n;
        }
        bytes.flip();
      }
      return (int) (at - start);
    }
  }

  private static @Nullable Head readHead(FileChannel in, long size) throws IOException {
    if (size < HEAD) {
      return null;
    }
    ByteBuffer bytes = ByteBuffer.allocate(HEAD);
    while (bytes.hasRemaining()) {
      if (in.read(bytes, bytes.position()) < 0) {
        return null;
      }
    }
    bytes.flip();
    CRC32C crc = new CRC32C();
    crc.update(bytes.slice(0, HEAD - 4));
    byte[] magic = new byte[MAGIC.length];
    bytes.get(magic);
    long salt = bytes.getLong();
    int mark = bytes.getInt();
    boolean whole = bytes.getInt() == (int) crc.getValue() && Arrays.equals(magic, MAGIC);
    return whole ? new Head(salt, mark) : null;
  }

  private static void writeFully(FileChannel out, ByteBuffer bytes, long at) throws IOException {
    long position = at;
    while (bytes.hasRemaining()) {
      position += out.write(bytes, position);
    }
  }

  private Path file(int number) {
    return directory.resolve("%010d.seg".formatted(number));
  }

  private static String damaged(int segment, long offset) {
    return "Segment %d is damaged at %d.".formatted(segment, offset);
  }

  private void syncDirectory() throws IOException {
    try (FileChannel itself = FileChannel.open(directory, READ)) {
      itself.force(true);
    }
  }

  private static void makeDirectory(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      Files.createDirectories(
          directory,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
  }

  private static FileChannel lock(Path directory) throws IOException {
    Path file = directory.resolve("lock");
    FileChannel channel = FileChannel.open(file, Set.of(CREATE, READ, WRITE));
    try {
      FileLock lock = channel.tryLock();
      if (lock == null) {
        throw held(file);
      }
      channel.truncate(0);
      String holder = "process %d".formatted(ProcessHandle.current().pid());
      channel.write(ByteBuffer.wrap(holder.getBytes(US_ASCII)), 0);
      return channel;
    } catch (OverlappingFileLockException e) {
      channel.close();
      throw held(file);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static IOException held(Path file) throws IOException {
    String holder = Files.readString(file, UTF_8);
    return new IOException(
        "%s is held by %s: a store has one writer, end that one first."
            .formatted(file, holder.isBlank() ? "another process" : holder));
  }
}
