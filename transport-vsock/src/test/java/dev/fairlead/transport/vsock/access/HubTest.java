// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.access;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.access.PeerAdmission;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.vsock.RawEnd;
import dev.fairlead.transport.vsock.wire.Messages;
import dev.fairlead.transport.vsock.wire.Wire;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What one end can do to others through a hub: nothing. */
@Timeout(60)
class HubTest {

  private static final Duration HOUR = Duration.ofHours(1);
  private static final int CREDIT = 1 << 30;

  @SuppressWarnings("NullAway.Init")
  private Path folder;

  @SuppressWarnings("NullAway.Init")
  private VsockIssuer issuer;

  @BeforeEach
  void start() throws IOException {
    folder = Files.createTempDirectory("fl-hub-");
    issuer = open();
  }

  private VsockIssuer open() {
    return VsockIssuer.open(
        HubSettings.read(Map.of("dir", folder.toString())::get),
        InstantSource.system(),
        new SecureRandom());
  }

  @AfterEach
  void stop() throws IOException {
    issuer.close();
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }

  @Test
  void readerThatReadsNothingIsCutOffAndHoldsUpNobody() throws Exception {
    try (RawEnd slow = host(reader(), CREDIT).subscribe(1, "fl/*/up/**");
        RawEnd quick = host(collector(), CREDIT).subscribe(1, "fl/*/up/**");
        RawEnd sender = host(agent("a"), CREDIT)) {
      stands(quick);
      slow.ping().await(Wire.PONG);
      byte[] payload = new byte[512 << 10];
      for (int i = 0; i < 100; i++) {
        sender.send(new Message("fl/a/up/logs", payload));
        quick.ping();
        assertThat(Messages.read(message(quick)).payload().remaining()).isEqualTo(payload.length);
        sender.await(Wire.ACK);
        slow.showLife();
      }
      assertThat(slow.goodbye()).isEqualTo("too-slow");
    }
  }

  @Test
  void collectorIsWaitedFor() throws Exception {
    try (RawEnd collector = host(collector(), 0).subscribe(1, "fl/*/up/**");
        RawEnd sender = host(agent("a"), CREDIT)) {
      collector.ping().await(Wire.PONG);
      byte[] payload = new byte[200 << 10];
      for (int i = 0; i < 8; i++) {
        sender.send(new Message("fl/a/up/logs", payload));
      }
      sender.ping();
      long acknowledged = 0;
      for (var frame = sender.in.next(); frame.kind() != Wire.PONG; frame = sender.in.next()) {
        acknowledged = frame.body().getLong();
      }
      assertThat(acknowledged).isLessThan(8);
      collector.out.begin(Wire.CREDIT, 4).put4(CREDIT).end();
      collector.out.flush();
      for (int i = 0; i < 8; i++) {
        message(collector);
      }
      while (acknowledged < 8) {
        acknowledged = sender.await(Wire.ACK).getLong();
      }
    }
  }

  @Test
  void guestThatReadsNothingHoldsUpNoCollector() throws Exception {
    admit("a");
    try (RawEnd guest = guest(agent("a")).subscribe(1, "fl/a/down/**");
        RawEnd other = host(agent("b"), CREDIT).subscribe(1, "fl/b/down/**");
        RawEnd collector = host(collector(), CREDIT)) {
      guest.ping().await(Wire.PONG);
      other.ping().await(Wire.PONG);
      byte[] payload = new byte[512 << 10];
      for (int i = 0; i < 60; i++) {
        collector.send(new Message("fl/a/down/commands", payload));
        collector.await(Wire.ACK);
        guest.showLife();
        other.showLife();
      }
      collector.send(new Message("fl/b/down/commands", payload));
      message(other);
      assertThat(guest.goodbye()).isEqualTo("too-slow");
    }
  }

  @Test
  void lastWillOfAVmThatIsGoneIsSaidBehindItsLastMessage() throws Exception {
    PeerAdmission.Admission vm = admit("a");
    try (RawEnd collector = host(collector(), CREDIT).subscribe(1, "fl/*/up/**");
        RawEnd guest = guest(agent("a"))) {
      stands(collector);
      guest.lastWill(new Message("fl/a/up/lost", "other".getBytes(UTF_8)));
      guest.lastWill(new Message("fl/a/up/lost", "will".getBytes(UTF_8)));
      guest.send(new Message("fl/a/up/logs", "last".getBytes(UTF_8))).await(Wire.ACK);
      vm.close();
      assertThat(Messages.read(message(collector)).bytes()).isEqualTo("last".getBytes(UTF_8));
      assertThat(Messages.read(message(collector)).bytes()).isEqualTo("will".getBytes(UTF_8));
    }
  }

