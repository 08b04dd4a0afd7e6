// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

/** How far a record has come; each level includes those before it. */
public enum AckLevel {
  /** It lies in memory, and is lost with the process. */
  QUEUED,
  /** It lies in a synced file, and survives the process. */
  SPOOLED,
  /** The transport's peer has acknowledged it; what that is worth, the peer decides. */
  STORED,
  /** The sink has stored and synced it. */
  DELIVERED
}
