// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.fairlead.bench.rig.JavaProcess;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/**
 * The ledger, a process of its own that outlives every agent: writes {@code ledger.ndjson}, one
 * line for each line that an agent meant to say, with the level that its append reached; and one
 * for each time an agent began, with the last number that it found in its spool.
 *
 * <pre>
 * {"computation":"c1","stream":"logs","epoch":"e1","run":1,"recovered":0}
 * {"computation":"c1","stream":"logs","epoch":"e1","number":1,"run":1,"sequence":1,"hash":"0123456789abcdef","level":"SPOOLED"}
 * </pre>
 *
 * The level is {@code INTENDED}, {@code QUEUED} or {@code SPOOLED}: the highest that the agent told
 * of before it ended. The number is the one that the append gave, and before that the next in turn.
 */
public final class LedgerMain {

  private static final System.Logger LOG = System.getLogger(LedgerMain.class.getName());
  private static final int MOST_TEXT = 128;
  private static final long FLUSH_MILLIS = 500;

  private final ServerSocketChannel server;
  private final OutputStream out;
  private final Set<Thread> readers = ConcurrentHashMap.newKeySet();

  private LedgerMain(Path socket, Path file) throws IOException {
    server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(socket));
    out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16);
  }

  /**
   * Runs until it is asked to end; by then every agent has.
   *
   * @param args the socket, and the file
   * @throws IOException when either cannot be had
   * @throws InterruptedException never
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    LedgerMain ledger = new LedgerMain(Path.of(args[0]), Path.of(args[1]));
    JavaProcess.endWithParent();
    CountDownLatch ending = new CountDownLatch(1);
    Thread accept = start("accept", ledger::accept);
    Thread flush = start("flush", () -> ledger.flush(ending));
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  try {
                    ledger.end();
                  } finally {
                    ending.countDown();
                  }
                },
                "fairlead-ledger-end"));
    accept.join();
    flush.join();
  }

  private static Thread start(String what, Runnable work) {
    Thread thread = new Thread(work, "fairlead-ledger-" + what);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private void accept() {
    try {
      while (true) {
        SocketChannel agent = server.accept();
        readers.add(start("reader", () -> read(agent)));
      }
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "The ledger takes no more.", e);
    }
  }

  private void flush(CountDownLatch ending) {
    try {
      while (!ending.await(FLUSH_MILLIS, java.util.concurrent.TimeUnit.MILLISECONDS)) {
        synchronized (out) {
          out.flush();
        }
      }
    } catch (IOException e) {
      fail(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** What is on its way is read to its end: all agents are gone. */
  private void end() {
    try {
      server.close();
      for (Thread reader : readers) {
        reader.join();
      }
      synchronized (out) {
        out.close();
      }
    } catch (IOException e) {
      fail(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void fail(IOException e) {
    LOG.log(System.Logger.Level.ERROR, "The ledger cannot be written: the run is void.", e);
    Runtime.getRuntime().halt(1);
  }

  private void read(SocketChannel agent) {
    Account account = new Account();
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Channels.newInputStream(agent), 1 << 16))) {
      for (int kind = in.read(); kind >= 0; kind = in.read()) {
        switch (kind) {
          case Ledger.BEGUN -> account.begin(in);
          case Ledger.INTENDED -> account.intended(in);
          case Ledger.QUEUED -> account.queued = in.readLong();
          case Ledger.SPOOLED -> account.spooled(in.readLong());
          default -> throw new IOException("An agent said " + kind + ".");
        }
      }
    } catch (EOFException e) {
      LOG.log(System.Logger.Level.DEBUG, "An agent died in mid-sentence.", e);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "An agent's connection broke.", e);
    }
    account.end();
  }

  private void write(CharSequence rows) {
    byte[] bytes = rows.toString().getBytes(US_ASCII);
    synchronized (out) {
      try {
        out.write(bytes);
      } catch (IOException e) {
        fail(e);
      }
    }
  }

  /** One line that was intended. */
  private record Line(long number, long sequence, long hash) {}

  /** What one agent says, from its start to its end. */
  private final class Account {

    private final Deque<Line> open = new ArrayDeque<>();
    private String head = "";
    private long run;
    private long queued;

    void begin(DataInputStream in) throws IOException {
      run = in.readLong();
      long recovered = in.readLong();
      head =
          "{\"computation\":\"%s\",\"stream\":\"%s\",\"epoch\":\"%s\","
              .formatted(text(in), text(in), text(in));
      write(head + "\"run\":" + run + ",\"recovered\":" + recovered + "}\n");
    }

    void intended(DataInputStream in) throws IOException {
      long first = in.readLong();
      long sequence = in.readLong();
      int count = in.readInt();
      for (int i = 0; i < count; i++) {
        open.add(new Line(first + i, sequence + i, in.readLong()));
      }
    }

    void spooled(long upTo) {
      StringBuilder rows = new StringBuilder();
      for (Line line = open.peek(); line != null && line.number <= upTo; line = open.peek()) {
        row(rows, open.remove(), "SPOOLED");
      }
      write(rows);
    }

    void end() {
      StringBuilder rows = new StringBuilder();
      for (Line line : open) {
        row(rows, line, line.number <= queued ? "QUEUED" : "INTENDED");
      }
      write(rows);
    }

    private void row(StringBuilder rows, Line line, String level) {
      rows.append(head).append("\"number\":").append(line.number);
      rows.append(",\"run\":").append(run);
      rows.append(",\"sequence\":").append(line.sequence);
      rows.append(",\"hash\":\"").append(Lines.hex(line.hash));
      rows.append("\",\"level\":\"").append(level).append("\"}\n");
    }

    private String text(DataInputStream in) throws IOException {
      int length = in.readUnsignedShort();
      if (length > MOST_TEXT) {
        throw new IOException("A name of %d characters.".formatted(length));
      }
      return new String(in.readNBytes(length), US_ASCII);
    }
  }
}
