// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

/** To come. */
abstract class ClosingRules {
  ClosingRules(Workbench workbench) {}
}
