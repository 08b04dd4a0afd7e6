// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** T5: order. */
abstract class OrderRules {

  private static final int MANY = 2000;

  private final Workbench workbench;

  OrderRules(Workbench workbench) {
    this.workbench = workbench;
  }

  @Test
  void t5_1_oneSendersMessagesArriveInOrder() {
    Line line = Line.open(workbench);
    line.agent().deliverAll(MANY, i -> Workbench.message(line.up(), "" + i));
    workbench.arrives(line.inbox(), MANY);
    assertEquals(numbers(MANY), line.inbox().texts());
  }

  @Test
  void t5_2_orderOfEachOfSeveralPeersIsKept() {
    String fleet = workbench.fleet();
    Peer collector = workbench.collector(fleet).connect();
    Inbox inbox = collector.subscribe(fleet + "/*/up/**");
    List<Peer> agents =
        IntStream.range(0, 4)
            .mapToObj(i -> workbench.agent(fleet, workbench.subject()).connect())
            .toList();
    agents.forEach(agent -> workbench.stands(inbox, agent, agent.own("up/logs")));
    int each = MANY / agents.size();
    workbench.returns(
        "sending by all",
        () ->
            together(
                agents.stream()
                    .<Runnable>map(
                        agent ->
                            () ->
                                agent.deliverAll(
                                    each, i -> Workbench.message(agent.own("up/logs"), "" + i)))
                    .toList()));
    workbench.arrives(inbox, each * agents.size());
    for (Peer agent : agents) {
      assertEquals(numbers(each), texts(inbox, agent.own("up/logs")), agent.subject());
    }
  }

  @Test
  void t5_3_orderOfEachOfSeveralThreadsIsKept() {
    Line line = Line.open(workbench);
    int threads = 4;
    int each = MANY / threads;
    workbench.returns(
        "sending by all",
        () ->
            together(
                IntStream.range(0, threads)
                    .<Runnable>mapToObj(
                        t ->
                            () ->
                                line.agent()
                                    .deliverAll(
                                        each,
                                        i ->
                                            Workbench.message(
                                                line.agent().own("up/t" + t), "" + i)))
                    .toList()));
    workbench.arrives(line.inbox(), each * threads);
    for (int t = 0; t < threads; t++) {
      assertEquals(numbers(each), texts(line.inbox(), line.agent().own("up/t" + t)));
    }
  }

  /** Runs all at once, each in a thread of its own, and waits for them. */
  static void together(List<Runnable> actions) {
    List<CompletableFuture<Void>> ends = new ArrayList<>();
    for (Runnable action : actions) {
      ends.add(
          CompletableFuture.runAsync(
              action,
              work -> {
                Thread thread = new Thread(work, "fairlead-tck-sender");
                thread.setDaemon(true);
                thread.start();
              }));
    }
    ends.forEach(CompletableFuture::join);
  }

  private static List<String> numbers(int count) {
    return IntStream.range(0, count).mapToObj(i -> "" + i).toList();
  }

  private static List<String> texts(Inbox inbox, String address) {
    return inbox.messages().stream()
        .filter(message -> message.address().equals(address))
        .map(Workbench::text)
        .toList();
  }
}
