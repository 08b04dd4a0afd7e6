// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The keys of a computation's roles, when one person plays them all: Ed25519, each in a file of its
 * own, readable by its owner alone.
 */
final class RoleKeys {

  /** The roles, under the names that the files bear. */
  enum Role {
    ALGORITHM("algorithm"),
    DATA("data"),
    CONSUMER("consumer");

    private final String file;

    Role(String file) {
      this.file = file;
    }
  }

  private final Map<Role, KeyPair> keys;

  private RoleKeys(Map<Role, KeyPair> keys) {
    this.keys = keys;
  }

  /** New ones. */
  static RoleKeys generate() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("Ed25519");
      Map<Role, KeyPair> keys = new LinkedHashMap<>();
      for (Role role : Role.values()) {
        keys.put(role, generator.generateKeyPair());
      }
      return new RoleKeys(keys);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("Java 17 has Ed25519.", e);
    }
  }

  /** Reads them from a folder. */
  static RoleKeys read(Path folder) throws IOException {
    try {
      KeyFactory factory = KeyFactory.getInstance("Ed25519");
      Map<Role, KeyPair> keys = new LinkedHashMap<>();
      for (Role role : Role.values()) {
        PrivateKey secret =
            factory.generatePrivate(
                new PKCS8EncodedKeySpec(decode(folder.resolve(role.file + ".key"))));
        PublicKey open =
            factory.generatePublic(
                new X509EncodedKeySpec(decode(folder.resolve(role.file + ".pub"))));
        keys.put(role, new KeyPair(open, secret));
      }
      return new RoleKeys(keys);
    } catch (GeneralSecurityException e) {
      throw new IOException("The keys in " + folder + " cannot be used: " + e.getMessage(), e);
    }
  }

  /** Writes them into a folder, which is made, for the owner alone. */
  void write(Path folder) throws IOException {
    Path parent = folder.toAbsolutePath().getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    if (!Files.isDirectory(folder)) {
      Files.createDirectory(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
    for (Map.Entry<Role, KeyPair> entry : keys.entrySet()) {
      String name = entry.getKey().file;
      encode(
          folder.resolve(name + ".key"), "PRIVATE KEY", entry.getValue().getPrivate().getEncoded());
      encode(
          folder.resolve(name + ".pub"), "PUBLIC KEY", entry.getValue().getPublic().getEncoded());
    }
  }

  PrivateKey secret(Role role) {
    return pair(role).getPrivate();
  }

  /** The public key in its PKIX form, in base64: what a manifest holds. */
  String open(Role role) {
    return Base64.getEncoder().encodeToString(pair(role).getPublic().getEncoded());
  }

  private KeyPair pair(Role role) {
    KeyPair pair = keys.get(role);
    if (pair == null) {
      throw new IllegalStateException("Every role has a key.");
    }
    return pair;
  }

  private static void encode(Path file, String label, byte[] der) throws IOException {
    String text =
        "-----BEGIN %s-----\n%s\n-----END %s-----\n"
            .formatted(
                label, Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der), label);
    Files.deleteIfExists(file);
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.writeString(file, text);
  }

  private static byte[] decode(Path file) throws IOException {
    String text = Files.readString(file).replaceAll("-----[A-Z ]+-----", "");
    try {
      return Base64.getMimeDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      throw new IOException(file + " is no PEM file.", e);
    }
  }
}
