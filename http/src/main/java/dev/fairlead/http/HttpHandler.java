// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.http;

import java.io.IOException;

/** Answers one kind of request. Called by several threads at once. */
@FunctionalInterface
public interface HttpHandler {

  /**
   * Answers a request.
   *
   * @throws HttpProblem for everything that the client shall be told
   * @throws dev.fairlead.protocol.json.ProtocolException for a body that cannot be accepted: 400,
   *     or 413
   * @throws IOException when the client has gone, or its body cannot be read
   */
  Response handle(Request request) throws IOException;
}
