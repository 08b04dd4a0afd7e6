// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.raw.RawClients;
import dev.fairlead.bench.results.Subject;
import dev.fairlead.transport.access.AccessProvider;
import dev.fairlead.transport.api.TransportProvider;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.ServiceLoader;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * What can be measured: every transport that is there with both its sides, some of them with
 * settings that make rows of their own, and the raw clients that they are held against. A transport
 * that is dropped in takes part by its name.
 */
final class Subjects {

  /** By name of the row: the transport, and settings of its client side. */
  private static final Map<String, Variant> VARIANTS =
      Map.of("mqtt-qos1", new Variant("mqtt", Map.of("batch.qos", "1")));

  /** What a person expects first. */
  private static final List<String> ORDER = List.of("nats", "mqtt", "vsock");

  /** A transport with settings. */
  record Variant(String transport, Map<String, String> settings) {}

  private Subjects() {}

  /** The names of all transports that are there. */
  static List<String> transports() {
    NavigableSet<String> carried =
        ServiceLoader.load(TransportProvider.class).stream()
            .map(provider -> provider.get().name())
            .collect(Collectors.toCollection(TreeSet::new));
    NavigableSet<String> both =
        ServiceLoader.load(AccessProvider.class).stream()
            .map(provider -> provider.get().name())
            .filter(carried::contains)
            .collect(Collectors.toCollection(TreeSet::new));
    List<String> names = new ArrayList<>(ORDER);
    names.retainAll(both);
    both.stream().filter(name -> !names.contains(name)).forEach(names::add);
    return names;
  }

  /**
   * What is measured when these transports are asked for.
   *
   * @param baselines whether raw clients take part
   * @param encrypted whether they do with TLS too
   * @param variants whether settings that make rows of their own do
   */
  static List<Subject> of(
      List<String> transports, boolean variants, boolean baselines, boolean encrypted) {
    List<Subject> subjects = new ArrayList<>();
    for (String transport : transports) {
      subjects.add(Subject.ours(transport));
      if (variants) {
        VARIANTS.entrySet().stream()
            .filter(each -> each.getValue().transport().equals(transport))
            .forEach(each -> subjects.add(Subject.ours(each.getKey())));
      }
    }
    if (baselines) {
      Arrays.stream(RawClients.values())
          .filter(client -> transports.contains(client.transport()))
          .filter(client -> encrypted || !client.isEncrypted())
          .forEach(client -> subjects.add(Subject.baseline(client.transport(), client.label())));
    }
    return subjects;
  }

  /** Whether it is measured once where others are repeated: it only explains what others take. */
  static boolean isOnce(Subject subject) {
    String baseline = subject.baseline();
    return baseline != null && RawClients.named(baseline).isEncrypted();
  }

  /** The transport of a row, and its settings. */
  static Variant variant(Subject ours) {
    return VARIANTS.getOrDefault(ours.transport(), new Variant(ours.transport(), Map.of()));
  }
}
