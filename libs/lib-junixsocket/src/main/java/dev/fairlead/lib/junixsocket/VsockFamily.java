// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.lib.junixsocket;

import java.io.FileDescriptor;
import java.io.IOException;
import java.net.ProtocolFamily;
import java.net.SocketAddress;
import java.net.SocketException;
import org.jspecify.annotations.Nullable;
import org.newsclub.net.unix.AFAddressFamily;
import org.newsclub.net.unix.AFAddressFamilyConfig;
import org.newsclub.net.unix.AFDatagramChannel;
import org.newsclub.net.unix.AFDatagramSocket;
import org.newsclub.net.unix.AFSelectorProvider;
import org.newsclub.net.unix.AFServerSocket;
import org.newsclub.net.unix.AFServerSocketChannel;
import org.newsclub.net.unix.AFSocket;
import org.newsclub.net.unix.AFSocketChannel;
import org.newsclub.net.unix.AFSocketImpl;
import org.newsclub.net.unix.AFSocketPair;
import org.newsclub.net.unix.AFSocketType;
import org.newsclub.net.unix.AFSomeSocket;
import org.newsclub.net.unix.AFVSOCKSocketAddress;

/**
 * What junixsocket leaves to others for AF_VSOCK: which classes make its sockets and channels.
 * Streams only; whatever concerns datagrams and pairs says so.
 */
final class VsockFamily extends AFAddressFamilyConfig<AFVSOCKSocketAddress> {

  /** Registered once for each class loader, since the library keeps families in static maps. */
  static final AFAddressFamily<AFVSOCKSocketAddress> ADDRESSES =
      AFAddressFamily.registerAddressFamilyImpl(
          "vsock", AFVSOCKSocketAddress.addressFamily(), new VsockFamily());

  private static final Provider PROVIDER = new Provider();

  private VsockFamily() {}

  @Override
  protected Class<? extends AFSocket<AFVSOCKSocketAddress>> socketClass() {
    return Stream.class;
  }

  @Override
  protected AFSocket.Constructor<AFVSOCKSocketAddress> socketConstructor() {
    return (descriptor, factory) -> new Stream(descriptor);
  }

  @Override
  protected Class<? extends AFServerSocket<AFVSOCKSocketAddress>> serverSocketClass() {
    return Server.class;
  }

  @Override
  protected AFServerSocket.Constructor<AFVSOCKSocketAddress> serverSocketConstructor() {
    return Server::new;
  }

  @Override
  protected Class<? extends AFSocketChannel<AFVSOCKSocketAddress>> socketChannelClass() {
    return StreamChannel.class;
  }

  @Override
  protected Class<? extends AFServerSocketChannel<AFVSOCKSocketAddress>>
      serverSocketChannelClass() {
    return ServerChannel.class;
  }

  @Override
  protected Class<? extends AFDatagramSocket<AFVSOCKSocketAddress>> datagramSocketClass() {
    return NoDatagrams.class;
  }

  @Override
  protected AFDatagramSocket.Constructor<AFVSOCKSocketAddress> datagramSocketConstructor() {
    return descriptor -> {
      throw new SocketException(STREAMS_ONLY);
    };
  }

  @Override
  protected Class<? extends AFDatagramChannel<AFVSOCKSocketAddress>> datagramChannelClass() {
    return NoDatagramChannel.class;
  }

  private static final String STREAMS_ONLY = "AF_VSOCK is for streams only here.";

  private static final class Impl extends AFSocketImpl<AFVSOCKSocketAddress> {
    Impl(@Nullable FileDescriptor descriptor) {
      super(AFVSOCKSocketAddress.addressFamily(), descriptor);
    }
  }

  private static final class Stream extends AFSocket<AFVSOCKSocketAddress> {
    Stream(@Nullable FileDescriptor descriptor) throws SocketException {
      super(new Impl(descriptor), null);
    }

    @Override
    protected AFSocketChannel<AFVSOCKSocketAddress> newChannel() {
      return new StreamChannel(this);
    }
  }

  private static final class Server extends AFServerSocket<AFVSOCKSocketAddress> {
    Server(@Nullable FileDescriptor descriptor) throws IOException {
      super(descriptor);
    }

    @Override
    protected AFServerSocketChannel<AFVSOCKSocketAddress> newChannel() {
      return new ServerChannel(this);
    }

    @Override
    protected AFSocketImpl<AFVSOCKSocketAddress> newImpl(@Nullable FileDescriptor descriptor) {
      return new Impl(descriptor);
    }

    @Override
    protected AFSocket<AFVSOCKSocketAddress> newSocketInstance() throws IOException {
      return new Stream(null);
    }
  }

  private static final class StreamChannel extends AFSocketChannel<AFVSOCKSocketAddress> {
    StreamChannel(Stream socket) {
      super(socket, PROVIDER);
    }
  }

  private static final class ServerChannel extends AFServerSocketChannel<AFVSOCKSocketAddress> {
    ServerChannel(Server socket) {
      super(socket, PROVIDER);
    }
  }

  private abstract static class NoDatagrams extends AFDatagramSocket<AFVSOCKSocketAddress> {
    NoDatagrams() throws IOException {
      super(null);
    }
  }

  private abstract static class NoDatagramChannel extends AFDatagramChannel<AFVSOCKSocketAddress> {
    @SuppressWarnings("unused") // nobody makes one
    NoDatagramChannel(AFDatagramSocket<AFVSOCKSocketAddress> socket) {
      super(PROVIDER, socket);
    }
  }

  private static final class Provider extends AFSelectorProvider<AFVSOCKSocketAddress> {

    @Override
    protected <Y extends AFSomeSocket> AFSocketPair<Y> newSocketPair(Y one, Y other) {
      throw new UnsupportedOperationException("AF_VSOCK has no pairs.");
    }

    @Override
    protected AFSocket<AFVSOCKSocketAddress> newSocket() throws IOException {
      return new Stream(null);
    }

    @Override
    protected ProtocolFamily protocolFamily() {
      return () -> "VSOCK";
    }

    @Override
    protected AFAddressFamily<AFVSOCKSocketAddress> addressFamily() {
      return AFVSOCKSocketAddress.addressFamily();
    }

    @Override
    public AFDatagramChannel<AFVSOCKSocketAddress> openDatagramChannel() throws IOException {
      throw new SocketException(STREAMS_ONLY);
    }

    @Override
    public AFDatagramChannel<AFVSOCKSocketAddress> openDatagramChannel(AFSocketType type)
        throws IOException {
      throw new SocketException(STREAMS_ONLY);
    }

    @Override
    public AFServerSocketChannel<AFVSOCKSocketAddress> openServerSocketChannel()
        throws IOException {
      return new ServerChannel(new Server(null));
    }

    @Override
    public AFServerSocketChannel<AFVSOCKSocketAddress> openServerSocketChannel(
        SocketAddress address) throws IOException {
      ServerChannel channel = new ServerChannel(new Server(null));
      channel.bind(address);
      return channel;
    }

    @Override
    public AFSocketChannel<AFVSOCKSocketAddress> openSocketChannel(SocketAddress address)
        throws IOException {
      AFSocketChannel<AFVSOCKSocketAddress> channel = new StreamChannel(new Stream(null));
      channel.connect(address);
      return channel;
    }
  }
}
