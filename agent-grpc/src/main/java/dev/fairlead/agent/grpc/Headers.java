// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.grpc;

import static io.grpc.Metadata.ASCII_STRING_MARSHALLER;

import dev.fairlead.agent.AgentException;
import dev.fairlead.agent.RoleProof;
import io.grpc.Context;
import io.grpc.Metadata;
import org.jspecify.annotations.Nullable;

/** What travels beside the messages. */
final class Headers {

  static final Metadata.Key<String> USER_ID = key("user-id");
  static final Metadata.Key<String> NONCE = key("nonce");
  static final Metadata.Key<String> SIGNATURE = key("signature");
  static final Metadata.Key<String> ALGORITHM_KIND = key("algo_type");
  static final Metadata.Key<String> ALGORITHM_ARGUMENT = key("algo_args");
  static final Metadata.Key<String> FILE_SIZE = key("file-size");
  static final Metadata.Key<String> SHA3_256 = key("sha3-256");

  /** The caller's metadata, for the time of a call. */
  static final Context.Key<Metadata> OF_CALL = Context.key("fairlead-headers");

  /** What goes before the answer of a call. */
  static final Context.Key<Metadata> OF_ANSWER = Context.key("fairlead-answer-headers");

  /** The most characters of a signature in base64: RSA with 8192 bits has 1368. */
  private static final int MAX_SIGNATURE = 2048;

  private Headers() {}

  /**
   * The proof that the metadata carries.
   *
   * @param role the word that {@code user-id} must be, if it is there
   * @throws AgentException {@code NOT_PERMITTED} when it is missing or malformed
   */
  static RoleProof proof(Metadata metadata, String role) {
    String user = metadata.get(USER_ID);
    if (user != null && !user.equals(role)) {
      throw refuse("wrong-role", "This call is for the role " + role + ".");
    }
    String signature = metadata.get(SIGNATURE);
    if (signature == null || signature.length() > MAX_SIGNATURE) {
      throw refuse("no-signature", "Send the signature, in base64, in the header 'signature'.");
    }
    String nonce = metadata.get(NONCE);
    return new RoleProof(nonce == null ? "" : nonce, signature);
  }

  /** The metadata of the call under way. */
  static Metadata ofCall() {
    @Nullable Metadata metadata = OF_CALL.get();
    return metadata == null ? new Metadata() : metadata;
  }

  /** What goes before the first message of the answer under way. */
  static Metadata ofAnswer() {
    @Nullable Metadata metadata = OF_ANSWER.get();
    return metadata == null ? new Metadata() : metadata;
  }

  private static AgentException refuse(String code, String sentence) {
    return new AgentException(AgentException.Reason.NOT_PERMITTED, code, sentence);
  }

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, ASCII_STRING_MARSHALLER);
  }
}