  @Test
  void lastWillOfTheRevokedAndOneInAnotherNameAreNotSaid() throws Exception {
    try (RawEnd collector = host(collector(), CREDIT).subscribe(1, "fl/*/up/**");
        RawEnd revoked = host(agent("a"), CREDIT);
        RawEnd liar = host(agent("b"), CREDIT);
        RawEnd honest = host(agent("c"), CREDIT)) {
      stands(collector);
      revoked.lastWill(new Message("fl/a/up/lost", new byte[1])).ping().await(Wire.PONG);
      issuer.revoke("a");
      assertThat(revoked.goodbye()).isEqualTo("credential-revoked");
      liar.lastWill(new Message("fl/c/up/lost", new byte[1]));
      assertThat(liar.goodbye()).isEqualTo("will-not-permitted");
      for (RawEnd end : List.of(revoked, liar)) {
        end.close();
      }
      // A hub forgets a connection when all that it says for it has been said.
      await().atMost(Duration.ofSeconds(20)).until(() -> issuer.connections() == 2);
      honest.send(new Message("fl/c/up/logs", "fence".getBytes(UTF_8)));
      assertThat(Messages.read(message(collector)).bytes()).isEqualTo("fence".getBytes(UTF_8));
    }
  }

  @Test
  void lastWillIsNotSaidOnceALaterConnectionHasSpoken() throws Exception {
    String own = agent("a");
    try (RawEnd collector = host(collector(), CREDIT).subscribe(1, "fl/*/up/**")) {
      stands(collector);
      RawEnd stale = host(own, CREDIT).lastWill(will("stale"));
      stands(stale);
      RawEnd silent = host(own, CREDIT).lastWill(will("of one that said nothing"));
      stands(silent);
      end(silent, 2);
      assertThat(text(collector)).isEqualTo("of one that said nothing");
      try (RawEnd back = host(own, CREDIT)) {
        back.send(new Message("fl/a/up/logs", "back".getBytes(UTF_8))).await(Wire.ACK);
        end(stale, 2);
        back.send(new Message("fl/a/up/logs", "fence".getBytes(UTF_8)));
        assertThat(text(collector)).isEqualTo("back");
        assertThat(text(collector)).isEqualTo("fence");
      }
    }
  }

  /** Cuts a connection, and waits until the hub has said all that it says for it. */
  private void end(RawEnd end, int left) throws IOException {
    end.close();
    await().atMost(Duration.ofSeconds(20)).until(() -> issuer.connections() == left);
  }

  private static Message will(String text) {
    return new Message("fl/a/up/lost", text.getBytes(UTF_8));
  }

  private static String text(RawEnd collector) throws IOException {
    return new String(Messages.read(message(collector)).bytes(), UTF_8);
  }

  @Test
  void guestThatComesAndGoesCannotLeaveMoreAndMoreBehind() throws Exception {
    String own = agent("a");
    admit("a");
    byte[] payload = new byte[200 << 10];
    try (RawEnd collector = host(collector(), 0).subscribe(1, "fl/*/up/**")) {
      stands(collector);
      int times = 0;
      int taken = 0;
      String code = "";
      while (code.isEmpty()) {
        assertThat(times).as("times that it was let in").isLessThan(10);
        try (RawEnd guest = new RawEnd(folder.resolve("vm.sock_9998")).hello(own, CREDIT)) {
          if (guest.in.next().kind() == Wire.GOODBYE) {
            code = "refused";
          } else {
            times++;
            for (int i = 0; i < 9; i++) {
              guest.send(new Message("fl/a/up/logs", payload));
            }
            stands(guest);
          }
        }
        if (times > 0) {
          takeOne(collector, payload.length); // else it would be cut off as too slow
          taken++;
          stands(collector);
        }
      }
      assertThat(times).isGreaterThan(3);
      try (RawEnd guest = new RawEnd(folder.resolve("vm.sock_9998")).hello(own, CREDIT)) {
        assertThat(guest.goodbye()).isEqualTo("not-taken-yet");
      }
      collector.out.begin(Wire.CREDIT, 4).put4(CREDIT).end();
      collector.out.flush();
      for (int rest = times * 9 - taken; rest > 0; rest--) {
        message(collector);
      }
      guest(own).close();
    }
  }

  private static void takeOne(RawEnd collector, int payload) throws IOException {
    collector.out.begin(Wire.CREDIT, 4).put4(payload + 100).end();
    collector.out.flush();
    message(collector);
  }

