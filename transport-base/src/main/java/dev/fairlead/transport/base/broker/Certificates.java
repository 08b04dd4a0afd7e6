// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base.broker;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;

/**
 * Makes X.509 certificates: a CA, and servers' under it. RSA, since to verify costs a client
 * little, which an emulated guest notices.
 */
public final class Certificates {

  /** A certificate with its private key. */
  public record Identity(X509Certificate certificate, PrivateKey key) {}

  /** Guests' clocks may be late: everything is valid from two days ago. */
  private static final Duration BACKDATE = Duration.ofDays(2);

  private static final String RSA_SHA256 = "1.2.840.113549.1.1.11";
  private static final int KEY_BITS = 2048;
  private static final String COMMON_NAME = "2.5.4.3";
  private static final String SUBJECT_KEY = "2.5.29.14";
  private static final String KEY_USAGE = "2.5.29.15";
  private static final String ALTERNATIVE_NAMES = "2.5.29.17";
  private static final String BASIC_CONSTRAINTS = "2.5.29.19";
  private static final String AUTHORITY_KEY = "2.5.29.35";
  private static final String EXTENDED_USAGE = "2.5.29.37";
  private static final String SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
  private static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

  private Certificates() {}

  /** A CA that signs servers, and no other CA. */
  public static Identity authority(String name, Instant now, Duration life, SecureRandom random)
      throws GeneralSecurityException {
    KeyPair pair = pair(random);
    byte[] subject = name(name);
    byte[] extensions =
        Der.sequence(
            extension(
                BASIC_CONSTRAINTS,
                true,
                Der.sequence(Der.bool(true), Der.integer(BigInteger.ZERO))),
            extension(KEY_USAGE, true, Der.bits(1, new byte[] {0x06})), // certificates, CRLs
            extension(SUBJECT_KEY, false, Der.octets(keyId(pair.getPublic()))));
    return new Identity(
        sign(subject, subject, pair.getPublic(), extensions, now, life, pair.getPrivate(), random),
        pair.getPrivate());
  }

  /**
   * A server's.
   *
   * @param names host names and IP addresses, the first of them its common name
   */
  public static Identity server(
      Identity authority, List<String> names, Instant now, Duration life, SecureRandom random)
      throws GeneralSecurityException {
    return end(authority, SERVER_AUTH, names, now, life, random);
  }

  /**
   * A client's.
   *
   * @param name its common name, and the one that it bears as a host
   */
  public static Identity client(
      Identity authority, String name, Instant now, Duration life, SecureRandom random)
      throws GeneralSecurityException {
    return end(authority, CLIENT_AUTH, List.of(name), now, life, random);
  }

  private static Identity end(
      Identity authority,
      String usage,
      List<String> names,
      Instant now,
      Duration life,
      SecureRandom random)
      throws GeneralSecurityException {
    KeyPair pair = pair(random);
    List<byte[]> alternatives = new ArrayList<>();
    for (String name : names) {
      alternatives.add(
          isAddress(name)
              ? Der.implicit(7, address(name))
              : Der.implicit(2, name.getBytes(US_ASCII)));
    }
    byte[] extensions =
        Der.sequence(
            extension(BASIC_CONSTRAINTS, true, Der.sequence()),
            extension(KEY_USAGE, true, Der.bits(7, new byte[] {(byte) 0x80})), // signatures
            extension(EXTENDED_USAGE, false, Der.sequence(Der.oid(usage))),
            extension(ALTERNATIVE_NAMES, false, Der.sequence(alternatives.toArray(byte[][]::new))),
            extension(SUBJECT_KEY, false, Der.octets(keyId(pair.getPublic()))),
            extension(
                AUTHORITY_KEY,
                false,
                Der.sequence(Der.implicit(0, keyId(authority.certificate().getPublicKey())))));
    return new Identity(
        sign(
            authority.certificate().getSubjectX500Principal().getEncoded(),
            name(names.get(0)),
            pair.getPublic(),
            extensions,
            now,
            life,
            authority.key(),
            random),
        pair.getPrivate());
  }

