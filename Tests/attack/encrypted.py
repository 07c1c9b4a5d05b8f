"""A connection with TLS that can be cut anywhere: it sees to its bytes itself."""

import socket
import ssl


class Connection:
    """As much of a socket as the attacks use; all that is sent goes by TLS."""

    def __init__(self, place, context, shakes_hands=True, session=None):
        #: Whether the other side has said that nothing more comes, rather than merely gone.
        self.has_said_goodbye = False
        self.socket = socket.create_connection(place, timeout=60)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost", session=session)
        if shakes_hands:
            try:
                self.shake_hands()
            except BaseException:
                self.socket.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def hello(self):
        """The first bytes of a handshake, which nobody has sent yet."""
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self._outgoing.read()

    def shake_hands(self):
        """Ends with the handshake, or with an error of TLS or of the network."""
        while True:
            try:
                self.tls.do_handshake()
                return self._flush()
            except ssl.SSLWantReadError:
                self._flush()
                self.receive()

    def receive(self):
        """Takes what comes; an end is one, however it was said."""
        data = self.socket.recv(1 << 16)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        return data

    def _flush(self):
        if data := self._outgoing.read():
            self.socket.sendall(data)

    def sendall(self, data):
        """One record at least; none for nothing."""
        if data:
            self.tls.write(data)
        self._flush()

    send = sendall

    def recv(self, size):
        """What was said next; nothing behind close_notify, or when the other side has gone without it."""
        while True:
            try:
                data = self.tls.read(size)
                self.has_said_goodbye |= not data
                return data
            except ssl.SSLWantReadError:
                # Answers to records of TLS itself.
                self._flush()
                self.receive()
            except ssl.SSLZeroReturnError:
                self.has_said_goodbye = True
                return b""
            except ssl.SSLEOFError:
                return b""

    def shutdown(self, how):
        """Says that nothing more comes, once by TLS and once below it."""
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass  # It waits for the other side's.
        try:
            self._flush()
            self.socket.shutdown(how)
        except OSError:
            pass  # The other side has gone already.
