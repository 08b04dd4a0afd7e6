// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.launcher;

import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.spec.EdECPrivateKeySpec;
import java.security.spec.NamedParameterSpec;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;

/**
 * Does once, beside the framework's start, what every agent is about to do first: begins a TLS
 * handshake and signs. Java's cryptography takes seconds to come up in an emulated guest, and a
 * second processor has nothing else to do then. What comes out is thrown away.
 */
final class Warmup implements Runnable {

  private static final System.Logger LOG = System.getLogger(Warmup.class.getName());

  /** The system property that asks for it. */
  static final String WANTED = "dev.fairlead.launcher.warmup";

  private Warmup() {}

  /**
   * Begins in a thread of its own, where that is wanted and there is a second processor; returns at
   * once.
   */
  static void begin() {
    if (Boolean.getBoolean(WANTED) && Runtime.getRuntime().availableProcessors() > 1) {
      Thread thread = new Thread(new Warmup(), "fairlead-warmup");
      thread.setDaemon(true);
      thread.start();
    }
  }

  @Override
  public void run() {
    try {
      int unused = hello() + sign();
    } catch (GeneralSecurityException | SSLException e) {
      LOG.log(Level.DEBUG, "Cryptography does not come up early", e); // who needs it will say so
    }
  }

  /**
   * A client's first message, with a key pair for each kind of agreement that it offers.
   *
   * @return its length in bytes
   */
  static int hello() throws GeneralSecurityException, SSLException {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[0], null);
    SSLEngine engine = context.createSSLEngine("localhost", 1);
    engine.setUseClientMode(true);
    return engine
        .wrap(
            ByteBuffer.allocate(0), ByteBuffer.allocate(engine.getSession().getPacketBufferSize()))
        .bytesProduced();
  }

  /**
   * An Ed25519 signature, with which a credential that has a key proves itself.
   *
   * @return its length in bytes
   */
  static int sign() throws GeneralSecurityException {
    byte[] seed = new byte[32];
    new SecureRandom().nextBytes(seed);
    Signature signature = Signature.getInstance("Ed25519");
    signature.initSign(
        KeyFactory.getInstance("Ed25519")
            .generatePrivate(new EdECPrivateKeySpec(NamedParameterSpec.ED25519, seed)));
    signature.update(seed);
    return signature.sign().length;
  }
}
