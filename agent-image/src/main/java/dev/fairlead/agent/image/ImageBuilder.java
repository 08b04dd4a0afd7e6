// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import dev.fairlead.agent.image.ImageException.Category;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/**
 * Builds images, and keeps them in a folder: {@code <cache>/<key>/} holds {@code vmlinuz}, {@code
 * initramfs.cpio.lz4} and {@code image.txt}; {@code <cache>/downloads/} the kernel's packages. One
 * process at a time builds in a cache; others wait.
 */
public final class ImageBuilder {

  /** Raised when the same inputs shall give other bytes. */
  private static final String FORMAT = "2";

  private static final int KEPT_IMAGES = 5;
  private static final ReentrantLock ONE_BUILD = new ReentrantLock();

  private final Path cache;
  private final InstantSource clock;

  /**
   * Makes one.
   *
   * @param cache a folder of its own; created when it is missing
   */
  public ImageBuilder(Path cache) {
    this(cache, InstantSource.system());
  }

  ImageBuilder(Path cache, InstantSource clock) {
    this.cache = cache.toAbsolutePath().normalize();
    this.clock = clock;
  }

  /**
   * The image of these inputs: from the cache, or built now, which takes about 20 seconds.
   *
   * @throws ImageException when a program or an input is missing: the message says what to install
   */
  public ImageReport build(ImageInputs inputs, Progress progress) {
    return build(inputs, progress, true);
  }

  /** Builds the image anew, whatever the cache holds, and puts it there. */
  public ImageReport buildAnew(ImageInputs inputs, Progress progress) {
    return build(inputs, progress, false);
  }

