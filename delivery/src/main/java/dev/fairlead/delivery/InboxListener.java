// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

/** Told what an inbox meets. Called by any thread, under a lock of one stream; must not block. */
public interface InboxListener {

  /** Tells nobody. */
  InboxListener NONE =
      new InboxListener() {
        @Override
        public void refused(String address, DeliveryException reason) {}

        @Override
        public void gap(Batch gap) {}

        @Override
        public void storeFailed(StreamId stream, Throwable reason) {}
      };

  /** A message was no batch, or of a stream that is not taken. It was ignored. */
  void refused(String address, DeliveryException reason);

  /** Records will never come; this was given to the store in their place. */
  void gap(Batch gap);

  /** The store did not take a batch; it will come again. */
  void storeFailed(StreamId stream, Throwable reason);
}
