// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.api;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.osgi.annotation.versioning.ProviderType;

/** One VM, seen from outside only. Safe for use by several threads. */
@ProviderType
public interface Vm {

  /** The VM's name: its computation's id. */
  String computation();

  /** Where everything about it lies. */
  Path runDirectory();

  /** The process that runs it on the host; another one after {@code restarted-with-tcg}. */
  long pid();

  /**
   * What runs the guest's instructions: {@code kvm}, {@code tcg}, {@code process}. Another one
   * after {@code restarted-with-tcg}.
   */
  String accelerator();

  /** Its way to this host that needs no network; the same for as long as it lives. */
  Optional<VmChannel> channel();

  /** Whether it runs. */
  boolean isRunning();

  /**
   * Ends it: asks the guest to power down, and takes harder means, each in its own time, until it
   * is gone. Returns at once; ending twice is ending once.
   *
   * @param grace how long the guest may take to power down by itself; zero for none
   * @return how it ended, when it has; never fails
   */
  CompletionStage<VmEnd> end(Duration grace);

  /** How it ended, when it has; never fails. */
  CompletionStage<VmEnd> ended();

  /** Lets go of it without ending it, so that another process may adopt it. Idempotent. */
  void release();
}
