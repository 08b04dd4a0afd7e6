// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

/** Names of scenarios that the table and the targets know. Others are shown too. */
public final class Scenarios {

  /** As many records as the window lets through. */
  public static final String MAX_RATE = "max-rate";

  /** A fixed rate, for latency. */
  public static final String FIXED_RATE = "fixed-rate";

  /** The broker or hub is killed, and started again. */
  public static final String CRASH = "crash";

  /** The broker or hub stands still for a while. */
  public static final String STALL = "stall";

  /** The broker or hub is absent at the start. */
  public static final String ABSENT = "absent";

  /** The agent ends and starts again. */
  public static final String AGENT_RESTART = "agent-restart";

  /** Many agents on one broker or hub. */
  public static final String MANY_AGENTS = "many-agents";

  /** The collector is slower than the agent. */
  public static final String SLOW_CONSUMER = "slow-consumer";

  /** One noisy stream beside nine quiet ones. */
  public static final String NOISY_STREAM = "noisy-stream";

  /** The transport is changed while lines flow. */
  public static final String SWAP = "swap";

  /** Half of the greatest rate for a long time. */
  public static final String SOAK = "soak";

  private Scenarios() {}
}
