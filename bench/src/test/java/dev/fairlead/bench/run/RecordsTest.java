// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.protocol.LogRecord;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Records are log records of one length, and say which one they are. */
final class RecordsTest {

  private static final Instant NOW = Instant.parse("2026-11-01T12:00:00Z");

  private static Records records(int bytes) {
    return new Records("c1", bytes, () -> NOW);
  }

  @ParameterizedTest
  @ValueSource(ints = {200, 2000})
  void everyRecordHasTheLengthAndItsNumber(int bytes) {
    Records records = records(bytes);
    Set<String> messages = new HashSet<>();
    for (long number : new long[] {1, 2, 16, 17, 999_999_999_999L}) {
      byte[] record = records.record(number, 1_234_567_890_123_456L);
      assertThat(record).hasSize(bytes);
      assertThat(records.number(record)).isEqualTo(number);
      int at = Records.find(record, 0, record.length);
      assertThat(Records.numberAt(record, at)).isEqualTo(number);
      assertThat(Records.nanosAt(record, at)).isEqualTo(1_234_567_890_123_456L);
      LogRecord read = LogRecord.parse(record);
      assertThat(read.computationId()).isEqualTo("c1");
      messages.add(read.message());
    }
    assertThat(messages).hasSize(5);
  }

  @Test
  void whateverIsChangedIsNoticed() {
    Records records = records(200);
    byte[] record = records.record(42, 7);
    int at = Records.find(record, 0, record.length);
    for (int i = at; i < record.length - 24; i++) { // behind it stands whose it is
      byte[] changed = record.clone();
      changed[i] ^= 1;
      boolean time = i >= at + 20 && i < at + Records.markLength();
      if (!time) {
        assertThat(records.number(changed)).as("byte %d", i).isNotEqualTo(42L);
      }
    }
    assertThat(records.number(new byte[200])).isEqualTo(-1);
    assertThat(records.number(new byte[0])).isEqualTo(-1);
    assertThat(records.number(records(201).record(42, 7))).isEqualTo(-1);
  }

  @Test
  void recordThatHoldsNoMarkIsRefused() {
    assertThatThrownBy(() -> records(100)).isInstanceOf(IllegalArgumentException.class);
    assertThat(records(Records.LEAST).record(1, 1)).hasSize(Records.LEAST);
  }
}
