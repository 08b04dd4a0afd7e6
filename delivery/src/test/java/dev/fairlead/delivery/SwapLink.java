// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;

/** One end of the network after the other, as a switchboard would have it, without threads. */
class SwapLink implements Link {

  private record Standing(String pattern, Consumer<Message> handler) {}

  private final SimNet net;
  private final List<Standing> standing = new ArrayList<>();
  private final List<Runnable> actions = new ArrayList<>();
  private SimNet.End current;

  SwapLink(SimNet net) {
    this.net = net;
    this.current = open();
  }

  private SimNet.End open() {
    SimNet.End end = net.end();
    end.onConnected(() -> List.copyOf(actions).forEach(Runnable::run));
    return end;
  }

  /** Another one takes over; the old one still listens until it is removed. */
  SimNet.End swap() {
    SimNet.End old = current;
    SimNet.End fresh = open();
    standing.forEach(one -> fresh.subscribe(one.pattern, one.handler));
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
    current.remove();
    standing.clear();
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
  public boolean connected() {
    return current.connected();
  }

  @Override
  public Subscription onConnected(Runnable action) {
    actions.add(action);
    return () -> actions.remove(action);
  }
}
