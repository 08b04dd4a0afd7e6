// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.fairlead.computations.store.StoreFiles;
import dev.fairlead.delivery.Disk;
import dev.fairlead.delivery.StreamId;
import dev.fairlead.protocol.Addresses;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.List;

/**
 * Writes down what a store's files hold, in the order in which they hold it:
 *
 * <pre>
 * {"computation":"c1","stream":"logs","epoch":"e1","number":1,"hash":"0123456789abcdef"}
 * {"computation":"c1","stream":"logs","epoch":"e1","gap":"not-kept","first":2,"last":9}
 * {"damaged":17}
 * </pre>
 *
 * A hash is the first 16 hex digits of the record's SHA-256.
 */
final class StoreDump implements StoreFiles.Visitor {

  private final OutputStream out;
  private final MessageDigest digest = Lines.digest();

  private StoreDump(OutputStream out) {
    this.out = out;
  }

  /** Reads a store that nobody writes to. */
  static void write(Path store, Path file) throws IOException {
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16)) {
      StoreFiles.read(Disk.of(store), new StoreDump(out));
    }
  }

  @Override
  public void records(StreamId stream, long first, List<byte[]> records) throws IOException {
    String head = head(stream);
    StringBuilder rows = new StringBuilder();
    long number = first;
    for (byte[] record : records) {
      rows.append(head).append("\"number\":").append(number++).append(",\"hash\":\"");
      rows.append(Lines.hex(Lines.hash(digest, record))).append("\"}\n");
    }
    write(rows);
  }

  @Override
  public void gap(StreamId stream, long first, long last, String reason) throws IOException {
    write(
        "%s\"gap\":\"%s\",\"first\":%d,\"last\":%d}\n"
            .formatted(head(stream), reason, first, last));
  }

  @Override
  public void damaged(long bytes) throws IOException {
    write("{\"damaged\":" + bytes + "}\n");
  }

  private void write(CharSequence rows) throws IOException {
    out.write(rows.toString().getBytes(US_ASCII));
  }

  private static String head(StreamId stream) {
    String address = stream.address();
    return "{\"computation\":\"%s\",\"stream\":\"%s\",\"epoch\":\"%s\","
        .formatted(
            Addresses.parse(address).map(Addresses::party).orElse(address),
            address.substring(address.lastIndexOf('/') + 1),
            stream.epoch());
  }
}
