// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.access;

import java.time.Duration;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Says who may connect to one broker or hub, and to which addresses. Safe for use by several
 * threads; methods may block for as long as the broker takes to answer, at most 15 s.
 */
@ProviderType
public interface CredentialIssuer extends AutoCloseable {

  /** The transport's name. */
  String transport();

  /** Where holders of its credentials connect. */
  Endpoint endpoint();

  /**
   * Where holders connect from inside a VM of this host, when that is by another way than a network
   * that reaches {@link #endpoint()}: {@code vsock://2:9998}.
   */
  default Endpoint guestEndpoint() {
    return endpoint();
  }

  /**
   * Issues a credential. An earlier one of the same subject stays valid until it expires or is
   * revoked, so that a renewal interrupts nothing.
   *
   * @param lifetime more than zero, at most 30 days
   * @throws dev.fairlead.transport.api.TransportException {@code REFUSED} for a grant or lifetime
   *     that cannot be, {@code RETRY} when the broker does not answer
   */
  Credential issue(Grant grant, Duration lifetime);

  /**
   * Ends every credential issued to a subject so far: its connections are closed within a second,
   * nobody else's are. A credential issued afterwards is valid. Does nothing where there is none.
   */
  void revoke(String subject);

  /** Lets go, and stops the broker where {@link AccessProvider#open} started it. Idempotent. */
  @Override
  void close();
}