  private ImageReport build(ImageInputs inputs, Progress progress, boolean useCache) {
    ONE_BUILD.lock();
    try {
      Files.createDirectories(cache);
      try (FileChannel channel =
          FileChannel.open(
              cache.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        channel.lock();
        sweep(); // what a build left that was killed; nobody else builds now
        Path work = Files.createTempDirectory(cache, ".work-");
        try {
          return build(inputs, progress, useCache, work);
        } finally {
          delete(work);
          prune();
        }
      }
    } catch (IOException e) {
      throw new ImageException(
          Category.RETRY,
          "disk",
          "The image cannot be built in %s: %s. Look at the disk's space and the folder's rights."
              .formatted(cache, e.getMessage()),
          e);
    } finally {
      ONE_BUILD.unlock();
    }
  }

  private void sweep() throws IOException {
    try (DirectoryStream<Path> left = Files.newDirectoryStream(cache, ".work-*")) {
      for (Path work : left) {
        delete(work);
      }
    }
  }

  private ImageReport build(ImageInputs inputs, Progress progress, boolean useCache, Path work)
      throws IOException {
    var start = clock.instant();
    for (Requirement requirement : Requirement.all()) {
      if (!requirement.optional() && !requirement.present()) {
        throw new ImageException(
            Category.BROKEN,
            "missing-program",
            "%s is missing: apt-get install -y --no-install-recommends %s"
                .formatted(requirement.program(), requirement.debianPackage()));
      }
    }
    progress.step("Looking at what the image is made of");
    KernelPackage kernel = KernelPackage.find(work);
    Path busybox = GuestFiles.busybox();
    ClassData dumps = new ClassData(work);
    List<String> isolation = dumps.isolation();
    String key = key(inputs, kernel, busybox, isolation, work);
    Path kept = cache.resolve(key);
    if (useCache) {
      Optional<ImageReport> known = ReportFile.read(kept);
      if (known.isPresent()) {
        Files.setLastModifiedTime(kept, FileTime.from(clock.instant()));
        return ReportFile.again(known.get(), Duration.between(start, clock.instant()));
      }
    }

    progress.step("Fetching " + kernel.name() + " " + kernel.version());
    Path deb = kernel.fetch(cache.resolve("downloads"), work);
    progress.step("Unpacking the kernel");
    KernelPackage.Unpacked unpacked = kernel.unpack(deb, work.resolve("kernel"));
    Map<String, Path> modules = new KernelModules(unpacked.modules()).inOrder(KernelModules.WANTED);
    progress.step("Linking the guest's Java");
    Path jre = work.resolve("jre");
    JavaRuntime.link(inputs.javaHome(), jre, work);
    Tree tree = new Tree();
    GuestFiles.add(tree, inputs, busybox);
    GuestFiles.addModules(tree, modules);
    JavaRuntime.add(tree, jre);
    progress.step("Archiving the guest's classes, more than once, to compare");
    ClassData.Outcome classData = dumps.dump(tree, inputs, isolation);
    classData.archive().ifPresent(archive -> tree.file(GuestFiles.CLASS_DATA, 0444, archive));

    progress.step("Packing the initramfs");
    Path image = Files.createDirectories(work.resolve("image"));
    Path initramfs = image.resolve("initramfs.cpio.lz4");
    compress(tree, initramfs, work);
    Path vmlinuz = image.resolve("vmlinuz");
    Files.copy(unpacked.kernel(), vmlinuz);

    Map<String, Long> parts = new LinkedHashMap<>();
    parts.put("java", tree.size("opt") + tree.size("lib64") + tree.size("lib/x86_64-linux-gnu"));
    parts.put("classData", tree.size(GuestFiles.CLASS_DATA));
    parts.put("framework", tree.size("app/lib"));
    parts.put("bundles", tree.size("app/bundles"));
    parts.put("busybox", tree.size("bin"));
    parts.put("modules", tree.size("lib/modules"));
    ImageReport report =
        new ImageReport(
            key,
            kept.resolve("vmlinuz"),
            kept.resolve("initramfs.cpio.lz4"),
            kernel.name() + " " + kernel.version(),
            kernel.sha256(),
            Digests.of(vmlinuz),
            Digests.of(initramfs),
            Files.size(vmlinuz),
            Files.size(initramfs),
            parts,
            classData.sentence(),
            false,
            Duration.between(start, clock.instant()));
    ReportFile.write(image, report);
    delete(kept);
    Files.move(image, kept, StandardCopyOption.ATOMIC_MOVE);
    return report;
  }

  private static String key(
      ImageInputs inputs, KernelPackage kernel, Path busybox, List<String> isolation, Path work)
      throws IOException {
    CacheKey key = new CacheKey().text(FORMAT);
    key.text(kernel.name()).text(kernel.version()).text(kernel.sha256());
    key.text(String.join(",", KernelModules.WANTED)).text(String.join(",", JavaRuntime.MODULES));
    for (Path file : JavaRuntime.inputs(inputs.javaHome())) {
      key.file(file);
    }
    key.file(busybox);
    for (String script : GuestFiles.scripts()) {
      key.text(script);
    }
    key.text(String.join("\n", ClassData.jdkClasses())).text(String.join(" ", isolation));
    key.text(lz4Version(work));
    for (Path jar : inputs.classPath()) {
      key.file(jar);
    }
    key.text("bundles");
    for (Path jar : inputs.bundles()) {
      key.file(jar);
    }
    return key.text(inputs.deployment())
        .text(String.join("\n", GuestFiles.EMULATED))
        .text(String.join("\n", GuestFiles.javaArguments(inputs)))
        .value();
  }

  private static String lz4Version(Path work) throws IOException {
    return new Command(work, Duration.ofSeconds(20)).run("lz4", List.of("lz4", "--version"));
  }

  /** The kernel reads lz4's legacy format only. */
  private static void compress(Tree tree, Path target, Path work) throws IOException {
    List<String> words = List.of("lz4", "-l", "-9", "-q", "-c");
    Command command = new Command(work, Duration.ofMinutes(3));
    Process lz4 =
        command.start(
            "lz4",
            words,
            ProcessBuilder.Redirect.PIPE,
            ProcessBuilder.Redirect.to(target.toFile()));
    try (OutputStream out = new BufferedOutputStream(lz4.getOutputStream(), 1 << 16)) {
      tree.pack(out);
    } finally {
      command.await(lz4, words);
    }
    if (lz4.exitValue() != 0) {
      throw new ImageException(
          Category.BROKEN,
          "program-failed",
          "lz4 ended with %d. Look at the disk's space.".formatted(lz4.exitValue()));
    }
  }

  /** Forgets all but the images that were used last. */
  private void prune() throws IOException {
    List<Path> images = new ArrayList<>();
    try (Stream<Path> list = Files.list(cache)) {
      list.filter(path -> Files.isRegularFile(path.resolve(ReportFile.NAME))).forEach(images::add);
    }
    images.sort(Comparator.comparing(ImageBuilder::used).reversed());
    for (Path old : images.subList(Math.min(KEPT_IMAGES, images.size()), images.size())) {
      delete(old);
    }
  }

  private static FileTime used(Path image) {
    try {
      return Files.getLastModifiedTime(image);
    } catch (IOException e) {
      return FileTime.fromMillis(0);
    }
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> walk = Files.walk(folder)) {
      for (Path path : (Iterable<Path>) walk.sorted(Comparator.reverseOrder())::iterator) {
        Files.deleteIfExists(path);
      }
    }
  }
}
