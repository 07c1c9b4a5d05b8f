"""A pooler in transaction mode: each transaction of a client is served by another session of the server than the one before.

    pooler.py PORT

listens on a port of its own, which it prints, in front of the server on PORT. What depends on a session falls at once: real
poolers exchange sessions only when they are busy. Ends when its standard input does. No TLS, and no passwords.
"""

import collections
import os
import select
import socket
import struct
import sys
import threading

SESSIONS = 2
#: Sessions outlive the clients that had them, as those of real poolers do, with all that was left in them.
kept = collections.deque(maxlen=10 * SESSIONS)


class Gone(Exception):
    """One of the two sides has hung up."""


class Side:
    """A connection, of whose bytes whole messages are taken."""

    def __init__(self, connection):
        self.connection = connection
        self.unread = b""

    def receive(self):
        some = self.connection.recv(65536)
        if not some:
            raise Gone
        self.unread += some

    def take(self, kind=1):
        """The next message with its header, None until it is whole. The first one of a client has no kind."""
        if len(self.unread) < kind + 4:
            return None
        length = kind + struct.unpack_from("!I", self.unread, kind)[0]
        if len(self.unread) < length:
            return None
        message, self.unread = self.unread[:length], self.unread[length:]
        return message

    def wait(self, kind=1):
        while (message := self.take(kind)) is None:
            self.receive()
        return message


def greet(client, port):
    """Reads what a client begins with, until it is no question about encryption."""
    while True:
        message = client.wait(kind=0)
        code = struct.unpack_from("!I", message, 4)[0]
        if code in (80877103, 80877104):
            client.connection.sendall(b"N")
        elif code == 80877102:
            socket.create_connection(("127.0.0.1", port)).sendall(message)
            raise Gone
        else:
            return message


def serve(client, port):
    """One client to its end."""
    startup = greet(client, port)
    sessions = []
    for number in range(SESSIONS):
        session = Side(socket.create_connection(("127.0.0.1", port)))
        sessions.append(session)
        kept.append(session)
        session.connection.sendall(startup)
        while True:
            message = session.wait()
            # The client is told of the first one, as if there were no other.
            if number == 0:
                client.connection.sendall(message)
            if message[:1] == b"E":
                raise Gone
            if message[:1] == b"Z":
                break
    relay(client, sessions)


def relay(client, sessions):
    current, waiting, is_idle, is_open = 0, 0, True, False
    connections = {side.connection: side for side in [client] + sessions}
    while True:
        for connection in select.select(list(connections), [], [])[0]:
            connections[connection].receive()
        while (message := client.take()) is not None:
            if message[:1] == b"X":
                raise Gone
            if is_idle and not waiting and not is_open:
                current = (current + 1) % len(sessions)
            is_open = message[:1] not in b"QS"
            waiting += not is_open
            sessions[current].connection.sendall(message)
        for number, session in enumerate(sessions):
            while (message := session.take()) is not None:
                # What a session says that is nobody's, nobody hears.
                if number != current:
                    continue
                if message[:1] == b"Z":
                    waiting -= 1
                    is_idle = message[5:6] == b"I"
                client.connection.sendall(message)


def run(connection, port):
    try:
        serve(Side(connection), port)
    except (Gone, OSError):
        pass
    finally:
        connection.close()


def main():
    port = int(sys.argv[1])
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(listener.getsockname()[1], flush=True)

    def end():
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=end, daemon=True).start()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=run, args=(connection, port), daemon=True).start()


main()