  @Test
  void whoSaysLittleDoesNotWaitForWhoFloods() throws Exception {
    try (RawEnd collector = host(collector(), 0).subscribe(1, "fl/*/up/**");
        RawEnd loud = host(agent("loud"), CREDIT);
        RawEnd quiet = host(agent("quiet"), CREDIT)) {
      stands(collector);
      byte[] payload = new byte[60 << 10];
      for (int i = 0; i < 30; i++) {
        loud.send(new Message("fl/loud/up/logs", payload));
      }
      loud.ping().await(Wire.PONG);
      quiet.send(new Message("fl/quiet/up/heartbeat", new byte[10]));
      quiet.await(Wire.ACK);
      collector.out.begin(Wire.CREDIT, 4).put4(CREDIT).end();
      collector.out.flush();
      int before = 0;
      while (!Messages.read(message(collector)).address().startsWith("fl/quiet/")) {
        before++;
      }
      assertThat(before).as("messages of the loud one before it").isLessThanOrEqualTo(3);
    }
  }

  @Test
  void twoOfOneIdentityStandSideBySide() throws Exception {
    String credential = agent("a");
    try (RawEnd one = host(credential, CREDIT).subscribe(1, "fl/a/down/**");
        RawEnd other = host(credential, CREDIT).subscribe(1, "fl/a/down/**");
        RawEnd collector = host(collector(), CREDIT).subscribe(1, "fl/*/up/**")) {
      stands(one);
      stands(other);
      stands(collector);
      collector.send(new Message("fl/a/down/commands", new byte[1]));
      one.send(new Message("fl/a/up/logs", new byte[2]));
      other.send(new Message("fl/a/up/logs", new byte[3]));
      assertThat(Messages.read(message(one)).payload().remaining()).isEqualTo(1);
      assertThat(Messages.read(message(other)).payload().remaining()).isEqualTo(1);
      int first = Messages.read(message(collector)).payload().remaining();
      int second = Messages.read(message(collector)).payload().remaining();
      assertThat(List.of(first, second)).containsExactlyInAnyOrder(2, 3);
    }
  }

  @Test
  void vmComesInAsItselfAlone() throws Exception {
    Path socket = folder.resolve("vm.sock_9998");
    String own = agent("a");
    String others = agent("b");
    assertThat(socket).doesNotExist();
    PeerAdmission.Admission admission = admit("a");
    try (RawEnd guest = new RawEnd(socket).hello(own, CREDIT)) {
      guest.await(Wire.WELCOME);
      try (RawEnd liar = new RawEnd(socket).hello(others, CREDIT)) {
        assertThat(liar.goodbye()).isEqualTo("credential-of-another");
      }
      guest.send(new Message("fl/b/up/logs", new byte[0]));
      assertThat(guest.await(Wire.DENIED).getLong()).isEqualTo(1);
      admission.close();
      assertThatThrownBy(() -> guest.await(Wire.PONG)).isInstanceOf(IOException.class);
    }
    assertThat(socket).doesNotExist();
  }

  @Test
  void peerIsAdmittedAsOneSubject() throws Exception {
    PeerAdmission.Admission admission = admit("a");
    PeerAdmission.Admission again = admit("a");
    assertThatThrownBy(() -> admit("b"))
        .isInstanceOfSatisfying(
            TransportException.class, e -> assertThat(e.code()).isEqualTo("peer-taken"));
    again.close();
    assertThat(folder.resolve("vm.sock_9998")).exists();
    admission.close();
    assertThat(folder.resolve("vm.sock_9998")).doesNotExist();
    for (String peer : List.of("vsock://0", "vsock://2", "vsock://9:1", "tcp://x:1", "unix:x")) {
      assertThatThrownBy(() -> issuer.admit("a", URI.create(peer)))
          .isInstanceOfSatisfying(
              TransportException.class, e -> assertThat(e.code()).isEqualTo("bad-peer"));
    }
    assertThatThrownBy(() -> issuer.admit("a", URI.create("unix:///nowhere/at/all.sock")))
        .isInstanceOfSatisfying(
            TransportException.class, e -> assertThat(e.code()).isEqualTo("peer-not-reachable"));
  }