  /** Certificates in PEM, one after the other. */
  public static String pem(X509Certificate... chain) throws GeneralSecurityException {
    StringBuilder text = new StringBuilder();
    for (X509Certificate certificate : chain) {
      text.append(pem("CERTIFICATE", certificate.getEncoded()));
    }
    return text.toString();
  }

  /** A private key in PEM (PKCS 8). */
  public static String pem(PrivateKey key) {
    return pem("PRIVATE KEY", key.getEncoded());
  }

  /** The first certificate of a PEM text. */
  public static X509Certificate certificate(String pem) throws GeneralSecurityException {
    return (X509Certificate)
        CertificateFactory.getInstance("X.509")
            .generateCertificate(new ByteArrayInputStream(pem.getBytes(UTF_8)));
  }

  /** The RSA key of a PEM text (PKCS 8). */
  public static PrivateKey key(String pem) throws GeneralSecurityException {
    StringBuilder base64 = new StringBuilder();
    pem.lines().filter(line -> !line.startsWith("-----")).forEach(base64::append);
    try {
      return KeyFactory.getInstance("RSA")
          .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64.toString())));
    } catch (IllegalArgumentException e) {
      throw new GeneralSecurityException("The key is not in PEM.", e);
    }
  }

  /** SHA-256 of the DER form, in lower-case hex. */
  public static String sha256(X509Certificate certificate) throws GeneralSecurityException {
    return HexFormat.of()
        .formatHex(MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded()));
  }

  private static KeyPair pair(SecureRandom random) throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(KEY_BITS, random);
    return generator.generateKeyPair();
  }

  private static X509Certificate sign(
      byte[] issuer,
      byte[] subject,
      PublicKey key,
      byte[] extensions,
      Instant now,
      Duration life,
      PrivateKey signer,
      SecureRandom random)
      throws GeneralSecurityException {
    byte[] algorithm = Der.sequence(Der.oid(RSA_SHA256), Der.nothing());
    byte[] toBeSigned =
        Der.sequence(
            Der.explicit(0, Der.integer(BigInteger.TWO)), // version 3
            Der.integer(new BigInteger(120, random).setBit(120)),
            algorithm,
            issuer,
            Der.sequence(Der.time(now.minus(BACKDATE)), Der.time(now.plus(life))),
            subject,
            key.getEncoded(),
            Der.explicit(3, extensions));
    Signature signature = Signature.getInstance("SHA256withRSA");
    signature.initSign(signer, random);
    signature.update(toBeSigned);
    byte[] encoded = Der.sequence(toBeSigned, algorithm, Der.bits(0, signature.sign()));
    return (X509Certificate)
        CertificateFactory.getInstance("X.509")
            .generateCertificate(new ByteArrayInputStream(encoded));
  }

  private static byte[] name(String commonName) {
    return Der.sequence(Der.set(Der.sequence(Der.oid(COMMON_NAME), Der.utf8(commonName))));
  }

  private static byte[] extension(String oid, boolean critical, byte[] value) {
    return critical
        ? Der.sequence(Der.oid(oid), Der.bool(true), Der.octets(value))
        : Der.sequence(Der.oid(oid), Der.octets(value));
  }

  private static byte[] keyId(PublicKey key) throws GeneralSecurityException {
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(key.getEncoded());
    return Arrays.copyOf(digest, 20);
  }

  static boolean isAddress(String name) {
    if (name.indexOf(':') >= 0) {
      return true;
    }
    boolean numeric = name.indexOf('.') >= 0;
    for (int i = 0; numeric && i < name.length(); i++) {
      char c = name.charAt(i);
      numeric = c == '.' || (c >= '0' && c <= '9');
    }
    return numeric;
  }

  private static byte[] address(String literal) throws GeneralSecurityException {
    try {
      return InetAddress.getByName(literal).getAddress(); // a literal is not looked up
    } catch (UnknownHostException e) {
      throw new GeneralSecurityException("'" + literal + "' is no IP address.", e);
    }
  }

  private static String pem(String type, byte[] der) {
    return "-----BEGIN "
        + type
        + "-----\n"
        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
        + "\n-----END "
        + type
        + "-----\n";
  }
}
