// SPDX-License-Identifier: Apache-2.0
/** Order, acknowledgement, resending, and the books, over any transport. */
module dev.fairlead.delivery {
  requires static jdk.jfr;
  requires static org.jspecify;
  requires static osgi.annotation;
  requires transitive dev.fairlead.transport.api;

  exports dev.fairlead.delivery;
}
