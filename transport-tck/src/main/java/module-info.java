// SPDX-License-Identifier: Apache-2.0
/** The transport contract as tests, and a transport within one JVM that keeps to it. */
module dev.fairlead.transport.tck {
  requires dev.fairlead.protocol;
  requires org.junit.platform.launcher;
  requires static org.jspecify;
  requires static osgi.annotation;
  requires transitive dev.fairlead.transport.api;
  requires transitive org.junit.jupiter.api;

  exports dev.fairlead.transport.tck;
  exports dev.fairlead.transport.tck.memory;

  // The rules are found and called by reflection.
  opens dev.fairlead.transport.tck to
      org.junit.platform.commons;
  opens dev.fairlead.transport.tck.memory to
      org.junit.platform.commons;

  uses dev.fairlead.transport.tck.TransportContract;

  provides dev.fairlead.transport.access.AccessProvider with
      dev.fairlead.transport.tck.memory.MemoryAccessProvider;
  provides dev.fairlead.transport.api.TransportProvider with
      dev.fairlead.transport.tck.memory.MemoryTransportProvider;
  provides dev.fairlead.transport.tck.TransportContract with
      dev.fairlead.transport.tck.memory.MemoryContract;
}
