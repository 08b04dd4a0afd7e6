// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.tck.memory.MemoryHarness;
import dev.fairlead.transport.tck.memory.MemoryTransportProvider;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** The whole contract, tried on a saboteur, or on the same transport without one. */
@ExtendWith(Sabotage.Named.class)
@Timeout(value = 9, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class Sabotage extends TransportContract {

  /** JUnit's parameter that names the saboteur; without it nothing is sabotaged. */
  static final String SABOTEUR = "tck.saboteur";

  /** The name of the run in which nothing is sabotaged. */
  static final String NOBODY = "NOBODY";

  private final @Nullable Saboteur saboteur;

  Sabotage(@Nullable Saboteur saboteur) {
    super(name(saboteur));
    this.saboteur = saboteur;
  }

  static String name(@Nullable Saboteur saboteur) {
    return saboteur == null ? NOBODY : saboteur.name();
  }

  @Override
  protected Harness start() {
    Harness harness =
        new MemoryHarness(new SabotagedProvider(new MemoryTransportProvider(), saboteur));
    return saboteur == null ? harness : new Impatient(harness);
  }

  /** Finds the saboteur by the name that JUnit was given. */
  static final class Named implements ParameterResolver {

    /** Made by JUnit. */
    Named() {}

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      return parameter.getParameter().getType() == Saboteur.class;
    }

    @Override
    public @Nullable Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      return context.getConfigurationParameter(SABOTEUR).map(Saboteur::valueOf).orElse(null);
    }
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
      return Duration.ofSeconds(2);
    }

    @Override
    public void close() {
      harness.close();
    }
  }
}
