# tests/kit/dns.py - a scripted name server, UDP and TCP on one port.
# SPDX-License-Identifier: Apache-2.0
"""Says what a case wants it to say, and remembers what it was asked:

    names = t.closing(Names(t))
    names.set("web.test", "A", "127.0.0.1", "127.0.0.2", ttl=5)
    names.set("_http._tcp.web.test", "SRV", (0, 10, 8080, "a.test"))
    names.set("other.test", "CNAME", "web.test")
    names.on("web.test", lambda q: q.reply(rcode=SERVFAIL))         # until names.on("web.test", None)
    names.asked                                                     # [Question, ...]

What nobody set is NXDOMAIN, with a SOA record that says for how long (`denial`)."""
import socket
import struct
import threading
import time

TYPES = {"A": 1, "CNAME": 5, "SOA": 6, "AAAA": 28, "SRV": 33}
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
UDP_SIZE = 1232


def wire_name(name):
    labels = [label.encode("latin-1") for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def data_of(kind, value):
    if kind == "A":
        return socket.inet_aton(value)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    if kind == "SRV":
        return struct.pack("!HHH", *value[:3]) + wire_name(value[3])
    if kind == "SOA":
        return wire_name("ns.test") + wire_name("host.test") + struct.pack("!IIIII", 1, 3600, 600, 86400, value)
    return wire_name(value)


def record(name, kind, value, ttl=60):
    """One resource record as bytes."""
    data = data_of(kind, value)
    return wire_name(name) + struct.pack("!HHIH", TYPES[kind], 1, ttl, len(data)) + data


class Question:
    """What was asked, and how to answer it."""

    def __init__(self, server, message, via, send):
        self.server, self.message, self.via, self.send = server, message, via, send
        self.at = time.monotonic()
        self.id = message[:2]
        labels, at = [], 12
        while message[at]:
            labels.append(message[at + 1:at + 1 + message[at]].decode("latin-1"))
            at += 1 + message[at]
        self.name = ".".join(labels).lower()
        number = struct.unpack("!H", message[at + 1:at + 3])[0]
        self.kind = next((kind for kind, n in TYPES.items() if n == number), str(number))
        self.question = message[12:at + 5]

    def build(self, answers=(), authority=(), rcode=NOERROR, id=None, question=None, flags=0x8180, counts=None):
        counts = counts or (1, len(answers), len(authority), 0)
        return ((id or self.id) + struct.pack("!HHHHH", flags | rcode, *counts) +
                (self.question if question is None else question) + b"".join(answers) + b"".join(authority))

    def reply(self, answers=(), **more):
        message = self.build(answers, **more)
        if self.via == "udp" and len(message) > UDP_SIZE:
            message = self.build((), flags=0x8380)
        self.send(message)


class Names:
    def __init__(self, t, host="127.0.0.1", port=0):
        self.t, self.host = t, host
        self.records, self.scripts, self.asked = {}, {}, []
        self.denial = 1
        self.lock = threading.Lock()
        for _ in range(20):                             # one port for both
            self.tcp, self.udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.tcp.bind((host, port))
            self.port = self.tcp.getsockname()[1]
            try:
                self.udp.bind((host, self.port))
                break
            except OSError:
                self.tcp.close()
                self.udp.close()
        self.tcp.listen(16)
        for work in (self._udp, self._tcp):
            threading.Thread(target=work, daemon=True).start()

    def set(self, name, kind, *values, ttl=1):
        """From now on; no values: the name is there, and has no such record."""
        self.records[name.lower(), kind] = (values, ttl)

    def forget(self, name):
        for key in [key for key in self.records if key[0] == name.lower()]:
            del self.records[key]

    def on(self, name, script):
        self.scripts[name.lower()] = script

    def count(self, name, kind=None):
        with self.lock:
            return sum(q.name == name.lower() and kind in (None, q.kind) for q in self.asked)

    def answer(self, q):
        """What the records say."""
        answers, name = [], q.name
        while (name, "CNAME") in self.records and q.kind != "CNAME":
            (to,), ttl = self.records[name, "CNAME"]
            answers.append(record(name, "CNAME", to, ttl))
            name = to.lower()
        known = any(key[0] == name for key in self.records)
        values, ttl = self.records.get((name, q.kind), ((), 0))
        answers += [record(name, q.kind, value, ttl) for value in values]
        authority = [] if values else [record("test", "SOA", self.denial, 3600)]
        q.reply(answers, authority=authority, rcode=NOERROR if known else NXDOMAIN)

    def _take(self, message, via, send):
        q = Question(self, message, via, send)
        with self.lock:
            self.asked.append(q)
        (self.scripts.get(q.name) or self.answer)(q)

    def _udp(self):
        while True:
            try:
                message, peer = self.udp.recvfrom(4096)
            except OSError:
                return
            if len(message) < 17:
                return                                  # the end of the socket; no question is that short
            self._take(message, "udp", lambda data, peer=peer: self.udp.sendto(data, peer))

    def _tcp(self):
        while True:
            try:
                sock, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        buffer = b""
        try:
            while piece := sock.recv(4096):
                buffer += piece
                while len(buffer) >= 2 and len(buffer) >= 2 + (size := struct.unpack("!H", buffer[:2])[0]):
                    message, buffer = buffer[2:2 + size], buffer[2 + size:]
                    self._take(message, "tcp", lambda data: sock.sendall(struct.pack("!H", len(data)) + data))
        except OSError:
            pass
        sock.close()

    def close(self, failed=False):
        for sock in (self.udp, self.tcp):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()
