# tests/suites/sockets/client-python-tornado.py - a client on tornado.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import sys

from steps import LARGE, SIZES, TEXT, payload, run, verdict
from tornado.httpclient import HTTPClientError
from tornado.websocket import websocket_connect


async def connect(path="/echo", **options):
    return await websocket_connect(sys.argv[1] + path, max_message_size=1 << 26, **options)


async def same(socket, message):
    await socket.write_message(message, binary=isinstance(message, bytes))
    return await socket.read_message() == message


class Client:
    async def text(self):
        return verdict(await same(await connect(), TEXT))

    async def sizes(self):
        socket = await connect()
        return verdict(all([await same(socket, payload(n)) for n in SIZES]))

    async def large(self):
        return verdict(await same(await connect(), payload(LARGE)))

    fragments = "tornado sends whole messages"

    async def ping(self):
        socket = await connect()
        came = asyncio.get_running_loop().create_future()
        socket.on_pong = came.set_result
        socket.ping(b"hello")
        return verdict(await came == b"hello")

    async def server_ping(self):
        socket = await connect()
        await socket.write_message("ping")
        return await socket.read_message()

    async def path(self):
        socket = await connect("/echo?q=%E2%82%AC")
        await socket.write_message("path")
        return await socket.read_message()

    async def server_close(self):
        socket = await connect()
        await socket.write_message("close 4001 over")
        await socket.read_message()
        return f"{socket.close_code} {socket.close_reason}"

    async def client_close(self):
        socket = await connect()
        socket.close(3001, "bye")
        await socket.read_message()
        return socket.close_code

    async def deflate(self):
        socket = await connect(compression_options={})
        if "permessage-deflate" not in socket.headers.get("Sec-WebSocket-Extensions", ""):
            return "not taken"
        return verdict(await same(socket, "ten bytes." * 10000))

    async def subprotocol(self):
        return (await connect(subprotocols=["b", "chat"])).selected_subprotocol

    async def refused(self):
        try:
            await connect("/refuse")
        except HTTPClientError as error:
            return error.code
        return "accepted"


asyncio.run(run(Client()))
