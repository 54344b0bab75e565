# tests/suites/sockets/server-python-aiohttp.py - a server on aiohttp.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from aiohttp import WSMsgType, web


async def serve(request):
    if request.path == "/refuse":
        raise web.HTTPForbidden()
    socket = web.WebSocketResponse(protocols=["chat"], max_msg_size=0, autoping=False)
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.PING:
            await socket.pong(message.data)
        elif message.type == WSMsgType.PONG:
            await socket.send_str("pong")
        elif message.type == WSMsgType.BINARY:
            await socket.send_bytes(message.data)
        elif message.data == "path":
            await socket.send_str(request.raw_path)
        elif message.data == "ping":
            await socket.ping(b"from the server")
        elif message.data.startswith("close "):
            _, code, reason = message.data.split(" ", 2)
            await socket.close(code=int(code), message=reason.encode())
        else:
            await socket.send_str(message.data)
    return socket


async def main():
    application = web.Application()
    application.router.add_get("/{rest:.*}", serve)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Future()


asyncio.run(main())
