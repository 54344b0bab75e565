# tests/kit/origin.py - a target: a raw TCP server with a script per connection, by default a plain HTTP server.
# SPDX-License-Identifier: Apache-2.0
"""A script is a function of one Connection:

    def script(c):
        request = c.request()               # reads one strictly
        c.send(b"HTTP/1.1 200 OK\\r\\nContent-Length: 10\\r\\n\\r\\nhalf")
        c.reset()                           # or close(), or stall() until the peer goes

Origin(t, first, second) runs `first` for the first connection and `second` for every later one. Without scripts each
connection is served from a table of answers by path. All requests are kept whole, and what is wrong on the wire, or
goes wrong in a script, fails the case."""
import os
import socket
import threading

from . import http, limit
from .tap import Failure, describe
from .wire import Ended, Wire


class Connection(Wire):
    """The origin's end of one connection."""

    def __init__(self, sock, origin, number):
        super().__init__(sock)
        self.origin = origin
        self.number = number

    def request(self):
        """Reads one; whoever waits for 100 Continue is told to go on."""
        request = http.read_request_head(self)
        if request.get("expect") == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        http.read_body(self, request, "request")
        return self.origin.keep(request, self)

    def requests(self):
        """Each request until the peer ends the connection between two of them."""
        while self.buffer or self.more():
            yield self.request()

    def more(self):
        try:
            return self.fill("for the next request")
        except Ended:
            return False

    def request_head(self):
        """The body is left to be read: by body(), or not at all."""
        return self.origin.keep(http.read_request_head(self), self)

    def body(self, request, sink=None):
        http.read_body(self, request, "request", sink)
        return request.body

    def respond(self, status=200, headers=(), body=b"", reason="Said", method="GET"):
        """A counted answer; bytes in a list make it chunked; None says no length."""
        headers = list(headers)
        if isinstance(body, (list, tuple)):
            headers.append(("Transfer-Encoding", "chunked"))
            body = http.chunked(*body)
        elif body is not None and status != 204 and status // 100 != 1:
            headers.append(("Content-Length", len(body)))
        if method == "HEAD" or status == 304:
            body = b""
        self.send(http.head(f"HTTP/1.1 {status} {reason}", headers) + (body or b""))

    def stall(self):
        """Until the peer ends the connection; returns how."""
        return self.ending("until the peer goes")[0]


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def __call__(self, connection, request):
        connection.respond(self.status, self.headers, self.body, method=request.method)


class Origin:
    def __init__(self, t, *scripts, path=None, name="hello", receive_buffer=None):
        self.t = t
        self.scripts = scripts
        self.path = path
        self.name = name
        self.host, self.port = "127.0.0.1", 0
        self.answers = {}
        self.default = Answer(200, [("Content-Type", "text/plain")], name.encode())
        self.requests = []
        self.broken = []                    # requests cut by the peer: (kind, bytes or message)
        self.problems = []
        self.connections = []               # all there ever were
        self.live = set()
        self.closing = False
        self.lock = threading.Lock()
        self.receive_buffer = receive_buffer
        self.listener = self.reserved = None
        self.listen()

    # -- listening ------------------------------------------------------------------------------------------------
    def listen(self):
        """Also starts again on the same port after shut()."""
        if self.path:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            if os.path.exists(self.path):
                os.unlink(self.path)
            sock.bind(self.path)
        else:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self.receive_buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
            self._reserve()
            sock.bind((self.host, self.port))
        sock.listen(512)
        self.listener = sock
        threading.Thread(target=self._accept, args=(sock,), daemon=True).start()

    def _reserve(self):
        """The port stays ours over shut(): bound, and not listened on."""
        if self.reserved:
            return
        self.reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.reserved.bind((self.host, self.port))
        self.port = self.reserved.getsockname()[1]

    def _accept(self, sock):
        while True:
            try:
                peer, _ = sock.accept()
            except OSError:
                return
            with self.lock:
                connection = Connection(peer, self, len(self.connections))
                self.connections.append(connection)
                self.live.add(connection)
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        script = self._serve
        if self.scripts:
            script = self.scripts[min(connection.number, len(self.scripts) - 1)]
        try:
            script(connection)
        except (OSError, Ended, limit.TimedOut, http.Truncated) as error:
            if not self.closing:
                self.problems.append(describe(error))
        except Exception as error:
            self.problems.append(describe(error))
        finally:
            connection.close()
            with self.lock:
                self.live.discard(connection)

    def _serve(self, connection):
        try:
            for request in connection.requests():
                answer = self.answers.get(request.target.partition("?")[0], self.default)
                if answer(connection, request) == "close":
                    return
        except (Ended, http.Truncated) as end:
            self.broken.append(end)
        except (OSError, limit.TimedOut):           # idle until the case was over
            pass

    # -- what a case says and asks --------------------------------------------------------------------------------
    def answer(self, path, body=b"", status=200, headers=()):
        self.answers[path] = Answer(status, headers, body)
        return self

    def on(self, path, handler):
        """handler(connection, request) writes the answer itself; "close" ends the connection."""
        self.answers[path] = handler
        return self

    def keep(self, request, connection):
        request.connection = connection.number
        with self.lock:
            self.requests.append(request)
        return request

    def wait_requests(self, n):
        limit.wait_until(lambda: len(self.requests) >= n, f"{n} requests at the origin (have {len(self.requests)})")
        return self.requests

    def wait_idle(self):
        limit.wait_until(lambda: not self.live, "the origin's connections to end")

    @property
    def last(self):
        return self.wait_requests(1)[-1]

    def shut(self):
        """Stops listening and resets what is open: as if the program had died."""
        sock, self.listener = self.listener, None
        try:
            sock.shutdown(socket.SHUT_RDWR)         # wakes accept
        except OSError:
            pass
        sock.close()
        self.closing = True
        for connection in list(self.live):
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        limit.wait_until(lambda: not self.live, "the scripts of the origin to end")
        self.closing = False

    def close(self, failed=False):
        if self.listener:
            self.shut()
        if self.reserved:
            self.reserved.close()
        if self.path and os.path.exists(self.path):
            os.unlink(self.path)
        if self.problems:
            raise Failure("at the origin:\n" + "\n".join(self.problems))
