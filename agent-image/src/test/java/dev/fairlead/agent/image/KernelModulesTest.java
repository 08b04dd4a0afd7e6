// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class KernelModulesTest {

  @TempDir Path folder;

  @Test
  void whatIsNeededComesFirst() throws IOException {
    module("a/virtio-net.ko", "net_failover,virtio-ring");
    module("a/net_failover.ko", "failover");
    module("b/failover.ko", "");
    module("b/virtio_ring.ko", "");
    module("b/unwanted.ko", "");
    assertThat(new KernelModules(folder).inOrder(List.of("virtio_ring", "virtio_net")).keySet())
        .containsExactly("virtio_ring", "failover", "net_failover", "virtio_net");
  }

  @Test
  void aMissingModuleIsNamed() throws IOException {
    module("a.ko", "gone");
    assertThatThrownBy(() -> new KernelModules(folder).inOrder(List.of("a")))
        .isInstanceOf(ImageException.class)
        .hasMessageContaining("gone");
  }

  @Test
  void modulesThatNeedEachOtherDoNotEndInALoop() throws IOException {
    module("a.ko", "b");
    module("b.ko", "a");
    assertThatThrownBy(() -> new KernelModules(folder).inOrder(List.of("a")))
        .isInstanceOf(ImageException.class);
  }

  @Test
  void aFileWithoutTheFieldNeedsNothing() {
    assertThat(KernelModules.depends(new byte[0])).isEmpty();
    assertThat(KernelModules.depends("\0depends=".getBytes(US_ASCII))).isEmpty();
    assertThat(KernelModules.depends("x\0depends=a-b,c\0y".getBytes(US_ASCII)))
        .containsExactly("a_b", "c");
  }

  private void module(String path, String depends) throws IOException {
    Path file = folder.resolve(path);
    Files.createDirectories(file.getParent());
    Files.write(file, ("\177ELF\0license=GPL\0depends=" + depends + "\0").getBytes(US_ASCII));
  }
}
