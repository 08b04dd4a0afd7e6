// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Function;

/** One end of the network after the other, as a switchboard would have it, without threads. */
class SwapLink implements Link {

  private record Standing(String pattern, Consumer<Message> handler) {}

  private record Reading(String pattern, Function<Message, CompletionStage<Void>> handler) {}

  private final SimNet net;
  private final List<SimNet.End> all = new ArrayList<>();
  private final List<Reading> reading = new ArrayList<>();
  private final List<Standing> standing = new ArrayList<>();
  private final List<Runnable> actions = new ArrayList<>();
  private SimNet.End current;

  SwapLink(SimNet net) {
    this.net = net;
    this.current = open();
  }

  private SimNet.End open() {
    SimNet.End end = net.end();
    all.add(end);
    end.onConnected(() -> List.copyOf(actions).forEach(Runnable::run));
    return end;
  }

  /** Another one takes over; the old one still listens until it is removed. */
  SimNet.End swap() {
    SimNet.End old = current;
    SimNet.End fresh = open();
    standing.forEach(one -> fresh.subscribe(one.pattern, one.handler));
    reading.forEach(one -> fresh.subscribeStored(one.pattern, one.handler));
    current = fresh;
    List.copyOf(actions).forEach(Runnable::run);
    return old;
  }

  void cut() {
    current.cut();
  }

  void comeBack() {
    current.comeBack();
  }

  /** The process is gone. */
  void remove() {
    all.forEach(SimNet.End::remove);
    standing.clear();
    reading.clear();
    actions.clear();
  }

  @Override
  public CompletionStage<Void> send(Message message) {
    return current.send(message);
  }

  @Override
  public CompletionStage<Void> sendStored(Message message) {
    return current.sendStored(message);
  }

  @Override
  public Subscription subscribe(String pattern, Consumer<Message> handler) {
    Standing one = new Standing(pattern, handler);
    standing.add(one);
    current.subscribe(pattern, handler);
    return () -> standing.remove(one);
  }

  @Override
  public Subscription subscribeStored(
      String pattern, Function<Message, CompletionStage<Void>> handler) {
    Reading one = new Reading(pattern, handler);
    reading.add(one);
    current.subscribeStored(pattern, handler);
    return () -> reading.remove(one);
  }

  @Override
  public boolean connected() {
    return current.connected();
  }

  @Override
  public Subscription onConnected(Runnable action) {
    actions.add(action);
    return () -> actions.remove(action);
  }
}
