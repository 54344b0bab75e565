# tests/kit/http.py - HTTP/1.1 messages read strictly: what is not exactly right is an error.
# SPDX-License-Identifier: Apache-2.0
import re

from .wire import Ended

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*\Z")
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9]) ([\t\x20-\x7e\x80-\xff]*)\Z")
REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP/1\.([01])\Z")
DIGITS = re.compile(rb"[0-9]+\Z")
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(;.*)?\Z")
HEAD_MOST = 1 << 20


class BadMessage(Exception):
    """A message that breaks RFC 9112."""


class Truncated(Exception):
    """The body ended before its framing said so; .message holds what came, .kind is "closed" or "reset"."""

    def __init__(self, message, kind):
        super().__init__(f"body cut after {len(message.body)} bytes ({kind})")
        self.message = message
        self.kind = kind


class Message:
    """A request or a response. Fields keep their order and spelling; names are looked up without regard to case."""

    def __init__(self):
        self.raw_head = b""
        self.minor = 1
        self.fields = []                    # (name, value), str
        self.body = b""
        self.trailers = []
        self.chunks = []                    # sizes, when chunked
        self.framing = "none"               # none | length | chunked | close
        self.length = None

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name):
        """The value; None without the field; several are an error, so that no test looks at the wrong one."""
        values = self.all(name)
        if len(values) > 1:
            raise BadMessage(f"{name} stands {len(values)} times: {values}")
        return values[0] if values else None

    def names(self):
        return [key.lower() for key, _ in self.fields]

    def text(self):
        return self.body.decode()


class Request(Message):
    method = target = ""
    connection = 0                          # number of the connection it came on


class Response(Message):
    status = 0
    reason = ""
    interim = ()                            # 1xx answers before it


def parse_fields(lines):
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.match(name):
            raise BadMessage(f"field line {line!r}")
        value = value.strip(b" \t")
        if not VALUE.match(value):
            raise BadMessage(f"value of {name!r}: {value!r}")
        fields.append((name.decode("ascii"), value.decode("latin-1")))
    return fields


def read_head(wire, message, where):
    """Reads up to the empty line; returns the start line. Ended passes through."""
    raw = wire.until(b"\r\n\r\n", HEAD_MOST, where)
    message.raw_head = raw
    lines = raw[:-4].split(b"\r\n")
    for line in lines:
        if b"\r" in line or b"\n" in line or b"\0" in line:
            raise BadMessage(f"bare CR, LF or NUL in {line!r}")
    message.fields = parse_fields(lines[1:])
    return lines[0]


def content_length(message):
    values = message.all("content-length")
    if not values:
        return None
    if len(values) > 1 or not DIGITS.match(values[0].encode("latin-1")):
        raise BadMessage(f"Content-Length {values}")
    return int(values[0])


def is_chunked(message):
    values = message.all("transfer-encoding")
    if not values:
        return False
    if values != ["chunked"]:
        raise BadMessage(f"Transfer-Encoding {values}")
    if message.minor == 0:
        raise BadMessage("Transfer-Encoding in HTTP/1.0")
    if message.all("content-length"):
        raise BadMessage("Content-Length beside Transfer-Encoding")
    return True


def read_chunked(wire, sink, message, where):
    while True:
        line = wire.until(b"\r\n", 4096, where + ", chunk size")[:-2]
        match = CHUNK_LINE.match(line)
        if not match:
            raise BadMessage(f"chunk line {line!r}")
        size = int(match.group(1), 16)
        if size == 0:
            break
        message.chunks.append(size)
        for piece in wire.pieces(size, where + ", chunk"):
            sink(piece)
        if wire.exactly(2, where + ", end of chunk") != b"\r\n":
            raise BadMessage("chunk without its CRLF")
    lines = []
    while True:
        line = wire.until(b"\r\n", HEAD_MOST, where + ", trailers")[:-2]
        if not line:
            break
        lines.append(line)
    message.trailers = parse_fields(lines)


def read_body(wire, message, where, sink=None):
    """Reads the body as message.framing says. Without a sink it is kept in message.body."""
    kept = bytearray()
    take = sink or kept.extend
    try:
        if message.framing == "length":
            for piece in wire.pieces(message.length, where + ", body"):
                take(piece)
        elif message.framing == "chunked":
            read_chunked(wire, take, message, where)
        elif message.framing == "close":
            if wire.buffer:
                take(wire.take(len(wire.buffer)))
            while wire.fill(where + ", body"):
                take(wire.take(len(wire.buffer)))
    except Ended as end:
        message.body = bytes(kept)
        raise Truncated(message, end.kind) from end
    message.body = bytes(kept)


def read_request_head(wire, where="request"):
    request = Request()
    line = read_head(wire, request, where)
    match = REQUEST_LINE.match(line)
    if not match:
        raise BadMessage(f"request line {line!r}")
    request.method = match.group(1).decode()
    request.target = match.group(2).decode()
    request.minor = int(match.group(3))
    if len(request.all("host")) != 1 and request.minor == 1:
        raise BadMessage(f"Host {request.all('host')}")
    if is_chunked(request):
        request.framing = "chunked"
    else:
        request.length = content_length(request)
        request.framing = "none" if request.length is None else "length"
    return request


def read_request(wire, where="request"):
    request = read_request_head(wire, where)
    read_body(wire, request, where)
    return request


def response_framing(response, method):
    """RFC 9112 section 6.3."""
    chunked = is_chunked(response)
    response.length = content_length(response)
    if response.status // 100 == 1 or response.status == 204:
        if chunked or response.length is not None:
            raise BadMessage(f"{response.status} with a length")
        return "none"
    if method == "HEAD" or response.status == 304:
        return "none"
    if chunked:
        return "chunked"
    return "close" if response.length is None else "length"


def read_response_head(wire, method="GET", where="response"):
    """Reads up to the final head; interim answers are kept in .interim."""
    interim = []
    while True:
        response = Response()
        line = read_head(wire, response, where)
        match = STATUS_LINE.match(line)
        if not match:
            raise BadMessage(f"status line {line!r}")
        response.minor = int(match.group(1))
        response.status = int(match.group(2))
        response.reason = match.group(3).decode("latin-1")
        response.framing = response_framing(response, method)
        if response.status // 100 != 1 or response.status == 101:
            response.interim = interim
            return response
        interim.append(response)


def read_response(wire, method="GET", where="response", sink=None):
    response = read_response_head(wire, method, where)
    read_body(wire, response, where, sink)
    return response


def head(start, fields=(), end=b"\r\n"):
    """A head in bytes: start line, fields as (name, value) pairs or whole lines."""
    lines = [start if isinstance(start, bytes) else start.encode("latin-1")]
    for field in fields:
        if isinstance(field, (str, bytes)):
            lines.append(field if isinstance(field, bytes) else field.encode("latin-1"))
        else:
            lines.append(f"{field[0]}: {field[1]}".encode("latin-1"))
    return b"\r\n".join(lines) + b"\r\n" + end


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def chunked(*pieces, trailers=()):
    """A whole chunked body."""
    tail = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in trailers)
    return b"".join(chunk(piece) for piece in pieces) + b"0\r\n" + tail + b"\r\n"
