// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import dev.fairlead.transport.api.TransportProvider.Capability;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The contract of a transport. An author's test class extends this one and supplies a {@link
 * Harness}; each test bears the number of the rule, in the README, that it checks. At the end
 * {@code target/tck/<name>.json} says what became of each rule: see {@link Results}.
 *
 * <p>A class that is public, has a public constructor without parameters, and is a {@link
 * java.util.ServiceLoader} provider of this one, is found by {@link Kit#contracts()} too.
 */
@ExtendWith(Recorder.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = TransportContract.RULE_SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
public abstract class TransportContract {

  /** The general time-out of a rule: for tests that hang where nobody thought of it. */
  static final int RULE_SECONDS = 60;

  /** After this no rule begins, so that all ends within five minutes. */
  private static final long BEGIN_SECONDS = 5 * 60 - RULE_SECONDS;

  private final String name;
  private final long began = System.nanoTime();
  private volatile long seed;
  private volatile boolean seedDrawn;
  private volatile @Nullable Workbench workbench;

  /**
   * For subclasses, whose constructors do nothing else: one may be made only to be asked its name.
   *
   * @param name of the result file: the transport's name, with something behind it where a
   *     transport is tried in more than one form; {@code [a-zA-Z0-9_-]+}
   */
  protected TransportContract(String name) {
    if (!name.matches("[a-zA-Z0-9_-]{1,64}")) {
      throw new IllegalArgumentException("'" + name + "' is no name for a file of results.");
    }
    this.name = name;
  }

  /** Starts the peer that all tests of this class use. Called once. */
  protected abstract Harness start();

  /** The name of what is held to the contract. */
  public final String name() {
    return name;
  }

  @BeforeAll
  final void startPeer() {
    workbench = new Workbench(start(), this::drawSeed);
  }

  @BeforeEach
  final void requireTime() {
    if (System.nanoTime() - began > TimeUnit.SECONDS.toNanos(BEGIN_SECONDS)) {
      throw new Recorder.OutOfTimeException(
          "%d s have passed, and the kit is to end within five minutes.".formatted(BEGIN_SECONDS));
    }
  }

  @AfterEach
  final void clearUp() {
    workbench().clear();
  }

  @AfterAll
  final void stopPeer() {
    Workbench used = workbench;
    if (used != null) {
      used.harness().close();
    }
  }

  private Workbench workbench() {
    return Objects.requireNonNull(workbench, "workbench");
  }

  // For the recorder.

  void seed(long given) {
    seed = given;
  }

  long seed() {
    return seed;
  }

  private long drawSeed() {
    seedDrawn = true;
    return seed;
  }

  /** The seed, where a test has drawn it since this was asked last; else null. */
  @Nullable Long takeDrawnSeed() {
    boolean drawn = seedDrawn;
    seedDrawn = false;
    return drawn ? seed : null;
  }

  @Nullable String providerClass() {
    Workbench used = workbench;
    return used == null ? null : used.harness().provider().getClass().getName();
  }

  Set<Capability> capabilities() {
    Workbench used = workbench;
    return used == null ? Set.of() : used.harness().provider().capabilities();
  }

  @Nested
  final class Identity extends IdentityRules {
    Identity() {
      super(workbench());
    }
  }

  @Nested
  final class Opening extends OpeningRules {
    Opening() {
      super(workbench());
    }
  }

  @Nested
  final class Sending extends SendingRules {
    Sending() {
      super(workbench());
    }
  }

  @Nested
  final class Receiving extends ReceivingRules {
    Receiving() {
      super(workbench());
    }
  }

  @Nested
  final class Order extends OrderRules {
    Order() {
      super(workbench());
    }
  }

  @Nested
  final class Concurrency extends ConcurrencyRules {
    Concurrency() {
      super(workbench());
    }
  }

  @Nested
  final class State extends StateRules {
    State() {
      super(workbench());
    }
  }

  @Nested
  final class Fault extends FaultRules {
    Fault() {
      super(workbench());
    }
  }

  @Nested
  final class Limits extends LimitRules {
    Limits() {
      super(workbench());
    }
  }

  @Nested
  final class Closing extends ClosingRules {
    Closing() {
      super(workbench());
    }
  }

  @Nested
  final class Access extends AccessRules {
    Access() {
      super(workbench());
    }
  }
}
