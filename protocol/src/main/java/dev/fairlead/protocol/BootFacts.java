// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import dev.fairlead.protocol.json.ProtocolException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a VM is told on its kernel command line: public facts, measured with the guest. Words,
 * separated by white space, in any order, among any others:
 *
 * <pre>
 * fairlead.computation=123
 * fairlead.fleet=fl
 * fairlead.transport=nats                                  the first to be used
 * fairlead.transports=nats=tls://10.0.2.100:4222#9f…  all that are permitted, with their CA, or #-
 * fairlead.credential=initrd:3c…                           its channel, and its SHA-256
 * fairlead.secret=ZXlK…                                    channel cmdline only: base64url of the content
 * fairlead.hosts=nats.example.org:10.0.2.101               optional: names for the guest's /etc/hosts
 * fairlead.forget=stored                                   optional: the level at which the agent forgets; else delivered
 * fairlead.bundles=5e…,91…                                  optional: SHA-256 of newer transports' jars that may come in; else none may
 * </pre>
 *
 * A reader matches only at a word's start and skips what it does not know. A word of ours that is
 * there twice, or malformed, is refused: one of them is forged, and nobody can say which.
 *
 * @param computation the id of the computation, and the VM's name
 * @param fleet first segment of all addresses
 * @param transport name of the one to be used first; one of {@code transports}
 * @param transports all that are permitted; 1 to 8, each name once
 * @param channel by which the credential comes
 * @param credentialSha256 of the credential's content, in lower-case hex
 * @param secret the credential's content where the channel is {@code CMDLINE}, else null
 * @param hosts names that the guest must know; at most 8
 * @param forgetsStored whether the agent forgets what the transport's peer has stored, rather than
 *     what was delivered
 */
