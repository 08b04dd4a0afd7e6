// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.parity;

/** One of the two ways that are compared. Not safe for several threads. */
final class Side {

  static final int ORIGINAL = 0;
  static final int COPY = 1;
  static final int COUNT = 2;

  /** Numbers that are known not to come this way, and whose absence says nothing. */
  final Ranges skipped = new Ranges();

  final Sendings sendings = new Sendings();

  /** Over which transport it came last; empty before the first. */
  String transport = "";

  /** The highest number that came. */
  long upTo;

  /** When something came last, in ns. */
  long touched;

  /** Records that came for the first time. */
  long records;

  /** Records that their sender sent again. */
  long resent;
}
