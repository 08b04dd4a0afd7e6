// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.http;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which handler answers which method and path. A path template is made of plain segments and
 * variables: {@code /vms/{id}/restart}. Plain segments win over variables; a {@code GET} route
 * answers {@code HEAD} too. Filled by one thread, then not changed any more.
 */
public final class Routes {

  private final List<Route> routes = new ArrayList<>();

  /** Without any route. */
  public Routes() {}

  /** A route that was found, and what its variables stand for. */
  record Match(HttpHandler handler, Map<String, String> variables) {}

  private record Route(String method, List<String> template, HttpHandler handler) {

    @Nullable Map<String, String> match(List<String> path) {
      if (path.size() != template.size()) {
        return null;
      }
      Map<String, String> variables = new LinkedHashMap<>();
      for (int i = 0; i < path.size(); i++) {
        String wanted = template.get(i);
        if (isVariable(wanted)) {
          variables.put(wanted.substring(1, wanted.length() - 1), path.get(i));
        } else if (!wanted.equals(path.get(i))) {
          return null;
        }
      }
      return variables;
    }

    /** Compares by the first segment in which one is plain and the other a variable. */
    boolean isMoreSpecificThan(Route other) {
      for (int i = 0; i < template.size() && i < other.template.size(); i++) {
        boolean here = isVariable(template.get(i));
        if (here != isVariable(other.template.get(i))) {
          return !here;
        }
      }
      return false;
    }

    private static boolean isVariable(String segment) {
      return segment.startsWith("{") && segment.endsWith("}");
    }
  }

  /** Answers {@code GET} and {@code HEAD}. */
  public Routes get(String template, HttpHandler handler) {
    return add("GET", template, handler);
  }

  /** Answers {@code POST}. */
  public Routes post(String template, HttpHandler handler) {
    return add("POST", template, handler);
  }

  /** Answers {@code PUT}. */
  public Routes put(String template, HttpHandler handler) {
    return add("PUT", template, handler);
  }

  /** Answers {@code DELETE}. */
  public Routes delete(String template, HttpHandler handler) {
    return add("DELETE", template, handler);
  }

  private Routes add(String method, String template, HttpHandler handler) {
    if (!template.startsWith("/")) {
      throw new IllegalArgumentException("A path template begins with /: " + template);
    }
    routes.add(new Route(method, List.of(template.substring(1).split("/", -1)), handler));
    return this;
  }

  /**
   * Finds the handler.
   *
   * @param path decoded segments
   * @throws HttpProblem 404 or 405
   */
  Match find(String method, List<String> path) {
    String wanted = method.equals("HEAD") ? "GET" : method;
    Route best = null;
    Map<String, String> variables = Map.of();
    Set<String> others = new LinkedHashSet<>();
    for (Route route : routes) {
      Map<String, String> found = route.match(path);
      if (found == null) {
        continue;
      }
      if (!route.method.equals(wanted)) {
        others.add(route.method);
      } else if (best == null || route.isMoreSpecificThan(best)) {
        best = route;
        variables = found;
      }
    }
    if (best != null) {
      return new Match(best.handler, Map.copyOf(variables));
    }
    if (!others.isEmpty()) {
      throw new HttpProblem(
          405,
          "method-not-allowed",
          "This path answers %s, not %s.".formatted(String.join(", ", others), method));
    }
    throw new HttpProblem(404, "unknown-path", "There is nothing at this path.");
  }

  /** The methods that a path answers, for {@code Allow}. */
  Set<String> methods(List<String> path) {
    Set<String> methods = new LinkedHashSet<>();
    for (Route route : routes) {
      if (route.match(path) != null) {
        methods.add(route.method);
        if (route.method.equals("GET")) {
          methods.add("HEAD");
        }
      }
    }
    return methods;
  }
}
