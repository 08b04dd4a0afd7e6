// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.HypervisorException.Category;
import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Debian's package with the program that is a vsock device, from the suite sid where this machine's
 * own has none: it needs no more than the C library of Debian 12. Package lists and everything else
 * of apt's lie in a folder of their own, so that nothing of this machine's is touched, and nothing
 * is installed. apt checks the package against Debian's signed index.
 *
 * <p>In the cache: {@code vhost-device-vsock/vhost-device-vsock}, the program, and beside it {@code
 * package.json}: {@code {"v":1,"version":"0.3.0-2","package_sha256":"…","program_sha256":"…"}}.
 *
 * @param program where it lies
 * @param version of the package
 * @param packageSha256 of the package's file, in lower-case hex
 * @param programSha256 of the program
 */
public record VsockPackage(
    Path program, String version, String packageSha256, String programSha256) {

  private static final String NAME = "vhost-device-vsock";
  private static final String FACTS = "package.json";
  private static final int MAX_FACTS = 4096;
  private static final int MINUTES = 5;
  private static final Path KEYRING = Path.of("/usr/share/keyrings/debian-archive-keyring.gpg");
  private static final List<String> PROXIES =
      List.of("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY");
  private static final ReentrantLock ONE = new ReentrantLock();

  /** Whether this host has neither a kernel that is such a device, nor the program on its PATH. */
  public static boolean isNeeded() {
    return !isInKernel() && !Programs.isPresent(NAME);
  }

  /** Whether this host's kernel is a vsock device: no program is needed. */
  public static boolean isInKernel() {
    return Vsock.isInKernel(Path.of("/"));
  }

  /**
   * What the cache holds, if it is whole.
   *
   * @param cache a folder
   */
  public static Optional<VsockPackage> cached(Path cache) {
    Path folder = cache.resolve(NAME);
    Path program = folder.resolve(NAME);
    try (var in = Files.newInputStream(folder.resolve(FACTS))) {
      JsonObject facts = Json.parseObject(in.readNBytes(MAX_FACTS + 1), MAX_FACTS);
      facts.integer("v", 1, 1);
      VsockPackage found =
          new VsockPackage(
              program.toAbsolutePath(),
              facts.string("version", 100),
              facts.string("package_sha256", 64),
              facts.string("program_sha256", 64));
      return found.programSha256().equals(GuestImage.sha256(program))
          ? Optional.of(found)
          : Optional.empty();
    } catch (IOException | ProtocolException e) {
      return Optional.empty();
    }
  }

  /**
   * What the cache holds; fetched before, where it holds nothing. Takes some seconds and 35 MB of
   * disk meanwhile. One process at a time fetches into a cache; others wait.
   *
   * @param cache a folder; made when needed
   * @param progress told what is being done
   * @throws HypervisorException {@code RETRY}, code {@code vsock-unavailable}: the message says
   *     what to do by hand
   */
  public static VsockPackage fetch(Path cache, Consumer<String> progress) {
    ONE.lock();
    try {
      Files.createDirectories(cache);
      try (FileChannel channel =
          FileChannel.open(
              cache.resolve(NAME + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        channel.lock();
        Optional<VsockPackage> known = cached(cache);
        if (known.isPresent()) {
          return known.get();
        }
        progress.accept("fetching " + NAME + ", which this machine's own Debian may not have");
        Path work = Files.createTempDirectory(cache, ".work-vsock-");
        try {
          fetch(work, cache.resolve(NAME));
        } finally {
          delete(work);
        }
        return cached(cache)
            .orElseThrow(() -> unavailable("what was fetched cannot be read again", null));
      }
    } catch (IOException e) {
      throw unavailable(String.valueOf(e.getMessage()), e);
    } finally {
      ONE.unlock();
    }
  }

  private static void fetch(Path work, Path target) throws IOException {
    for (String folder : List.of("lists/partial", "cache/archives/partial", "out")) {
      Files.createDirectories(work.resolve(folder));
    }
    Files.createFile(work.resolve("status"));
    String mirror =
        run(
                work,
                List.of(
                    "apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"))
            .lines()
            .filter(uri -> uri.matches("https?://[!-~]+") && !uri.contains("security"))
            .findFirst()
            .orElseThrow(() -> unavailable("this machine's apt names no mirror", null));
    Files.writeString(
        work.resolve("sid.sources"),
        "Types: deb\nURIs: %s\nSuites: sid\nComponents: main\nSigned-By: %s\n"
            .formatted(mirror, KEYRING));
    List<String> own =
        List.of(
            "apt-get",
            "-q",
            "-o",
            "Dir::Etc::sourcelist=" + work.resolve("sid.sources"),
            "-o",
            "Dir::Etc::sourceparts=-",
            "-o",
            "Dir::State::Lists=" + work.resolve("lists"),
            "-o",
            "Dir::State::status=" + work.resolve("status"),
            "-o",
            "Dir::Cache=" + work.resolve("cache"),
            "-o",
            "APT::Sandbox::User=root");
    run(work, with(own, "update"));
    run(work.resolve("out"), with(own, "download", NAME));
    Path deb = only(work.resolve("out"));
    run(work, List.of("dpkg-deb", "-x", deb.toString(), "unpacked"));
    String version = run(work, List.of("dpkg-deb", "-f", deb.toString(), "Version")).strip();
    Path made = Files.createDirectory(work.resolve("made"));
    Path program = Files.move(work.resolve("unpacked/usr/bin").resolve(NAME), made.resolve(NAME));
    Files.writeString(
        made.resolve(FACTS),
        JsonObject.builder()
                .put("v", 1)
                .put("version", version)
                .put("package_sha256", GuestImage.sha256(deb))
                .put("program_sha256", GuestImage.sha256(program))
                .build()
            + "\n");
    if (Files.exists(target)) {
      delete(target);
    }
    Files.move(made, target, StandardCopyOption.ATOMIC_MOVE);
  }

  private static List<String> with(List<String> words, String... more) {
    List<String> all = new ArrayList<>(words);
    all.addAll(List.of(more));
    return all;
  }

  private static Path only(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.toString().endsWith(".deb"))
          .findFirst()
          .orElseThrow(() -> unavailable("apt brought no package", null));
    }
  }

  private static String run(Path folder, List<String> words) throws IOException {
    Path output = Files.createTempFile(folder, "output", ".txt");
    ProcessBuilder builder =
        new ProcessBuilder(words)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .redirectOutput(output.toFile());
    Map<String, String> environment = builder.environment();
    environment.keySet().retainAll(PROXIES);
    environment.putAll(Programs.environment());
    Process process = builder.start();
    boolean ended = false;
    try {
      ended = process.waitFor(MINUTES, TimeUnit.MINUTES);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      if (!ended) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
    }
    String said = new String(Files.readAllBytes(output), UTF_8);
    if (!ended || process.exitValue() != 0) {
      throw unavailable(
          "'%s … %s' %s: %s"
              .formatted(
                  words.get(0),
                  words.get(words.size() - 1),
                  ended ? "failed" : "did not end",
                  said.strip().lines().reduce("nothing was said", (first, last) -> last)),
          null);
    }
    return said;
  }

  private static HypervisorException unavailable(String why, @Nullable Throwable cause) {
    return new HypervisorException(
        Category.RETRY,
        "vsock-unavailable",
        ("%s cannot be fetched: %s. Try again with './fairlead doctor --fetch'; or bring the file"
                + " %s_*_amd64.deb of Debian's suite sid here by other means, unpack it with"
                + " 'dpkg-deb -x FILE /opt/%s', and give '--set"
                + " vsock.daemon=/opt/%s/usr/bin/%s'.")
            .formatted(NAME, why, NAME, NAME, NAME, NAME),
        cause);
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    }
  }
}
