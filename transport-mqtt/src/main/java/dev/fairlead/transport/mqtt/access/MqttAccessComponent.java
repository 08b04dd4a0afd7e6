// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt.access;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.Grant;
import java.time.Duration;
import java.util.Map;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;

/**
 * Where a configuration asks for it: the one issuer of this framework, as a service. The keys of
 * the configuration are the settings of {@link MqttAccessProvider}.
 */
@Component(
    service = CredentialIssuer.class,
    immediate = true,
    configurationPid = "dev.fairlead.transport.mqtt.access",
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    property = "transport.name=mqtt")
public final class MqttAccessComponent implements CredentialIssuer {

  private final CredentialIssuer issuer;

  /**
   * Opens the access side, and starts a broker where the configuration asks for one.
   *
   * @param settings of the component
   */
  @Activate
  public MqttAccessComponent(Map<String, Object> settings) {
    this.issuer =
        new MqttAccessProvider()
            .open(
                name -> {
                  Object value = settings.get(name);
                  // A deployment's variable that nobody set is empty, and means the same as none.
                  return value == null || value.toString().isBlank() ? null : value.toString();
                });
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
  public Credential issue(Grant grant, Duration lifetime) {
    return issuer.issue(grant, lifetime);
  }

  @Override
  public void revoke(String subject) {
    issuer.revoke(subject);
  }

  /** Does nothing: the service is its component's to close, not one user's. */
  @Override
  public void close() {}
}
