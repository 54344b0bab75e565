#!/usr/bin/env python3
# tests/flow/upstream-tls.py - targets behind TLS.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

import ssl
import subprocess
from kit.tls import Authority, behind


def config(authority, more="", ca="ca"):
    return f"""
workers: 1
services:
  - name: web
    protocol: https
    targets: [ @origin@ ]
    tls: {{ ca: {authority.path(ca + ".crt")}, server_name: web.internal{more} }}
routes: [ {{ match: {{ paths: ["/**"] }}, service: web }} ]
"""


def test_get(t):
    """requests go over TLS, on one connection"""
    authority, seen = Authority(t), []
    origin = t.origin(behind(authority.server(), seen))
    client = t.client(t.outrider(config(authority), origin=origin))
    for _ in range(5):
        t.equal(client.get().body, b"over TLS", "body")
    t.equal(len(seen), 1, "handshakes")
    t.true(seen[0][0] in ("TLSv1.2", "TLSv1.3"), f"version {seen[0][0]}")


def reloaded(t, outrider, text):
    before = len(outrider.stderr())
    outrider.configure(text)
    outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: "is in force" in outrider.stderr()[before:], "the reload")


def test_other_keys(t):
    """when a reload changes how a service is spoken to, connections of the old way are not used again"""
    authority, other, seen = Authority(t), Authority(t), []
    origin = t.origin(behind(authority.server(), seen))
    outrider = t.outrider(config(authority), origin=origin)
    client = t.client(outrider)
    for text, status in ((config(authority), 200), (config(other), 502), (config(authority), 200),
                         (config(authority, ", verify: false"), 200),
                         (config(authority).replace("web.internal", "else.internal"), 502), (config(authority), 200),
                         (re.sub("    (protocol|tls): .*\n", "", config(authority)), 502)):
        reloaded(t, outrider, text)
        t.equal(client.get().status, status, f"status with {text}")
        t.equal(client.get().status, status, "status again")


def test_same_keys(t):
    """a reload that changes something else keeps connections over TLS"""
    authority, seen = Authority(t), []
    origin = t.origin(behind(authority.server(), seen))
    outrider = t.outrider(config(authority), origin=origin)
    client = t.client(outrider)
    for i in range(5):
        reloaded(t, outrider, config(authority) + f"shutdown: {{ delay: {i}ms }}\n")
        t.equal(client.get().status, 200, "status")
    t.equal(len(seen), 1, "handshakes")


def test_bodies(t):
    """large bodies pass in both directions"""
    authority, seen = Authority(t), []
    client = t.client(t.outrider(config(authority), origin=t.origin(behind(authority.server(), seen))))
    body = bytes(range(256)) * 16384            # 4 MiB
    for sent in (body, [body[:100000]] * 20):
        answer = client.ask("POST", "/", body=sent)
        t.true(answer.body == (body if sent is body else b"".join(sent)), "the body comes back")


def test_slow_target(t):
    """an upload to a target that reads slowly and with pauses arrives whole"""
    def slow(c):
        request = c.request_head()
        for length in (1, 100000, 1, 500000):
            began = time.monotonic()
            t.wait_until(lambda: time.monotonic() - began > 0.1, "a pause in which everything fills up")
            got.append(c.exactly(length, "a part of the body"))
        request.length -= sum(len(part) for part in got)
        got.append(c.body(request))
        c.respond(body=b"read")
        c.stall()
    authority, seen, got = Authority(t), [], []
    outrider = t.outrider(config(authority), origin=t.origin(behind(authority.server(), seen, slow)))
    body = bytes(range(256)) * (16 << 12)       # 16 MiB
    t.equal(t.ask(outrider, "POST", "/", body=body).body, b"read", "answer")
    t.true(b"".join(got) == body, "the body arrives unchanged")


def test_tickets(t):
    """what TLS 1.3 says behind a handshake, before the request, is not taken for an answer"""
    authority, seen = Authority(t), []

    def once(c):
        request = c.request()
        c.respond(headers=[("Connection", "close")], body=request.body)
    client = t.client(t.outrider(config(authority), origin=t.origin(behind(authority.server(), seen, once))))
    for n in range(40):
        body = b"x" * 20000 * (n % 3)
        t.equal(len(client.ask("POST", "/", body=body).body), len(body), f"body {n}")
    t.equal(len(seen), 40, "handshakes")


