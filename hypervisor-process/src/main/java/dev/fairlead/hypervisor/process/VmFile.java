// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.process;

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

/**
 * The file {@value #NAME} in a run directory: all that is needed to find an agent's process again.
 * Written whole or not at all, as soon as the process is known.
 *
 * <pre>
 * {"v":1,"hypervisor":"process","computation":"123","startedAt":"2026-11-01T00:00:00Z",
 *  "bootBy":"2026-11-01T00:01:00Z","command":["java",…],"channel":false,"pid":4711,"startTicks":123456,"bootId":"…"}
 * </pre>
 *
 * <p>A reader refuses another version and a file of more than {@value #MAX_BYTES} bytes, and skips
 * names that it does not know.
 *
 * @param bootBy when the agent must have shown a sign of life
 * @param channel whether it has a socket of its own; a file of before says nothing, and means no
 */
record VmFile(
    String computation,
    Instant startedAt,
    Instant bootBy,
    List<String> command,
    boolean channel,
    ProcessIdentity process) {

  static final String NAME = "vm.json";
  static final String HYPERVISOR = "process";

  private static final int MAX_BYTES = 256 * 1024;

  VmFile {
    command = List.copyOf(command);
  }

  void write(RunDirectory directory) throws IOException {
    directory.write(
        NAME,
        JsonObject.builder()
            .put("v", 1)
            .put("hypervisor", HYPERVISOR)
            .put("computation", computation)
            .put("startedAt", startedAt.toString())
            .put("bootBy", bootBy.toString())
            .put("command", command)
            .put("channel", channel)
            .put("pid", process.pid())
            .put("startTicks", process.startTicks())
            .put("bootId", process.bootId())
            .build()
            .toBytes());
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
              Instant.parse(json.string("startedAt")),
              Instant.parse(json.string("bootBy")),
              json.strings("command"),
              json.has("channel") && json.bool("channel"),
              new ProcessIdentity(
                  json.integer("pid", 1, Integer.MAX_VALUE),
                  json.integer("startTicks", -1, Long.MAX_VALUE),
                  json.string("bootId", 64))));
    } catch (DateTimeException e) {
      throw new ProtocolException("bad-field", "A time is malformed: " + e.getMessage(), e);
    }
  }
}
