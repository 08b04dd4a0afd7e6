// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.SQLException;
import java.util.HexFormat;
import java.util.Optional;

/** Manifests by their digest, as rows, each once. Each method runs inside a change or reading. */
final class ManifestTable {

  private ManifestTable() {}

  /** Keeps one; its SHA-256, 64 hex digits. */
  static String keep(Session session, byte[] manifest) throws SQLException {
    String sha256 = sha256(manifest);
    boolean known =
        session.first(row -> true, "SELECT 1 FROM manifest WHERE sha256 = ?", sha256).isPresent();
    if (!known) {
      session.update("INSERT INTO manifest (sha256, content) VALUES (?, ?)", sha256, manifest);
    }
    return sha256;
  }

  /** The one of a computation's newest run. */
  static Optional<byte[]> newest(Session session, String id) throws SQLException {
    return session.first(
        row -> row.getBytes(1),
        """
        SELECT m.content FROM computation c
        JOIN run r ON r.computation = c.id AND r.number = c.run
        JOIN manifest m ON m.sha256 = r.manifest_sha256
        WHERE c.id = ?
        """,
        id);
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256.", e);
    }
  }
}
