# tests/suites/sockets/client-python-aiohttp.py - a client on aiohttp.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import sys

import aiohttp
from aiohttp import WSMsgType
from steps import LARGE, SIZES, TEXT, payload, run, verdict
from yarl import URL


class Client:
    def __init__(self, session):
        self.session = session

    def connect(self, path="/echo", **options):
        return self.session.ws_connect(URL(sys.argv[1].replace("ws:", "http:") + path, encoded=True), max_msg_size=0, **options)

    @staticmethod
    async def same(socket, message):
        await (socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message))
        return (await socket.receive()).data == message

    async def text(self):
        async with self.connect() as socket:
            return verdict(await self.same(socket, TEXT))

    async def sizes(self):
        async with self.connect() as socket:
            return verdict(all([await self.same(socket, payload(n)) for n in SIZES]))

    async def large(self):
        async with self.connect() as socket:
            return verdict(await self.same(socket, payload(LARGE)))

    fragments = "aiohttp sends whole messages"

    async def ping(self):
        async with self.connect(autoping=False) as socket:
            await socket.ping(b"hello")
            message = await socket.receive()
            return verdict(message.type == WSMsgType.PONG and message.data == b"hello")

    async def server_ping(self):
        async with self.connect() as socket:
            await socket.send_str("ping")
            return await socket.receive_str()

    async def path(self):
        async with self.connect("/echo?q=%E2%82%AC") as socket:
            await socket.send_str("path")
            return await socket.receive_str()

    async def server_close(self):
        async with self.connect() as socket:
            await socket.send_str("close 4001 over")
            message = await socket.receive()
            return f"{message.data} {message.extra}"

    async def client_close(self):
        async with self.connect() as socket:
            await socket.close(code=3001, message=b"bye")
            return socket.close_code

    async def deflate(self):
        async with self.connect(compress=15) as socket:
            return verdict(socket.compress and await self.same(socket, "ten bytes." * 10000))

    async def subprotocol(self):
        async with self.connect(protocols=["b", "chat"]) as socket:
            return socket.protocol

    async def refused(self):
        try:
            async with self.connect("/refuse"):
                return "accepted"
        except aiohttp.WSServerHandshakeError as error:
            return error.status


async def main():
    async with aiohttp.ClientSession() as session:
        await run(Client(session))


asyncio.run(main())
