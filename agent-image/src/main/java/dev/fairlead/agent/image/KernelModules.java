// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.fairlead.agent.image.ImageException.Category;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Finds kernel modules and the order in which they can be loaded: a module names what it needs in
 * itself ("depends="), so that neither depmod nor the host's kernel has a say.
 */
final class KernelModules {

  /** What the guest has hardware for. */
  static final List<String> WANTED =
      List.of(
          "virtio_pci",
          "virtio_net",
          "virtio_rng",
          "qemu_fw_cfg",
          "pvpanic_pci",
          "button",
          "evdev",
          "vmw_vsock_virtio_transport");

  private final Map<String, Path> files = new TreeMap<>();

  /** Looks at all modules below a folder. */
  KernelModules(Path folder) throws IOException {
    try (Stream<Path> walk = Files.walk(folder)) {
      walk.filter(path -> path.toString().endsWith(".ko"))
          .forEach(path -> files.put(name(path), path));
    }
  }

  /** The files of the wanted modules and of all they need, by name, in the order of loading. */
  Map<String, Path> inOrder(List<String> wanted) throws IOException {
    Map<String, Path> order = new LinkedHashMap<>();
    for (String name : wanted) {
      add(name, order, 0);
    }
    return order;
  }

  private void add(String name, Map<String, Path> order, int depth) throws IOException {
    if (order.containsKey(name)) {
      return;
    }
    Path file = files.get(name);
    if (file == null || depth > 16) {
      throw new ImageException(
          Category.BROKEN,
          "kernel-module-missing",
          "The kernel's package holds no module %s: this build does not know this kernel."
              .formatted(name));
    }
    for (String needed : depends(Files.readAllBytes(file))) {
      add(needed, order, depth + 1);
    }
    order.put(name, file);
  }

  /** The modules that a module's own text names. */
  static List<String> depends(byte[] module) {
    byte[] key = "\0depends=".getBytes(US_ASCII);
    int start = indexOf(module, key);
    if (start < 0) {
      return List.of();
    }
    start += key.length;
    int end = start;
    while (end < module.length && module[end] != 0) {
      end++;
    }
    String text = new String(module, start, end - start, US_ASCII);
    return text.isEmpty()
        ? List.of()
        : Stream.of(text.split(",", -1)).map(name -> name.replace('-', '_')).toList();
  }

  private static int indexOf(byte[] text, byte[] part) {
    search:
    for (int i = 0; i <= text.length - part.length; i++) {
      for (int j = 0; j < part.length; j++) {
        if (text[i + j] != part[j]) {
          continue search;
        }
      }
      return i;
    }
    return -1;
  }

  private static String name(Path file) {
    String name = String.valueOf(file.getFileName());
    return name.substring(0, name.length() - ".ko".length()).replace('-', '_');
  }

  @Nullable Path file(String name) {
    return files.get(name);
  }
}
