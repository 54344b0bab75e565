# tests/suites/sockets/server-python-websockets.py - a server on websockets.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import http

import websockets


def refuse(path, _headers):
    return (http.HTTPStatus.FORBIDDEN, [], b"") if path.startswith("/refuse") else None


async def serve(socket):
    try:
        async for message in socket:
            if message == "path":
                await socket.send(socket.path)
            elif message == "ping":
                await (await socket.ping(b"from the server"))
                await socket.send("pong")
            elif isinstance(message, str) and message.startswith("close "):
                _, code, reason = message.split(" ", 2)
                await socket.close(int(code), reason)
            else:
                await socket.send(message)
    except websockets.ConnectionClosed:
        pass


async def main():
    async with websockets.serve(serve, "127.0.0.1", 0, process_request=refuse, max_size=None, subprotocols=["chat"],
                                ping_interval=None, backlog=1024) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


asyncio.run(main())
