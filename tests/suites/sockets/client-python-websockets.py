# tests/suites/sockets/client-python-websockets.py - a client on websockets.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import sys

import websockets
from steps import LARGE, SIZES, TEXT, payload, run, verdict


def connect(path="/echo", **options):
    return websockets.connect(sys.argv[1] + path, **{"max_size": None, "compression": None, **options})


async def same(socket, message):
    await socket.send(message)
    return await socket.recv() == message


class Client:
    async def text(self):
        async with connect() as socket:
            return verdict(await same(socket, TEXT))

    async def sizes(self):
        async with connect() as socket:
            return verdict(all([await same(socket, payload(n)) for n in SIZES]))

    async def large(self):
        async with connect() as socket:
            return verdict(await same(socket, payload(LARGE)))

    async def fragments(self):
        async with connect() as socket:
            await socket.send(["one ", "two ", "three"])
            return verdict(await socket.recv() == "one two three")

    async def ping(self):
        async with connect() as socket:
            await (await socket.ping(b"hello"))
            return "ok"

    async def server_ping(self):
        async with connect() as socket:
            await socket.send("ping")
            return await socket.recv()

    async def path(self):
        async with connect("/echo?q=%E2%82%AC") as socket:
            await socket.send("path")
            return await socket.recv()

    async def server_close(self):
        async with connect() as socket:
            await socket.send("close 4001 over")
            try:
                await socket.recv()
            except websockets.ConnectionClosed as closed:
                return f"{closed.rcvd.code} {closed.rcvd.reason}"
            return "still open"

    async def client_close(self):
        async with connect() as socket:
            await same(socket, TEXT)
            await socket.close(3001, "bye")
            return socket.close_code

    async def deflate(self):
        async with connect(compression="deflate") as socket:
            if not any(extension.name == "permessage-deflate" for extension in socket.extensions):
                return "not taken"
            return verdict(await same(socket, "ten bytes." * 10000))

    async def subprotocol(self):
        async with connect(subprotocols=["b", "chat"]) as socket:
            return socket.subprotocol

    async def refused(self):
        try:
            async with connect("/refuse"):
                return "accepted"
        except websockets.InvalidStatusCode as error:
            return error.status_code


asyncio.run(run(Client()))
