// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import org.jspecify.annotations.Nullable;

final class NullListener implements TransportListener {
  @Override
  public void stateChanged(Transport.State state, String reason) {}

  @Override
  public void refused(@Nullable String address, TransportException refusal) {}
}
