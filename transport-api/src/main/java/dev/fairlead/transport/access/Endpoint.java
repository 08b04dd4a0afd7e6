// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.access;

import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * Where to connect: public facts, measured with the guest.
 *
 * @param uri scheme, host and port, as seen from the machine that asked
 * @param caSha256 SHA-256, in lower-case hex, of the DER form of the CA certificate to which the
 *     endpoint's own leads; null where the platform's trust store decides
 */
public record Endpoint(URI uri, @Nullable String caSha256) {}
