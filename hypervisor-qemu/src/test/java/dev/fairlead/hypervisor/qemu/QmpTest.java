// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import dev.fairlead.protocol.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A monitor that misbehaves; a real one is in {@link QemuIT}. */
class QmpTest {

  private static final String GREETING = "{\"QMP\":{\"version\":{}}}\r\n";
  private static final Duration SHORT = Duration.ofMillis(300);
  private static final Duration LONG = Duration.ofSeconds(10);

  private final List<String> heard = new CopyOnWriteArrayList<>();
  private final Qmp.Listener listener =
      new Qmp.Listener() {
        @Override
        public void event(String name, JsonObject data) {
          heard.add(name + data);
        }

        @Override
        public void closed() {
          heard.add("closed");
        }
      };

  @TempDir private Path folder;
  private Path path;
  private ServerSocketChannel server;

  @BeforeEach
  void listen() throws IOException {
    path = folder.resolve("qmp.sock");
    server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(path));
  }

  @AfterEach
  void close() throws IOException {
    server.close();
  }

  @Test
  void matchesRepliesToCommandsAmongEvents() throws Exception {
    String all =
        """
        {"event":"STOP","timestamp":{}}
        {"return":3,"id":3}
        {"return":{"a":2},"id":2}
        {"return":{},"id":99}
        {"return":{}}
        """;
    serve(id -> id == 2 ? "" : id == 3 ? all : reply(id));
    try (Qmp qmp = Qmp.open(path, LONG, listener)) {
      var second = qmp.execute("two");
      var third = qmp.execute("three");
      assertThat(third.get(10, TimeUnit.SECONDS)).hasToString("3");
      assertThat(second.get(10, TimeUnit.SECONDS)).hasToString("{\"a\":2}");
      assertThat(heard).containsExactly("STOP{}");
    }
    await().until(() -> heard.contains("closed"));
  }

  @Test
  void tellsWhyACommandIsRefused() throws Exception {
    serve(
        id ->
            id == 1
                ? reply(id)
                : "{\"error\":{\"class\":\"GenericError\",\"desc\":\"No such thing\"},\"id\":2}\n");
    try (Qmp qmp = Qmp.open(path, LONG, listener)) {
      assertThatExceptionOfType(IOException.class)
          .isThrownBy(() -> qmp.call("x", LONG))
          .withMessageContaining("No such thing");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nonsense\n",
        "[1]\n",
        "\n",
        "{\"event\":3}\n",
        "{\"event\":\"X\",\"data\":7}\n",
        "{\"id\":\"2\",\"return\":1}\n",
        "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"
            + "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"
            + "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1\n",
      })
  void whatIsNoMonitorEndsTheConnection(String line) throws Exception {
    serve(id -> id == 1 ? reply(id) : line);
    try (Qmp qmp = Qmp.open(path, LONG, listener)) {
      assertThatExceptionOfType(ExecutionException.class)
          .isThrownBy(() -> qmp.execute("x").get(10, TimeUnit.SECONDS))
          .withCauseInstanceOf(IOException.class);
      await().until(() -> heard.equals(List.of("closed")));
      assertThat(qmp.execute("y")).failsWithin(LONG);
    }
  }

  @Test
  void aLineWithoutEndDoesNotFillTheMemory() throws Exception {
    serve(id -> id == 1 ? reply(id) : "x".repeat(Qmp.MAX_LINE + 1));
    try (Qmp qmp = Qmp.open(path, LONG, listener)) {
      assertThat(qmp.execute("x"))
          .failsWithin(LONG)
          .withThrowableOfType(ExecutionException.class)
          .withMessageContaining("longer");
    }
  }

  @Test
  void endOfFileAnswersAllThatWait() throws Exception {
    serve(id -> id == 1 ? reply(id) : null);
    try (Qmp qmp = Qmp.open(path, LONG, listener)) {
      assertThat(qmp.execute("quit")).failsWithin(LONG);
      await().until(() -> heard.equals(List.of("closed")));
    }
  }

  @Test
  void aMonitorThatAnotherHoldsDoesNotGreet() {
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> Qmp.open(path, SHORT, listener))
        .withMessageContaining("another client");
  }

  /** On a busy host the first try may be given up, and the second has the monitor. */
  @Test
  void theEndOfATryThatFailedIsNotThatOfTheMonitor() throws Exception {
    assertThatExceptionOfType(IOException.class).isThrownBy(() -> Qmp.open(path, SHORT, listener));
    server.accept().close();
    awaitNoReader();
    serve(QmpTest::reply);
    try (Qmp qmp = Qmp.open(path, LONG, listener)) {
      assertThat(heard).isEmpty();
      assertThat(qmp.call("x", LONG)).hasToString("{}");
    }
    awaitNoReader();
    assertThat(heard).containsExactly("closed");
  }

  private void awaitNoReader() {
    await()
        .atMost(Duration.ofSeconds(60))
        .until(
            () ->
                Thread.getAllStackTraces().keySet().stream()
                    .noneMatch(thread -> thread.getName().equals("qmp " + path)));
  }

  @Test
  void whereNobodyListensThereIsNoMonitor() throws Exception {
    server.close();
    assertThatExceptionOfType(IOException.class).isThrownBy(() -> Qmp.open(path, SHORT, listener));
    assertThat(heard).isEmpty();
  }

  private static String reply(int id) {
    return "{\"return\":{},\"id\":" + id + "}\r\n";
  }

  /** Answers the n-th command with what a function says; null closes. */
  private void serve(Function<Integer, String> answers) {
    Thread thread =
        new Thread(
            () -> {
              try (SocketChannel client = server.accept();
                  BufferedReader in =
                      new BufferedReader(
                          new InputStreamReader(Channels.newInputStream(client), UTF_8));
                  OutputStream out = Channels.newOutputStream(client)) {
                out.write(GREETING.getBytes(UTF_8));
                int id = 0;
                while (in.readLine() != null) {
                  String answer = answers.apply(++id);
                  if (answer == null) {
                    return;
                  }
                  out.write(answer.getBytes(UTF_8));
                }
              } catch (IOException e) {
                heard.remove("never");
              }
            },
            "monitor");
    thread.setDaemon(true);
    thread.start();
  }
}
