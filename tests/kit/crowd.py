# tests/kit/crowd.py - many clients in one thread: what each got, and when it ended.
# SPDX-License-Identifier: Apache-2.0
import select
import socket
import struct
import time

from . import limit

KEPT = 4096                                 # bytes of an answer that are kept
RESET = struct.pack("ii", 1, 0)


class Member:
    """One connection. `data` begins what it got, `count` says how much that was."""

    def __init__(self, sock):
        self.sock = sock
        self.began = time.monotonic()
        self.ended = None                   # when the other side ended it
        self.how = None                     # "closed" or "reset"
        self.data = b""
        self.count = 0

    def send(self, data):
        """What the socket takes now; how much that was."""
        try:
            return self.sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return 0                        # its end is read soon

    @property
    def seconds(self):
        return self.ended - self.began


class Crowd:
    """n connections at once. Nobody reads while `reading` is false."""

    def __init__(self, where, n, receive_buffer=None, reading=True):
        self.reading = reading
        self.epoll = select.epoll()
        self.members = []
        self.live = {}
        for _ in range(n):
            self.add(where, receive_buffer)

    def add(self, where, receive_buffer=None):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(limit.remaining("a connection"))
        sock.connect((where.host, where.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        sock.setblocking(False)
        member = Member(sock)
        self.members.append(member)
        self.live[sock.fileno()] = member
        # who does not read learns of a reset
        self.epoll.register(sock, select.EPOLLIN if self.reading else 0)
        return member

    def send(self, data):
        for member in self.live.values():
            member.send(data)

    def turn(self, seconds=0.01):
        """Reads what has come."""
        for fd, _ in self.epoll.poll(seconds):
            self._read(self.live[fd])

    def _read(self, member):
        try:
            data = member.sock.recv(65536)
            how = None if data else "closed"
        except ConnectionResetError:
            data, how = b"", "reset"
        member.data = (member.data + data)[:KEPT]
        member.count += len(data)
        if how:
            member.how, member.ended = how, time.monotonic()
            del self.live[member.sock.fileno()]
            self.epoll.unregister(member.sock)

    def wait_ended(self, what):
        while self.live:
            limit.remaining(f"{what} ({len(self.live)} are open)")
            self.turn(0.1)

    def close(self, failed=False):
        for member in self.members:
            member.sock.close()
        self.epoll.close()
