// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import dev.fairlead.delivery.LinkHolder;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.launch.FrameworkFactory;

/** A Felix with one fake transport, and somebody who holds a link over it. */
final class Framework implements AutoCloseable {

  static final Duration PATIENCE = Duration.ofSeconds(60);

  final Path folder;
  final Shelf shelf;
  final Runner runner = Runner.start("test-runner");
  final Switchboard board = new Switchboard(runner, new Deaf());
  final List<String> outcomes = new ArrayList<>();
  private final org.osgi.framework.launch.Framework felix;

  Framework(Path folder) throws BundleException, IOException {
    this.folder = folder;
    this.shelf = new Shelf(folder.resolve("shelf"));
    this.felix =
        java.util.ServiceLoader.load(FrameworkFactory.class)
            .findFirst()
            .orElseThrow()
            .newFramework(
                Map.of(
                    Constants.FRAMEWORK_STORAGE,
                    folder.resolve("felix").toString(),
                    Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA,
                    "dev.fairlead.transport.api;version=1.0.0,dev.fairlead.delivery;version=1.0.0",
                    "felix.service.urlhandlers",
                    "false"));
    felix.init();
    felix.start();
    install("own", FakeJar.of("1.0.0").bytes()).start();
    board
        .use(
            provider(),
            name -> name.equals(TransportProvider.ENDPOINT) ? "nowhere" : null,
            PATIENCE)
        .toCompletableFuture()
        .orTimeout(60, TimeUnit.SECONDS)
        .join();
    holdLinks((old, next) -> board.reopen(old, next, Duration.ofSeconds(2)));
  }

  void holdLinks(LinkHolder holder) {
    context().registerService(LinkHolder.class, holder, null);
  }

  BundleContext context() {
    return felix.getBundleContext();
  }

  /** Changes bundles, waiting little for what does not come. */
  Bundles bundles() {
    return bundles(new Verifier(null, null));
  }

  Bundles bundles(Verifier verifier) {
    return new Bundles(
        context(),
        verifier,
        shelf,
        Duration.ofSeconds(5),
        () ->
            (bundle, from, to, others, failure) ->
                outcomes.add(
                    "%s %s %s %d %s"
                        .formatted(
                            bundle, from, to, others, failure == null ? "" : failure.code())));
  }

  Bundle install(String name, byte[] jar) throws BundleException, IOException {
    Path file = Files.write(folder.resolve(name + ".jar"), jar);
    return context().installBundle("reference:" + file.toUri());
  }

  /** The one bundle of a name; fails when there are none or several. */
  Bundle bundle(String symbolicName) {
    List<Bundle> found =
        Arrays.stream(context().getBundles())
            .filter(each -> symbolicName.equals(each.getSymbolicName()))
            .toList();
    if (found.size() != 1) {
      throw new AssertionError(found + " are the bundles called " + symbolicName);
    }
    return found.get(0);
  }

  /** The provider that is offered now. */
  TransportProvider provider() {
    return Objects.requireNonNull(
        context()
            .getService(
                Objects.requireNonNull(context().getServiceReference(TransportProvider.class))));
  }

  /** The version of the bundle whose class carries the link: what the switchboard really uses. */
  String carrying() throws ReflectiveOperationException {
    var current = Switchboard.class.getDeclaredField("current");
    current.setAccessible(true);
    Object line = Objects.requireNonNull(current.get(board));
    var opened = line.getClass().getDeclaredField("opened");
    opened.setAccessible(true);
    Object transport = Objects.requireNonNull(opened.get(line));
    return FrameworkUtil.getBundle(transport.getClass()).getVersion().toString();
  }

  @Override
  public void close() throws BundleException {
    board.close();
    runner.close();
    felix.stop();
    try {
      felix.waitForStop(60_000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static final class Deaf implements SwitchboardListener {
    @Override
    public void stateChanged(String transport, Transport.State state, String reason) {}

    @Override
    public void refused(String transport, @Nullable String address, TransportException refusal) {}
  }
}
