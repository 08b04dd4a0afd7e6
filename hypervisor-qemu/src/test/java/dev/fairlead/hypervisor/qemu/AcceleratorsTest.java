// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AcceleratorsTest {

  @TempDir private Path root;
  private Path state;
  private Path kernel;

  @BeforeEach
  void aHost() throws IOException {
    state = root.resolve("var/state");
    kernel = Files.writeString(root.resolve("vmlinuz"), "kernel");
    Files.createDirectories(root.resolve("proc"));
    Files.createDirectories(root.resolve("dev"));
    Files.writeString(root.resolve("proc/cpuinfo"), "flags : fpu vmxx sse\n");
  }

  @Test
  void withoutADeviceThereIsNoKvm() throws IOException {
    cpu("vmx");
    assertThat(auto().choose(kernel)).isEqualTo(Accelerator.TCG);
  }

  @Test
  void aDeviceAloneIsNotEnough() throws IOException {
    device();
    assertThat(auto().choose(kernel)).isEqualTo(Accelerator.TCG);
    Files.createDirectories(root.resolve("sys/module/kvm_pvm"));
    assertThat(auto().choose(kernel)).isEqualTo(Accelerator.TCG);
  }

  @Test
  void theProcessorOrTheModuleMustSaySo() throws IOException {
    device();
    cpu("svm");
    assertThat(auto().choose(kernel)).isEqualTo(Accelerator.KVM);
    cpu("none");
    Files.createDirectories(root.resolve("sys/module/kvm_intel"));
    assertThat(auto().choose(kernel)).isEqualTo(Accelerator.KVM);
  }

  @Test
  void aVerdictHoldsForThisKernelAndThisBoot() throws IOException {
    device();
    cpu("vmx");
    Files.createDirectories(state);
    Path old = Files.createFile(state.resolve("kvm-unfit-another-boot-0123"));
    Path foreign = Files.createFile(state.resolve("of-somebody-else"));
    auto().unfit(kernel, "no-life");
    assertThat(auto().choose(kernel)).isEqualTo(Accelerator.TCG);
    Path other = Files.writeString(root.resolve("vmlinuz2"), "another");
    assertThat(auto().choose(other)).isEqualTo(Accelerator.KVM);
    assertThat(old).doesNotExist();
    assertThat(foreign).exists();
  }

  @Test
  void whoeverForcesItHasIt() {
    Accelerators kvm = new Accelerators(root, state, AcceleratorChoice.KVM);
    assertThat(kvm.choose(kernel)).isEqualTo(Accelerator.KVM);
    assertThat(kvm.mayFallBack()).isFalse();
    Accelerators tcg = new Accelerators(root, state, AcceleratorChoice.TCG);
    assertThat(tcg.choose(kernel)).isEqualTo(Accelerator.TCG);
  }

  private Accelerators auto() {
    return new Accelerators(root, state, AcceleratorChoice.AUTO);
  }

  private void device() throws IOException {
    Files.createFile(root.resolve("dev/kvm"));
  }

  private void cpu(String flag) throws IOException {
    Files.writeString(root.resolve("proc/cpuinfo"), "flags : fpu " + flag + " sse\n");
  }
}
