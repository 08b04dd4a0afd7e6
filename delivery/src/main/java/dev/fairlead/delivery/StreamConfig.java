// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static java.util.Objects.requireNonNull;

import dev.fairlead.transport.api.Message;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How one stream of an outbox works. Made by {@link #of}, changed by the {@code with…} methods.
 *
 * @param address where batches are sent
 * @param ackAddress where acknowledgements come from
 * @param epoch names this numbering; {@code [A-Za-z0-9_-]{1,64}}; another one whenever the memory
 *     of the numbers is gone
 * @param priority lower goes first; streams of the same take turns
 * @param policy what happens when the stream is full
 * @param capacityBytes the most bytes of records that are held, 64 KiB to 1 GiB
 * @param windowBytes the most bytes that are on their way at a time; at most half the capacity
 * @param batchBytes the most bytes of a batch, 1 KiB to the largest payload of a message
 * @param flushGap how long a batch that is not full waits after the last one, so that a busy stream
 *     makes large ones; 0 to 1 s. One that comes later than this is sent at once. Where answers
 *     take long, since somebody on the way has too much to do, or none has come yet, a small batch
 *     waits for them, up to 1 s
 * @param resendAfter how long an acknowledgement is waited for at first; then twice as long each
 *     time, up to 4 times that
 * @param forgetAt the level at which records are forgotten: {@code DELIVERED}, or {@code STORED}
 *     where the transport's peer keeps what it acknowledges
 * @param spool where records lie so that they outlive the process; null for memory alone
 */
public record StreamConfig(
    String address,
    String ackAddress,
    String epoch,
    int priority,
    Policy policy,
    long capacityBytes,
    long windowBytes,
    int batchBytes,
    Duration flushGap,
    Duration resendAfter,
    AckLevel forgetAt,
    @Nullable SpoolConfig spool) {

  private static final int KIB = 1024;

  /** Checks all ranges. */
  public StreamConfig {
    Message.requireAddress(address);
    Message.requireAddress(ackAddress);
    Headers.requireEpoch(epoch);
    requireNonNull(policy, "policy is null");
    requireNonNull(forgetAt, "forgetAt is null");
    require(priority >= 0 && priority <= 9, "priority must be 0 to 9");
    require(
        capacityBytes >= 64 * KIB && capacityBytes <= KIB * KIB * KIB,
        "capacityBytes must be 64 KiB to 1 GiB");
    require(
        batchBytes >= KIB && batchBytes <= Message.MAX_PAYLOAD,
        "batchBytes must be 1 KiB to " + Message.MAX_PAYLOAD);
    require(
        windowBytes >= batchBytes && windowBytes <= capacityBytes / 2,
        "windowBytes must be at least one batch, and at most half the capacity");
    require(
        !flushGap.isNegative() && flushGap.compareTo(Duration.ofSeconds(1)) <= 0,
        "flushGap must be 0 to 1 s");
    require(
        resendAfter.compareTo(Duration.ofMillis(10)) >= 0
            && resendAfter.compareTo(Duration.ofMinutes(5)) <= 0,
        "resendAfter must be 10 ms to 5 min");
    require(
        forgetAt == AckLevel.DELIVERED || forgetAt == AckLevel.STORED,
        "forgetAt must be DELIVERED or STORED");
  }

  /**
   * A stream that blocks when full: 32 MiB, window 8 MiB, batches of 64 KiB, 200 µs between
   * flushes, resent after 2 s, forgotten when delivered.
   */
  public static StreamConfig of(String address, String ackAddress, String epoch) {
    return new StreamConfig(
        address,
        ackAddress,
        epoch,
        1,
        Policy.BLOCK,
        32L * KIB * KIB,
        8L * KIB * KIB,
        64 * KIB,
        Duration.ofNanos(200_000),
        Duration.ofSeconds(2),
        AckLevel.DELIVERED,
        null);
  }

  /** The same with another priority. */
  public StreamConfig withPriority(int value) {
    return new StreamConfig(
        address,
        ackAddress,
        epoch,
        value,
        policy,
        capacityBytes,
        windowBytes,
        batchBytes,
        flushGap,
        resendAfter,
        forgetAt,
        spool);
  }

  /** The same with another policy. */
  public StreamConfig withPolicy(Policy value) {
    return new StreamConfig(
        address,
        ackAddress,
        epoch,
        priority,
        value,
        capacityBytes,
        windowBytes,
        batchBytes,
        flushGap,
        resendAfter,
        forgetAt,
        spool);
  }

  /** The same with another capacity, and a window of a quarter of it. */
  public StreamConfig withCapacity(long bytes) {
    int batch = (int) Math.min(batchBytes, bytes / 4);
    return new StreamConfig(
        address,
        ackAddress,
        epoch,
        priority,
        policy,
        bytes,
        bytes / 4,
        batch,
        flushGap,
        resendAfter,
        forgetAt,
        spool);
  }

  /** The same with another window. */
  public StreamConfig withWindow(long bytes) {
    return new StreamConfig(
        address,
        ackAddress,
        epoch,
        priority,
        policy,
        capacityBytes,
        bytes,
        batchBytes,
        flushGap,
        resendAfter,
        forgetAt,
        spool);
  }

  /** The same with other batches. */
  public StreamConfig withBatch(int bytes, Duration gap) {
    return new StreamConfig(
        address,
        ackAddress,
        epoch,
        priority,
        policy,
        capacityBytes,
        windowBytes,
        bytes,
        gap,
        resendAfter,
        forgetAt,
        spool);
  }

  /** The same with another time to wait for an acknowledgement. */
  public StreamConfig withResendAfter(Duration value) {
    return new StreamConfig(
        address,
        ackAddress,
        epoch,
        priority,
        policy,
        capacityBytes,
        windowBytes,
        batchBytes,
        flushGap,
        value,
        forgetAt,
        spool);
  }

  /** The same with another level at which records are forgotten. */
  public StreamConfig withForgetAt(AckLevel value) {
    return new StreamConfig(
        address,
        ackAddress,
        epoch,
        priority,
        policy,
        capacityBytes,
        windowBytes,
        batchBytes,
        flushGap,
        resendAfter,
        value,
        spool);
  }

  /**
   * The same with a spool: records survive the process, level {@code SPOOLED} is reached, and
   * nothing is sent before. When a stream is opened whose spool is there already, the epoch of the
   * spool goes before the one given here, and numbers go on; {@link OutStream#id} says which it is.
   */
  public StreamConfig withSpool(SpoolConfig value) {
    return new StreamConfig(
        address,
        ackAddress,
        epoch,
        priority,
        policy,
        capacityBytes,
        windowBytes,
        batchBytes,
        flushGap,
        resendAfter,
        forgetAt,
        value);
  }

  /** The same with a spool in a folder for this stream alone; a sync every 5 ms. */
  public StreamConfig withSpool(Path folder, long maxBytes) {
    return withSpool(SpoolConfig.of(folder, maxBytes));
  }

  private static void require(boolean fits, String what) {
    if (!fits) {
      throw new DeliveryException(REFUSED, "bad-setting", what + ".");
    }
  }
}
