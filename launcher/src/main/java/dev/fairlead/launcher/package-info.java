// SPDX-License-Identifier: Apache-2.0
/**
 * Starts a flat deployment in Felix. It runs in the guest, where every class loaded costs time, and
 * so it knows neither JSON nor a command line.
 */
@NullMarked
package dev.fairlead.launcher;

import org.jspecify.annotations.NullMarked;
