// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.http;

import static java.nio.charset.StandardCharsets.UTF_8;

/**
 * Writes what a {@code GET /metrics} answers, in Prometheus' text format. Names and labels are the
 * caller's own words: nothing is escaped. Used by one thread.
 */
public final class Metrics {

  private static final String TYPE = "text/plain; version=0.0.4; charset=utf-8";

  private final StringBuilder text = new StringBuilder();

  /** Makes an empty one. */
  public Metrics() {}

  /** Begins a number that only grows; its samples follow. */
  public Metrics counter(String name, String help) {
    return begin(name, help, "counter");
  }

  /** Begins a number that rises and falls; its samples follow. */
  public Metrics gauge(String name, String help) {
    return begin(name, help, "gauge");
  }

  private Metrics begin(String name, String help, String type) {
    text.append("# HELP ").append(name).append(' ').append(help).append('\n');
    text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    return this;
  }

  /** A sample without labels. */
  public Metrics sample(String name, long value) {
    text.append(name).append(' ').append(value).append('\n');
    return this;
  }

  /**
   * A sample.
   *
   * @param labels such as {@code state="up",transport="nats"}
   */
  public Metrics sample(String name, String labels, long value) {
    text.append(name).append('{').append(labels).append("} ").append(value).append('\n');
    return this;
  }

  /** The answer. */
  public Response toResponse() {
    return Response.bytes(200, TYPE, text.toString().getBytes(UTF_8));
  }
}
