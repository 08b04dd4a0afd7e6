// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import dev.fairlead.hypervisor.api.Hypervisor;
import dev.fairlead.hypervisor.api.VmSpec;
import dev.fairlead.hypervisor.api.VmSpec.Forward;
import dev.fairlead.protocol.BootFacts;
import dev.fairlead.protocol.Registration;
import dev.fairlead.protocol.TransportFact;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Composes a VM from what the registry says, what is configured, and the ports it got. */
final class VmComposer {

  private static final String SECRET = "fairlead.secret";

  private final ManagerSettings settings;
  private final Hypervisor hypervisor;
  private final InetAddress forwardAddress;

  /**
   * Makes one.
   *
   * @param hypervisor knows what its guests call an endpoint
   */
  VmComposer(ManagerSettings settings, Hypervisor hypervisor) {
    this.settings = settings;
    this.hypervisor = hypervisor;
    this.forwardAddress = forwardAddress(settings.hostIp());
  }

  /** At which address of this host the gRPC ports of agents listen; all else is on loopback. */
  InetAddress forwardAddress() {
    return forwardAddress;
  }

  /**
   * Composes one.
   *
   * @throws dev.fairlead.hypervisor.api.HypervisorException for a spec that cannot be, or an
   *     endpoint that no VM could be led to
   * @throws dev.fairlead.protocol.json.ProtocolException for facts that cannot be
   */
  VmSpec compose(Registration registration, Path directory, HostPorts ports) {
    List<TransportFact> seenFromGuest = new ArrayList<>();
    List<URI> endpoints = new ArrayList<>();
    for (TransportFact fact : registration.transports()) {
      endpoints.add(fact.uri());
      seenFromGuest.add(
          new TransportFact(fact.name(), hypervisor.reach(fact.uri(), directory), fact.caSha256()));
    }
    ManagerSettings.Ports plan = settings.ports();
    return new VmSpec(
        registration.computation(),
        directory,
        settings.vm().cpus(),
        settings.vm().memoryMib(),
        facts(registration, seenFromGuest),
        settings.vm().channel(),
        registration.credential(),
        List.of(
            // Whoever reaches the agent's HTTP may hand it a manifest before the registry does.
            forward(InetAddress.getLoopbackAddress(), ports.ssh(), plan.guestSsh()),
            forward(InetAddress.getLoopbackAddress(), ports.http(), plan.guestHttp()),
            forward(forwardAddress, ports.grpc(), plan.guestGrpc())),
        endpoints,
        settings.vm().bootDeadline());
  }

  private SortedMap<String, String> facts(
      Registration registration, List<TransportFact> transports) {
    BootFacts.Channel channel =
        switch (settings.vm().channel()) {
          case INITRD -> BootFacts.Channel.INITRD;
          case CMDLINE -> BootFacts.Channel.CMDLINE;
          case FW_CFG -> BootFacts.Channel.FW_CFG;
        };
    String secret = registration.credential();
    BootFacts facts =
        new BootFacts(
            registration.computation(),
            settings.fleet(),
            transports.get(0).name(),
            transports,
            channel,
            sha256(secret),
            channel == BootFacts.Channel.CMDLINE ? secret : null,
            List.of(),
            settings.vm().forgetsStored(),
            settings.vm().bundles());
    SortedMap<String, String> words = new TreeMap<>();
    for (String word : facts.toCommandLine().split(" ", -1)) {
      int equals = word.indexOf('=');
      words.put(word.substring(0, equals), word.substring(equals + 1));
    }
    // The hypervisor gets the credential by itself, and puts it where the channel says.
    words.remove(SECRET);
    return words;
  }

  private static Forward forward(InetAddress address, int hostPort, int guestPort) {
    return new Forward(new InetSocketAddress(address, hostPort), guestPort);
  }

  /** Loopback, unless others shall reach the agents by another name of this host: then all. */
  private static InetAddress forwardAddress(String hostIp) {
    try {
      boolean loopback =
          hostIp.equals("localhost")
              || hostIp.endsWith(".localhost")
              || hostIp.startsWith("127.")
              || hostIp.equals("::1");
      return InetAddress.getByAddress(loopback ? new byte[] {127, 0, 0, 1} : new byte[4]);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("Four bytes are an address.", e);
    }
  }

  private static String sha256(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256.", e);
    }
  }
}
