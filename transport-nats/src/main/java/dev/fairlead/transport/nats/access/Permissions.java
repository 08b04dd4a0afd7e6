// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.nats.Subjects;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a grant means to NATS. Where the holder's own name is a segment of the patterns, they become
 * a template that the account's JWT holds once for all holders of the same kind, and the holder's
 * JWT carries its name alone: less than 700 bytes. Rights too long for a JWT of the size that a
 * credential may have are kept there as well, for that holder alone.
 */
final class Permissions {

  private static final String NAME = "{{name()}}";
  private static final int MAX_SUBSCRIPTIONS = 256;
  private static final int MAX_PAYLOAD = 1 << 20;
  private static final int MAX_INSIDE = 256;

  private Permissions() {}

  /** The template of a grant as a JSON object, null where its rights fit into a credential. */
  static @Nullable String template(Grant grant, StoreSettings store) {
    List<String> sends = named(grant.sends(), grant.subject());
    List<String> receives = named(grant.receives(), grant.subject());
    boolean own = !sends.equals(grant.sends()) || !receives.equals(grant.receives());
    String rights = rights(sends, receives, store.readerSends(grant), store.readerReceives(grant));
    return own || rights.length() > MAX_INSIDE ? "{" + rights + "}" : null;
  }

  /**
   * What a user's JWT says where the rights stand inside: claims of NATS' own, a JSON object.
   *
   * @param signer public key of who signs it
   * @param account public key of the account
   */
  static String claims(Grant grant, StoreSettings store, String signer, String account) {
    String owner = account.equals(signer) ? "" : "\"issuer_account\":" + Json.string(account) + ",";
    String rights =
        rights(
            grant.sends(), grant.receives(), store.readerSends(grant), store.readerReceives(grant));
    return "{" + owner + rights + ",\"type\":\"user\",\"version\":2}";
  }

  /** What a user that makes and removes streams may do, and no more. */
  static String keeperClaims(String signer, String account) {
    String owner = account.equals(signer) ? "" : "\"issuer_account\":" + Json.string(account) + ",";
    String rights =
        rights(
            List.of(),
            List.of(),
            List.of("$JS.API.STREAM.>", "$JS.API.CONSUMER.>"),
            List.of("_INBOX.>"));
    return "{" + owner + rights + ",\"type\":\"user\",\"version\":2}";
  }

  private static String rights(
      List<String> sends, List<String> receives, List<String> pub, List<String> sub) {
    return "\"pub\":"
        + list(sends, pub)
        + ",\"sub\":"
        + list(receives, sub)
        + ",\"subs\":"
        + MAX_SUBSCRIPTIONS
        + ",\"data\":-1,\"payload\":"
        + MAX_PAYLOAD;
  }

  /** An empty list of what is allowed would allow everything. */
  private static String list(List<String> patterns, List<String> more) {
    if (patterns.isEmpty() && more.isEmpty()) {
      return "{\"deny\":[\">\"]}";
    }
    List<String> subjects = new ArrayList<>();
    for (String pattern : patterns) {
      subjects.add(Subjects.of(pattern));
    }
    subjects.addAll(more);
    return "{\"allow\":" + Json.strings(subjects) + "}";
  }

  private static List<String> named(List<String> patterns, String subject) {
    List<String> named = new ArrayList<>();
    for (String pattern : patterns) {
      String[] segments = pattern.split("/", -1);
      for (int i = 0; i < segments.length; i++) {
        if (segments[i].equals(subject)) {
          segments[i] = NAME;
        }
      }
      named.add(String.join("/", segments));
    }
    return named;
  }
}
