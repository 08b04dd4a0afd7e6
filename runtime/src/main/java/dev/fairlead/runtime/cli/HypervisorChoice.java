// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

/** The hypervisors by the names that a person types. */
enum HypervisorChoice {
  /** A real VM. */
  qemu,
  /** The agent as a plain process. */
  process
}