class OpenSSLServer:
    """`openssl s_server`, which speaks what it is told to, and changes its keys at a word."""

    def __init__(self, t, authority):
        authority.sign("server", "DNS:web.internal")
        self.reserved = t.closing(Port())
        self.host, self.port = self.reserved.host, self.reserved.port
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", str(self), "-cert", "server.crt", "-key", "server.key", "-tls1_3"],
            cwd=authority.dir, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.said = b""
        t.closing(self)
        self.wait(b"ACCEPT")

    def __str__(self):
        return f"{self.host}:{self.port}"

    def read(self):
        self.said += self.process.stdout.read() or b""
        return self.said

    def wait(self, text, times=1):
        wait_until(lambda: self.read().count(text) >= times, f"{text!r} from openssl: {self.said[-500:]!r}")

    def write(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def close(self, failed=False):
        self.process.kill()
        self.process.communicate()


def test_new_keys(t):
    """a target that changes its keys on an idle connection keeps it"""
    authority = Authority(t)
    origin = OpenSSLServer(t, authority)
    outrider = t.outrider(config(authority), origin=origin)
    client = t.client(outrider)
    for n in range(3):
        client.request("GET", f"/{n}")
        origin.wait(b"GET /%d HTTP/1.1\r\n" % n)
        origin.wait(b"\r\n\r\n", n + 1)
        origin.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        origin.write(b"%3d\n" % n)
        t.equal(client.response().body, b"%3d\n" % n, "body")
        outrider.access_log(n + 1)
        origin.write(b"k\n")
    t.equal([line["reused"] for line in outrider.access_log(3)], [False, True, True], "connections kept")


def test_to_the_end(t):
    """an answer without a length: whole with a close_notify, cut without one"""
    def unframed(c):
        request = c.request()
        c.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        if request.target == "/whole":
            c.sock.unwrap()
    authority, seen = Authority(t), []
    outrider = t.outrider(config(authority), origin=t.origin(behind(authority.server(), seen, unframed)))
    t.equal(t.get(outrider, "/whole").body, b"half", "body")
    t.raises((Truncated, Ended), lambda: t.get(outrider, "/cut"), "a cut answer")


def test_wrong_authority(t):
    """a certificate of another authority: 502 tls-failed"""
    authority, seen = Authority(t), []
    outrider = t.outrider(config(authority, ca="other"), origin=t.origin(behind(authority.server(), seen)))
    problem(t, t.get(outrider), 502, "tls-failed", "tls_certificate_error")


def test_authority_of_the_system(t):
    """where an authority is stated, those of the system do not vouch"""
    ours, system, seen = Authority(t), Authority(t), []
    wrapper = mounted(t, 'mount --bind "$1" /etc/ssl/certs && openssl rehash /etc/ssl/certs', system.dir)
    origin = t.origin(behind(system.server(), seen))
    problem(t, t.get(t.outrider(config(ours), origin=origin, wrapper=wrapper)), 502, "tls-failed", "tls_certificate_error")
    t.equal(t.get(t.outrider(config(system), origin=origin, wrapper=wrapper)).status, 200, "status with the right one")


def test_wrong_name(t):
    """a certificate of another name: 502 tls-failed"""
    authority, seen = Authority(t), []
    origin = t.origin(behind(authority.server(alternative="DNS:other.internal"), seen))
    problem(t, t.get(t.outrider(config(authority), origin=origin)), 502, "tls-failed", "tls_certificate_error")


def test_no_tls(t):
    """a target that does not speak TLS: 502 tls-failed"""
    authority = Authority(t)

    def plain(c):
        c.fill("the beginning of a handshake")
        c.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        c.close()
    problem(t, t.get(t.outrider(config(authority), origin=t.origin(plain))), 502, "tls-failed", "tls_protocol_error")


def test_client_certificate(t):
    """a target that asks for a certificate gets it"""
    authority, seen = Authority(t), []
    context = authority.server(clients=True)
    authority.sign("client", "DNS:sidecar.internal")
    more = f", certificate: {authority.path('client.crt')}, key: {authority.path('client.key')}"
    t.equal(t.get(t.outrider(config(authority, more), origin=t.origin(behind(context, seen)))).body, b"over TLS",
            "body")
    t.contains(str(seen[0][1]), "client", "the client's certificate")


def test_truncated(t):
    """an answer cut without a close_notify is not taken for a whole one"""
    def cut(c):
        for _ in c.requests():
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            socket.socket(fileno=os.dup(c.sock.fileno())).shutdown(socket.SHUT_RDWR)
            return
    authority, seen = Authority(t), []
    outrider = t.outrider(config(authority), origin=t.origin(behind(authority.server(), seen, cut)))
    t.raises((Truncated, Ended), lambda: t.get(outrider), "a cut answer")


main()