public record BootFacts(
    String computation,
    String fleet,
    String transport,
    List<TransportFact> transports,
    Channel channel,
    String credentialSha256,
    @Nullable String secret,
    List<HostFact> hosts,
    boolean forgetsStored,
    List<String> bundles) {

  /** The most bytes of a command line that the kernel takes; 2048 hang the guest silently. */
  public static final int MAX_COMMAND_LINE = 2047;

  /** The most bytes that the reader looks at. */
  public static final int MAX_BYTES = 64 * 1024;

  private static final int MAX_LIST = 8;
  private static final String PREFIX = "fairlead.";
  private static final Set<String> KNOWN =
      Set.of(
          "computation",
          "fleet",
          "transport",
          "transports",
          "credential",
          "secret",
          "hosts",
          "forget",
          "bundles");

  /** How a credential reaches the guest. */
  public enum Channel {
    /** A file in a small archive before the initrd: the default. */
    INITRD("initrd"),
    /** The kernel command line, which every user of the host can read. */
    CMDLINE("cmdline"),
    /** QEMU's fw_cfg, which is not measured. */
    FW_CFG("fw_cfg");

    private final String wireName;

    Channel(String wireName) {
      this.wireName = wireName;
    }

    /** The name on the command line. */
    public String wireName() {
      return wireName;
    }

    /**
     * The channel of a name.
     *
     * @throws ProtocolException code {@code bad-channel}
     */
    public static Channel parse(String wireName) {
      for (Channel channel : values()) {
        if (channel.wireName.equals(wireName)) {
          return channel;
        }
      }
      throw new ProtocolException("bad-channel", "A channel is initrd, cmdline or fw_cfg.");
    }
  }

  /**
   * A name that the guest must know.
   *
   * @param name letters, digits, dots and hyphens
   * @param ip an IPv4 address
   */
  public record HostFact(String name, String ip) {

    private static final Pattern NAME = Pattern.compile("[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?");
    private static final Pattern BYTE = Pattern.compile("0|[1-9][0-9]{0,2}");

    /** Checks both. */
    public HostFact {
      String[] parts = ip.split("\\.", -1);
      boolean fits = NAME.matcher(name).matches() && parts.length == 4;
      for (int i = 0; fits && i < 4; i++) {
        fits = BYTE.matcher(parts[i]).matches() && Integer.parseInt(parts[i]) <= 255;
      }
      if (!fits) {
        throw new ProtocolException("bad-host", "A host is name:ip, such as broker:10.0.2.100.");
      }
    }
  }

  /** Those of an agent that forgets what was delivered, and takes no newer transport. */
  public BootFacts(
      String computation,
      String fleet,
      String transport,
      List<TransportFact> transports,
      Channel channel,
      String credentialSha256,
      @Nullable String secret,
      List<HostFact> hosts) {
    this(
        computation,
        fleet,
        transport,
        transports,
        channel,
        credentialSha256,
        secret,
        hosts,
        false,
        List.of());
  }

  /** Checks limits, and that the parts agree. */
  public BootFacts {
    Addresses.requireId(computation);
    Addresses.requireSegment("fleet", fleet);
    requireNonNull(channel, "channel is null");
    Limits.requireSha256("fairlead.credential", credentialSha256);
    transports = List.copyOf(transports);
    hosts = List.copyOf(hosts);
    bundles = List.copyOf(bundles);
    bundles.forEach(digest -> Limits.requireSha256("fairlead.bundles", digest));
    if (bundles.size() > MAX_LIST || Set.copyOf(bundles).size() < bundles.size()) {
      throw new ProtocolException(
          "bad-bundles", "fairlead.bundles names at most 8 digests, each of them once.");
    }
    Set<String> names = new HashSet<>();
    for (TransportFact fact : transports) {
      if (!names.add(fact.name())) {
        throw new ProtocolException("bad-transports", "A transport is named twice: keep one.");
      }
    }
    if (transports.isEmpty() || transports.size() > MAX_LIST || hosts.size() > MAX_LIST) {
      throw new ProtocolException(
          "bad-transports", "There must be 1 to 8 transports, and at most 8 hosts.");
    }
    if (!names.contains(transport)) {
      throw new ProtocolException(
          "bad-transport", "fairlead.transport must name one of fairlead.transports.");
    }
    if ((secret != null) != (channel == Channel.CMDLINE)) {
      throw new ProtocolException(
          "bad-secret", "fairlead.secret goes with channel cmdline, and with no other.");
    }
    if (secret != null && !Limits.sha256(secret.getBytes(UTF_8)).equals(credentialSha256)) {
      throw new ProtocolException(
          "digest-mismatch", "fairlead.secret is not what fairlead.credential names.");
    }
  }

  /** Where the transport to be used first connects. */
  public TransportFact first() {
    return transports.stream()
        .filter(fact -> fact.name().equals(transport))
        .findFirst()
        .orElseThrow();
  }

  /** The addresses of this computation. */
  public Addresses addresses() {
    return Addresses.ofComputation(fleet, computation);
  }

  /** The words, separated by one space. Whoever appends them checks the sum of all. */
  public String toCommandLine() {
    List<String> words = new ArrayList<>();
    words.add("fairlead.computation=" + computation);
    words.add("fairlead.fleet=" + fleet);
    words.add("fairlead.transport=" + transport);
    List<String> items = new ArrayList<>();
    for (TransportFact fact : transports) {
      String ca = fact.caSha256() == null ? "-" : fact.caSha256();
      items.add(fact.name() + "=" + fact.uri() + "#" + ca);
    }
    words.add("fairlead.transports=" + String.join(",", items));
    words.add("fairlead.credential=" + channel.wireName() + ":" + credentialSha256);
    if (secret != null) {
      words.add(
          "fairlead.secret="
              + Base64.getUrlEncoder().withoutPadding().encodeToString(secret.getBytes(UTF_8)));
    }
    if (!hosts.isEmpty()) {
      words.add(
          "fairlead.hosts="
              + String.join(
                  ",", hosts.stream().map(host -> host.name() + ":" + host.ip()).toList()));
    }
    if (forgetsStored) {
      words.add("fairlead.forget=stored");
    }
    if (!bundles.isEmpty()) {
      words.add("fairlead.bundles=" + String.join(",", bundles));
    }
    return String.join(" ", words);
  }

  /**
   * Reads the facts from a command line, which may be any rubbish.
   *
   * @param commandLine at most {@link #MAX_BYTES}; a line end at its end is no part of it
   * @throws ProtocolException when a fact is missing, malformed or there twice
   */
  public static BootFacts parse(byte[] commandLine) {
    if (commandLine.length > MAX_BYTES) {
      throw new ProtocolException(
          "too-large",
          "The command line has %d bytes; %d is the most."
              .formatted(commandLine.length, MAX_BYTES));
    }
    Map<String, Word> words = new HashMap<>();
    int at = 0;
    while (at < commandLine.length) {
      int end = at;
      while (end < commandLine.length && !isSpace(commandLine[end])) {
        end++;
      }
      collect(words, new String(commandLine, at, end - at, US_ASCII), at);
      at = end + 1;
    }
    Word credential = need(words, "credential");
    int colon = credential.value.indexOf(':');
    if (colon < 0) {
      throw credential.refuse("bad-credential", "must be channel:sha256");
    }
    return new BootFacts(
        need(words, "computation").value,
        need(words, "fleet").value,
        need(words, "transport").value,
        transports(need(words, "transports")),
        Channel.parse(credential.value.substring(0, colon)),
        credential.value.substring(colon + 1),
        secret(words.get("secret")),
        hosts(words.get("hosts")),
        forgetsStored(words.get("forget")),
        bundles(words.get("bundles")));
  }

  private static boolean forgetsStored(@Nullable Word word) {
    if (word == null || word.value.equals("delivered")) {
      return false;
    }
    if (word.value.equals("stored")) {
      return true;
    }
    throw word.refuse("bad-forget", "must be delivered or stored");
  }

  @Override
  public String toString() {
    return "BootFacts[computation=%s, fleet=%s, transport=%s, transports=%s, channel=%s, credentialSha256=%s, hosts=%s, forgetsStored=%s, bundles=%s]"
        .formatted(
            computation,
            fleet,
            transport,
            transports,
            channel,
            credentialSha256,
            hosts,
            forgetsStored,
            bundles);
  }

  /** A word of ours, and where its value begins. */
  private record Word(String name, String value, int at) {
    ProtocolException refuse(String code, String what) {
      return new ProtocolException(code, "%s%s at byte %d %s.".formatted(PREFIX, name, at, what));
    }
  }

  private static void collect(Map<String, Word> words, String text, int at) {
    int equals = text.indexOf('=');
    if (!text.startsWith(PREFIX) || equals < 0) {
      return;
    }
    String name = text.substring(PREFIX.length(), equals);
    if (!KNOWN.contains(name)) {
      return;
    }
    Word word = new Word(name, text.substring(equals + 1), at);
    if (words.put(name, word) != null) {
      throw word.refuse("duplicate-fact", "is there twice");
    }
  }

  private static Word need(Map<String, Word> words, String name) {
    Word word = words.get(name);
    if (word == null) {
      throw new ProtocolException(
          "missing-fact",
          "%s%s= is not on the kernel command line: start the VM with it.".formatted(PREFIX, name));
    }
    return word;
  }

  private static List<TransportFact> transports(Word word) {
    List<TransportFact> facts = new ArrayList<>();
    for (String item : list(word)) {
      int equals = item.indexOf('=');
      int hash = item.indexOf('#');
      if (equals < 0 || hash < equals) {
        throw word.refuse("bad-transports", "must be name=uri#ca,…");
      }
      String ca = item.substring(hash + 1);
      facts.add(
          new TransportFact(
              item.substring(0, equals),
              TransportFact.uri(item.substring(equals + 1, hash)),
              ca.equals("-") ? null : ca));
    }
    return facts;
  }

  private static List<HostFact> hosts(@Nullable Word word) {
    List<HostFact> facts = new ArrayList<>();
    if (word != null) {
      for (String item : list(word)) {
        int colon = item.indexOf(':');
        if (colon < 0) {
          throw word.refuse("bad-host", "must be name:ip,…");
        }
        facts.add(new HostFact(item.substring(0, colon), item.substring(colon + 1)));
      }
    }
    return facts;
  }

  private static List<String> bundles(@Nullable Word word) {
    return word == null || word.value.isEmpty() ? List.of() : List.of(list(word));
  }

  private static @Nullable String secret(@Nullable Word word) {
    if (word == null) {
      return null;
    }
    try {
      return new String(Base64.getUrlDecoder().decode(word.value), UTF_8);
    } catch (IllegalArgumentException e) {
      throw word.refuse("bad-secret", "must be base64url");
    }
  }

  private static String[] list(Word word) {
    String[] items = word.value.split(",", MAX_LIST + 2);
    if (items.length > MAX_LIST) {
      throw word.refuse("too-many", "has more than %d items".formatted(MAX_LIST));
    }
    return items;
  }

  private static boolean isSpace(byte b) {
    return b == ' ' || b == '\n' || b == '\t' || b == '\r' || b == 0;
  }
}
