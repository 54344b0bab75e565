# tests/kit/arrival.py - the ways in which the bytes of a request can arrive, hundreds of connections at once.
# SPDX-License-Identifier: Apache-2.0
"""A Plan is what one connection sends: pieces, each of which the daemon has read before the next one goes out. That is
not guessed: the kernel says how much lies unread in the daemon's sockets (sock_diag). Whoever has been answered
sends no more. A plan may first have a request under way (`held`): then its pieces arrive while that answer is awaited."""
import array
import fcntl
import select
import socket
import struct
import termios
import zlib

from . import http, limit
from .wire import Ended, Wire

AT_ONCE = 200                       # connections; each may be one to the target, too
LONG = 600                          # longer wires are not cut at every byte of their middle
NOW = struct.pack("ii", 1, 0)       # SO_LINGER: closing leaves nothing behind in the kernel's tables


def cuts(wire):
    """Where to cut: everywhere, but in the middle of what is very long; with OUTRIDER_TEST_EVERY only here and there."""
    n = len(wire)
    places = range(1, n) if n <= LONG else [*range(1, 200), *range(200, n - 100, 1 + n // 20), *range(n - 100, n)]
    return places[zlib.crc32(wire) % limit.EVERY::limit.EVERY]


def singles(wire):
    """Byte by byte; the middle of what is very long in one piece."""
    if len(wire) <= LONG:
        return [wire[i:i + 1] for i in range(len(wire))]
    return singles(wire[:200]) + [wire[200:-100]] + singles(wire[-100:])


class Plan:
    __slots__ = ("case", "how", "pieces", "held", "raw", "end")

    def __init__(self, case, how, pieces, held=None):
        self.case, self.how, self.pieces, self.held = case, how, pieces, held
        self.raw, self.end = b"", None

    def __str__(self):
        return f"{self.case}, {self.how}"


class Answers(Wire):
    """What a connection got, for the strict reader."""

    def __init__(self, raw):                    # pylint: disable=super-init-not-called
        self.buffer, self.received = bytearray(raw), len(raw)

    def fill(self, where="", size=0):
        return False


def answers_of(raw):
    """The answers in raw, and the bytes behind the last whole one."""
    wire, found = Answers(raw), []
    while wire.buffer:
        rest = bytes(wire.buffer)
        try:
            found.append(http.read_response(wire))
        except (Ended, http.Truncated):
            return found, rest
    return found, b""


class Kernel:
    """Asks the kernel about the daemon's sockets (sock_diag(7)): its tables in /proc are long where many tests run."""
    ASK = struct.Struct("=IHHII BBBBI HH4s12x4s12xIII")
    TOLD = struct.Struct("=IHHII BBBB HH4s12x4s12xIII II")
    BY_FAMILY, REQUEST, TCP, MOST = 20, 1, 6, 32

    def __init__(self, where):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)
        self.host, self.port = socket.inet_aton(where.host), socket.htons(where.port)

    def ask(self, port):
        return self.ASK.pack(self.ASK.size, self.BY_FAMILY, self.REQUEST, 0, 0, socket.AF_INET, self.TCP, 0, 0, 0xffffffff,
                             self.port, socket.htons(port), self.host, self.host, 0, 0xffffffff, 0xffffffff)

    def unread(self, ports):
        """Those of the clients' ports from which bytes lie unread in a socket of the daemon's."""
        found = []
        for at in range(0, len(ports), self.MOST):
            some = ports[at:at + self.MOST]
            self.sock.send(b"".join(self.ask(port) for port in some))
            for port in some:
                told = self.sock.recv(4096)
                if len(told) < self.TOLD.size:          # an error: there is no such socket any more
                    continue
                fields = self.TOLD.unpack_from(told)
                if fields[10] == socket.htons(port) and fields[17] > 0:
                    found.append(port)
        return found


def unsent(sock):
    """Bytes that the peer's kernel has not got."""
    count = array.array("i", [0])
    fcntl.ioctl(sock, termios.TIOCOUTQ, count)
    return count[0]


def wait_read(where, sock):
    """Until the daemon has read everything that this client sent."""
    kernel, port = Kernel(where), sock.getsockname()[1]
    try:
        limit.wait_until(lambda: unsent(sock) == 0 and not kernel.unread([port]), "the daemon to read what was sent", 0.0005)
    finally:
        kernel.sock.close()


class Group:
    """Plans whose connections are open at the same time."""

    def __init__(self, where, kernel, plans):
        self.kernel = kernel
        self.plans = plans
        self.socks = []
        for _ in plans:
            sock = socket.create_connection((where.host, where.port), limit.remaining("a connection"))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
            self.socks.append(sock)
        self.ports = [sock.getsockname()[1] for sock in self.socks]
        self.answered = select.poll()

    def pick(self, indices):
        """Those of them that have not been answered."""
        poll = select.poll()
        numbers = {}
        for i in indices:
            poll.register(self.socks[i], select.POLLIN)
            numbers[self.socks[i].fileno()] = i
        for fd, _ in poll.poll(0):
            del numbers[fd]
        return list(numbers.values())

    def send(self, i, data):
        try:
            self.socks[i].settimeout(limit.remaining("the daemon to read"))
            self.socks[i].sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def wait_read(self, indices):
        """Until the daemon has read everything these sent, or has answered."""
        def all_read():
            waiting = {self.ports[i]: i for i in left}
            left[:] = self.pick(waiting[port] for port in self.kernel.unread(list(waiting)))
            return not left
        left = list(indices)
        limit.wait_until(all_read, "the daemon to read what was sent", 0.0005)

    def send_pieces(self):
        left, at = list(range(len(self.plans))), 0
        while left:
            left = [i for i in left if at < len(self.plans[i].pieces)]
            if at > 0:
                left = self.pick(left)
            for i in left:
                self.send(i, self.plans[i].pieces[at])
            at += 1
            if any(at < len(self.plans[i].pieces) for i in left):
                self.wait_read(left)

    def send_while_held(self, origin, release):
        """As a whole, while the answer to a good request is awaited."""
        before = len(origin.requests)
        for i, plan in enumerate(self.plans):
            self.send(i, plan.held)
        origin.wait_requests(before + len(self.plans))
        for i, plan in enumerate(self.plans):
            self.send(i, b"".join(plan.pieces))
        for sock in self.socks:
            limit.wait_until(lambda sock=sock: unsent(sock) == 0, "the bytes to arrive")
        release()

    def read(self, is_done):
        """To the end of each connection, or until is_done(plan)."""
        for sock, plan in zip(self.socks, self.plans):
            got = bytearray()
            try:
                while plan.end is None:
                    sock.settimeout(limit.remaining(f"{plan}: the end of the connection; so far {bytes(got[:300])!r}"))
                    data = sock.recv(65536)
                    got += data
                    plan.raw = bytes(got)
                    if not data:
                        plan.end = "closed"
                    elif is_done is not None and is_done(plan):
                        plan.end = "open"
            except ConnectionResetError:
                plan.end = "reset"
            except socket.timeout as error:
                raise limit.TimedOut(f"waited for {plan}: the end of the connection; so far {bytes(got[:300])!r}") from error
            sock.close()


def run(where, plans, is_done=None, origin=None, hold=None):
    """Sends them all; raw and end of each plan say what came back. Held plans need the origin, and hold: an Event that its
    handler of the held request waits for."""
    kernel = Kernel(where)
    plain = [plan for plan in plans if plan.held is None]
    held = [plan for plan in plans if plan.held is not None]
    for at in range(0, len(plain), AT_ONCE):
        group = Group(where, kernel, plain[at:at + AT_ONCE])
        group.send_pieces()
        group.read(is_done)
    for at in range(0, len(held), AT_ONCE):
        hold.clear()
        group = Group(where, kernel, held[at:at + AT_ONCE])
        group.send_while_held(origin, hold.set)
        group.read(is_done)
