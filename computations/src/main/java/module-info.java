// SPDX-License-Identifier: Apache-2.0
/** The registry of computations, the store of what they say, and the API over both. */
module dev.fairlead.computations {
  requires static org.jspecify;
  requires static osgi.annotation;
  requires static org.osgi.service.component.annotations;
  requires com.h2database;
  requires transitive dev.fairlead.delivery;
  requires dev.fairlead.http;
  requires dev.fairlead.protocol;
  requires dev.fairlead.transport.api;
  requires java.naming; // the database's data source is a javax.naming.Referenceable
  requires java.sql;

  exports dev.fairlead.computations.store;
}
