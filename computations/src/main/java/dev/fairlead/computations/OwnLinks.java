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
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * This service's own links: one over each transport for which there are both a provider and an
 * issuer of credentials. Each comes and goes without the others.
 *
 * <p>{@link #check} is called by one thread at a time, the other methods by any.
 */
final class OwnLinks implements SwitchboardListener {

  private static final System.Logger LOG = System.getLogger(OwnLinks.class.getName());
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final String first;
  private final Access access;
  private final Liveness liveness;
  private final Refusals refusals;
  private final InstantSource clock;
  private final LinkState none;
  private final Map<String, LinkState> states = new ConcurrentHashMap<>();

  /** By name; guarded by this. */
  private final Map<String, Own> owns = new TreeMap<>();

  private volatile @Nullable Exchange exchange;

  private record LinkState(Transport.State state, Instant since, String reason) {}

  /** What is used, or to be used, over one transport. */
  private static final class Own {
    final TransportProvider provider;
    final OwnCredential credential;
    boolean chosen;

    Own(TransportProvider provider, OwnCredential credential) {
      this.provider = provider;
      this.credential = credential;
    }
  }

  /**
   * Makes it, without a transport yet.
   *
   * @param first the transport that agents use first
   */
  OwnLinks(String first, Access access, Liveness liveness, Refusals refusals, InstantSource clock) {
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

  /** A transport can be opened; one of the same name is replaced once this one has connected. */
  synchronized void add(TransportProvider provider) {
    Own before = owns.get(provider.name());
    OwnCredential credential =
        before == null ? new OwnCredential(provider.name(), access, clock) : before.credential;
    owns.put(provider.name(), new Own(provider, credential));
  }

  /**
   * A provider goes. Where no other of its name has come, its link ends, which waits for its
   * quiesce time.
   */
  synchronized void remove(TransportProvider provider) {
    String name = provider.name();
    Own own = owns.get(name);
    if (own == null || own.provider != provider) {
      return;
    }
    owns.remove(name);
    Exchange now = exchange;
    if (now != null) {
      now.drop(name); // locked, so that none of its name is opened meanwhile
    }
    states.remove(name);
    liveness.linkGone(name);
    LOG.log(INFO, "The transport {0} is used no more.", name);
  }

  /** Has credentials issued, and opens what can be opened; blocks for as long as issuers take. */
  void check() {
    List<Own> all;
    synchronized (this) {
      all = new ArrayList<>(owns.values());
    }
    for (Own own : all) {
      try {
        if (access.ready(own.provider.name())) {
          if (own.credential.isDue()) {
            own.credential.renew();
          }
          choose(own);
        }
      } catch (TransportException e) {
        refusals.count(e.code(), "issuer", String.valueOf(e.getMessage()));
      } catch (ComputationException e) {
        refusals.count(e.code(), own.provider.name(), String.valueOf(e.getMessage()));
      }
    }
  }

  private void choose(Own own) {
    Exchange now = exchange;
    synchronized (this) {
      if (now == null || own.chosen || owns.get(own.provider.name()) != own) {
        return;
      }
      own.chosen = true;
      now.use(own.provider, own.credential::setting, PATIENCE)
          .whenComplete(
              (used, failure) -> {
                if (failure != null) {
                  String name = own.provider.name();
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
