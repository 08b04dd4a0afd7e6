// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import dev.fairlead.hypervisor.api.Hypervisor;
import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.Vm;
import dev.fairlead.hypervisor.api.VmListener;
import dev.fairlead.hypervisor.api.VmSpec;
import java.net.URI;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;

/** Offers QEMU as a service, as configured. */
@Component(
    configurationPid = "dev.fairlead.hypervisor.qemu",
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    property = "name=" + QemuHypervisor.NAME)
public final class QemuHypervisorComponent implements Hypervisor {

  private final QemuHypervisor hypervisor;

  /** What may be configured; see {@link QemuSettings}. */
  public @interface Config {
    /** The kernel's file. */
    String kernel();

    /** The initramfs's file. */
    String initramfs();

    /** Empty: not checked. */
    String kernel_sha256() default "";

    /** Empty: not checked. */
    String initramfs_sha256() default "";

    /** Absolute, or on the PATH. */
    String qemu() default "qemu-system-x86_64";

    /** {@code auto}, {@code kvm} or {@code tcg}. */
    String accelerator() default "auto";

    /** Words of a command; empty: {@link QemuSettings#RELAY}. */
    String[] relay() default {};

    /** Absolute, or on the PATH; empty: {@link QemuSettings#VSOCK_DAEMON}. */
    String vsock_daemon() default "";

    /** A directory. */
    String state();
  }

  /**
   * Reads the configuration.
   *
   * @throws HypervisorException {@code REFUSED}, code {@code bad-setting}
   */
  @Activate
  public QemuHypervisorComponent(Config config) {
    hypervisor =
        new QemuHypervisor(
            new QemuSettings(
                path("kernel", config.kernel()),
                path("initramfs", config.initramfs()),
                optional(config.kernel_sha256()),
                optional(config.initramfs_sha256()),
                config.qemu(),
                accelerator(config.accelerator()),
                List.of(config.relay()),
                config.vsock_daemon().isBlank()
                    ? QemuSettings.VSOCK_DAEMON
                    : config.vsock_daemon().trim(),
                path("state", config.state())),
            InstantSource.system(),
            UUID::randomUUID);
  }

  /** Lets go of all VMs, which go on. */
  @Deactivate
  public void stop() {
    hypervisor.close();
  }

  @Override
  public String name() {
    return hypervisor.name();
  }

  @Override
  public URI reach(URI endpoint, Path runDirectory) {
    return hypervisor.reach(endpoint, runDirectory);
  }

  @Override
  public Vm start(VmSpec spec, VmListener listener) {
    return hypervisor.start(spec, listener);
  }

  @Override
  public Optional<Vm> adopt(Path runDirectory, VmListener listener) {
    return hypervisor.adopt(runDirectory, listener);
  }

  private static Path path(String setting, @Nullable String value) {
    if (value == null || value.isBlank()) {
      throw refuse("The setting %s is missing; give a path.".formatted(setting), null);
    }
    return Path.of(value);
  }

  private static AcceleratorChoice accelerator(String word) {
    try {
      return AcceleratorChoice.valueOf(word.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw refuse("The setting accelerator is auto, kvm or tcg, not '%s'.".formatted(word), e);
    }
  }

  private static Optional<String> optional(String value) {
    return value.isEmpty() ? Optional.empty() : Optional.of(value.toLowerCase(Locale.ROOT));
  }

  private static HypervisorException refuse(String sentence, @Nullable Throwable cause) {
    return new HypervisorException(
        HypervisorException.Category.REFUSED, "bad-setting", sentence, cause);
  }
}
