// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.hub;

/**
 * An end that sends, whatever connection it comes over: where it comes in, and as whom. All that it
 * has sent and that still waits is one, so that to go and come again gains it nothing.
 */
record Sender(Peer peer, String subject) {}
