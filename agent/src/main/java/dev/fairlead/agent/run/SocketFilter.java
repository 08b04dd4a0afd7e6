// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

/**
 * A small program that takes from itself the system calls which reach beyond a cell, and then
 * becomes the command that it is given. AF_VSOCK knows no network namespaces: without this, an
 * algorithm could connect to the host from a cell that has no network.
 *
 * <p>What is left are sockets of UNIX, IPv4 and IPv6, which the cell's own network namespace holds;
 * other families fail with EAFNOSUPPORT. So that there is no way around it, io_uring, which makes
 * sockets by itself, fails with ENOSYS, as do the calls of 32-bit and x32 programs, which have
 * other numbers. The kernel hands the filter (seccomp) on to whatever the command starts, and lets
 * nobody take it off.
 *
 * <p>It is written here byte by byte because a guest has no compiler, and busybox has no word for
 * it: an ELF file for x86-64 with one segment, no library, no data of its own but the filter.
 *
 * <pre>
 *    0  ELF header, program header
 *  120  the code below
 *  209  struct sock_fprog: count, where the filter begins
 *  225  the filter: 8 bytes an instruction
 * </pre>
 */
final class SocketFilter {

  /** The processor for which it is, as Java names it. */
  private static final String PROCESSOR = "amd64";

  private static final long BASE = 0x400000;
  private static final int HEADERS = 64 + 56;

  private static final String CODE =
      // prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
      "bf26000000 be01000000 31d2 4531d2 4531c0 b89d000000 0f05"
          // if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, what follows the code) != 0) go to the
          // end
          + "bf16000000 be02000000 488d152f000000 b89d000000 0f05 85c0 7518"
          // execve(argv[1], argv + 1, envp)
          + "488b1c24 488d742410 488d54dc10 488b3e b83b000000 0f05"
          // the end: exit(126)
          + "bf7e000000 b83c000000 0f05";

  // Instructions of the kernel's packet filter: what they do, and where to go on.
  private static final int LOAD = 0x20;
  private static final int IF_EQUAL = 0x15;
  private static final int IF_AT_LEAST = 0x35;
  private static final int RETURN = 0x06;

  // Where things lie in struct seccomp_data.
  private static final int NUMBER = 0;
  private static final int ARCHITECTURE = 4;
  private static final int FIRST_ARGUMENT = 16;

  private static final int X86_64 = 0xc000003e;
  private static final int X32 = 0x40000000;
  private static final int SOCKET = 41;
  private static final int IO_URING_SETUP = 425;
  private static final int AF_UNIX = 1;
  private static final int AF_INET = 2;
  private static final int AF_INET6 = 10;

  private static final int ALLOW = 0x7fff0000;
  private static final int FAIL = 0x00050000;
  private static final int ENOSYS = 38;
  private static final int EAFNOSUPPORT = 97;

  /** Each: the instruction, its operand, how many to skip if so, how many if not. */
  private static final int[][] FILTER = {
    {LOAD, ARCHITECTURE, 0, 0},
    {IF_EQUAL, X86_64, 0, 9}, // else ENOSYS
    {LOAD, NUMBER, 0, 0},
    {IF_AT_LEAST, X32, 7, 0}, // ENOSYS
    {IF_EQUAL, IO_URING_SETUP, 6, 0}, // ENOSYS
    {IF_EQUAL, SOCKET, 0, 6}, // else allow
    {LOAD, FIRST_ARGUMENT, 0, 0},
    {IF_EQUAL, AF_UNIX, 4, 0}, // allow
    {IF_EQUAL, AF_INET, 3, 0}, // allow
    {IF_EQUAL, AF_INET6, 2, 0}, // allow
    {RETURN, FAIL | EAFNOSUPPORT, 0, 0},
    {RETURN, FAIL | ENOSYS, 0, 0},
    {RETURN, ALLOW, 0, 0},
  };

  private SocketFilter() {}

  /**
   * The program's file.
   *
   * @throws IOException when this machine's processor is another
   */
  static byte[] program() throws IOException {
    String processor = System.getProperty("os.arch", "");
    if (!processor.equals(PROCESSOR)) {
      throw new IOException(
          "The sandbox has a filter for %s alone; this machine is %s."
              .formatted(PROCESSOR, processor));
    }
    byte[] code = HexFormat.of().parseHex(CODE.replace(" ", ""));
    byte[] tail = new byte[16 + 8 * FILTER.length];
    ByteBuffer out = ByteBuffer.wrap(tail).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(FILTER.length).putLong(BASE + HEADERS + code.length + 16);
    for (int[] each : FILTER) {
      out.putShort((short) each[0]).put((byte) each[2]).put((byte) each[3]).putInt(each[1]);
    }
    return elf(code, tail);
  }

  /** An executable file of one segment, which begins with its code. */
  static byte[] elf(byte[] code, byte[] tail) {
    int length = HEADERS + code.length + tail.length;
    byte[] bytes = new byte[length];
    ByteBuffer file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    file.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1}).position(16);
    file.putShort((short) 2).putShort((short) 62).putInt(1); // executable, x86-64, version
    file.putLong(BASE + HEADERS).putLong(64).putLong(0).putInt(0); // entry, program headers at
    file.putShort((short) 64).putShort((short) 56).putShort((short) 1).position(64);
    file.putInt(1).putInt(5).putLong(0); // to be loaded, to be read and executed, from the start
    file.putLong(BASE).putLong(BASE).putLong(length).putLong(length).putLong(4096);
    file.put(code).put(tail);
    return bytes;
  }
}
