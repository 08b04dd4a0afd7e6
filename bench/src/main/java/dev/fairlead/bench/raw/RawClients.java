// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.raw;

import java.util.Arrays;

/** The baselines: a raw client for each, and the transport of ours that it is held against. */
public enum RawClients {
  /** Core NATS. */
  JNATS_CORE("jnats-core", "nats", 20_000),
  /** The same with the TLS that ours has. */
  JNATS_CORE_TLS("jnats-core-tls", "nats", 20_000),
  /** JetStream, stored in files, each publish confirmed. */
  JNATS_JETSTREAM("jetstream", "nats", 20_000),
  /** Quality of service 0. */
  PAHO_QOS0("paho-qos0", "mqtt", 10_000),
  /** The same with the TLS that ours has. */
  PAHO_QOS0_TLS("paho-qos0-tls", "mqtt", 10_000),
  /** Quality of service 1. */
  PAHO_QOS1("paho-qos1", "mqtt", 10_000),
  /** A UNIX stream between the two, one write for each record. */
  UNIX_STREAM("unix-stream", "vsock", 20_000);

  private final String label;
  private final String transport;
  private final int window;

  RawClients(String label, String transport, int window) {
    this.label = label;
    this.transport = transport;
    this.window = window;
  }

  /** Its name. */
  public String label() {
    return label;
  }

  /** The transport that it is held against. */
  public String transport() {
    return transport;
  }

  /** Whether its connections are encrypted. */
  public boolean isEncrypted() {
    return this == JNATS_CORE_TLS || this == PAHO_QOS0_TLS;
  }

  /** How many records may be under way between its ends. */
  public int window() {
    return window;
  }

  /** Makes the client. Its library must be on the class path. */
  public RawClient client() {
    return switch (this) {
      case JNATS_CORE, JNATS_CORE_TLS -> new JnatsCore();
      case JNATS_JETSTREAM -> new JnatsJetStream();
      case PAHO_QOS0, PAHO_QOS0_TLS -> new Paho(0);
      case PAHO_QOS1 -> new Paho(1);
      case UNIX_STREAM -> new UnixStream();
    };
  }

  /**
   * The one of a name.
   *
   * @throws IllegalArgumentException where there is none
   */
  public static RawClients named(String name) {
    return Arrays.stream(values())
        .filter(each -> each.label.equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("There is no baseline " + name + "."));
  }
}
