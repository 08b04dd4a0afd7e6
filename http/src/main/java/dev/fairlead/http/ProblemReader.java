// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URI;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads what {@link HttpProblem#toJson} writes; anything else is told as not understood. */
final class ProblemReader {

  private static final Pattern ERROR =
      Pattern.compile(
          "^\\{\"error\":\\{\"code\":\"([a-z0-9-]{1,64})\",\"message\":\"((?:[^\"\\\\]|\\\\.)*+)\"\\}\\}$");

  private ProblemReader() {}

  static HttpProblem read(int status, byte[] body, URI base) {
    Matcher matcher = ERROR.matcher(new String(body, UTF_8));
    if (matcher.matches()) {
      return new HttpProblem(status, matcher.group(1), matcher.group(2).replace("\\\"", "\""));
    }
    return new HttpProblem(
        status,
        "not-understood",
        "%s answered with status %d and nothing that can be understood: is it Fairlead's?"
            .formatted(base, status));
  }
}
