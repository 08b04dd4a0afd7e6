// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The model must be able to fail: each fault that is planted here has to be found by it. */
class PlantedFaultsTest {

  private static final int SEEDS = 1000;

  @ParameterizedTest
  @EnumSource
  void theModelFinds(Fault fault) {
    long found =
        LongStream.rangeClosed(1, SEEDS).filter(seed -> isFound(seed, fault)).findFirst().orElse(0);
    assertThat(found).as("the seed that finds %s", fault).isPositive();
  }

  private static boolean isFound(long seed, Fault fault) {
    try {
      new Schedule(seed, fault.faults).run();
      return false;
    } catch (AssertionError e) {
      return true;
    }
  }

  @SuppressWarnings("ImmutableEnumChecker") // what is planted holds nothing that changes
  enum Fault {
    /** The sink acknowledges what it has not synced. */
    ACK_BEFORE_SYNC(
        new Schedule.Faults() {
          @Override
          LogStore store(Disk disk, Runner runner) {
            return new LogStore(disk, runner) {
              @Override
              public CompletionStage<Void> append(Batch batch) {
                CompletableFuture<Void> stored = super.append(batch).toCompletableFuture();
                return stored.isCompletedExceptionally()
                    ? stored
                    : CompletableFuture.completedStage(null);
              }
            };
          }
        }),

    /** The sink does not look at what its store has. */
    NO_DEDUPE(
        new Schedule.Faults() {
          @Override
          LogStore store(Disk disk, Runner runner) {
            return new LogStore(disk, runner) {
              @Override
              boolean checks() {
                return false;
              }

              @Override
              public long storedUpTo(StreamId stream) {
                return 0;
              }
            };
          }
        }),

    /** The sender forgets that it still holds what came before. */
    FIRST_KEPT_FORGOTTEN(
        new Schedule.Faults() {
          @Override
          boolean stored(boolean drawn) {
            return false;
          }

          @Override
          Link agentLink(Link link) {
            return new Bent(link, headers -> with(headers, "fl-kept", of(headers, "fl-first")));
          }
        }),

    /** The sink acknowledges one record too many. */
    ACK_TOO_FAR(
        new Schedule.Faults() {
          @Override
          Link sinkLink(Link link) {
            return new Bent(
                link,
                headers -> {
                  long stored = Long.parseLong(of(headers, "fl-stored"));
                  return headers.containsKey("fl-want") || stored < 2
                      ? headers
                      : with(headers, "fl-stored", Long.toString(stored + 1));
                });
          }
        }),

    /** The sender's disk says that it has synced, and has not. */
    SPOOL_NOT_SYNCED(
        new Schedule.Faults() {
          @Override
          MemoryDisk agentDisk() {
            return new MemoryDisk() {
              @Override
              boolean lies() {
                return true;
              }
            };
          }
        }),

    /** The sender forgets when the transport has taken it, though nobody keeps it there. */
    FORGOTTEN_WHEN_SENT(
        new Schedule.Faults() {
          @Override
          boolean stored(boolean drawn) {
            return false;
          }

          @Override
          StreamConfig config(StreamConfig config) {
            return config.withForgetAt(AckLevel.STORED);
          }

          @Override
          Link agentLink(Link link) {
            return new Bent(link, headers -> headers) {
              @Override
              public CompletionStage<Void> sendStored(Message message) {
                return send(message);
              }
            };
          }
        }),

    /** The broker says that it has stored what was only sent to it. */
    STORED_SAID_TOO_EARLY(
        new StoredFaults() {
          @Override
          SimBroker broker(SimTime time, Random random) {
            return new SimBroker(time, random) {
              @Override
              boolean saysSoTooEarly() {
                return true;
              }
            };
          }
        }),

    /** The broker stores what comes behind a batch that it has not stored. */
    STORED_WITH_A_HOLE(
        new StoredFaults() {
          @Override
          SimBroker broker(SimTime time, Random random) {
            return new SimBroker(time, random) {
              @Override
              boolean takesWhatComesBehind() {
                return true;
              }
            };
          }
        }),

