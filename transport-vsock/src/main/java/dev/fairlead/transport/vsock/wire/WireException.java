// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.wire;

import java.io.IOException;

/** What the other side sent cannot be: the connection is of no more use. */
public final class WireException extends IOException {

  private static final long serialVersionUID = 1L;

  private final String code;

  /**
   * Makes one.
   *
   * @param code lower-case words joined by hyphens
   * @param sentence what was wrong; holds nothing of what was sent
   */
  public WireException(String code, String sentence) {
    super(sentence);
    this.code = code;
  }

  /** The stable code. */
  public String code() {
    return code;
  }
}
