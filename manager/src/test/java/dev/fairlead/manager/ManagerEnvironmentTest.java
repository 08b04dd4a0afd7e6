// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ManagerEnvironmentTest {

  private static final ManagerSettings BASE = ManagerSettings.in(Path.of("runs"));

  @Test
  void emptyMeansUnset() {
    ManagerEnvironment read =
        ManagerEnvironment.read(
            Map.of("MANAGER_HTTP_PORT", "", "MANAGER_HTTP_SERVER_CERT", " ", "PATH", "/bin"));
    assertThat(read.warnings()).isEmpty();
    assertThat(read.over(BASE)).isEqualTo(BASE);
    assertThat(BASE.http().port()).isEqualTo(9021);
    assertThat(BASE.hostIp()).isEqualTo("localhost");
    assertThat(BASE.maxVms()).isEqualTo(10);
  }

  @Test
  void readsAllThatHasAnEffect() {
    ManagerEnvironment read =
        ManagerEnvironment.read(
            Map.ofEntries(
                Map.entry("MANAGER_LOG_LEVEL", "Debug"),
                Map.entry("MANAGER_HTTP_HOST", "0.0.0.0"),
                Map.entry("MANAGER_HTTP_PORT", "19021"),
                Map.entry("MANAGER_HTTP_SERVER_CERT", "/c.pem"),
                Map.entry("MANAGER_HTTP_SERVER_KEY", "/k.pem"),
                Map.entry("MANAGER_HTTP_TOKEN", "t"),
                Map.entry("MANAGER_INSTANCE_ID", "host-a"),
                Map.entry("MANAGER_HOST_IP", "192.0.2.1"),
                Map.entry("MANAGER_MAX_VMS", "0"),
                Map.entry("MANAGER_QEMU_SMP_COUNT", "3"),
                Map.entry("MANAGER_QEMU_MEMORY_SIZE", "2G"),
                Map.entry("MANAGER_QEMU_HOST_FWD_1", "2022"),
                Map.entry("MANAGER_QEMU_HOST_FWD_2", "9302"),
                Map.entry("MANAGER_QEMU_HOST_FWD_3", "7021"),
                Map.entry("MANAGER_QEMU_GUEST_FWD_3", "7003"),
                Map.entry("MANAGER_QEMU_HOST_FWD_RANGE", "6000-6100")));
    assertThat(read.warnings()).isEmpty();
    assertThat(read.logLevel()).contains("debug");
    ManagerSettings settings = read.over(BASE);
    assertThat(settings.http())
        .isEqualTo(
            new ManagerSettings.Http("0.0.0.0", 19_021, "t", Path.of("/c.pem"), Path.of("/k.pem")));
    assertThat(settings.instance()).isEqualTo("host-a");
    assertThat(settings.hostIp()).isEqualTo("192.0.2.1");
    assertThat(settings.maxVms()).isZero();
    assertThat(settings.vm().cpus()).isEqualTo(3);
    assertThat(settings.vm().memoryMib()).isEqualTo(2048);
    assertThat(settings.ports())
        .isEqualTo(new ManagerSettings.Ports(2022, 9302, 7021, 22, 9031, 7003, 6000, 6100));
    assertThat(settings.toString()).doesNotContain("token=t");
  }

  @Test
  void theAgentsOwnNameForItsPortWins() {
    ManagerSettings settings =
        ManagerEnvironment.read(
                Map.of("MANAGER_QEMU_HOST_FWD_3", "7021", "MANAGER_QEMU_HOST_FWD_AGENT", "7022"))
            .over(BASE);
    assertThat(settings.ports().firstGrpc()).isEqualTo(7022);
  }

  @ParameterizedTest
  @CsvSource({
    "MANAGER_HTPP_PORT,MANAGER_HTTP_PORT",
    "MANAGER_QEMU_MEMORY_SI,MANAGER_QEMU_MEMORY_SIZE",
    "MANAGER_QEMU_SEV_SNP_CBITPOSS,MANAGER_QEMU_SEV_SNP_CBITPOS",
    "MANAGER_INSTANCE,MANAGER_INSTANCE_ID",
  })
  void warnsAboutAnUnknownName(String name, String nearest) {
    assertThat(ManagerEnvironment.read(Map.of(name, "x")).warnings())
        .containsExactly("%s is unknown; did you mean %s?".formatted(name, nearest));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "MANAGER_GRPC_HOST",
        "MANAGER_AGENT_GRPC_URL",
        "COCOS_JAEGER_URL",
        "MANAGER_QEMU_OVMF_CODE_FILE",
        "MANAGER_QEMU_DISK_IMG_FILE",
        "MANAGER_QEMU_VSOCK_GUEST_CID",
        "MANAGER_QEMU_USE_SUDO",
        "MANAGER_QEMU_BIN_PATH",
      })
  void warnsOnceAboutANameWithoutEffect(String name) {
    assertThat(ManagerEnvironment.read(Map.of(name, "x")).warnings())
        .singleElement()
        .asString()
        .startsWith(name);
  }

  @Test
  void acceptsTheTypoOfTheReadmeWithAWarning() {
    assertThat(
            ManagerEnvironment.read(Map.of("COCOS_NOTIFICATION_SERVER_URL", "http:/localhost:9000"))
                .warnings())
        .hasSize(2)
        .first()
        .asString()
        .contains("lacks a slash");
  }

  @ParameterizedTest
  @CsvSource({
    "MANAGER_HTTP_PORT,x",
    "MANAGER_HTTP_PORT,65536",
    "MANAGER_GRPC_PORT,-1",
    "MANAGER_LOG_LEVEL,loud",
    "MANAGER_MAX_VMS,-1",
    "MANAGER_QEMU_MEMORY_SIZE,1 GiB",
    "MANAGER_QEMU_MEMORY_SIZE,64M",
    "MANAGER_QEMU_HOST_FWD_RANGE,6200-6100",
    "MANAGER_QEMU_HOST_FWD_1,0",
    "MANAGER_QEMU_ENABLE_KVM,yes",
    "MANAGER_QEMU_ENABLE_SEV,true",
    "MANAGER_QEMU_ENABLE_TDX,1",
    "MANAGER_HTTP_SERVER_CERT,/c.pem",
    "MANAGER_HTTP_SERVER_KEY,/k.pem",
    "MANAGER_GRPC_SERVER_KEY,/k.pem",
  })
  void refusesWhatCannotBeAndNamesIt(String name, String value) {
    assertThatExceptionOfType(ManagerException.class)
        .isThrownBy(() -> ManagerEnvironment.read(Map.of(name, value)).over(BASE))
        .withMessageContaining(name)
        .matches(e -> e.code().equals("bad-environment"));
  }

  @Test
  void saysWhereTheHypervisorsSettingsAre() {
    assertThat(ManagerEnvironment.read(Map.of("MANAGER_QEMU_ENABLE_KVM", "F")).warnings())
        .containsExactly(
            "MANAGER_QEMU_ENABLE_KVM has no effect here: set 'accelerator' in the hypervisor's configuration.");
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "t", "T", "true", "TRUE", "True"})
  void takesGoBooleansForTrue(String value) {
    assertThat(ManagerEnvironment.bool("X", value)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "f", "F", "false", "FALSE", "False"})
  void takesGoBooleansForFalse(String value) {
    assertThat(ManagerEnvironment.bool("X", value)).isFalse();
    assertThat(ManagerEnvironment.read(Map.of("MANAGER_QEMU_ENABLE_SEV", value)).warnings())
        .isEmpty();
  }
}
