// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.nats.SystemLink;
import io.nats.client.Message;
import io.nats.client.support.JsonParseException;
import io.nats.client.support.JsonParser;
import io.nats.client.support.JsonValue;
import java.time.Duration;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Speaks to a server's resolver as a user of the system account. Each call opens a connection and
 * closes it again: calls are rare, and nothing has to be kept up between them.
 */
final class SystemAccount {

  private static final Duration ANSWER = Duration.ofSeconds(2);
  private static final String UPDATE = "$SYS.REQ.CLAIMS.UPDATE";

  private final Function<String, @Nullable String> connect;
  private final Function<String, @Nullable String> member;

  /**
   * Makes one.
   *
   * @param endpoint where the server is
   * @param caSha256 pin of its CA, null for the platform's trust
   * @param credential content of a system user's credential, asked for at each call
   * @param member content of a credential of the account whose rights change, asked for as well
   */
  SystemAccount(
      String endpoint,
      @Nullable String caSha256,
      Supplier<String> credential,
      Supplier<String> member) {
    this.connect = settings(endpoint, caSha256, credential);
    this.member = settings(endpoint, caSha256, member);
  }

  /** Settings of a connection to a server. */
  static Function<String, @Nullable String> settings(
      String endpoint, @Nullable String caSha256, Supplier<String> credential) {
    return setting ->
        switch (setting) {
          case "endpoint" -> endpoint;
          case "ca.sha256" -> caSha256;
          case "credential" -> credential.get();
          default -> null;
        };
  }

  /**
   * Puts an account's JWT in force.
   *
   * <p>A server that is reading the account for its first client just when a new JWT comes keeps
   * the old one, and says nothing. So a member connects before: from then on the server has it.
   *
   * @throws TransportException {@code RETRY} when the server does not take it
   */
  void update(String accountJwt) {
    SystemLink.greet(member);
    String answer = request(UPDATE, accountJwt);
    try {
      JsonValue json = JsonParser.parse(answer);
      JsonValue data = json.map == null ? null : json.map.get("data");
      JsonValue code = data == null || data.map == null ? null : data.map.get("code");
      if (code != null && code.i != null && code.i == 200) {
        return;
      }
    } catch (JsonParseException e) {
      throw new TransportException(RETRY, "broker-refused", "The broker's answer is no JSON.", e);
    }
    throw new TransportException(
        RETRY,
        "broker-refused",
        "The broker does not take the account's new rights: "
            + answer.substring(0, Math.min(300, answer.length())));
  }

  /** The JWT of an account that the server has. */
  String lookup(String account) {
    return request("$SYS.REQ.ACCOUNT." + account + ".CLAIMS.LOOKUP", "");
  }

  private String request(String subject, String body) {
    Message answer = SystemLink.request(connect, subject, body.getBytes(UTF_8), ANSWER);
    return new String(answer.getData(), UTF_8);
  }
}
