// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Transports with one fault each, made from a good one. They test the kit: the rule that names a
 * saboteur's fault must fail, and must hold for the good one.
 */
public enum Saboteur {
  /** Drops every 1000th message, and says that it was sent. */
  LOSES("T3.2") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        private final AtomicInteger count = new AtomicInteger();

        @Override
        public CompletionStage<Void> send(Message message) {
          return count.incrementAndGet() % 1000 == 0
              ? CompletableFuture.completedStage(null)
              : good.send(message);
        }
      };
    }
  },

  /** Sends every 1000th message twice. */
  SENDS_TWICE("T3.3") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        private final AtomicInteger count = new AtomicInteger();

        @Override
        public CompletionStage<Void> send(Message message) {
          CompletionStage<Void> first = good.send(message);
          return count.incrementAndGet() % 1000 == 0
              ? first.thenCompose(done -> good.send(message))
              : first;
        }
      };
    }
  },

  /** Flips a bit of every 1000th payload. */
  CORRUPTS("T3.4") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        private final AtomicInteger count = new AtomicInteger();

        @Override
        public CompletionStage<Void> send(Message message) {
          byte[] bytes = message.bytes();
          if (bytes.length > 0 && count.incrementAndGet() % 1000 == 0) {
            bytes[bytes.length / 2] ^= 1;
          }
          return good.send(
              new Message(
                  message.address(), message.headers(), ByteBuffer.wrap(bytes), message.replyTo()));
        }
      };
    }
  },

  /** Forgets the reply address. */
  FORGETS_REPLY_ADDRESS("T3.1") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        @Override
        public CompletionStage<Void> send(Message message) {
          return good.send(new Message(message.address(), message.headers(), message.payload()));
        }
      };
    }
  },

  /** Waits in {@code send} for the peer. */
  BLOCKS_IN_SEND("T3.5") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        @Override
        public CompletionStage<Void> send(Message message) {
          CompletionStage<Void> stage = good.send(message);
          CountDownLatch done = new CountDownLatch(1);
          stage.whenComplete((sent, failure) -> done.countDown());
          await(done);
          // A stall is noticed in the end; this one then hangs all the same.
          while (good.state() == State.CONNECTING && !Thread.interrupted()) {
            LockSupport.parkNanos(1_000_000);
          }
          return stage;
        }
      };
    }
  },

  /** Throws what belongs into the stage. */
  THROWS_FROM_SEND("T3.6") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        @Override
        public CompletionStage<Void> send(Message message) {
          if (good.state() == State.CONNECTING) {
            throw new TransportException(RETRY, "not-connected", "There is no connection.");
          }
          return good.send(message);
        }
      };
    }
  },

  /** Says that a message was acknowledged as soon as it is sent. */
  ACKNOWLEDGES_EARLY("T3.7") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        @Override
        public CompletionStage<Void> send(Message message) {
          CompletableFuture<Void> stage = good.send(message).toCompletableFuture();
          return stage.isCompletedExceptionally() ? stage : CompletableFuture.completedStage(null);
        }
      };
    }
  },

  /** Says of what is merely sent that it is stored. */
  CALLS_ALL_STORED("T3.11") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        @Override
        public CompletionStage<Void> sendStored(Message message) {
          return good.send(message);
        }
      };
    }
  },

  /** Moves the position of the payload that it reads. */
  MOVES_THE_BUFFER("T3.8") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        @Override
        public CompletionStage<Void> send(Message message) {
          CompletionStage<Void> stage = good.send(message);
          message.payload().position(message.payload().limit());
          return stage;
        }
      };
    }
  },

  /** Does not subscribe again after a reconnect. */
  FORGETS_SUBSCRIPTIONS("T4.3") {
    @Override
    TransportListener overhear(TransportListener listener, List<Transport.Subscription> made) {
      return new Overheard(listener) {
        @Override
        public void stateChanged(Transport.State state, String reason) {
          if (state == Transport.State.CONNECTING) {
            made.forEach(Transport.Subscription::close);
          }
          super.stateChanged(state, reason);
        }
      };
    }
  },

  /** Goes on calling a handler whose subscription is closed. */
  NEVER_UNSUBSCRIBES("T4.4") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        @Override
        public Subscription subscribe(String pattern, Consumer<Message> handler) {
          good.subscribe(pattern, handler);
          return () -> {};
        }
      };
    }
  },

  /** Ends a subscription whose handler throws. */
  GIVES_UP_ON_A_THROWING_HANDLER("T4.5") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        @Override
        public Subscription subscribe(String pattern, Consumer<Message> handler) {
          AtomicReference<@Nullable Subscription> own = new AtomicReference<>();
          Subscription subscription =
              good.subscribe(
                  pattern,
                  message -> {
                    try {
                      handler.accept(message);
                    } catch (RuntimeException | Error e) {
                      Subscription mine = own.get();
                      if (mine != null) {
                        mine.close();
                      }
                      throw e;
                    }
                  });
          own.set(subscription);
          return subscription;
        }
      };
    }
  },

  /** Gives every handler the same buffer, again and again. */
  REUSES_ITS_BUFFER("T4.9") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        @Override
        public Subscription subscribe(String pattern, Consumer<Message> handler) {
          byte[] one = new byte[Message.MAX_PAYLOAD];
          return good.subscribe(
              pattern,
              message -> {
                byte[] bytes = message.bytes();
                System.arraycopy(bytes, 0, one, 0, bytes.length);
                handler.accept(
                    new Message(
                        message.address(),
                        message.headers(),
                        ByteBuffer.wrap(one, 0, bytes.length),
                        message.replyTo()));
              });
        }
      };
    }
  },

  /** Lets every hundredth message be overtaken by the next. */
  REORDERS("T5.1") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        private final AtomicInteger count = new AtomicInteger();
        private final AtomicReference<@Nullable Runnable> held = new AtomicReference<>();

        @Override
        public CompletionStage<Void> send(Message message) {
          if (count.incrementAndGet() % 100 == 50) {
            CompletableFuture<Void> later = new CompletableFuture<>();
            held.set(() -> pass(good.send(message), later));
            return later;
          }
          CompletionStage<Void> stage = good.send(message);
          Runnable overtaken = held.getAndSet(null);
          if (overtaken != null) {
            overtaken.run();
          }
          return stage;
        }
      };
    }
  },

  /** Calls a handler from two threads at once. */
  CALLS_A_HANDLER_AT_ONCE("T6.2") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        @Override
        public Subscription subscribe(String pattern, Consumer<Message> handler) {
          return good.subscribe(
              pattern,
              message -> {
                CountDownLatch both = new CountDownLatch(2);
                Runnable call =
                    () -> {
                      both.countDown();
                      await(both);
                      handler.accept(message);
                    };
                OrderRules.together(List.of(call, call));
              });
        }
      };
    }
  },

  /** Tells each change twice. */
  TELLS_TWICE("T7.2") {
    @Override
    TransportListener overhear(TransportListener listener, List<Transport.Subscription> made) {
      return new Overheard(listener) {
        @Override
        public void stateChanged(Transport.State state, String reason) {
          super.stateChanged(state, reason);
          super.stateChanged(state, reason);
        }
      };
    }
  },

  /** Does not tell that the peer has fallen silent, nor that it is back. */
  KEEPS_A_STALL_TO_ITSELF("T8.2") {
    @Override
    TransportListener overhear(TransportListener listener, List<Transport.Subscription> made) {
      return new Overheard(listener) {
        private boolean silent;

        @Override
        public void stateChanged(Transport.State state, String reason) {
          boolean before = silent;
          silent = state == Transport.State.CONNECTING && reason.contains("does not answer");
          if (!silent && !(before && state == Transport.State.CONNECTED)) {
            super.stateChanged(state, reason);
          }
        }
      };
    }
  },

  /** Keeps what it could not send, and sends it later. */
  KEEPS_A_QUEUE("T8.7") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        private final ConcurrentLinkedQueue<Message> kept = new ConcurrentLinkedQueue<>();

        @Override
        public CompletionStage<Void> send(Message message) {
          if (good.state() == State.CONNECTING) {
            kept.add(message);
          } else {
            for (Message old = kept.poll(); old != null; old = kept.poll()) {
              good.send(old);
            }
          }
          return good.send(message);
        }
      };
    }
  },

  /** Waits in {@code open} until it is connected. */
  WAITS_IN_OPEN("T2.1") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      while (good.state() == Transport.State.CONNECTING && !Thread.interrupted()) {
        LockSupport.parkNanos(1_000_000);
      }
      return good;
    }
  },

  /** Keeps its last will to itself. */
  KEEPS_ITS_WILL("T8.12") {
    @Override
    Function<String, @Nullable String> settings(Function<String, @Nullable String> settings) {
      return name -> name.equals(TransportProvider.WILL_ADDRESS) ? null : settings.apply(name);
    }
  },

  /** Remembers the first answer to each setting. */
  REMEMBERS_SETTINGS("T2.6") {
    @Override
    Function<String, @Nullable String> settings(Function<String, @Nullable String> settings) {
      String credential = settings.apply(TransportProvider.CREDENTIAL);
      return name -> name.equals(TransportProvider.CREDENTIAL) ? credential : settings.apply(name);
    }
  },

  /** Drops at its close what it has yet to hand over, and says that it was handed over. */
  CLOSES_IN_HASTE("T10.3") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        private final LinkedBlockingQueue<Runnable> waiting = new LinkedBlockingQueue<>();
        private final Thread sender = start("sender", this::sendOneByOne);
        private volatile boolean closed;

        @Override
        public CompletionStage<Void> send(Message message) {
          if (closed || good.state() != State.CONNECTED) {
            return good.send(message);
          }
          CompletableFuture<Void> stage = new CompletableFuture<>();
          waiting.add(
              () -> {
                if (closed) {
                  stage.complete(null);
                } else {
                  pass(good.send(message), stage);
                }
              });
          return stage;
        }

        private void sendOneByOne() {
          try {
            while (!closed || !waiting.isEmpty()) {
              waiting.take().run();
              LockSupport.parkNanos(20_000);
            }
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        }

        @Override
        public void close() {
          closed = true;
          waiting.add(() -> {});
          good.close();
          join(sender);
        }
      };
    }
  },

  /** Takes messages after it was closed. */
  TAKES_MESSAGES_AFTER_CLOSE("T10.4") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        @Override
        public CompletionStage<Void> send(Message message) {
          return good.state() == State.CLOSED
              ? CompletableFuture.completedStage(null)
              : good.send(message);
        }
      };
    }
  },

  /** Calls its listener after it has closed. */
  CALLS_BACK_AFTER_CLOSE("T10.6") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        @Override
        public void close() {
          boolean first = good.state() != State.CLOSED;
          good.close();
          if (first) {
            start("late", () -> tell(listener, State.CONNECTING, "It is too late."));
          }
        }
      };
    }
  },

  /** Leaves a thread behind. */
  LEAKS_A_THREAD("T10.7") {
    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        @Override
        public void close() {
          good.close();
          start("leaked", LockSupport::park);
        }
      };
    }
  },

  /** Lets nobody know when its end is gone. */
  LEAVES_NO_WILL("T8.12") {
    @Override
    Function<String, @Nullable String> settings(Function<String, @Nullable String> settings) {
      return name -> TransportProvider.WILL_ADDRESS.equals(name) ? null : settings.apply(name);
    }
  },

  /** Has its last will said although it was closed. */
  SAYS_A_WILL_AFTER_A_CLEAN_CLOSE("T10.12") {
    @Override
    Transport sabotage(
        Transport good, TransportListener listener, Function<String, @Nullable String> settings) {
      return new Sabotaged(good) {
        @Override
        public void close() {
          String address = settings.apply(TransportProvider.WILL_ADDRESS);
          String will = settings.apply(TransportProvider.WILL_PAYLOAD);
          if (address != null && will != null) {
            var unused = good.send(Workbench.message(address, will));
          }
          good.close();
        }
      };
    }
  },

  /** Says nothing of what was refused. */
  SWALLOWS_REFUSALS("T11.3") {
    @Override
    TransportListener overhear(TransportListener listener, List<Transport.Subscription> made) {
      return new Overheard(listener) {
        @Override
        public void refused(@Nullable String address, TransportException refusal) {
          if (address == null) {
            super.refused(null, refusal);
          }
        }
      };
    }

    @Override
    Transport sabotage(Transport good, TransportListener listener) {
      return new Sabotaged(good) {
        @Override
        public CompletionStage<Void> send(Message message) {
          return good.send(message)
              .exceptionally(
                  failure -> {
                    if (failure instanceof TransportException why
                        && why.category() == TransportException.Category.REFUSED) {
                      return null;
                    }
                    throw failure instanceof RuntimeException unchecked
                        ? unchecked
                        : new IllegalStateException(failure);
                  });
        }
      };
    }
  };

  private final String rule;

  Saboteur(String rule) {
    this.rule = rule;
  }

  /** The number of the rule that names its fault. */
  public String rule() {
    return rule;
  }

  /** Makes its transports out of those of a good provider. */
  public TransportProvider over(TransportProvider good) {
    return new SabotagedProvider(good, this);
  }

  Function<String, @Nullable String> settings(Function<String, @Nullable String> settings) {
    return settings;
  }

  TransportListener overhear(TransportListener listener, List<Transport.Subscription> made) {
    return listener;
  }

  Transport sabotage(Transport good, TransportListener listener) {
    return good;
  }

  Transport sabotage(
      Transport good, TransportListener listener, Function<String, @Nullable String> settings) {
    return sabotage(good, listener);
  }

  /** Passes on what a listener is told. */
  private abstract static class Overheard implements TransportListener {
    private final TransportListener listener;

    Overheard(TransportListener listener) {
      this.listener = listener;
    }

    @Override
    public void stateChanged(Transport.State state, String reason) {
      listener.stateChanged(state, reason);
    }

    @Override
    public void refused(@Nullable String address, TransportException refusal) {
      listener.refused(address, refusal);
    }
  }

  private static void pass(CompletionStage<Void> from, CompletableFuture<Void> to) {
    from.whenComplete(
        (done, failure) -> {
          if (failure == null) {
            to.complete(null);
          } else {
            to.completeExceptionally(failure);
          }
        });
  }

  private static Thread start(String name, Runnable work) {
    Thread thread = new Thread(work, "saboteur-" + name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  /** Tells a listener something, whatever it makes of it. */
  private static void tell(TransportListener listener, Transport.State state, String reason) {
    try {
      listener.stateChanged(state, reason);
    } catch (RuntimeException e) {
      System.getLogger(Saboteur.class.getName())
          .log(System.Logger.Level.DEBUG, "The listener threw.", e);
    }
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
