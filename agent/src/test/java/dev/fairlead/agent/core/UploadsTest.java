// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.agent.AgentException;
import dev.fairlead.agent.Upload;
import dev.fairlead.protocol.AgentState;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UploadsTest {

  private static final byte[] BYTES = "contents".getBytes(UTF_8);

  @TempDir Path directory;

  private final List<Uploads.Arrived> arrived = new ArrayList<>();
  private Path artefacts;
  private Uploads uploads;

  @BeforeEach
  void makeRoomForOne() throws IOException {
    artefacts = directory.resolve("artefacts");
    uploads = new Uploads(new Artefacts(artefacts, 1 << 20), 1, System::nanoTime);
  }

  private static void write(Upload upload) {
    upload.write(ByteBuffer.wrap(BYTES));
  }

  @Test
  void whatHasArrivedIsKept() throws IOException {
    Upload upload = uploads.begin(1 << 10, arrived::add);
    write(upload);
    assertThat(upload.complete()).isEqualTo(Keys.sha3(BYTES));
    upload.close();
    Uploads.Arrived one = arrived.get(0);
    assertThat(one.file()).hasBinaryContent(BYTES);
    assertThat(one.bytes()).isEqualTo(BYTES.length);
    assertThat(one.sha3()).isEqualTo(Keys.sha3(BYTES));
    uploads.begin(1 << 10, arrived::add).close();
  }

  @Test
  void whatIsNotTakenIsRemovedAndItsPlaceIsFree() {
    Upload upload =
        uploads.begin(
            1 << 10,
            refused -> {
              throw AgentStateMachine.refusal(AgentState.IDLE, "Taking it");
            });
    write(upload);
    assertThatThrownBy(upload::complete).extracting("code").isEqualTo("wrong-state");
    assertThat(artefacts).isEmptyDirectory();
    uploads.begin(1 << 10, arrived::add).close();
  }

  @Test
  void allAreEndedAtOnce() {
    Upload upload = uploads.begin(1 << 10, arrived::add);
    write(upload);
    uploads.end();
    assertThat(artefacts).isEmptyDirectory();
    assertThatThrownBy(() -> write(upload)).extracting("code").isEqualTo("upload-ended");
    assertThatThrownBy(upload::complete).extracting("code").isEqualTo("upload-ended");
    assertThat(arrived).isEmpty();
  }

  /** A disk that does not let go of a file hides no other error, and leaves no lock behind. */
  @Test
  void aFileThatCannotBeRemovedHoldsNobodyUp() throws Exception {
    Upload upload = uploads.begin(4, arrived::add);
    Path file = artefacts.resolve("upload-1");
    Files.delete(file);
    Files.createDirectories(file.resolve("something"));
    assertThatThrownBy(() -> write(upload))
        .isInstanceOf(AgentException.class)
        .extracting("code")
        .isEqualTo("too-large");
    CompletableFuture<Void> other =
        CompletableFuture.runAsync(
            () -> {
              upload.close();
              uploads.begin(4, arrived::add).close();
            });
    other.get(60, TimeUnit.SECONDS);
  }
}
