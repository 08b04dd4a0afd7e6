// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.api.TransportProvider.Capability;
import java.lang.reflect.Modifier;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** T1: who a transport says it is. */
abstract class IdentityRules {

  private final Workbench workbench;

  IdentityRules(Workbench workbench) {
    this.workbench = workbench;
  }

  @Test
  void t1_1_nameIsAWordThatNeverChanges() {
    TransportProvider provider = workbench.harness().provider();
    String name = provider.name();
    assertTrue(name.matches("[a-z][a-z0-9-]{0,31}"), name);
    assertEquals(name, provider.name());
  }

  @Test
  void t1_2_capabilitiesNeverChange() {
    TransportProvider provider = workbench.harness().provider();
    Set<Capability> before = Set.copyOf(provider.capabilities());
    workbench.echo().connect();
    assertEquals(before, provider.capabilities());
    assertThrows(
        UnsupportedOperationException.class,
        () -> provider.capabilities().add(Capability.LAST_WILL),
        "a caller can change the capabilities");
  }

  @Test
  void t1_3_providerIsMadeWithoutParameters() throws ReflectiveOperationException {
    Class<?> type = workbench.harness().provider().getClass();
    assertTrue(Modifier.isPublic(type.getModifiers()), type + " is not public");
    assertTrue(
        Modifier.isPublic(type.getDeclaredConstructor().getModifiers()),
        type + " has no public constructor without parameters");
  }

  @Test
  void t1_4_transportsOfOneProviderAreApart() {
    Peer first = workbench.echo().connect();
    Peer second = workbench.echo().connect();
    Inbox inbox = second.subscribe(second.own("**"));
    int told = second.changes().size();
    first.transport().close();
    second.deliver(second.own("a"), "still here");
    workbench.arrives(inbox, 1);
    assertEquals(Transport.State.CONNECTED, second.transport().state());
    assertEquals(told, second.changes().size(), () -> "told: " + second.changes());
  }

  @Test
  void t1_5_accessSideBearsTheSameName() {
    assertEquals(workbench.harness().provider().name(), workbench.harness().issuer().transport());
  }
}
