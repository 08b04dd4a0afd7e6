// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

/** What happens to a record for which there is no room. */
public enum Policy {
  /** Its sender waits until there is. */
  BLOCK,
  /** It is dropped, counted, and shown as a gap. */
  DROP_NEW,
  /** The oldest ones that were not sent yet make room: dropped, counted, and shown as a gap. */
  DROP_OLD;

  /** The reason under which its drops are counted, and which the reader of a gap sees. */
  public String reason() {
    return switch (this) {
      case BLOCK -> "block";
      case DROP_NEW -> "drop-new";
      case DROP_OLD -> "drop-old";
    };
  }
}
