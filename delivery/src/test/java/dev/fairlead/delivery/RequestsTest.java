// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class RequestsTest {

  private static final String ASK = "fl/_host-a/up/requests";
  private static final String ANSWER = "fl/_host-a/down/replies";
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final SimTime time = new SimTime();
  private final SimNet net = new SimNet(time, new Random(1));
  private final SimNet.End host = net.end();
  private final SimNet.End service = net.end();
  private final Requester requester = new Requester(host, time, ASK, ANSWER);
  private int done;

  private Responder responder() {
    return new Responder(
        service,
        "fl/*/up/requests",
        address -> Optional.of(address.replace("/up/requests", "/down/replies")),
        (address, id, payload) -> {
          done++;
          return CompletableFuture.completedStage(
              ("done " + new String(payload, UTF_8)).getBytes(UTF_8));
        });
  }

  @Test
  void eachRequestIsDoneOnceWhateverTheNetworkDoes() {
    net.weather.loss = 0.4;
    net.weather.doubling = 0.4;
    net.weather.ordered = false;
    try (Responder responder = responder()) {
      List<CompletableFuture<byte[]>> answers = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        answers.add(requester.ask(("r" + i).getBytes(UTF_8), PATIENCE).toCompletableFuture());
      }
      time.pass(PATIENCE);
      assertThat(done).isEqualTo(50);
      for (int i = 0; i < 50; i++) {
        assertThat(new String(answers.get(i).join(), UTF_8)).isEqualTo("done r" + i);
      }
      assertThat(responder).isNotNull();
    }
  }

  @Test
  void withoutAnAnswerPatienceEnds() {
    CompletableFuture<byte[]> answer =
        requester.ask(new byte[0], Duration.ofSeconds(3)).toCompletableFuture();
    time.pass(Duration.ofSeconds(2));
    assertThat(answer).isNotDone();
    time.pass(Duration.ofSeconds(2));
    assertThat(answer).isCompletedExceptionally();
  }

  @Test
  void aRequestAskedBeforeTheServiceIsThereIsAnsweredLater() {
    service.cut();
    CompletableFuture<byte[]> answer = requester.ask(new byte[0], PATIENCE).toCompletableFuture();
    time.pass(Duration.ofSeconds(5));
    try (Responder responder = responder()) {
      service.comeBack();
      time.pass(Duration.ofSeconds(2));
      assertThat(answer).isCompleted();
      assertThat(responder).isNotNull();
    }
  }

  @Test
  void whatFailsMayBeAskedAgain() {
    List<String> asked = new ArrayList<>();
    try (Responder responder =
        new Responder(
            service,
            "fl/*/up/requests",
            address -> Optional.of(ANSWER),
            (address, id, payload) -> {
              asked.add(id);
              if (asked.size() == 1) {
                throw new IllegalStateException("The test fails it.");
              }
              return CompletableFuture.completedStage(new byte[] {1});
            })) {
      CompletableFuture<byte[]> answer =
          requester.ask("mine", new byte[0], PATIENCE).toCompletableFuture();
      time.pass(Duration.ofSeconds(5));
      assertThat(answer).isCompletedWithValue(answer.join());
      assertThat(asked).containsExactly("mine", "mine");
      assertThat(responder).isNotNull();
    }
  }

  @Test
  void thereAreBoundsAndAnEnd() {
    service.cut();
    List<CompletableFuture<byte[]>> all = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      all.add(requester.ask(new byte[0], PATIENCE).toCompletableFuture());
    }
    assertThat(all.stream().filter(CompletableFuture::isCompletedExceptionally)).hasSize(44);
    requester.close();
    assertThat(all).allMatch(CompletableFuture::isCompletedExceptionally);
    assertThat(requester.ask(new byte[0], PATIENCE).toCompletableFuture())
        .isCompletedExceptionally();
  }
}
