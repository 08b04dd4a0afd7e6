// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.access;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.access.PeerAdmission;
import java.net.URI;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;

/**
 * Where a configuration asks for it: the one issuer of this framework, and who admits peers, as
 * services. The keys of the configuration are the settings of {@link VsockAccessProvider}.
 */
@Component(
    service = {CredentialIssuer.class, PeerAdmission.class},
    immediate = true,
    configurationPid = "dev.fairlead.transport.vsock.access",
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    property = "transport.name=vsock")
public final class VsockAccessComponent implements CredentialIssuer, PeerAdmission {

  private final VsockIssuer issuer;

  /**
   * Opens the access side, with its hub.
   *
   * @param settings of the component
   */
  @Activate
  public VsockAccessComponent(Map<String, Object> settings) {
    this.issuer =
        VsockIssuer.open(
            HubSettings.read(
                name -> {
                  Object value = settings.get(name);
                  // A deployment's variable that nobody set is empty, and means the same as none.
                  return value == null || value.toString().isBlank() ? null : value.toString();
                }),
            InstantSource.system(),
            new SecureRandom());
  }

  @Deactivate
  void deactivate() {
    issuer.close();
  }

  @Override
  public String transport() {
    return issuer.transport();
  }

  @Override
  public Endpoint endpoint() {
    return issuer.endpoint();
  }

  @Override
  public Endpoint guestEndpoint() {
    return issuer.guestEndpoint();
  }

  @Override
  public Credential issue(Grant grant, Duration lifetime) {
    return issuer.issue(grant, lifetime);
  }

  @Override
  public void revoke(String subject) {
    issuer.revoke(subject);
  }

  @Override
  public Admission admit(String subject, URI peer) {
    return issuer.admit(subject, peer);
  }

  /** Does nothing: the service is its component's to close, not one user's. */
  @Override
  public void close() {}
}
