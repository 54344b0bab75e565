# tests/suites/sockets/server-python-tornado.py - a server on tornado.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from tornado import httpserver, netutil, web, websocket


class Socket(websocket.WebSocketHandler):
    async def get(self, *arguments, **named):
        if self.request.path == "/refuse":
            self.set_status(403)
            self.finish()
            return
        await super().get(*arguments, **named)

    def check_origin(self, origin):
        return True

    def select_subprotocol(self, subprotocols):
        return "chat" if "chat" in subprotocols else None

    def get_compression_options(self):
        return {}

    async def on_message(self, message):
        if message == "path":
            await self.write_message(self.request.uri)
        elif message == "ping":
            self.ping(b"from the server")
        elif isinstance(message, str) and message.startswith("close "):
            _, code, reason = message.split(" ", 2)
            self.close(int(code), reason)
        else:
            await self.write_message(message, binary=isinstance(message, bytes))

    def on_pong(self, data):
        self.write_message("pong")


async def main():
    application = web.Application([(".*", Socket)], websocket_max_message_size=1 << 26)
    server = httpserver.HTTPServer(application, max_buffer_size=1 << 27)
    sockets = netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    print(sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
