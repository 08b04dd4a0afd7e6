// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.micro;

import dev.fairlead.protocol.LogRecord;
import java.time.Instant;

/** What is measured with: records of 200 bytes, and as many of them as a batch holds. */
final class Sample {

  static final String COMPUTATION = "123-4";
  static final String FLEET = "fl";
  static final String LOGS = FLEET + "/" + COMPUTATION + "/up/logs";
  static final String ACKS = FLEET + "/" + COMPUTATION + "/down/acks/logs";
  static final int RECORD_BYTES = 200;

  /** Records that fill a batch of 64 KiB, with the newlines between them. */
  static final int RECORDS = (64 * 1024 + 1) / (RECORD_BYTES + 1);

  private static final int AROUND = record("").toJson().length;

  private Sample() {}

  /** One whose encoded line has {@link #RECORD_BYTES}. */
  static LogRecord record() {
    String text = "epoch 17/50 step 0412 loss=0.4213 acc=0.8817 lr=3.0e-04 shard=07 of 16; ok ";
    return record(text.repeat(3).substring(0, RECORD_BYTES - AROUND));
  }

  static byte[] line() {
    return record().toJson();
  }

  private static LogRecord record(String message) {
    return new LogRecord(
        Instant.parse("2026-11-22T12:00:00.123456Z"),
        LogRecord.Level.INFO,
        "stdout",
        message,
        COMPUTATION);
  }
}
