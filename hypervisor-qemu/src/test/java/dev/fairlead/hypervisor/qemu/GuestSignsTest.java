// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.hypervisor.api.VmEnd;
import dev.fairlead.hypervisor.api.VmEnd.Kind;
import java.time.Instant;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The table of what QEMU shows at each kind of end. */
class GuestSignsTest {

  private final GuestSigns signs = new GuestSigns();

  @ParameterizedTest
  @CsvSource({
    "guest-shutdown,FINISHED",
    "guest-reset,CRASHED",
    "guest-panic,CRASHED",
    "host-qmp-quit,STOPPED",
    "host-signal,KILLED",
    "something-new,KILLED",
  })
  void theReasonTells(String reason, Kind kind) {
    signs.shutdown(reason);
    expect(kind, reason, 0);
  }

  @Test
  void aPanicIsACrashWhateverComesAfter() {
    signs.panicked();
    signs.stopAsked();
    signs.shutdown("guest-shutdown");
    expect(Kind.CRASHED, "guest-panic", 0);
  }

  @Test
  void whatWasAskedForIsAStop() {
    signs.stopAsked();
    signs.shutdown("guest-shutdown");
    expect(Kind.STOPPED, "guest-shutdown", 0);
  }

  @Test
  void withoutAReasonTheExitCodeTells() {
    expect(Kind.KILLED, "signal-9", 137);
    expect(Kind.KILLED, "exit-1", 1);
    assertThat(signs.end(OptionalInt.empty(), Instant.EPOCH).reason()).isEqualTo("gone");
  }

  @Test
  void whatWeKilledHasTheReasonForWhichWeDid() {
    signs.hypervisorFailed("internal-error");
    expect(Kind.CRASHED, "internal-error", 137);
    signs.neverBooted("no-life");
    expect(Kind.NEVER_BOOTED, "no-life", 137);
  }

  private void expect(Kind kind, String reason, int exit) {
    assertThat(signs.end(OptionalInt.of(exit), Instant.EPOCH))
        .isEqualTo(new VmEnd(kind, reason, OptionalInt.of(exit), Instant.EPOCH));
  }
}
