# tests/suites/mirror.py - an origin that answers as a suite for servers asks of one.
# SPDX-License-Identifier: Apache-2.0
"""/echo answers with the request's fields, one a line; /cookie with the cookies; POST with its body; everything else with a
small text that has an ETag and a date and is 304 for those who have it. Methods are those of RFC 9110 but TRACE and CONNECT."""
import email.utils
import socketserver
import threading

MODIFIED = "Mon, 02 Nov 2026 10:00:00 GMT"
METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
LONGEST = 300000


class Gone(Exception):
    """The connection ended within a request, or what came is none."""


class Request:
    def __init__(self, method, target, fields):
        self.method, self.path, self.fields = method, target.split("?")[0], fields
        self.first = {}
        for name, value in fields:
            self.first.setdefault(name.lower(), value)
        self.body = b""

    def get(self, name):
        return self.first.get(name, "")


def same(request):
    """Whether the client has the text already (RFC 9110 13.1.2, 13.1.3)."""
    if "if-none-match" in request.first:
        tags = [tag.strip().removeprefix("W/") for tag in request.get("if-none-match").split(",")]
        return '"v1"' in tags or "*" in tags
    since = request.get("if-modified-since")
    try:
        parsed = email.utils.parsedate_to_datetime(since) if since.endswith("GMT") else None
    except (ValueError, TypeError):
        return False
    now = email.utils.parsedate_to_datetime(email.utils.formatdate(usegmt=True))
    return bool(parsed) and email.utils.parsedate_to_datetime(MODIFIED) <= parsed <= now


def answer(request):
    """(status, body, more fields)."""
    if request.method in ("TRACE", "CONNECT"):
        return "405 Method Not Allowed", b"", ["Allow: " + METHODS]
    if request.method not in METHODS.split(", "):
        return "501 Not Implemented", b"", []
    if request.method == "OPTIONS":
        return "200 OK", b"", ["Allow: " + METHODS]
    if request.path == "/echo":
        return "200 OK", "".join(f"{name}: {value}\n" for name, value in request.fields).encode("latin-1"), []
    if request.path == "/cookie":
        pairs = [pair.lstrip() for name, value in request.fields if name.lower() == "cookie" for pair in value.split(";")]
        return "200 OK", "".join(pair + "\n" for pair in pairs if pair.find("=") > 0).encode("latin-1"), []
    if request.method == "POST":
        return "200 OK", request.body, []
    return "304 Not Modified" if same(request) else "200 OK", b"OK", ['ETag: "v1"', "Last-Modified: " + MODIFIED]


class Handler(socketserver.StreamRequestHandler):
    timeout = 60

    def handle(self):
        try:
            while self.one():
                pass
        except (OSError, ValueError, Gone):
            pass

    def one(self):
        """Whether another request may follow."""
        request = self.head()
        if request is None:
            return False
        if request.get("expect").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.body = self.chunks() if "transfer-encoding" in request.first else self.exactly(int(request.get("content-length") or 0))
        status, body, fields = answer(request)
        bodiless = status.startswith("304")
        length = [] if bodiless else [f"Content-Length: {len(body)}"]
        head = [f"HTTP/1.1 {status}", f"Date: {email.utils.formatdate(usegmt=True)}", "Content-Type: text/plain"] + length + fields
        self.wfile.write("\r\n".join(head + ["", ""]).encode() + (b"" if bodiless or request.method == "HEAD" else body))
        return request.get("connection").lower() != "close"

    def line(self):
        line = self.rfile.readline(LONGEST)
        if not line.endswith(b"\n"):
            raise Gone
        return line.rstrip(b"\r\n").decode("latin-1")

    def head(self):
        """The head of the next request, None when there is none."""
        if not self.rfile.peek(1):
            return None
        method, target = (self.line().split(" ") + ["", ""])[:2]
        fields = []
        while line := self.line():
            name, _, value = line.partition(":")
            fields.append((name, value.strip()))
        return Request(method, target, fields)

    def exactly(self, size):
        body = self.rfile.read(size)
        if len(body) < size:
            raise Gone
        return body

    def chunks(self):
        body = b""
        while size := int(self.line().split(";")[0], 16):
            body += self.exactly(size)
            self.line()
        while self.line():
            pass
        return body


class Mirror(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.host, self.port = self.server_address
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()
