# tests/kit/swarm.py - many exchanges at once: a target and clients on one event loop.
# SPDX-License-Identifier: Apache-2.0
"""For tables of thousands of exchanges, where a thread for each connection would be the slowest part. A case says

    async def all_of_it(): ...
    run(t, all_of_it())

and what goes wrong in there fails the case. Target(reply) listens; reply(connection, head) is called with the head of each
request. Peer is a client's connection; ask() sends bytes and waits for the whole answer."""
import asyncio
import socket
import struct

from . import http, limit
from .tap import Failure
from .wire import Ended, Wire


class Pending(Exception):
    """What has come is good so far, and not all of it."""


class Recorded(Wire):
    """Bytes that came, and how they ended: None while more may come."""

    def __init__(self, data, end=None):
        self.buffer = bytearray(data)
        self.end = end

    def fill(self, where="", size=65536):
        if self.end is None:
            raise Pending
        if self.end != "closed":
            raise Ended(self.end, self.buffer, where)
        return False


def linger_off(transport):
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class End(asyncio.Protocol):
    """One end of a connection."""

    def __init__(self):
        self.buffer = bytearray()
        self.end = None
        self.transport = None
        self.gone = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        self.came()

    def eof_received(self):
        self.end = "closed"
        self.came()
        return self.stays_half_open()

    def connection_lost(self, error):
        if self.end is None or error is not None:
            self.end = "reset" if error is not None else self.end or "closed"
        if not self.gone.done():
            self.gone.set_result(None)
        self.came()

    def came(self):
        pass

    def stays_half_open(self):
        return False

    def send(self, data):
        if not self.transport.is_closing():
            self.transport.write(data)

    def close(self):
        self.transport.close()

    def reset(self):
        if not self.transport.is_closing():
            linger_off(self.transport)
            self.transport.abort()


class Peer(End):
    """A client's connection."""

    def __init__(self):
        super().__init__()
        self.waiter = None

    @classmethod
    async def to(cls, where):
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(cls, where.host, where.port))[1]

    def came(self):
        if self.waiter and not self.waiter.done():
            self.waiter.set_result(None)

    async def more(self):
        self.waiter = asyncio.get_running_loop().create_future()
        await self.waiter

    async def response(self, method="GET"):
        """The next answer, strictly; Truncated, Ended and BadMessage pass through."""
        while True:
            wire = Recorded(self.buffer, self.end)
            try:
                answer = http.read_response(wire, method)
                self.buffer = wire.buffer
                return answer
            except Pending:
                await self.more()

    async def ask(self, data, method="GET"):
        self.send(data)
        return await self.response(method)


class Served(End):
    """The target's end of a connection."""

    def __init__(self, target):
        super().__init__()
        self.target = target
        self.served = 0                     # requests on it
        target.connections.append(self)

    def came(self):
        if self.end is None:
            self.target.read(self)


class Target:
    """Listens on an address of its own. Requests have no bodies unless reply takes them out of connection.buffer."""

    def __init__(self, reply):
        self.reply = reply
        self.connections = []
        self.server = None
        self.host, self.port = "127.0.0.1", 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((self.host, 0))
        self.port = self.sock.getsockname()[1]
        self.sock.listen(512)

    async def start(self):
        self.server = await asyncio.get_running_loop().create_server(lambda: Served(self), sock=self.sock)
        return self

    def read(self, connection):
        while connection.end is None:
            at = connection.buffer.find(b"\r\n\r\n")
            if at < 0:
                return
            head = bytes(connection.buffer[:at + 4])
            del connection.buffer[:at + 4]
            connection.served += 1
            self.reply(connection, head)

    def close(self, failed=False):
        self.sock.close()


def run(t, work):
    """Runs it under the case's time limit; an exception that nobody caught fails the case."""
    wrong = []

    async def bounded():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(context))
        try:
            await asyncio.wait_for(work, limit.remaining("the swarm"))
        except asyncio.TimeoutError:
            raise limit.TimedOut("waited for the swarm to end") from None
    asyncio.run(bounded())
    if wrong:
        raise wrong[0].get("exception") or Failure(wrong[0]["message"])
