// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.access;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Opens the access side of one transport. An OSGi service and a {@link java.util.ServiceLoader}
 * provider; has a public constructor without parameters.
 */
@ConsumerType
public interface AccessProvider {

  /** The transport's name, as {@code TransportProvider.name()} gives it. */
  String name();

  /**
   * Opens the access side, and starts a broker where the settings ask for one. Blocks until
   * credentials can be issued.
   *
   * @param settings looks up a setting by name, null where it is absent
   * @throws dev.fairlead.transport.api.TransportException {@code REFUSED} for a bad setting, {@code
   *     RETRY} when the broker cannot be reached or started now
   */
  CredentialIssuer open(Function<String, @Nullable String> settings);
}
