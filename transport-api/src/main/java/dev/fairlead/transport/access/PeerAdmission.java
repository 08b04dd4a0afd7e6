// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.access;

import java.net.URI;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Admits peers that are known by where they connect from: a VM's socket, or its number, which no
 * guest can forge. An OSGi service, with the property {@code transport.name}, of a transport that
 * knows such peers; others have none. Without OSGi, the {@link CredentialIssuer} of such a
 * transport is one. A peer that was not admitted is not let in, whatever credential it shows; one
 * that was needs a credential of its own subject all the same. Safe for use by several threads.
 */
@ProviderType
public interface PeerAdmission {

  /** The transport's name. */
  String transport();

  /**
   * Lets a peer connect as one subject. To be called before the VM starts, and again for a VM that
   * runs on when this service is new: admissions are not remembered. Blocks for at most 5 s.
   *
   * @param subject a computation's id: one segment of an address
   * @param peer {@code vsock://<cid>}, or {@code unix:///<path>} of the socket that stands for the
   *     VM by the hybrid convention, without the {@code _<port>} that is added to it
   * @throws dev.fairlead.transport.api.TransportException {@code REFUSED} for a peer that cannot
   *     be, or that is admitted as another subject; {@code RETRY} when its socket cannot be opened
   *     now
   */
  Admission admit(String subject, URI peer);

  /** Holds for as long as the VM may live. */
  @ProviderType
  interface Admission extends AutoCloseable {
    /** Ends the peer's connections, and lets none in any more. Idempotent. */
    @Override
    void close();
  }
}
