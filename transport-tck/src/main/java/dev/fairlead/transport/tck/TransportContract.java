// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.TestInstance;

/**
 * The contract of a transport. An author's test class extends this one and supplies a {@link
 * Harness}; each test bears the number of the rule, in the README, that it checks.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class TransportContract {

  private @Nullable Workbench workbench;

  /** For subclasses. */
  protected TransportContract() {}

  /** Starts the peer that all tests of this class use. Called once. */
  protected abstract Harness start();

  @BeforeAll
  final void startPeer() {
    workbench = new Workbench(start());
  }

  @AfterEach
  final void clearUp() {
    workbench().clear();
  }

  @AfterAll
  final void stopPeer() {
    if (workbench != null) {
      workbench.harness().close();
    }
  }

  private Workbench workbench() {
    return Objects.requireNonNull(workbench, "workbench");
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
