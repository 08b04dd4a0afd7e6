// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt.access;

import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.mqtt.ControlLink;
import dev.fairlead.transport.mqtt.Topics;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * Speaks the language of mosquitto's plugin for dynamic security: JSON commands on a topic, and the
 * same terms in the file that it reads at its start. Each user has one role, of its own name.
 */
final class Dynsec {

  /** Topic to which commands go. */
  static final String REQUESTS = "$CONTROL/dynamic-security/v1";

  /** Topic at which answers arrive. */
  static final String ANSWERS = REQUESTS + "/response";

  private static final Duration PATIENCE = Duration.ofMillis(2_500);
  private static final int MAX_ANSWER = 16 << 20;
  private static final int BATCH = 100;

  private final ControlLink link;
  private final SecureRandom random;

  Dynsec(ControlLink link, SecureRandom random) {
    this.link = link;
    this.random = random;
  }

  /** Makes a user and its role, anew where they are there already. */
  void add(Member member, String password) {
    List<JsonObject> commands = new ArrayList<>();
    commands.add(command("deleteClient").put("username", member.user()).build());
    commands.add(command("deleteRole").put("rolename", member.user()).build());
    commands.add(
        command("createRole").put("rolename", member.user()).put("acls", rights(member)).build());
    commands.add(
        command("createClient")
            .put("username", member.user())
            .put("password", password)
            .put("roles", roles(member.user()))
            .build());
    run(commands);
  }

  /** Removes users and their roles; whoever is connected as one of them is thrown out. */
  void remove(Collection<String> users) {
    List<JsonObject> commands = new ArrayList<>();
    for (String user : users) {
      commands.add(command("deleteClient").put("username", user).build());
      commands.add(command("deleteRole").put("rolename", user).build());
      if (commands.size() >= BATCH) {
        run(commands);
        commands.clear();
      }
    }
    if (!commands.isEmpty()) {
      run(commands);
    }
  }

  /** All users of the broker. */
  List<String> users() {
    JsonObject answer = run(List.of(command("listClients").build())).get(0);
    return answer.optionalObject("data").map(data -> data.strings("clients")).orElse(List.of());
  }

  private List<JsonObject> run(List<JsonObject> commands) {
    String tag = HexFormat.of().toHexDigits(random.nextLong());
    List<JsonObject> tagged = new ArrayList<>();
    for (JsonObject each : commands) {
      JsonObject.Builder builder = JsonObject.builder();
      each.fields().forEach(builder::put);
      tagged.add(builder.put("correlationData", tag).build());
    }
    byte[] body = JsonObject.builder().put("commands", JsonArray.of(tagged)).build().toBytes();
    byte[] answer = link.request(body, bytes -> isTagged(bytes, tag), PATIENCE);
    List<JsonObject> responses = responses(answer);
    for (JsonObject each : responses) {
      Optional<String> error = each.optionalString("error");
      boolean gone = each.optionalString("command").orElse("").startsWith("delete");
      if (error.isPresent() && !(gone && error.get().endsWith("not found"))) {
        throw new TransportException(
            RETRY,
            "broker-refused",
            "The broker does not take a change of its users: " + clip(error.get()));
      }
    }
    if (responses.size() != commands.size()) {
      throw new TransportException(
          RETRY, "broker-refused", "The broker answered only a part of what it was asked.");
    }
    return responses;
  }

  private static boolean isTagged(byte[] bytes, String tag) {
    List<JsonObject> responses = responses(bytes);
    return !responses.isEmpty()
        && responses.get(0).optionalString("correlationData").equals(Optional.of(tag));
  }

  private static List<JsonObject> responses(byte[] bytes) {
    try {
      return Json.parseObject(bytes, MAX_ANSWER).objects("responses");
    } catch (ProtocolException e) {
      return List.of(); // somebody else's, or nothing that we know
    }
  }

  private static String clip(String text) {
    return text.length() > 200 ? text.substring(0, 200) + "…" : text;
  }

  /**
   * What the plugin reads at its start.
   *
   * @param control user who may manage users, and nothing else
   */
  static String file(Member control, List<Member> members) {
    List<JsonObject> clients = new ArrayList<>();
    List<JsonObject> roles = new ArrayList<>();
    clients.add(client(control));
    roles.add(role(control.user(), controlRights()));
    for (Member each : members) {
      clients.add(client(each));
      roles.add(role(each.user(), rights(each)));
    }
    return JsonObject.builder()
        .put(
            "defaultACLAccess",
            JsonObject.builder()
                .put("publishClientSend", false)
                .put("publishClientReceive", false)
                .put("subscribe", false)
                .put("unsubscribe", true)
                .build())
        .put("clients", JsonArray.of(clients))
        .put("groups", JsonArray.of(List.<JsonObject>of()))
        .put("roles", JsonArray.of(roles))
        .build()
        .toString();
  }

  private static JsonObject client(Member member) {
    return JsonObject.builder()
        .put("username", member.user())
        .put("password", member.hash())
        .put("salt", member.salt())
        .put("iterations", Passwords.ITERATIONS)
        .put("roles", roles(member.user()))
        .build();
  }

  private static JsonObject role(String name, JsonArray rights) {
    return JsonObject.builder().put("rolename", name).put("acls", rights).build();
  }

  private static JsonArray roles(String name) {
    return JsonArray.of(List.of(JsonObject.builder().put("rolename", name).build()));
  }

  private static JsonObject.Builder command(String name) {
    return JsonObject.builder().put("command", name);
  }

  /**
   * A grant in the plugin's terms. What may be sent and received is exactly the grant; a
   * subscription may be one level wider than a pattern with {@code **}, as people type it, and gets
   * no more for it.
   */
  private static JsonArray rights(Member member) {
    List<JsonObject> rights = new ArrayList<>();
    member.sends().forEach(each -> rights.add(allow("publishClientSend", Topics.filter(each))));
    for (String each : member.receives()) {
      rights.add(allow("publishClientReceive", Topics.filter(each)));
      rights.add(allow("subscribePattern", Topics.typed(each)));
    }
    return JsonArray.of(rights);
  }

  private static JsonArray controlRights() {
    String all = "$CONTROL/dynamic-security/#";
    return JsonArray.of(
        List.of(
            allow("publishClientSend", all),
            allow("publishClientReceive", all),
            allow("subscribePattern", all)));
  }

  private static JsonObject allow(String type, String topic) {
    return JsonObject.builder()
        .put("acltype", type)
        .put("topic", topic)
        .put("priority", 0)
        .put("allow", true)
        .build();
  }
}
