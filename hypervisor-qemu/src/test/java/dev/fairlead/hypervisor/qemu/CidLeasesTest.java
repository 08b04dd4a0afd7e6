// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fairlead.hypervisor.api.HypervisorException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CidLeasesTest {

  @TempDir private Path folder;

  @Test
  void aNumberIsGivenOnceAndAgainAsLateAsPossible() throws IOException {
    assertThat(leases().lease(run("a"))).isEqualTo(16);
    assertThat(leases().lease(run("b"))).isEqualTo(17);
    leases().release(run("a"));
    assertThat(leases().lease(run("c"))).isEqualTo(18);
    assertThat(leases().lease(run("a"))).isEqualTo(19);
  }

  @Test
  void theSameVmGetsAnotherNumberAndGivesUpTheFirst() throws IOException {
    assertThat(leases().lease(run("a"))).isEqualTo(16);
    assertThat(leases().lease(run("a"))).isEqualTo(17);
    assertThat(Files.readString(file())).contains("\"cid\":17").doesNotContain("\"cid\":16");
  }

  @Test
  void comesRoundToThoseThatAreFree() throws IOException {
    leases().lease(run("a"));
    String text = Files.readString(file());
    Files.writeString(file(), text.replace("\"next\":17", "\"next\":65535"));
    assertThat(leases().lease(run("b"))).isEqualTo(65_535);
    assertThat(leases().lease(run("c"))).as("16 is taken").isEqualTo(17);
  }

  @Test
  void whatCannotBeAliveGivesItsNumberBack() throws IOException {
    leases().lease(run("a"));
    leases().lease(run("b"));
    Files.delete(run("a"));
    String text = Files.readString(file());
    Files.writeString(file(), text.replaceFirst("(/b\",\"bootId\":\")[^\"]*", "$1another-boot"));
    leases().lease(run("c"));
    assertThat(Files.readString(file())).contains("\"cid\":18").doesNotContain("/a\"", "/b\"");
  }

  @Test
  void manyAtOnceGetDifferentNumbers() throws Exception {
    Set<Integer> given = ConcurrentHashMap.newKeySet();
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        Path run = run("vm-" + i);
        all.add(threads.submit(() -> given.add(leases().lease(run))));
      }
      for (Future<?> one : all) {
        assertThat(one.get()).isEqualTo(true);
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(given).hasSize(64).allMatch(cid -> cid >= CidLeases.FROM);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "{", "{\"v\":2}", "{\"v\":1,\"next\":3,\"leases\":[]}", "[]", "\u0000"})
  void doesNotGuessWhenItsFileIsDamaged(String damage) throws IOException {
    leases().lease(run("a"));
    Files.writeString(file(), damage);
    Path b = run("b");
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(() -> leases().lease(b))
        .satisfies(e -> assertThat(e.code()).isEqualTo("cids-unusable"));
    assertThat(Files.readString(file())).isEqualTo(damage);
  }

  private CidLeases leases() {
    return new CidLeases(folder.resolve("state"));
  }

  private Path file() {
    return folder.resolve("state").resolve(CidLeases.FILE);
  }

  private Path run(String name) throws IOException {
    return Files.createDirectories(folder.resolve(name));
  }
}
