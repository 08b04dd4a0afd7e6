// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.tck.memory.MemoryHarness;
import dev.fairlead.transport.tck.memory.MemoryTransportProvider;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.platform.engine.FilterResult;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.PostDiscoveryFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** The kit catches each saboteur by the rule that names its fault. */
class SaboteurTest {

  private static @Nullable Saboteur current;

  /** The contract, tried on the current saboteur. Not found by itself: it is no top-level class. */
  static final class Sabotage extends TransportContract {
    @Override
    protected Harness start() {
      MemoryTransportProvider good = new MemoryTransportProvider();
      Harness harness = new MemoryHarness(requireNonNull(current).over(good));
      return new Impatient(harness);
    }
  }

  @ParameterizedTest
  @EnumSource
  void ruleThatNamesItsFaultCatchesIt(Saboteur saboteur) {
    current = saboteur;
    Map<String, TestExecutionResult> results = run(saboteur.rule());
    assertThat(results).containsOnlyKeys(saboteur.rule());
    TestExecutionResult result = requireNonNull(results.get(saboteur.rule()));
    assertThat(result.getStatus()).as("%s", result).isEqualTo(TestExecutionResult.Status.FAILED);
    assertThat(result.getThrowable().orElseThrow()).isInstanceOf(AssertionError.class);
  }

  private static Map<String, TestExecutionResult> run(String rule) {
    Map<String, TestExecutionResult> results = new TreeMap<>();
    PostDiscoveryFilter ofRule =
        test ->
            FilterResult.includedIf(
                test.getSource()
                    .filter(MethodSource.class::isInstance)
                    .map(MethodSource.class::cast)
                    .map(source -> rule.equals(Rule.ofTest(source.getMethodName())))
                    .orElse(true));
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(selectClass(Sabotage.class))
            .filters(ofRule)
            .build();
    LauncherFactory.create()
        .execute(
            request,
            new TestExecutionListener() {
              @Override
              public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                if (test.isTest()) {
                  String name = ((MethodSource) test.getSource().orElseThrow()).getMethodName();
                  results.put(requireNonNull(Rule.ofTest(name)), result);
                }
              }
            });
    return results;
  }

  /** What a saboteur keeps back need not be waited for as long as for a real network. */
  private record Impatient(Harness harness) implements Harness {
    @Override
    public TransportProvider provider() {
      return harness.provider();
    }

    @Override
    public CredentialIssuer issuer() {
      return harness.issuer();
    }

    @Override
    public Faults faults() {
      return harness.faults();
    }

    @Override
    public @Nullable String setting(String name) {
      return harness.setting(name);
    }

    @Override
    public Duration patience() {
      return Duration.ofMillis(1500);
    }

    @Override
    public void close() {
      harness.close();
    }
  }
}
