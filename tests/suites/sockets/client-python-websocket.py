# tests/suites/sockets/client-python-websocket.py - a client on websocket-client.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import sys

import websocket
from steps import LARGE, SIZES, TEXT, payload, run, verdict
from websocket import ABNF


def connect(path="/echo", **options):
    return websocket.create_connection(sys.argv[1] + path, timeout=50, http_no_proxy=["127.0.0.1"], **options)


def same(socket, message):
    socket.send(message, ABNF.OPCODE_TEXT if isinstance(message, str) else ABNF.OPCODE_BINARY)
    return socket.recv() == message


class Client:
    async def text(self):
        return verdict(same(connect(), TEXT))

    async def sizes(self):
        socket = connect()
        return verdict(all(same(socket, payload(n)) for n in SIZES))

    async def large(self):
        return verdict(same(connect(), payload(LARGE)))

    async def fragments(self):
        socket = connect()
        socket.send_frame(ABNF.create_frame("one ", ABNF.OPCODE_TEXT, fin=0))
        socket.send_frame(ABNF.create_frame("two ", ABNF.OPCODE_CONT, fin=0))
        socket.send_frame(ABNF.create_frame("three", ABNF.OPCODE_CONT, fin=1))
        return verdict(socket.recv() == "one two three")

    async def ping(self):
        socket = connect()
        socket.ping("hello")
        opcode, frame = socket.recv_data_frame(control_frame=True)
        return verdict(opcode == ABNF.OPCODE_PONG and frame.data == b"hello")

    async def server_ping(self):
        socket = connect()
        socket.send("ping")
        return socket.recv()

    async def path(self):
        socket = connect("/echo?q=%E2%82%AC")
        socket.send("path")
        return socket.recv()

    async def server_close(self):
        socket = connect()
        socket.send("close 4001 over")
        opcode, frame = socket.recv_data_frame(control_frame=True)
        return f"{int.from_bytes(frame.data[:2], 'big')} {frame.data[2:].decode()}" if opcode == ABNF.OPCODE_CLOSE else opcode

    async def client_close(self):
        socket = connect()
        socket.send_close(3001, b"bye")
        _, frame = socket.recv_data_frame(control_frame=True)
        return int.from_bytes(frame.data[:2], "big")

    deflate = "websocket-client has no extensions"

    async def subprotocol(self):
        return connect(subprotocols=["b", "chat"]).getsubprotocol()

    async def refused(self):
        try:
            connect("/refuse")
        except websocket.WebSocketBadStatusException as error:
            return error.status_code
        return "accepted"


asyncio.run(run(Client()))
