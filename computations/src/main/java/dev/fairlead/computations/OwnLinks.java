// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.util.Objects.requireNonNull;

import dev.fairlead.computations.liveness.Liveness;
import dev.fairlead.delivery.Exchange;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * This service's own links: one over each transport for which there are both a provider and an
 * issuer of credentials. Each comes and goes without the others.
 *
 * <p>{@link #check} is called by one thread at a time, the other methods by any.
 */
final class OwnLinks implements SwitchboardListener {

  private static final System.Logger LOG = System.getLogger(OwnLinks.class.getName());
  private static final CompletionStage<Void> NOTHING = CompletableFuture.completedStage(null);
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final String first;
  private final Access access;
  private final Liveness liveness;
  private final Refusals refusals;
  private final Consumer<String> lost;
  private final InstantSource clock;
  private final LinkState none;
  private final Map<String, LinkState> states = new ConcurrentHashMap<>();

  /** By name; guarded by this. */
  private final Map<String, Own> owns = new TreeMap<>();

  private volatile @Nullable Exchange exchange;

  private record LinkState(Transport.State state, Instant since, String reason) {}

  /** What is used, or to be used, over one transport. */
  private static final class Own {
    final String name;
    final OwnCredential credential;

    /** Those of its name that are there and are not used, the newest last. */
    final Deque<TransportProvider> spares = new ArrayDeque<>();

    volatile TransportProvider provider;
    boolean chosen;

    Own(TransportProvider provider, OwnCredential credential) {
      this.name = provider.name();
      this.provider = provider;
      this.credential = credential;
    }

    /** From now on another is the one that is used. */
    void follow(TransportProvider old, TransportProvider next) {
      if (provider == old) {
        provider = next;
        spares.remove(next);
        spares.add(old);
      }
    }
  }

  /**
   * Makes it, without a transport yet.
   *
   * @param first the transport that agents use first
   * @param lost told the name of a transport over which this end's link was lost, or is down
   */
  OwnLinks(
      String first,
      Access access,
      Liveness liveness,
      Refusals refusals,
      Consumer<String> lost,
      InstantSource clock) {
    this.lost = requireNonNull(lost, "lost is null");
    this.first = requireNonNull(first, "first is null");
    this.access = requireNonNull(access, "access is null");
    this.liveness = requireNonNull(liveness, "liveness is null");
    this.refusals = requireNonNull(refusals, "refusals is null");
    this.clock = requireNonNull(clock, "clock is null");
    this.none =
        new LinkState(Transport.State.CONNECTING, clock.instant(), "No transport was opened yet.");
  }

  /** Where the links are opened; to be called once, before {@link #check}. */
  void over(Exchange opened) {
    exchange = opened;
  }

  /**
   * A transport can be opened. Where one of its name is used already that stays so, until it goes
   * or {@link #reopen} is called.
   */
  synchronized void add(TransportProvider provider) {
    Own before = owns.get(provider.name());
    if (before == null) {
      owns.put(
          provider.name(), new Own(provider, new OwnCredential(provider.name(), access, clock)));
    } else if (before.provider != provider && !before.spares.contains(provider)) {
      before.spares.add(provider);
    }
  }

  /**
   * A provider goes. Its link is opened anew through another of its name, or ends where there is
   * none; that waits for it.
   */
  void remove(TransportProvider provider) {
    TransportProvider next;
    synchronized (this) {
      Own own = owns.get(provider.name());
      if (own == null || own.spares.remove(provider) || own.provider != provider) {
        return;
      }
      next = own.spares.peekLast();
      if (next == null) {
        end(own);
        return;
      }
    }
    try {
      reopen(provider, next).toCompletableFuture().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      LOG.log(ERROR, "The transport " + provider.name() + " was not opened anew.", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    synchronized (this) {
      Own own = owns.get(provider.name());
      if (own == null) {
        return;
      }
      if (own.provider == provider) {
        // What it opened is of no use any more: the next check opens the other.
        drop(own.name);
        own.chosen = false;
        own.follow(provider, next);
      }
      own.spares.remove(provider);
    }
  }

  private void end(Own own) {
    owns.remove(own.name);
    drop(own.name);
    states.remove(own.name);
    liveness.linkGone(own.name);
    LOG.log(INFO, "The transport {0} is used no more.", own.name);
  }

  /** Called with the lock, so that none of its name is opened meanwhile. */
  private void drop(String name) {
    Exchange now = exchange;
    if (now != null) {
      now.drop(name);
    }
  }

  /** As {@link dev.fairlead.delivery.LinkHolder} says. */
  CompletionStage<Void> reopen(TransportProvider old, TransportProvider next) {
    Exchange now = exchange;
    CompletionStage<Void> reopened = now == null ? NOTHING : now.reopen(old, next, PATIENCE);
    return reopened.thenRun(
        () -> {
          synchronized (this) {
            Own own = owns.get(old.name());
            if (own != null) {
              own.follow(old, next);
            }
          }
        });
  }

  /** Has credentials issued, and opens what can be opened; blocks for as long as issuers take. */
  void check() {
    List<Own> all;
    synchronized (this) {
      all = new ArrayList<>(owns.values());
    }
    for (Own own : all) {
      try {
        if (access.ready(own.name)) {
          if (own.credential.isDue()) {
            own.credential.renew();
          }
          choose(own);
        }
      } catch (TransportException e) {
        refusals.count(e.code(), "issuer", String.valueOf(e.getMessage()));
      } catch (ComputationException e) {
        refusals.count(e.code(), own.name, String.valueOf(e.getMessage()));
      }
    }
  }

  private void choose(Own own) {
    Exchange now = exchange;
    synchronized (this) {
      if (now == null || own.chosen || owns.get(own.name) != own) {
        return;
      }
      own.chosen = true;
      now.use(own.provider, own.credential::setting, PATIENCE)
          .whenComplete(
              (used, failure) -> {
                if (failure != null) {
                  String name = own.name;
                  refusals.count("no-link", name, String.valueOf(failure.getMessage()));
                  LOG.log(ERROR, "The transport {0} was not opened.", name, failure);
                  synchronized (this) {
                    own.chosen = false;
                  }
                }
              });
    }
  }

  /** Whether each link is up, and has been since a time. */
  boolean upSince(Instant time) {
    List<String> names = names();
    return !names.isEmpty()
        && names.stream()
            .map(name -> states.getOrDefault(name, none))
            .allMatch(
                link -> link.state() == Transport.State.CONNECTED && link.since().isBefore(time));
  }

  /** Whether each link is up. */
  boolean up() {
    return upSince(Instant.MAX);
  }

  /** The link over the first transport, for people. */
  JsonObject firstJson() {
    return json(first);
  }

  /** All links, for people. */
  JsonArray toJson() {
    return JsonArray.of(names().stream().map(this::json).toList());
  }

  private synchronized List<String> names() {
    return List.copyOf(owns.keySet());
  }

  private JsonObject json(String name) {
    LinkState now = states.getOrDefault(name, none);
    return JsonObject.builder()
        .put("transport", name)
        .put("state", now.state().name().toLowerCase(Locale.ROOT))
        .put("since", now.since().toString())
        .put("reason", now.reason())
        .put("issuer", access.ready(name))
        .build();
  }

  @Override
  public void stateChanged(String transport, Transport.State state, String reason) {
    Exchange now = exchange;
    boolean up = now != null && now.connected(transport);
    if (up == (state == Transport.State.CONNECTED)) {
      states.put(transport, new LinkState(state, clock.instant(), reason));
    }
    if (up) {
      liveness.linkUp(transport);
    } else {
      liveness.linkDown(transport);
    }
    if (!up || state == Transport.State.CONNECTING) {
      lost.accept(transport); // though it may be back by now, what was under way may be lost
    }
    LOG.log(INFO, "The link over {0} is {1}: {2}", transport, state, reason);
  }

  @Override
  public void refused(String transport, @Nullable String address, TransportException refusal) {
    refusals.count(
        refusal.code(),
        address == null ? "connection" : address,
        String.valueOf(refusal.getMessage()));
  }
}
