// SPDX-License-Identifier: Apache-2.0
/** junixsocket, unchanged, with stream sockets of AF_VSOCK beside it. */
module dev.fairlead.lib.junixsocket {
  requires static java.rmi; // junixsocket
  requires static org.jspecify;
  requires static osgi.annotation;

  exports dev.fairlead.lib.junixsocket;
  exports org.newsclub.net.unix;
}
