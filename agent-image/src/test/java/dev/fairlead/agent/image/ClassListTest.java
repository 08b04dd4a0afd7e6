// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ClassListTest {

  @TempDir Path folder;

  @Test
  void ancestorsComeFirstAndBundlesNameTheirJar() throws IOException {
    ImageInputs inputs = SampleImage.inputs(folder);
    List<String> wanted =
        List.of("java/lang/String", "no/such/Type", "# a word", "@lambda-proxy no/such/Type x y");
    assertThat(ClassList.make(inputs, wanted).lines())
        .containsExactly(
            "java/lang/String id: 0",
            "dev/fairlead/agent/image/SampleAgent id: 1",
            "java/lang/Object id: 2",
            "dev/fairlead/agent/image/CacheKey id: 3 super: 2 source: /app/bundles/bundle.jar",
            "dev/fairlead/agent/image/Digests id: 4 super: 2 source: /app/bundles/bundle.jar");
  }

  /** A line about a lambda that its class no longer has makes every dump come out differently. */
  @Test
  void theListSpeaksOfTheJdkAlone() throws IOException {
    assertThat(ClassData.jdkClasses())
        .filteredOn(line -> !line.startsWith("#"))
        .isNotEmpty()
        .noneMatch(line -> line.contains("dev/fairlead/"));
  }

  @Test
  void aClassFilesFamilyIsRead() throws IOException {
    try (InputStream in = ClassListTest.class.getResourceAsStream("ImageException.class")) {
      assertThat(in).isNotNull();
      ClassHeader header = ClassHeader.read(in.readAllBytes());
      assertThat(header.parent()).isEqualTo("java/lang/RuntimeException");
      assertThat(header.interfaces()).isEmpty();
      assertThat(header.major()).isEqualTo(61);
    }
    assertThatThrownBy(() -> ClassHeader.read(new byte[8])).isInstanceOf(IOException.class);
    byte[] cut = {(byte) 0xca, (byte) 0xfe, (byte) 0xba, (byte) 0xbe, 0, 0, 0, 61, 0, 2, 7, 0, 0};
    assertThatThrownBy(() -> ClassHeader.read(cut)).isInstanceOf(IOException.class);
  }

  @Test
  void packagesOfAHeaderAreRead() {
    Manifest manifest = new Manifest();
    manifest
        .getMainAttributes()
        .put(
            new Attributes.Name("Import-Package"),
            "a.b;version=\"[1,2)\",c;d;resolution:=optional,e.f");
    assertThat(ClassList.packages(manifest, "Import-Package"))
        .containsExactly("a/b", "c", "d", "e/f");
    assertThat(ClassList.packages(manifest, "Export-Package")).isEmpty();
    assertThat(ClassList.packages(null, "Export-Package")).isEmpty();
  }

  @Test
  void theFirstProcessorIsFound() {
    assertThat(ClassData.firstProcessor("a\nCpus_allowed_list:\t3-5,7\n")).isEqualTo("3");
    assertThat(ClassData.firstProcessor("")).isEqualTo("0");
  }

  @Test
  void theListOfThisBuildIsSound() throws IOException {
    assertThat(ClassData.jdkClasses())
        .contains("java/lang/Object", "sun/security/ssl/SSLContextImpl")
        .allMatch(line -> line.startsWith("#") || line.startsWith("@") || line.matches("\\S+"));
  }
}