  @Test
  void vmHasFewConnectionsAtATime() throws Exception {
    String own = agent("a");
    Path socket = folder.resolve("vm.sock_9998");
    admit("a");
    try (RawEnd one = new RawEnd(socket).hello(own, CREDIT);
        RawEnd two = new RawEnd(socket).hello(own, CREDIT);
        RawEnd three = new RawEnd(socket).hello(own, CREDIT);
        RawEnd four = new RawEnd(socket).hello(own, CREDIT)) {
      for (RawEnd each : List.of(one, two, three, four)) {
        each.await(Wire.WELCOME);
      }
      assertThatThrownBy(() -> new RawEnd(socket).hello(own, CREDIT).await(Wire.WELCOME))
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void whoOverdrawsItsWindowIsCutOff() throws Exception {
    try (RawEnd collector = host(collector(), 0).subscribe(1, "fl/*/up/**");
        RawEnd sender = host(agent("a"), CREDIT)) {
      collector.ping().await(Wire.PONG);
      byte[] payload = new byte[900 << 10];
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 5; i++) {
                  sender.send(new Message("fl/a/up/logs", payload));
                }
                sender.await(Wire.PONG);
              })
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void otherVersionIsAnsweredWithOurs() throws Exception {
    for (int other : new int[] {Wire.VERSION - 1, Wire.VERSION + 1}) {
      try (RawEnd end = new RawEnd(folder.resolve("hub.sock"))) {
        byte spoken = (byte) other;
        end.channel.write(ByteBuffer.wrap(new byte[] {'F', 'L', 'V', 'S', spoken, spoken, 0, 0}));
        assertThat(end.in.greeting()).containsExactly(Wire.VERSION, Wire.VERSION);
        assertThatThrownBy(end.in::next).isInstanceOf(IOException.class);
      }
    }
  }

  @Test
  void endThatSpeaksMoreVersionsIsLetIn() throws Exception {
    String credential = agent("a");
    try (RawEnd end = new RawEnd(folder.resolve("hub.sock"))) {
      end.channel.write(ByteBuffer.wrap(new byte[] {'F', 'L', 'V', 'S', 1, 9, 0, 0}));
      end.out.begin(Wire.HELLO, 4 + credential.length()).put4(CREDIT).text(credential).end();
      end.out.flush();
      end.in.greeting();
      end.await(Wire.WELCOME);
    }
  }

  @Test
  void whoSaysNothingIsClosed() throws Exception {
    try (RawEnd end = new RawEnd(folder.resolve("hub.sock"))) {
      assertThatThrownBy(end.in::greeting).isInstanceOf(IOException.class);
    }
  }

  @Test
  void bookOutlivesTheIssuerAndKeepsNoSecret() throws Exception {
    String valid = agent("a");
    String revoked = agent("b");
    issuer.revoke("b");
    admit("a");
    issuer.close();
    assertThat(Files.readString(folder.resolve("book"))).doesNotContain(valid.substring(4));
    issuer = open();
    assertThat(folder.resolve("vm.sock_9998")).as("admissions are not kept").doesNotExist();
    host(valid, CREDIT).close();
    try (RawEnd end = new RawEnd(folder.resolve("hub.sock")).hello(revoked, CREDIT)) {
      assertThat(end.goodbye()).isEqualTo("credential-revoked");
    }
    assertThatThrownBy(this::open)
        .isInstanceOfSatisfying(
            TransportException.class, e -> assertThat(e.code()).isEqualTo("folder-in-use"));
    issuer.close();
    Files.writeString(folder.resolve("book"), "fairlead-vsock-book 1\nissued x\n", UTF_8);
    assertThatThrownBy(this::open)
        .isInstanceOfSatisfying(
            TransportException.class, e -> assertThat(e.code()).isEqualTo("corrupt-state"));
    Files.delete(folder.resolve("book"));
    issuer = open();
  }

  private PeerAdmission.Admission admit(String subject) {
    return issuer.admit(subject, URI.create("unix://" + folder.resolve("vm.sock")));
  }

  private RawEnd guest(String credential) throws IOException {
    RawEnd end = new RawEnd(folder.resolve("vm.sock_9998")).hello(credential, CREDIT);
    end.await(Wire.WELCOME);
    return end;
  }

  private RawEnd host(String credential, int credit) throws IOException {
    RawEnd end = new RawEnd(folder.resolve("hub.sock")).hello(credential, credit);
    end.await(Wire.WELCOME);
    return end;
  }

  private static void stands(RawEnd end) throws IOException {
    end.ping().await(Wire.PONG);
  }

  private static ByteBuffer message(RawEnd end) throws IOException {
    ByteBuffer body = end.await(Wire.MESSAGE);
    body.position(2 + 4 * body.getShort(0));
    return body;
  }

  private String agent(String id) {
    return issuer
        .issue(
            new Grant(id, List.of("fl/" + id + "/up/**"), List.of("fl/" + id + "/down/**")), HOUR)
        .content();
  }

  private String collector() {
    return issuer
        .issue(
            new Grant(
                "_collector",
                List.of("fl/*/down/**"),
                List.of("fl/_collector/down/**", "fl/*/up/**")),
            HOUR)
        .content();
  }

  private String reader() {
    return issuer.issue(new Grant("_reader", List.of(), List.of("fl/*/up/**")), HOUR).content();
  }
}
