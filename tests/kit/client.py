# tests/kit/client.py - a client that writes bytes as told and reads answers strictly.
# SPDX-License-Identifier: Apache-2.0
import select
import socket

from . import http, limit
from .wire import Wire


def address_of(where):
    """(family, address) of a daemon, an origin, a Port, (host, port) or the path of a unix socket."""
    if isinstance(where, str):
        return socket.AF_UNIX, where
    if isinstance(where, tuple):
        return (socket.AF_INET6 if ":" in where[0] else socket.AF_INET), where
    if getattr(where, "path", None):
        return socket.AF_UNIX, where.path
    return socket.AF_INET, (where.host, where.port)


def is_open(where, patience=0.1):
    """Whether somebody lets us in. For a moment before it closes, a listener hears nobody: connecting would take a second
    then, until the kernel asks again."""
    family, address = address_of(where)
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(patience)
        try:
            sock.connect(address)
        except (ConnectionRefusedError, FileNotFoundError, socket.timeout):
            return False
        return True


class Client(Wire):
    """One connection. receive_buffer makes a reader that soon stands in the way of its sender."""

    def __init__(self, where, receive_buffer=None):
        family, address = address_of(where)
        sock = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(limit.remaining("a connection"))
        sock.connect(address)
        super().__init__(sock)

    def head(self, method, target, headers=(), host="t.example", version="HTTP/1.1"):
        fields = ([("Host", host)] if host is not None else []) + list(headers)
        return http.head(f"{method} {target} {version}", fields)

    def request(self, method, target, headers=(), body=None, host="t.example", version="HTTP/1.1"):
        """Sends a request; a body in bytes is counted, one in a list of bytes is chunked."""
        headers = list(headers)
        if isinstance(body, (list, tuple)):
            headers.append(("Transfer-Encoding", "chunked"))
            body = http.chunked(*body)
        elif body is not None:
            headers.append(("Content-Length", len(body)))
        self.send(self.head(method, target, headers, host, version) + (body or b""))

    def response(self, method="GET", sink=None):
        return http.read_response(self, method, "answer", sink)

    def response_head(self, method="GET"):
        return http.read_response_head(self, method, "head of the answer")

    def ask(self, method, target, headers=(), body=None, host="t.example", version="HTTP/1.1"):
        self.request(method, target, headers, body, host, version)
        return self.response(method)

    def get(self, target="/", headers=(), host="t.example"):
        return self.ask("GET", target, headers, None, host)

    def expect_closed(self, t, what="connection closed", kinds=("closed",)):
        """The server ends the connection and sends nothing more before that."""
        how, rest = self.ending(what)
        t.equal(rest, b"", f"{what}: bytes before the end")
        t.true(how in kinds, f"{what}: ended by {how}")

    def expect_gone(self, t, what="connection gone"):
        """As expect_closed, where a reset is as good: what was sent may lie unread at the server."""
        self.expect_closed(t, what, ("closed", "reset"))

    def expect_quiet(self, t, what, seconds=0.05):
        """Nothing comes, and the connection stays open, for a moment."""
        waiting = bytes(self.buffer)
        if not waiting and select.select([self.sock], [], [], seconds)[0]:
            self.fill(what)
            waiting = bytes(self.buffer) or b"the end of the connection"
        t.equal(waiting, b"", f"{what}: bytes that came")
