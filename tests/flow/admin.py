#!/usr/bin/env python3
# tests/flow/admin.py - the admin listeners: health and version.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

BOTH = """
admin: { listeners: [ "unix:@dir@/admin.sock", "@tcp@" ] }
services:
  - { name: web, targets: [ @origin@ ] }
  - { name: none, targets: [ { host: 127.0.0.1, port: @origin.port@, weight: 0 } ] }
routes:
  - { match: { paths: ["/none"] }, service: none }
  - { match: { paths: ["/**"] }, service: web }
"""


def started(t):
    """The daemon and both of its admin listeners."""
    port = t.closing(Port())
    outrider = t.outrider(BOTH, origin=t.origin(), tcp=f"{port.host}:{port.port}")
    return outrider, (os.path.join(outrider.dir, "admin.sock"), port)


def ask(t, where, path, method="GET", host="localhost", **more):
    return t.ask(where, method, path, host=host, **more)


def test_health(t):
    """/health, /health/live, /health/ready and /health/startup, over the unix socket and TCP"""
    outrider, listeners = started(t)
    for where in listeners:
        for path in ("/health", "/health/live", "/health/ready", "/health/startup"):
            answer = ask(t, where, path)
            t.equal((answer.status, answer.get("content-type").split(";")[0]), (200, "application/json"), path)
            t.true(isinstance(json.loads(answer.body), dict), f"{path}: {answer.body}")


def test_services(t):
    """/health/services tells every target"""
    outrider, listeners = started(t)
    for where in listeners:
        answer = ask(t, where, "/health/services")
        document = json.loads(answer.body)
        t.equal(answer.status, 200, "status")
        t.true(isinstance(document["node"], str) and document["node"], f"node of {document}")
        t.true(isinstance(document["generation"], int), f"generation of {document}")
        t.equal(sorted(document["services"]), ["none", "web"], "services")
        web = document["services"]["web"]
        t.equal(web["status"], "healthy", "status of web")
        target = web["targets"][0]
        t.equal((target["address"], target["weight"], target["state"], target["eligible"], target["inflight"]),
                (f"127.0.0.1:{outrider.things['origin'].port}", 100, "active", True, 0), f"target {target}")
        t.equal((web["sources"][0]["mode"], web["sources"][0]["age_seconds"]), ("live", 0),
                f"sources {web['sources']}")
        t.equal(document["services"]["none"]["status"], "unhealthy", "status of a service without a usable target")


def test_one_service(t):
    """/health/services/{name}: 200, 503 or 404"""
    outrider, listeners = started(t)
    for where in listeners:
        t.equal([ask(t, where, f"/health/services/{name}").status for name in ("web", "none", "other")],
                [200, 503, 404],
                "statuses")
    t.equal(ask(t, listeners[0], "/health/services?strict=1").status, 503, "strict, with an unhealthy service")


def test_inflight(t):
    """requests in flight are counted, and are gone afterwards"""
    def slow(c, request):
        t.wait_until(lambda: released, "the case to go on")
        c.respond()
    released = []
    origin = t.origin().on("/slow", slow)
    outrider = t.outrider(PLAIN, origin=origin)
    clients = [t.client(outrider) for _ in range(3)]
    for client in clients:
        client.request("GET", "/slow")
    origin.wait_requests(3)
    t.wait_until(lambda: outrider.service("web")["targets"][0]["inflight"] == 3, "three in flight")
    released.append(True)
    for client in clients:
        client.response()
    t.wait_until(lambda: outrider.service("web")["targets"][0]["inflight"] == 0, "none in flight")


def test_version(t):
    """/version names the program and its libraries"""
    outrider, listeners = started(t)
    for where in listeners:
        answer = ask(t, where, "/version")
        t.equal(answer.status, 200, "status")
        text = answer.text().lower()
        json.loads(text)
        for name in ("version", "libmicrohttpd", "libcurl"):
            t.contains(text, name, "document")


def test_methods(t):
    """HEAD works; what changes things is 405 with Allow; an unknown path is 404"""
    outrider, listeners = started(t)
    for where in listeners:
        t.equal(ask(t, where, "/health", "HEAD").status, 200, "HEAD")
        for method in ("POST", "PUT", "DELETE"):
            answer = ask(t, where, "/health", method)
            t.equal(answer.status, 405, method)
            t.contains(answer.get("allow"), "GET", "Allow")
        answer = ask(t, where, "/nothing/here")
        t.equal((answer.status, answer.get("content-type")), (404, "application/problem+json"), "an unknown path")


def test_host_and_origin(t):
    """23: on TCP a foreign Host or a page of another site is refused"""
    outrider, (_, port) = started(t)
    for host in ("localhost", f"localhost:{port.port}", "127.0.0.1", f"127.0.0.1:{port.port}"):
        t.equal(ask(t, port, "/health", host=host).status, 200, f"Host {host}")
    for host in ("evil.example", f"evil.example:{port.port}", "127.0.0.1.evil.example"):
        t.true(ask(t, port, "/health", host=host).status in (403, 421), f"Host {host} is refused")
    for header in (("Origin", "http://evil.example"), ("Sec-Fetch-Site", "cross-site")):
        t.equal(ask(t, port, "/health", headers=[header]).status, 403, f"{header}")


def test_socket_mode(t):
    """the unix socket is for its owner and group"""
    outrider, listeners = started(t)
    t.equal(os.stat(listeners[0]).st_mode & 0o777, 0o660, "mode")
    outrider.stop()
    t.equal(os.path.exists(listeners[0]), False, "the socket is there after the stop")


def test_not_on_data_listeners(t):
    """data listeners do not answer for the admin's paths"""
    origin = t.origin()
    t.equal(t.get(t.outrider(PLAIN, origin=origin), "/health").body, b"hello", "answer of the target")


def test_address_in_use(t):
    """a stated address that cannot be bound is an error at the start"""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "%s:%d" % taken.getsockname()
        error = t.raises(Failure, lambda: t.outrider(BOTH, origin=t.origin(), tcp=address), "start")
        t.contains(str(error), address, "message")


main()
