# tests/kit/wire.py - a socket read with a buffer and written in pieces, under the case's time limit.
# SPDX-License-Identifier: Apache-2.0
import socket
import struct

from . import limit


class Ended(Exception):
    """The peer ended the connection where more was expected; .kind is "closed" or "reset", .partial what came."""

    def __init__(self, kind, partial=b"", where=""):
        super().__init__(f"peer {kind} {where}; so far {bytes(partial[:200])!r}")
        self.kind = kind
        self.partial = bytes(partial)


class Wire:
    """One end of a connection. Every wait ends with the case's time limit."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = bytearray()
        self.received = 0
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # -- writing --------------------------------------------------------------------------------------------------
    def send(self, data):
        self.sock.settimeout(limit.remaining("the peer to read"))
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Ended("reset", where="while sending") from error
        except socket.timeout as error:
            raise limit.TimedOut("waited for the peer to read") from error

    def send_pieces(self, pieces):
        """Each piece in a segment of its own (TCP_NODELAY is on)."""
        for piece in pieces:
            self.send(piece)

    def send_bytewise(self, data):
        self.send_pieces(data[i:i + 1] for i in range(len(data)))

    def send_split(self, data, at):
        self.send_pieces((data[:at], data[at:]))

    # -- reading --------------------------------------------------------------------------------------------------
    def fill(self, where="", size=65536):
        """Reads once; false at an orderly end."""
        self.sock.settimeout(limit.remaining(f"bytes {where}"))
        try:
            data = self.sock.recv(size)
        except ConnectionResetError as error:
            raise Ended("reset", self.buffer, where) from error
        except socket.timeout as error:
            raise limit.TimedOut(f"waited for bytes {where}; so far {bytes(self.buffer[:200])!r}") from error
        self.buffer += data
        self.received += len(data)
        return bool(data)

    def until(self, mark, most, where):
        """Everything up to and with mark."""
        start = 0
        while True:
            at = self.buffer.find(mark, start)
            if at >= 0:
                return self.take(at + len(mark))
            if len(self.buffer) > most:
                raise AssertionError(f"no {mark!r} in {most} bytes {where}: {bytes(self.buffer[:200])!r}")
            start = max(0, len(self.buffer) - len(mark) + 1)
            if not self.fill(where):
                raise Ended("closed", self.buffer, where)

    def exactly(self, n, where):
        while len(self.buffer) < n:
            if not self.fill(where):
                raise Ended("closed", self.buffer, where)
        return self.take(n)

    def take(self, n):
        data = bytes(self.buffer[:n])
        del self.buffer[:n]
        return data

    def pieces(self, n, where):
        """n bytes in pieces as they come; nothing is kept."""
        while n > 0:
            if not self.buffer and not self.fill(where, 1 << 20):
                raise Ended("closed", where=f"{where}, {n} bytes before the end")
            piece = self.take(min(n, len(self.buffer)))
            n -= len(piece)
            yield piece

    def ending(self, where="at the end"):
        """Reads to the end: (how, what came before it)."""
        try:
            while self.fill(where):
                pass
            return "closed", self.take(len(self.buffer))
        except Ended:
            return "reset", self.take(len(self.buffer))

    # -- ending ---------------------------------------------------------------------------------------------------
    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        """Ends with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self, failed=False):
        self.sock.close()
