// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a class file says of its class's family; names have slashes.
 *
 * @param major version of the format
 * @param parent null for {@code java/lang/Object} and for a {@code module-info}
 */
record ClassHeader(int major, String name, @Nullable String parent, List<String> interfaces) {

  /** Reads the head of a class file. */
  static ClassHeader read(byte[] file) throws IOException {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(file))) {
      if (in.readInt() != 0xcafebabe) {
        throw new IOException("not a class file");
      }
      in.readUnsignedShort();
      int major = in.readUnsignedShort();
      int count = in.readUnsignedShort();
      String[] texts = new String[count];
      int[] classes = new int[count];
      for (int i = 1; i < count; i++) {
        int tag = in.readUnsignedByte();
        switch (tag) {
          case 1 -> texts[i] = in.readUTF();
          case 3, 4, 9, 10, 11, 12, 17, 18 -> in.readInt();
          case 5, 6 -> {
            in.readLong();
            i++;
          }
          case 7 -> classes[i] = in.readUnsignedShort();
          case 8, 16, 19, 20 -> in.readUnsignedShort();
          case 15 -> {
            in.readUnsignedByte();
            in.readUnsignedShort();
          }
          default -> throw new IOException("constant of unknown kind " + tag);
        }
      }
      in.readUnsignedShort();
      String name = texts[classes[in.readUnsignedShort()]];
      int parent = in.readUnsignedShort();
      int length = in.readUnsignedShort();
      List<String> interfaces = new ArrayList<>(length);
      for (int i = 0; i < length; i++) {
        interfaces.add(texts[classes[in.readUnsignedShort()]]);
      }
      return new ClassHeader(
          major, name, parent == 0 ? null : texts[classes[parent]], List.copyOf(interfaces));
    } catch (ArrayIndexOutOfBoundsException | NullPointerException e) {
      throw new IOException("a class file that contradicts itself", e);
    }
  }
}
