// SPDX-License-Identifier: Apache-2.0
/** A small server and client for JSON over HTTP, on what the JDK brings. */
module dev.fairlead.http {
  requires static org.jspecify;
  requires static osgi.annotation;
  requires java.net.http;
  requires transitive dev.fairlead.protocol;
  requires jdk.httpserver;

  exports dev.fairlead.http;
}
