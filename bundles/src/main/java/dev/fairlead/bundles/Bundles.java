// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import static dev.fairlead.bundles.ChangeException.broken;
import static dev.fairlead.bundles.ChangeException.refused;

import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger.Level;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.BundleException;
import org.osgi.framework.SynchronousBundleListener;

/**
 * Changes a transport's bundle in a framework that runs. The new version is installed beside the
 * old, resolved and checked; all links are opened anew through it; then the old one is stopped and
 * uninstalled. Whatever goes wrong on the way, the old one runs again and the new one is gone.
 *
 * <p>Safe for use by several threads; one change at a time. Its methods block for as long as a
 * change takes: seconds, where a broker or hub must be started anew.
 */
public final class Bundles implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Bundles.class.getName());

  private final BundleContext context;
  private final Verifier verifier;
  private final Shelf shelf;
  private final Duration patience;
  private final ChangeListener listener;
  private final Wiring wiring;
  private final Offer offer;
  private final Links links;
  private final Configurations configurations;
  private final ReentrantLock one = new ReentrantLock();
  private volatile boolean closed;

  /**
   * Makes one.
   *
   * @param patience how long each single step may take: a provider to appear, a link to come up
   * @param listener told of each change that was tried
   */
  public Bundles(
      BundleContext context,
      Verifier verifier,
      Shelf shelf,
      Duration patience,
      ChangeListener listener) {
    this.context = context;
    this.verifier = verifier;
    this.shelf = shelf;
    this.patience = patience;
    this.listener = listener;
    this.wiring = new Wiring(context);
    this.offer = new Offer(context);
    this.links = new Links(context);
    this.configurations = new Configurations(context);
    shelf.tidy();
  }

  /**
   * A transport's bundle as it is now.
   *
   * @param state {@code active}, {@code resolved}, {@code installed}…
   * @param before what it can be rolled back to; null for nothing
   */
  public record Standing(
      String bundle, String version, String state, Path jar, @Nullable String before) {}

  /** All transports' bundles. */
  public List<Standing> list() {
    List<Standing> all = new ArrayList<>();
    var choices = shelf.choices();
    for (Bundle bundle : wiring.transports()) {
      Shelf.Choice choice = choices.get(bundle.getSymbolicName());
      Shelf.Item before =
          choice != null && choice.now().version().equals(bundle.getVersion())
              ? choice.before()
              : null;
      all.add(
          new Standing(
              bundle.getSymbolicName(),
              bundle.getVersion().toString(),
              state(bundle),
              Path.of(location(bundle).getSchemeSpecificPart()),
              before == null ? null : before.version().toString()));
    }
    return all;
  }

  /**
   * Puts a jar in the place of the bundle of its name.
   *
   * @param jar its bytes
   * @param dryRun only says what would be done
   * @throws ChangeException when nothing was changed; code and sentence say why
   */
  public Change update(byte[] jar, Proof proof, boolean dryRun) {
    return alone(
        dryRun,
        attempt -> {
          verifier.verify(jar, proof);
          BundleJar facts = BundleJar.read(jar);
          attempt.bundle = facts.symbolicName();
          attempt.to = facts.version().toString();
          Bundle old = wiring.transport(facts.symbolicName());
          attempt.from = old.getVersion().toString();
          if (!facts.transport()) {
            throw refused("not-a-transport", "The jar declares no transport (Provide-Capability).");
          }
          if (facts.version().compareTo(old.getVersion()) <= 0) {
            throw refused(
                "not-newer",
                "%s runs, and the jar is %s: only a newer version is taken; to go back there is rollback."
                    .formatted(Wiring.name(old), facts.version()));
          }
          return replace(old, jar, new Shelf.Item(facts.version(), proof.sha256()), attempt);
        });
  }

  /**
   * Puts the version that ran before in the place of the one that runs.
   *
   * @throws ChangeException when nothing was changed; REFUSED {@code nothing-to-go-back-to} too
   */
  public Change rollback(String symbolicName, boolean dryRun) {
    return alone(
        dryRun,
        attempt -> {
          attempt.bundle = symbolicName;
          Bundle old = wiring.transport(symbolicName);
          attempt.from = old.getVersion().toString();
          Shelf.Choice choice = shelf.choices().get(symbolicName);
          Shelf.Item before = choice == null ? null : choice.before();
          if (choice == null
              || before == null
              || !choice.now().version().equals(old.getVersion())) {
            throw refused(
                "nothing-to-go-back-to",
                "%s has replaced no other version here.".formatted(Wiring.name(old)));
          }
          attempt.to = before.version().toString();
          Path jar =
              shelf
                  .whole(before)
                  .orElseThrow(
                      () ->
                          refused(
                              "nothing-to-go-back-to",
                              "The jar of version %s is damaged: bring it anew, as a newer version."
                                  .formatted(before.version())));
          return replace(old, BundleJar.bytes(jar), before, attempt);
        });
  }

  private Change replace(Bundle old, byte[] jar, Shelf.Item item, Attempt attempt) {
    Shelf.@Nullable Item before = attempt.dryRun ? null : keep(old);
    Bundle fresh = wiring.install(shelf.put(jar, item.sha256()));
    boolean done = false;
    try {
      wiring.resolve(fresh);
      Set<Bundle> closure = new HashSet<>(wiring.closure(List.of(old, fresh)));
      closure.remove(fresh);
      List<String> names = Wiring.names(closure);
      closure.remove(old);
      if (!closure.isEmpty()) {
        throw refused(
            "refresh-closure",
            "The change would refresh other bundles too: %s. Only a leaf is changed under traffic."
                .formatted(String.join(", ", Wiring.names(closure))));
      }
      if (attempt.dryRun) {
        return attempt.change(item, names);
      }
      Watch watch = new Watch(Set.of(old, fresh));
      context.addBundleListener(watch);
      try {
        boolean swaps = old.getState() == Bundle.ACTIVE;
        List<String> types = swaps ? Offer.types(old) : List.of();
        if (swaps) {
          attempt.links = swap(old, fresh, types);
        }
        try {
          shelf.choose(old.getSymbolicName(), new Shelf.Choice(item, before));
        } catch (ChangeException e) {
          if (swaps) {
            goBack(old, fresh, types, e);
          }
          throw e;
        }
        done = true;
        wiring.uninstall(old);
      } finally {
        context.removeBundleListener(watch);
        attempt.others = watch.refreshed.get();
      }
      return attempt.change(item, names);
    } finally {
      if (!done) {
        wiring.uninstall(fresh);
      }
      shelf.tidy();
    }
  }

  /** A copy of what runs, so that there is a way back; null where its jar cannot be read. */
  private Shelf.@Nullable Item keep(Bundle old) {
    try (InputStream in = location(old).toURL().openStream()) {
      byte[] jar = in.readNBytes(BundleJar.MOST_BYTES + 1);
      String sha256 = Digests.of(jar);
      if (jar.length > BundleJar.MOST_BYTES
          || !BundleJar.read(jar).version().equals(old.getVersion())) {
        return null; // Somebody has put another in its place.
      }
      shelf.put(jar, sha256);
      return new Shelf.Item(old.getVersion(), sha256);
    } catch (IOException | IllegalArgumentException e) {
      LOG.log(
          Level.WARNING, "There will be no way back to {0}: {1}", Wiring.name(old), e.getMessage());
      return null;
    }
  }

  /** Returns how many holders of links were asked. */
  private int swap(Bundle old, Bundle fresh, List<String> types) {
    configurations.keepFor(old);
    int holders;
    try (Offer.Held from = offer.provider(old, patience)) {
      start(fresh);
      try (Offer.Held to = offer.provider(fresh, patience)) {
        Offer.check(from.provider(), to.provider());
        holders = links.move(from.provider(), to.provider(), patience);
      }
    } catch (ChangeException e) {
      stop(fresh);
      configurations.release(old.getSymbolicName());
      throw e;
    }
    // All links are on the new one; what there can be only one of follows them.
    try {
      stop(old);
      configurations.release(fresh.getSymbolicName());
      offer.require(fresh, types, patience);
    } catch (ChangeException e) {
      goBack(old, fresh, types, e);
      throw e;
    }
    return holders;
  }

  private void goBack(Bundle old, Bundle fresh, List<String> types, ChangeException reason) {
    try {
      configurations.keepFor(old);
      start(old);
      try (Offer.Held from = offer.provider(fresh, patience);
          Offer.Held to = offer.provider(old, patience)) {
        links.move(from.provider(), to.provider(), patience);
      }
      stop(fresh);
      configurations.release(old.getSymbolicName());
      offer.require(old, types, patience);
    } catch (ChangeException e) {
      reason.addSuppressed(e);
      LOG.log(Level.ERROR, "The way back to {0} is not whole", Wiring.name(old));
    }
  }

  private static void start(Bundle bundle) {
    try {
      bundle.start();
    } catch (BundleException | LinkageError e) {
      throw broken(
          "not-started", "%s does not start: %s".formatted(Wiring.name(bundle), cause(e)), e);
    }
  }

  private static void stop(Bundle bundle) {
    try {
      bundle.stop();
    } catch (BundleException e) {
      // It has stopped all the same, the framework promises; its activator complains.
      LOG.log(Level.WARNING, Wiring.name(bundle) + " complains when it is stopped", e);
    }
  }

  private static String cause(Throwable thrown) {
    return Optional.ofNullable(thrown.getCause())
        .map(Throwable::toString)
        .orElseGet(() -> String.valueOf(thrown.getMessage()));
  }

  private static URI location(Bundle bundle) {
    String location = bundle.getLocation();
    return URI.create(
        location.startsWith("reference:") ? location.substring("reference:".length()) : location);
  }

  static String state(Bundle bundle) {
    return switch (bundle.getState()) {
      case Bundle.INSTALLED -> "installed";
      case Bundle.RESOLVED -> "resolved";
      case Bundle.STARTING -> "starting";
      case Bundle.ACTIVE -> "active";
      case Bundle.STOPPING -> "stopping";
      default -> "uninstalled";
    };
  }

  private Change alone(boolean dryRun, Work work) {
    if (!one.tryLock()) {
      throw new ChangeException(
          ChangeException.Category.RETRY,
          "change-under-way",
          "Another bundle is just being changed; ask again when it is done.");
    }
    Attempt attempt = new Attempt(dryRun);
    try {
      if (closed) {
        throw refused("closing", "This process is ending; nothing is changed any more.");
      }
      Change change = work.on(attempt);
      attempt.end(change, null);
      return change;
    } catch (ChangeException e) {
      attempt.end(null, e);
      throw e;
    } finally {
      one.unlock();
    }
  }

  /** Waits for a change that is under way; none begins any more. Idempotent. */
  @Override
  public void close() {
    closed = true;
    one.lock();
    try {
      shelf.tidy();
    } finally {
      one.unlock();
    }
  }

  /** What is done while nobody else changes anything. */
  private interface Work {
    Change on(Attempt attempt);
  }

  /** What is known of a change so far. */
  private final class Attempt {

    private final boolean dryRun;
    private final long begun = System.nanoTime();
    private final ChangeListener.Telling telling;
    private String bundle = "";
    private String from = "";
    private String to = "";
    private int links;
    private int others;

    Attempt(boolean dryRun) {
      this.dryRun = dryRun;
      this.telling = listener.begin();
    }

    Change change(Shelf.Item item, List<String> closure) {
      long millis = Duration.ofNanos(System.nanoTime() - begun).toMillis();
      return new Change(bundle, from, to, item.sha256(), closure, !dryRun, links, others, millis);
    }

    void end(@Nullable Change change, @Nullable ChangeException failure) {
      if (!dryRun) {
        telling.end(bundle, from, to, change == null ? 0 : change.othersRefreshed(), failure);
      }
    }
  }

  /** Counts the bundles that lose their wiring, and should not. */
  private static final class Watch implements SynchronousBundleListener {

    private final Set<Bundle> expected;
    private final AtomicInteger refreshed = new AtomicInteger();

    Watch(Set<Bundle> expected) {
      this.expected = expected;
    }

    @Override
    public void bundleChanged(BundleEvent event) {
      if (event.getType() == BundleEvent.UNRESOLVED && !expected.contains(event.getBundle())) {
        refreshed.incrementAndGet();
      }
    }
  }
}
