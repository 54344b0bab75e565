# tests/kit/websocket.py - RFC 6455 over a Wire, read strictly: what is not exactly right is an error.
# SPDX-License-Identifier: Apache-2.0
import base64
import hashlib
import os
import struct

from .http import BadMessage

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PAYLOAD_MOST = 1 << 24


def accept_of(key):
    """RFC 6455 4.2.2."""
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def masked(payload, mask):
    """Masks, and unmasks."""
    n = len(payload)
    key = int.from_bytes((mask * (n // 4 + 1))[:n], "big")
    return (int.from_bytes(payload, "big") ^ key).to_bytes(n, "big")


def frame(opcode, payload=b"", mask=None, fin=True):
    """A frame in bytes; mask: four bytes, or None for a server's."""
    n = len(payload)
    bit = 0x80 if mask is not None else 0
    if n < 126:
        length = struct.pack("!B", bit | n)
    elif n < 65536:
        length = struct.pack("!BH", bit | 126, n)
    else:
        length = struct.pack("!BQ", bit | 127, n)
    start = struct.pack("!B", (0x80 if fin else 0) | opcode) + length
    return start + (mask + masked(payload, mask) if mask is not None else payload)


def close_payload(code, reason=b""):
    return struct.pack("!H", code) + reason


class WebSocket:
    """One end of an upgraded connection: the client's masks what it sends, and expects what comes unmasked."""

    def __init__(self, wire, is_client):
        self.wire = wire
        self.is_client = is_client

    def frame(self, opcode, payload=b"", fin=True):
        """The bytes of a frame from this end."""
        return frame(opcode, payload, os.urandom(4) if self.is_client else None, fin)

    def send(self, opcode, payload=b"", fin=True):
        self.wire.send(self.frame(opcode, payload, fin))

    def _length(self, code):
        if code < 126:
            return code
        kind, size, least = ("!H", 2, 126) if code == 126 else ("!Q", 8, 65536)
        length = struct.unpack(kind, self.wire.exactly(size, "length of a frame"))[0]
        if not least <= length <= PAYLOAD_MOST:
            raise BadMessage(f"a length of {length} in {size} bytes")
        return length

    def receive(self):
        """The next frame: (opcode, fin, payload)."""
        first, second = self.wire.exactly(2, "head of a frame")
        opcode, fin = first & 15, bool(first & 0x80)
        if first & 0x70 or opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise BadMessage(f"frame begins with {first:#x}")
        if bool(second & 0x80) == self.is_client:
            raise BadMessage("masked by a server" if self.is_client else "not masked by a client")
        length = self._length(second & 127)
        if opcode >= CLOSE and (length > 125 or not fin):
            raise BadMessage("a control frame that is long or in parts")
        mask = None if self.is_client else self.wire.exactly(4, "masking key")
        payload = self.wire.exactly(length, "payload of a frame")
        return opcode, fin, payload if mask is None else masked(payload, mask)

    def message(self):
        """The next message: (opcode, payload), its frames joined. Pings are answered, and pongs passed over."""
        kind, parts = None, []
        while True:
            opcode, fin, payload = self.receive()
            if opcode == PING:
                self.send(PONG, payload)
            elif opcode == CLOSE:
                return opcode, payload              # may also stand within a message
            elif opcode != PONG:
                if (opcode == CONTINUATION) == (kind is None):
                    raise BadMessage(f"opcode {opcode} {'within' if kind is not None else 'outside'} a message")
                kind = opcode if kind is None else kind
                parts.append(payload)
                if fin:
                    return kind, b"".join(parts)

    def closed(self):
        """Reads messages up to the Close: (its code, or None; the messages before it)."""
        before = []
        while True:
            opcode, payload = self.message()
            if opcode == CLOSE:
                if len(payload) == 1:
                    raise BadMessage("a Close with one byte")
                return (struct.unpack("!H", payload[:2])[0] if payload else None), before
            before.append((opcode, payload))


def connect(client, target="/", headers=(), key=None):
    """Asks for a WebSocket: (answer, WebSocket if it was granted). A wrong Sec-WebSocket-Accept is an error."""
    key = key or base64.b64encode(os.urandom(16)).decode()
    client.request("GET", target, [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
                                   ("Sec-WebSocket-Key", key)] + list(headers))
    answer = client.response()
    if answer.status != 101:
        return answer, None
    if answer.get("sec-websocket-accept") != accept_of(key) or answer.get("upgrade").lower() != "websocket":
        raise BadMessage(f"handshake {answer.fields}")
    return answer, WebSocket(client, True)


def accept(connection, request, headers=()):
    """The target's side of it."""
    if (request.get("upgrade") or "").lower() != "websocket" or request.get("connection").lower() != "upgrade":
        raise BadMessage(f"no WebSocket asked for: {request.fields}")
    fields = [("Upgrade", "websocket"), ("Connection", "Upgrade"),
              ("Sec-WebSocket-Accept", accept_of(request.get("sec-websocket-key")))] + list(headers)
    connection.send(b"HTTP/1.1 101 Switching Protocols\r\n" +
                    b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in fields) + b"\r\n")
    return WebSocket(connection, False)


def echo(connection):
    """A target's script: every message goes back as it came, and a Close is answered."""
    socket = accept(connection, connection.request())
    while True:
        opcode, payload = socket.message()
        socket.send(opcode, payload)
        if opcode == CLOSE:
            return
