// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol.json;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1.0",
        "1e400",
        "-12.50E-7",
        "\"\"",
        "\"é\"",
        "[]",
        "{}",
        "[1,[2,[3]],{\"a\":null}]",
        "{\"b\":1,\"a\":{\"c\":[true,false]}}",
        "\"\\\"\\\\\\n\\r\\t\\u0001\\ud800\"",
        "\"😀\"",
        "123456789012345678901234567890"
      })
  void whatIsReadIsWrittenAgain(String text) {
    assertThat(Json.write(Json.parse(text))).isEqualTo(text);
    assertThat(Json.parse(Json.writeBytes(Json.parse(text)), 1000)).isEqualTo(Json.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "[",
        "\"",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "[1,]",
        "[1 2]",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "-",
        "nul",
        "NaN",
        "Infinity",
        "'a'",
        "{a:1}",
        "// x\n1",
        "1 2",
        "{} {}",
        "\"\n\"",
        "\"\\x\"",
        "\"\\u12\"",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "\ufeff1",
        "]",
        "}"
      })
  void whatIsNoJsonIsRefused(String text) {
    assertThatThrownBy(() -> Json.parse(text)).isInstanceOf(ProtocolException.class);
  }

  @Test
  void limitsHold() {
    assertThat(Json.parse("[".repeat(32) + "]".repeat(32))).isInstanceOf(JsonArray.class);
    refused("[".repeat(33) + "]".repeat(33));
    refused("{\"a\":".repeat(33) + "1" + "}".repeat(33));
    refused("1".repeat(129));
    refused("{\"" + "a".repeat(2000) + "\":1}");
    assertThatThrownBy(() -> Json.parse(new byte[11], 10))
        .isInstanceOfSatisfying(
            ProtocolException.class, e -> assertThat(e.code()).isEqualTo("too-large"));
  }

  @Test
  void bytesMustBeUtf8() {
    for (byte[] bytes :
        List.of(
            new byte[] {'"', (byte) 0xff, '"'},
            new byte[] {'"', (byte) 0xc0, (byte) 0x80, '"'},
            new byte[] {'"', (byte) 0xed, (byte) 0xa0, (byte) 0x80, '"'},
            new byte[] {0, '1'},
            "1".getBytes(java.nio.charset.StandardCharsets.UTF_16))) {
      assertThatThrownBy(() -> Json.parse(bytes, 100)).isInstanceOf(ProtocolException.class);
    }
  }

  @Test
  void aRefusalNamesThePlace() {
    JsonObject json =
        Json.parseObject("{\"a\":[{\"b\":1},{\"b\":\"x\"}],\"n\":1.5}".getBytes(UTF_8), 100);
    List<JsonObject> items = json.objects("a");
    assertThatThrownBy(() -> items.get(1).integer("b", 0, 9))
        .hasMessage("$.a[1].b must be a whole number from 0 to 9, but is a string.");
    assertThatThrownBy(() -> items.get(0).integer("b", 2, 9)).hasMessageContaining("but is 1.");
    assertThatThrownBy(() -> items.get(0).string("c"))
        .hasMessage("$.a[0].c is missing: give a string.");
    assertThatThrownBy(() -> json.integer("n", 0, 9)).hasMessageContaining("$.n must be");
    assertThatThrownBy(() -> json.array("a").strings()).hasMessageStartingWith("$.a[0] must be");
    assertThatThrownBy(() -> Json.parse("{\"a\":tru}")).hasMessageContaining("character");
  }

  @Test
  void hostileNamesMakeNoHostileMessages() {
    String name = "\u001b[31m" + "x".repeat(900) + "\u202e";
    JsonObject json = JsonObject.builder().put(name, 1).build();
    assertThatThrownBy(() -> json.string(name))
        .satisfies(
            e -> {
              assertThat(e.getMessage()).hasSizeLessThan(200);
              assertThat(e.getMessage()).doesNotContain("\u001b").doesNotContain("\u202e");
            });
  }

  @Test
  void aPrefixEndsWhereTheValueEnds() {
    assertThat(Json.parsePrefix("x={\"a\":[1, 2]} rest", 2).end()).isEqualTo(14);
    assertThat(Json.parsePrefix("  \"a b\" rest", 0).end()).isEqualTo(7);
    assertThat(Json.parsePrefix("[1]]", 0).end()).isEqualTo(3);
    assertThat(Json.parsePrefix("42 x", 0).end()).isEqualTo(2);
    assertThat(Json.parsePrefix("true", 0).end()).isEqualTo(4);
  }

  @Test
  void theSourceOfAnObjectIsItsExactText() {
    JsonObject json = Json.parseObject("  { \"a\" : { \"b\" :\t1.0 } } ".getBytes(UTF_8), 100);
    assertThat(json.source()).contains("{ \"a\" : { \"b\" :\t1.0 } }");
    assertThat(json.object("a").source()).contains("{ \"b\" :\t1.0 }");
  }

  @Test
  void goEscapesMore() {
    byte[] bytes = new JsonWriter(1).escapeHtml().string("<a>&\u2028\ud800é").toBytes();
    assertThat(new String(bytes, UTF_8)).isEqualTo("\"\\u003ca\\u003e\\u0026\\u2028\ufffdé\"");
  }

  @Test
  void whatIsSpecialIsSeenAtEveryPlace() {
    for (String special : List.of("\"", "\\", "\n", "\u0000", "\u001f", "\u007f", "?", "é")) {
      seenAtEveryPlace(special);
    }
    seenAtEveryPlace("\u0141"); // of two bytes, the lower of which is a letter
    seenAtEveryPlace("\ud83d\ude00");
    seenAtEveryPlace("\ud83d"); // half a character, for which an encoder puts a question mark
  }

  private static void seenAtEveryPlace(String special) {
    for (int before = 0; before < 40; before++) {
      String text = "a".repeat(before) + special + "~".repeat(39 - before);
      byte[] written = new JsonWriter(1).raw('[').string(text).raw(']').toBytes();
      assertThat(((JsonArray) Json.parse(new String(written, UTF_8))).get(0))
          .isEqualTo(new JsonString(text));
    }
  }

  private static void refused(String text) {
    assertThatThrownBy(() -> Json.parse(text)).isInstanceOf(ProtocolException.class);
  }
}
