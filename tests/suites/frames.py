#!/usr/bin/env python3
# tests/suites/frames.py - WebSocket frames, good and bad, to servers of others: the sidecar changes nothing of what they do.
# SPDX-License-Identifier: Apache-2.0
"""usage: frames.py [--all] [NAME...]

Each case of RFC 6455 is a sequence of bytes behind the handshake. It is sent to a server alone and through the sidecar,
whole and in pieces; what comes back, and that the connection ends, must be the same. Where the
server calls it a failure (1002, 1003, 1007, 1009, or the end without a Close), the code is. Without names the servers that are strict, with
--all every one. NAME is a part of a server's name (sockets/table)."""
import argparse
import os
import socket
import struct
import sys

os.environ.setdefault("OUTRIDER_TEST_TIMEOUT", "20")
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import peers  # noqa: E402
import table  # noqa: E402
from program import Program, Report  # noqa: E402
from websocket_servers import Server  # noqa: E402
from kit import Ended, Wire, limit, tap  # noqa: E402

MASK = b"\x11\x7f\xa3\x05"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
STRICT = ["server-python-websockets", "server-node-ws"]
UPGRADE = (b"GET /echo HTTP/1.1\r\nHost: t.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


def masked(data, mask=MASK):
    whole = int.from_bytes(data, "big") ^ int.from_bytes((mask * (len(data) // 4 + 1))[:len(data)], "big")
    return whole.to_bytes(len(data), "big")


def frame(opcode, data=b"", fin=True, rsv=0, mask=True, form=None):
    """form: the length in 7, 16 or 64 bits; by itself the shortest."""
    form = form or (7 if len(data) < 126 else 16 if len(data) < 65536 else 64)
    length = {7: bytes([len(data) & 127]), 16: b"\x7e" + struct.pack(">H", len(data) & 65535),
              64: b"\x7f" + struct.pack(">Q", len(data))}[form]
    head = bytes([(128 if fin else 0) | rsv << 4 | opcode]) + bytes([length[0] | (128 if mask else 0)]) + length[1:]
    return head + (MASK + masked(data) if mask else data)


def close(code=1000, reason=b""):
    return frame(CLOSE, struct.pack(">H", code) + reason)


BYE = close()
END = frame(TEXT, b"#end")                  # its echo says that all before it was answered; then comes BYE


# -- the cases: (name, bytes, is it a failure?) -------------------------------------------------------------------------
def messages():
    for kind, opcode in (("text", TEXT), ("binary", BINARY)):
        for n in (0, 1, 125, 126, 127, 128, 65535, 65536, 65537, 1 << 20):
            yield f"{kind} of {n} bytes", frame(opcode, b"*" * n) + END, False
    yield "a hundred texts in a row", b"".join(frame(TEXT, b"%d" % i) for i in range(100)) + END, False
    yield "a frame without mask", frame(TEXT, b"bare", mask=False) + END, True
    yield "a length with its highest bit", b"\x82\xff\xff" + b"\xff" * 7 + MASK, True


def controls():
    for n in (0, 1, 125):
        yield f"Ping of {n} bytes", frame(PING, b"p" * n) + END, False
    yield "Ping of 126 bytes", frame(PING, b"p" * 126) + END, True
    yield "ten Pings in a row", b"".join(frame(PING, b"%d" % i) for i in range(10)) + END, False
    yield "Pong that nobody asked for", frame(PONG, b"x") + frame(PING, b"y") + END, False
    yield "Pong of 126 bytes", frame(PONG, b"p" * 126) + END, True
    for name, opcode in (("Ping", PING), ("Pong", PONG), ("Close", CLOSE)):
        yield f"{name} in fragments", frame(opcode, b"", fin=False) + frame(CONTINUATION, b"") + END, True


def reserved():
    for rsv in range(1, 8):
        yield f"text with reserved bits {rsv}", frame(TEXT, b"x", rsv=rsv) + END, True
    for name, opcode in (("Ping", PING), ("Close", CLOSE), ("binary", BINARY)):
        yield f"{name} with reserved bits 3", frame(TEXT, b"good") + frame(opcode, b"", rsv=3) + END, True
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield f"opcode {opcode}", frame(TEXT, b"good") + frame(opcode, b"x") + END, True


def fragments():
    parts = [b"one ", b"two ", b"three"]
    first = frame(TEXT, parts[0], fin=False)
    yield "text in three frames", first + frame(0, parts[1], fin=False) + frame(0, parts[2]) + END, False
    yield "Ping between fragments", first + frame(PING, b"?") + frame(0, parts[2]) + END, False
    yield "Pong between fragments", first + frame(PONG, b"?") + frame(0, parts[2]) + END, False
    yield "empty fragments", frame(TEXT, b"", fin=False) + frame(0, b"", fin=False) + frame(0, b"") + END, False
    yield "a thousand fragments", frame(BINARY, b"0", fin=False) + frame(0, b"1", fin=False) * 1000 + frame(0, b"2") + END, False
    yield "a continuation of nothing", frame(0, b"x") + END, True
    yield "a continuation of nothing that goes on", frame(0, b"x", fin=False) + frame(0, b"x") + END, True
    yield "a continuation of a whole message", frame(TEXT, b"x") + frame(0, b"y") + END, True
    yield "a text within a text", first + frame(TEXT, b"x") + END, True
    yield "a binary within a text", first + frame(BINARY, b"x") + END, True
    yield "Close between fragments", first + BYE, False


def encodings():
    good = {"two bytes": "ä", "three bytes": "世", "four bytes": "🚀", "the last one": "\U0010ffff", "U+FFFD": "\ufffd",
            "a noncharacter": "\ufffe", "NUL": "\0", "before the surrogates": "\ud7ff", "behind them": "\ue000"}
    bad = {"a lone continuation": b"\x80", "five bytes": b"\xf8\x88\x80\x80\x80", "overlong slash": b"\xc0\xaf",
           "overlong in three": b"\xe0\x80\xaf", "overlong in four": b"\xf0\x80\x80\xaf", "a high surrogate": b"\xed\xa0\x80",
           "a low surrogate": b"\xed\xbf\xbf", "a pair of surrogates": b"\xed\xa1\x80\xed\xb0\x80",
           "beyond the last one": b"\xf4\x90\x80\x80", "FE": b"\xfe", "FF": b"\xff", "cut after one of two": b"\xc3",
           "cut after two of three": b"\xe4\xb8", "cut after three of four": b"\xf0\x9f\x9a", "no continuation": b"\xc3("}
    for name, text in good.items():
        data = ("a" + text + "z").encode()
        yield f"UTF-8: {name}", frame(TEXT, data) + END, False
        yield f"UTF-8: {name}, a byte a frame", (frame(TEXT, data[:1], fin=False) + b"".join(
            frame(0, data[i:i + 1], fin=False) for i in range(1, len(data) - 1)) + frame(0, data[-1:]) + END), False
    for name, data in bad.items():
        yield f"not UTF-8: {name}", frame(TEXT, b"a" + data) + END, True
        yield f"not UTF-8: {name}, in the second frame", frame(TEXT, b"a", fin=False) + frame(0, data) + END, True
        yield f"not UTF-8, but binary: {name}", frame(BINARY, data) + END, False


def closes():
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
        yield f"Close {code}", close(code, b"why"), False
    for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
        yield f"Close {code}, which nobody may send", close(code), True
    yield "Close without a code", frame(CLOSE), False
    yield "Close of one byte", frame(CLOSE, b"\x03"), True
    yield "Close with the longest reason", close(1000, b"r" * 123), False
    yield "Close with a longer one", close(1000, b"r" * 124), True
    yield "Close whose reason is no UTF-8", close(1000, b"\xff"), True
    yield "a text behind Close", BYE + frame(TEXT, b"late"), False
    yield "a Ping behind Close", BYE + frame(PING, b"late"), False
    yield "two Closes", BYE + close(1001), False


def cases():
    for group in (messages, controls, reserved, fragments, encodings, closes):
        yield from group()


# -- what comes back ----------------------------------------------------------------------------------------------------
class Answer:
    """The frames of the server up to the end of the connection."""

    def __init__(self, data):
        self.frames, self.rest = [], data
        while self._one():
            pass

    def _one(self):
        data = self.rest
        if len(data) < 2:
            return False
        n, at = data[1] & 127, 2
        if n >= 126:
            at = 4 if n == 126 else 10
            n = int.from_bytes(data[2:at], "big")
        if len(data) < at + n:
            return False
        self.frames.append((data[0], bytes(data[at:at + n])))
        self.rest = data[at + n:]
        return True

    def codes(self):
        return [int.from_bytes(data[:2], "big") if data else 1005 for head, data in self.frames if head & 15 == CLOSE]

    def failed(self):
        return all(code in (1002, 1003, 1007, 1009) for code in self.codes()[:1])

    def __eq__(self, other):
        return self.frames == other.frames and bytes(self.rest) == bytes(other.rest)

    def __str__(self):
        return ", ".join(f"{head:02x} {len(data)}:{data[:12]!r}" for head, data in self.frames[:6]) + (
            f" and {len(self.frames) - 6} more" if len(self.frames) > 6 else "") + (f", then {self.rest[:20]!r}" if self.rest else "")


def answered(wire):
    """Waits for the echo of END, and says BYE."""
    while not wire.buffer.endswith(b"\x81\x04#end"):
        if not wire.fill("the echo of the last message"):
            return
    wire.send(BYE)


def exchange(where, data, piece):
    """Sends in pieces, and reads to the end."""
    wire = Wire(socket.create_connection((where.host, where.port)))
    try:
        wire.send(UPGRADE)
        head = wire.until(b"\r\n\r\n", 8192, "handshake")
        if not head.startswith(b"HTTP/1.1 101"):
            raise tap.Failure(f"handshake: {head[:100]!r}")
        try:
            for i in range(0, len(data), piece):
                wire.send(data[i:i + piece])
            if data.endswith(END):
                answered(wire)
        except Ended:                       # it has seen enough
            pass
        _, rest = wire.ending("the end of the connection")
        return Answer(rest)
    finally:
        wire.close()


def judge(where, alone, data, fails, piece):
    got = exchange(where, data, piece)
    if fails and not got.failed():
        return f"no failure: {got}"
    if fails:                               # how much was answered before it, depends on when the bytes came
        return None if got.codes()[:1] == alone.codes()[:1] else f"with the server alone {alone}; through the sidecar {got}"
    return None if got == alone else f"with the server alone {alone}; through the sidecar {got}"


def one(report, case, title):
    """How the case went, whatever went wrong in it."""
    limit.start()
    try:
        trouble = case()
    except Exception as error:
        trouble = tap.describe(error)
    report.line(trouble is None, title, trouble)


def serve(report, program):
    name = program.name[7:]
    case = tap.Case(name)
    limit.start()
    try:
        origin = case.closing(Server(program))
        daemon = case.closing(peers.Ours(origin, case))
        for title, data, fails in cases():
            limit.start(5)                  # some servers wait for the rest of what cannot be
            try:
                alone = exchange(origin, data, len(data))
            except Exception as error:
                report.line(True, f"{name}: {title}", skipped=f"not without the sidecar either: {str(error)[:100]}")
                continue
            fails = fails and alone.failed()    # a server that lets it pass shall let it pass through the sidecar, too
            pieces = (len(data), max(1, min(1, len(data))) if len(data) < 300 else 997)
            one(report, lambda: judge(daemon, alone, data, fails, pieces[0]) or judge(daemon, alone, data, fails, pieces[1]),
                f"{name}: {title}")
    except Exception as error:
        report.line(False, f"{name}: runs to its end", tap.describe(error))
    limit.start()
    problems = case.close()
    report.line(not problems, f"{name}: the sidecar ends well", "\n".join(problems + case._notes) if problems else None)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    report = Report()
    for entry in table.entries("sockets", options.names or ([] if options.all else STRICT)):
        if entry.name.startswith("server"):
            missing = entry.missing()
            if missing:
                report.line(True, entry.name, skipped=missing)
                continue
            program = Program(entry)
            serve(report, program)
            program.remove()
    print(f"1..{report.count}", flush=True)
    os._exit(1 if report.failures else 0)


main()
