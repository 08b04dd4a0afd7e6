// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import dev.fairlead.hypervisor.host.ProcessIdentity;
import dev.fairlead.hypervisor.host.RunDirectory;
import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The file {@value #NAME} in a run directory: all that is needed to find a VM again. It is written
 * before QEMU starts, without its process, and again with it; each time whole or not at all.
 *
 * <pre>
 * {"v":1,"hypervisor":"qemu","computation":"123","uuid":"…","accelerator":"tcg",
 *  "startedAt":"2026-11-01T00:00:00Z","bootBy":"2026-11-01T00:01:00Z","command":["/usr/bin/qemu…",…],
 *  "vsock":{"cid":16,"daemon":["/usr/bin/vhost-device-vsock",…]},
 *  "pid":4711,"startTicks":123456,"bootId":"…"}
 * </pre>
 *
 * <p>The last three come together or not at all; {@code vsock} is there where the VM has such a
 * device, with an empty {@code daemon} where that is the kernel. A reader refuses another version
 * and a file of more than {@value #MAX_BYTES} bytes, and skips names that it does not know. The
 * command may hold the credential.
 *
 * @param bootBy when the guest must have shown a sign of life
 * @param process absent before it is known
 */
record VmFile(
    String computation,
    UUID uuid,
    Accelerator accelerator,
    Instant startedAt,
    Instant bootBy,
    List<String> command,
    Optional<Vsock> vsock,
    Optional<ProcessIdentity> process) {

  static final String NAME = "vm.json";
  static final String HYPERVISOR = "qemu";

  private static final int MAX_BYTES = 256 * 1024;

  VmFile {
    command = List.copyOf(command);
  }

  VmFile with(ProcessIdentity identity) {
    return new VmFile(
        computation, uuid, accelerator, startedAt, bootBy, command, vsock, Optional.of(identity));
  }

  /** The same VM, not yet started, with another accelerator. */
  VmFile with(Accelerator other, Instant now, Instant by) {
    return new VmFile(
        computation,
        uuid,
        other,
        now,
        by,
        QemuCommand.with(other, command),
        vsock,
        Optional.empty());
  }

  void write(RunDirectory directory) throws IOException {
    JsonObject.Builder json =
        JsonObject.builder()
            .put("v", 1)
            .put("hypervisor", HYPERVISOR)
            .put("computation", computation)
            .put("uuid", uuid.toString())
            .put("accelerator", accelerator.word())
            .put("startedAt", startedAt.toString())
            .put("bootBy", bootBy.toString())
            .put("command", command);
    vsock.ifPresent(
        device ->
            json.put(
                "vsock",
                JsonObject.builder()
                    .put("cid", device.cid())
                    .put("daemon", device.daemon())
                    .build()));
    process.ifPresent(
        p -> json.put("pid", p.pid()).put("startTicks", p.startTicks()).put("bootId", p.bootId()));
    directory.write(NAME, json.build().toBytes());
  }

  /**
   * Reads one.
   *
   * @return empty when there is none, or it is another hypervisor's
   * @throws ProtocolException when it is damaged
   */
  static Optional<VmFile> read(Path file) throws IOException {
    byte[] bytes;
    try (var in = Files.newInputStream(file)) {
      bytes = in.readNBytes(MAX_BYTES + 1);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
    JsonObject json = Json.parseObject(bytes, MAX_BYTES);
    json.integer("v", 1, 1);
    if (!json.string("hypervisor").equals(HYPERVISOR)) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          new VmFile(
              json.string("computation", 64),
              UUID.fromString(json.string("uuid", 36)),
              accelerator(json),
              Instant.parse(json.string("startedAt")),
              Instant.parse(json.string("bootBy")),
              json.strings("command"),
              json.optionalObject("vsock").map(VmFile::vsock),
              process(json)));
    } catch (DateTimeException | IllegalArgumentException e) {
      throw new ProtocolException("bad-field", "A field is malformed: " + e.getMessage(), e);
    }
  }

  private static Accelerator accelerator(JsonObject json) {
    String word = json.string("accelerator");
    for (Accelerator accelerator : Accelerator.values()) {
      if (accelerator.word().equals(word)) {
        return accelerator;
      }
    }
    throw json.refuse("accelerator", "is kvm or tcg.");
  }

  private static Vsock vsock(JsonObject json) {
    return new Vsock((int) json.integer("cid", 3, Integer.MAX_VALUE), json.strings("daemon"));
  }

  private static Optional<ProcessIdentity> process(JsonObject json) {
    if (!json.has("pid")) {
      return Optional.empty();
    }
    return Optional.of(
        new ProcessIdentity(
            json.integer("pid", 1, Integer.MAX_VALUE),
            json.integer("startTicks", -1, Long.MAX_VALUE),
            json.string("bootId", 64)));
  }
}
