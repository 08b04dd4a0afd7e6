// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static dev.fairlead.computations.ComputationException.Category.RETRY;
import static java.util.Objects.requireNonNull;

import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.TransportFact;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.TransportException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Who may connect, on every transport that the deployment permits. What a credential is, only its
 * issuer knows; which addresses it opens is said here.
 *
 * <p>Safe for use by several threads. Methods that ask an issuer block for as long as its broker
 * takes, at most 15 s, and throw its {@link TransportException}.
 */
public final class Access {

  private static final String READER = "_reader";
  private static final Duration COLLECTOR_LEAST = Duration.ofHours(1);

  private final String fleet;
  private final String first;
  private final Duration lifetime;
  private final Map<String, CredentialIssuer> issuers = new ConcurrentHashMap<>();

  /**
   * Makes one without any issuer.
   *
   * @param fleet the first segment of every address
   * @param first name of the transport that agents use first
   * @param lifetime of an agent's credential
   */
  public Access(String fleet, String first, Duration lifetime) {
    this.fleet = requireNonNull(fleet, "fleet is null");
    this.first = requireNonNull(first, "first is null");
    this.lifetime = requireNonNull(lifetime, "lifetime is null");
    if (lifetime.compareTo(Duration.ofSeconds(1)) < 0
        || lifetime.compareTo(Duration.ofDays(30)) > 0) {
      throw new IllegalArgumentException(
          "A credential lives from 1 s to 30 days, not %s.".formatted(lifetime));
    }
  }

  /** A transport is permitted from now on. */
  public void add(CredentialIssuer issuer) {
    issuers.put(issuer.transport(), issuer);
  }

  /** A transport is permitted no more; credentials of it end by themselves. */
  public void remove(CredentialIssuer issuer) {
    issuers.remove(issuer.transport(), issuer);
  }

  /** The name of the transport that agents use first. */
  public String first() {
    return first;
  }

  /** How long an agent's credential lives. */
  public Duration lifetime() {
    return lifetime;
  }

  /** All permitted transports, the first one first. */
  public List<TransportFact> transports() {
    List<TransportFact> facts = new ArrayList<>();
    facts.add(fact(issuer(first)));
    issuers.values().stream()
        .filter(issuer -> !issuer.transport().equals(first))
        .map(Access::fact)
        .sorted((a, b) -> a.name().compareTo(b.name()))
        .forEach(facts::add);
    return List.copyOf(facts);
  }

  /** A credential for a computation's agent, for the first transport. */
  public Credential agent(String id) {
    return agent(id, first);
  }

  /** A credential for a computation's agent, for one transport. */
  public Credential agent(String id, String transport) {
    Addresses addresses = Addresses.ofComputation(fleet, id);
    return issuer(transport).issue(grant(addresses), lifetime);
  }

  /** A credential for this service itself, for one transport. */
  public Credential collector(String transport) {
    return issuer(transport).issue(grant(Addresses.ofCollector(fleet)), collectorLifetime());
  }

  /** How long this service's own credential lives: it stays here, so it may live longer. */
  public Duration collectorLifetime() {
    return lifetime.compareTo(COLLECTOR_LEAST) < 0 ? COLLECTOR_LEAST : lifetime;
  }

  /** A credential that opens everything said and lets nothing be said, for the first transport. */
  public Credential reader(String name, Duration howLong) {
    return issuer(first)
        .issue(new Grant(READER + "-" + name, List.of(), Addresses.readerReceives(fleet)), howLong);
  }

  /** Where the peers of one transport connect. */
  public Endpoint endpoint(String transport) {
    return issuer(transport).endpoint();
  }

  /** What VMs are told of one transport. */
  public TransportFact transport(String transport) {
    return fact(issuer(transport));
  }

  /**
   * Ends every credential of a computation, on every transport: on all that can be reached, even
   * where one of them cannot.
   */
  public void revoke(String id) {
    TransportException failure = null;
    for (CredentialIssuer issuer : issuers.values()) {
      try {
        issuer.revoke(id);
      } catch (TransportException e) {
        failure = e;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  /** Ends every credential of a computation on one transport. */
  public void revoke(String id, String transport) {
    issuer(transport).revoke(id);
  }

  /** Whether credentials can be issued for the first transport. */
  public boolean ready() {
    return ready(first);
  }

  /** Whether credentials can be issued for one transport. */
  public boolean ready(String transport) {
    return issuers.containsKey(transport);
  }

  private CredentialIssuer issuer(String transport) {
    CredentialIssuer issuer = issuers.get(transport);
    if (issuer == null) {
      throw new ComputationException(
          RETRY,
          "no-issuer",
          "Nothing issues credentials for transport '%s' yet: see whether its broker runs."
              .formatted(transport));
    }
    return issuer;
  }

  private static Grant grant(Addresses addresses) {
    return new Grant(addresses.party(), addresses.sends(), addresses.receives());
  }

  private static TransportFact fact(CredentialIssuer issuer) {
    Endpoint endpoint = issuer.guestEndpoint();
    return new TransportFact(issuer.transport(), endpoint.uri(), endpoint.caSha256());
  }
}