    /** The sink lets the broker forget what it has not synced. */
    DEALT_WITH_BEFORE_SYNC(
        new StoredFaults() {
          @Override
          Link sinkLink(Link link) {
            return new Bent(link, headers -> headers) {
              @Override
              public Subscription subscribeStored(
                  String pattern, Function<Message, CompletionStage<Void>> handler) {
                return link.subscribeStored(
                    pattern,
                    message -> {
                      CompletableFuture<Void> dealt = handler.apply(message).toCompletableFuture();
                      return dealt.isCompletedExceptionally()
                          ? dealt
                          : CompletableFuture.completedStage(null);
                    });
              }
            };
          }
        }),

    /** The sender does not say that the broker may have what it no longer holds itself. */
    BROKER_FORGOTTEN(
        new StoredFaults() {
          @Override
          Link agentLink(Link link) {
            return new Bent(
                link,
                headers ->
                    headers.containsKey("fl-held")
                        ? with(headers, "fl-kept", of(headers, "fl-held"))
                        : headers);
          }
        }),

    /** The sender does not say what it holds itself, so what the broker has lost is waited for. */
    HELD_NOT_TOLD(
        new StoredFaults() {
          @Override
          Link agentLink(Link link) {
            return new Bent(
                link,
                headers -> {
                  Map<String, String> fewer = new HashMap<>(headers);
                  fewer.remove("fl-held");
                  return fewer;
                });
          }
        }),

    /** A file of the spool is deleted while it is wanted. */
    FILE_DELETED_TOO_EARLY(
        new Schedule.Faults() {
          @Override
          MemoryDisk agentDisk() {
            return new MemoryDisk() {
              @Override
              public synchronized File open(String name) {
                List<String> names = names();
                if (names.size() > 1) {
                  delete(names.get(0));
                }
                return super.open(name);
              }
            };
          }
        }),

    /** The numbers begin anew in the same epoch. */
    NUMBERS_USED_TWICE(
        new Schedule.Faults() {
          @Override
          MemoryDisk afterKill(MemoryDisk disk) {
            return new MemoryDisk();
          }
        });

    private final Schedule.Faults faults;

    Fault(Schedule.Faults faults) {
      this.faults = faults;
    }

    private static String of(Map<String, String> headers, String name) {
      return requireNonNull(headers.get(name), name);
    }

    private static Map<String, String> with(
        Map<String, String> headers, String name, String value) {
      Map<String, String> changed = new HashMap<>(headers);
      changed.put(name, value);
      return changed;
    }
  }

  /** At the level STORED alone. */
  private static class StoredFaults extends Schedule.Faults {
    @Override
    boolean stored(boolean drawn) {
      return true;
    }
  }

  /** A link that changes the headers of what is sent. */
  private static class Bent implements Link {

    private final Link link;
    private final UnaryOperator<Map<String, String>> how;

    Bent(Link link, UnaryOperator<Map<String, String>> how) {
      this.link = link;
      this.how = how;
    }

    @Override
    public CompletionStage<Void> send(Message message) {
      return link.send(bent(message));
    }

    @Override
    public CompletionStage<Void> sendStored(Message message) {
      return link.sendStored(bent(message));
    }

    private Message bent(Message message) {
      return new Message(message.address(), how.apply(message.headers()), message.payload());
    }

    @Override
    public Subscription subscribe(String pattern, Consumer<Message> handler) {
      return link.subscribe(pattern, handler);
    }

    @Override
    public Subscription subscribeStored(
        String pattern, Function<Message, CompletionStage<Void>> handler) {
      return link.subscribeStored(pattern, handler);
    }

    @Override
    public boolean connected() {
      return link.connected();
    }

    @Override
    public Subscription onConnected(Runnable action) {
      return link.onConnected(action);
    }
  }
}
