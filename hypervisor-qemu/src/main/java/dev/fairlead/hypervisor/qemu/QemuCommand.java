// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import dev.fairlead.hypervisor.host.ConsoleFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The command that runs one VM: a value, made of values.
 *
 * @param binary absolute path of QEMU
 * @param computation the VM's name
 * @param append the kernel command line
 * @param vsock the VM's vsock device, where it has one
 * @param credential the file given through fw_cfg, where the credential goes that way
 * @param directory the VM's run directory
 */
record QemuCommand(
    Path binary,
    String computation,
    UUID uuid,
    Accelerator accelerator,
    int cpus,
    int memoryMib,
    Path kernel,
    Path initrd,
    String append,
    GuestNetwork network,
    Optional<Vsock> vsock,
    Optional<Path> credential,
    Path directory) {

  /** The monitor's socket, in the run directory. */
  static final String QMP = "qmp.sock";

  /** QEMU's own PID, in the run directory. */
  static final String PID = "pid";

  /** The credential's name among fw_cfg's. */
  static final String FW_CFG = "opt/fairlead/credential";

  private static final String ACCEL = "-accel";
  private static final String CPU = "-cpu";
  private static final int MAX_PROCESS_NAME = 15;
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_@%+=:,./-]+");
  private static final Pattern SECRET =
      Pattern.compile(Pattern.quote(KernelCommandLine.SECRET) + "=\\S+");

  /** Program and arguments, for exec, not for a shell. */
  List<String> arguments() {
    List<String> words = new ArrayList<>();
    words.add(binary.toString());
    // Nothing that was not asked for.
    add(words, "-nodefaults", "-no-user-config", "-display", "none");
    add(words, "-M", machine(), ACCEL, accelerator.argument(), CPU, accelerator.processor());
    add(words, "-smp", String.valueOf(cpus), "-m", memoryMib + "M");
    add(words, "-uuid", uuid.toString());
    add(words, "-kernel", kernel.toString(), "-initrd", initrd.toString(), "-append", append);
    add(words, "-netdev", network.netdev());
    add(words, "-device", "virtio-net-pci,netdev=n0,romfile=");
    add(words, "-device", "virtio-rng-pci", "-device", "pvpanic-pci");
    vsock.ifPresent(device -> addVsock(words, device));
    credential.ifPresent(
        file -> add(words, "-fw_cfg", "name=" + FW_CFG + ",file=" + escape(file.toString())));
    add(words, "-name", "guest=%s,process=%s,debug-threads=on".formatted(computation, process()));
    add(words, "-qmp", "unix:" + escape(file(QMP)) + ",server=on,wait=off");
    add(words, "-pidfile", file(PID));
    // Opened for appending, so that the file can be cut while the guest writes.
    add(
        words,
        "-chardev",
        "file,id=console,path=" + escape(file(ConsoleFile.NAME)) + ",append=on",
        "-serial",
        "chardev:console");
    add(words, "-no-reboot");
    add(words, "-sandbox", sandbox());
    return List.copyOf(words);
  }

  /**
   * The same command with another accelerator.
   *
   * @param arguments what {@link #arguments} gave
   */
  static List<String> with(Accelerator accelerator, List<String> arguments) {
    List<String> words = new ArrayList<>(arguments);
    words.set(words.indexOf(ACCEL) + 1, accelerator.argument());
    words.set(words.indexOf(CPU) + 1, accelerator.processor());
    return List.copyOf(words);
  }

  /** One line that a shell reads as these arguments, with secrets replaced. */
  static String logLine(List<String> arguments) {
    return arguments.stream()
        .map(word -> SECRET.matcher(word).replaceAll(KernelCommandLine.SECRET + "=REDACTED"))
        .map(QemuCommand::quote)
        .collect(Collectors.joining(" "));
  }

  /** QEMU parts an option's value at commas; a doubled one is a comma. */
  static String escape(String value) {
    return value.replace(",", ",,");
  }

  /** A word that a POSIX shell reads as the given one. */
  static String quote(String word) {
    return PLAIN.matcher(word).matches() ? word : "'" + word.replace("'", "'\\''") + "'";
  }

  private String machine() {
    // A program that is a device sees the guest's memory, which therefore is a file.
    return hasVsockDaemon() ? "q35,memory-backend=ram" : "q35";
  }

  private boolean hasVsockDaemon() {
    return vsock.filter(Vsock::isUser).isPresent();
  }

  private void addVsock(List<String> words, Vsock device) {
    if (!device.isUser()) {
      add(
          words,
          "-device",
          "%s,id=%s,guest-cid=%d".formatted(Vsock.KERNEL, Vsock.DEVICE, device.cid()));
      return;
    }
    add(
        words,
        "-object",
        "memory-backend-memfd,id=ram,size=%dM,share=on".formatted(memoryMib),
        "-chardev",
        "socket,id=%s,path=%s".formatted(Vsock.LINK, escape(file(Vsock.SOCKET))));
    // Behind a port of its own the device can be plugged out and in again, which mends it.
    add(
        words,
        "-device",
        "pcie-root-port,id=%s,chassis=1".formatted(Vsock.PORT),
        "-device",
        "%s,id=%s,chardev=%s,bus=%s".formatted(Vsock.USER, Vsock.DEVICE, Vsock.LINK, Vsock.PORT));
  }

  private String process() {
    String name = "fl-" + computation;
    return name.substring(0, Math.min(name.length(), MAX_PROCESS_NAME));
  }

  private String sandbox() {
    // Measured: spawn=deny lets a guest kill its own VM by connecting to a relay, and with
    // elevateprivileges=deny or =children no relay ever connects.
    return network.needsRelay()
        ? "on,obsolete=deny,resourcecontrol=deny"
        : "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";
  }

  private String file(String name) {
    return directory.resolve(name).toString();
  }

  private static void add(List<String> words, String... more) {
    words.addAll(List.of(more));
  }
}
