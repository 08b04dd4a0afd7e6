// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A sandbox that is made when it is first needed: nothing of it delays the agent's hello. */
public final class LazySandbox implements Sandbox {

  private final String name;
  private final Maker maker;
  private @Nullable Sandbox made;

  /** Makes the sandbox. */
  @FunctionalInterface
  public interface Maker {
    /** Makes it; called again when it failed. */
    Sandbox make() throws IOException;
  }

  /** Makes one under the name that the real one will have. */
  public LazySandbox(String name, Maker maker) {
    this.name = name;
    this.maker = maker;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public synchronized Cell open(String run, RunLimits limits) throws IOException {
    Sandbox sandbox = made;
    if (sandbox == null) {
      sandbox = maker.make();
      made = sandbox;
    }
    return sandbox.open(run, limits);
  }
}
