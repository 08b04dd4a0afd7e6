// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.access;

import dev.fairlead.transport.base.broker.FolderLock;
import dev.fairlead.transport.vsock.hub.Hub;
import dev.fairlead.transport.vsock.hub.Limits;
import dev.fairlead.transport.vsock.wire.Place;
import java.io.IOException;
import java.time.InstantSource;
import java.util.concurrent.CountDownLatch;

/** A hub as a process of its own, which follows the book of an issuer elsewhere on this host. */
public final class Main {

  private Main() {}

  /**
   * Runs until the process is ended.
   *
   * @param arguments the folder that the issuer uses, with {@code hub=apart}; and the port, 9998
   *     when there is none
   * @throws IOException when nobody can listen in that folder
   * @throws InterruptedException never
   */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    HubSettings settings =
        HubSettings.of(
            arguments.length > 0 ? arguments[0] : "",
            arguments.length > 1 ? arguments[1] : null,
            true);
    FolderLock lock = FolderLock.take(settings.folder(), "hub");
    Hub hub =
        Hub.start(
            new BookGate(Book.open(settings.book()), true, InstantSource.system()),
            Limits.DEFAULT,
            settings.port(),
            new Place.Unix(settings.socket()));
    CountDownLatch never = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  hub.close();
                  lock.close();
                },
                "fairlead-hub-end"));
    never.await();
  }
}
