#!/usr/bin/env python3
# tests/flow/admin-public.py - admin pages on data listeners (`admin.public`).
# SPDX-License-Identifier: Apache-2.0
import ctypes
import select
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
admin: { listeners: [ "unix:@dir@/admin.sock" ], public: [ /health, /version ] }
services:
  - { name: web, targets: [ @origin@ ] }
  - { name: none, targets: [ { host: 127.0.0.1, port: @origin.port@, weight: 0 } ] }
routes:
  - { name: all, match: { paths: ["/**"] }, service: web }
"""
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 17, 0x4206, 0x4207, 0x40000000


def started(t, config=CONFIG, **things):
    return t.outrider(config, origin=t.origin(), **things)


def targets_saw(outrider):
    return [request.target for request in outrider.things["origin"].requests]


def test_served(t):
    """GET and HEAD of what is public are answered by the sidecar, with the codes of the admin listener"""
    outrider = started(t)
    for path, status in (("/health", 200), ("/health/live", 200), ("/health/ready", 200), ("/health/startup", 200),
                         ("/health/services", 200), ("/health/services?strict=1", 503), ("/health/services/web", 200),
                         ("/health/services/none", 503), ("/health/services/n%6Fne", 503), ("/health/services/x", 404),
                         ("/health/x", 404), ("/version", 200), ("//health/./live/", 200)):
        answer = t.get(outrider, path)
        t.equal(answer.status, status, path)
        t.true(isinstance(json.loads(answer.body), dict), f"{path}: {answer.body}")
        t.equal(answer.get("cache-control"), "no-store", f"Cache-Control of {path}")
        t.equal(answer.get("content-type"), "application/problem+json" if status == 404 else "application/json", path)
        head = t.ask(outrider, "HEAD", path)
        t.equal((head.status, head.body, head.get("content-type")), (status, b"", answer.get("content-type")),
                f"HEAD {path}")
    live = t.get(outrider, "/health/live")
    t.equal(t.ask(outrider, "HEAD", "/health/live").get("content-length"), live.get("content-length"), "length")
    t.equal(live.body, outrider.health("/health/live").body, "the same page")
    t.equal(targets_saw(outrider), [], "requests at the target")


def test_rest(t):
    """what is not public goes to the routes, also what only begins alike"""
    outrider = started(t)
    for path in ("/", "/healthy", "/health%2Dx", "/config", "/routes", "/services", "/admin/status", "/metrics", "/livez",
                 "/versions", "/x/health", "/?/health"):
        t.equal(t.get(outrider, path).body, b"hello", path)
    t.equal(t.ask(outrider, "POST", "/admin/drain", body=b"").body, b"hello", "POST /admin/drain")
    t.equal(len(targets_saw(outrider)), 13, "requests at the target")


def test_wins(t):
    """a public path wins over a route that names it, and the route is warned of"""
    config = CONFIG + "  - { name: mine, match: { paths: [/health, '/health/**'] }, service: web }\n"
    outrider = started(t, config)
    t.equal(t.get(outrider, "/health/live").get("content-type"), "application/json", "answer")
    t.equal(targets_saw(outrider), [], "requests at the target")
    code, _, said = run("check", "-c", outrider.config_path)
    t.equal(code, 0, "check")
    t.contains(said, "can never match: its paths are served by the sidecar", "warning")


def test_methods(t):
    """other methods are 405 with Allow and reach no target; with a body, the connection stays in step or ends"""
    outrider = started(t)
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        answer = t.ask(outrider, method, "/health", body=b"some")
        t.equal((answer.status, answer.get("allow")), (405, "GET, HEAD"), method)
    client = t.client(outrider)
    t.equal(client.ask("POST", "/health", body=[b"one", b"two"]).status, 405, "chunked")
    t.equal(client.ask("GET", "/health", body=[b"one", b"two"]).status, 200, "GET with a body")
    t.equal(client.ask("GET", "/health", body=b"x" * 50000).status, 200, "GET with a longer one")
    t.equal(client.get("/").body, b"hello", "the next request")
    t.equal(targets_saw(outrider), ["/"], "requests at the target")


def test_body_later(t):
    """a GET whose body does not come is answered, and so is one that asks before it sends"""
    needs_seam(t, "there the answer waits for the body")
    outrider = started(t)
    client = t.client(outrider)
    client.send(client.head("GET", "/health/live", [("Content-Length", "10")]))
    t.equal(client.response().status, 200, "answer")
    client.send(b"0123456789")
    t.equal(client.get("/health/live").status, 200, "the next request")
    client = t.client(outrider)
    client.send(client.head("GET", "/health/live", [("Content-Length", "10"), ("Expect", "100-continue")]))
    t.equal(client.response().status, 200, "answer to one who asks first")
    client.expect_closed(t)


def test_in_order(t):
    """pipelined with requests for targets, every answer has its place; HTTP/1.0 works"""
    outrider = started(t)
    client = t.client(outrider)
    for _ in range(10):
        client.request("GET", "/health/live")
        client.request("GET", "/other")
        client.request("HEAD", "/health")
    for _ in range(10):
        t.equal(json.loads(client.response().body)["status"], "live", "first")
        t.equal(client.response().body, b"hello", "second")
        t.equal(client.response("HEAD").status, 200, "third")
    client = t.client(outrider)
    client.request("GET", "/health/live", version="HTTP/1.0")
    t.equal(client.response().status, 200, "HTTP/1.0")
    client.expect_closed(t)


def test_anybody(t):
    """any Host, Origin and token will do; nothing of the admin's rights is asked for"""
    outrider = started(t)
    for headers in ([("Origin", "http://evil.example")], [("Sec-Fetch-Site", "cross-site")],
                    [("Authorization", "Bearer nothing-known")]):
        t.equal(t.get(outrider, "/health", headers=headers, host="any.example").status, 200, f"{headers}")


def test_mistakes(t):
    """23: what needs more than a viewer's rights cannot be made public, nor what does not exist"""
    outrider = started(t)
    for path in ("/", "/config", "/admin", "/admin/status", "/helth", "/healthy", "/health/", "/health/../config", "health",
                 "", "/health?strict=1", "/health/%61"):
        outrider.configure(CONFIG.replace("public: [ /health, /version ]", f"public: [ \"{path}\" ]"))
        code, _, said = run("check", "-c", outrider.config_path)
        t.equal(code, 78, f"{path!r}: {said}")
        t.contains(said, "admin.public[0]", f"message for {path!r}")


def test_reload(t):
    """a reload changes what is public"""
    outrider = started(t)
    t.equal(t.get(outrider, "/health/live").get("content-type"), "application/json", "before")
    outrider.configure(CONFIG.replace("/health, /version", "/health/ready, /routes"))
    t.equal(outrider.health("/admin/reload", "POST", body=b"").status, 200, "reload")
    t.equal(t.get(outrider, "/health/live").body, b"hello", "not public any more")
    t.equal(t.get(outrider, "/health/ready").status, 200, "still public")
    t.contains(t.get(outrider, "/routes").text(), '"all"', "public now")
    outrider.configure(CONFIG.replace(", public: [ /health, /version ]", ""))
    t.equal(outrider.health("/admin/reload", "POST", body=b"").status, 200, "reload")
    t.equal(t.get(outrider, "/health/ready").body, b"hello", "nothing is public")


def test_stop(t):
    """while the stop is delayed, the data listener says that it is not ready, and alive"""
    outrider = started(t, CONFIG + "shutdown: { delay: 1s }\n")
    t.equal(t.get(outrider, "/health/ready").status, 200, "before")
    outrider.signal(signal.SIGTERM)
    t.wait_until(lambda: t.get(outrider, "/health/ready").status == 503, "not ready")
    t.equal(t.get(outrider, "/health/live").status, 200, "alive")
    t.equal(outrider.wait(), 0, "exit code")


def test_gone(t):
    """who asks and leaves does no harm"""
    outrider = started(t)
    for n in range(100):
        client = t.client(outrider)
        client.request("GET", "/health/services")
        client.close(n % 2 == 0)
    t.wait_until(lambda: t.get(outrider, "/health").status == 200, "an answer to another one")


class Stopped:
    """One thread of the daemon, until close()."""

    def __init__(self, t, outrider, name):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
        self.task = outrider.thread(name)
        if self.libc.ptrace(PTRACE_SEIZE, self.task, None, None) != 0:
            t.skip("ptrace is not permitted here")
        self.libc.ptrace(PTRACE_INTERRUPT, self.task, None, None)
        os.waitpid(self.task, WALL)

    def close(self, failed=False):
        if self.task:
            self.libc.ptrace(PTRACE_DETACH, self.task, None, None)
        self.task = 0


def test_stuck(t):
    """an admin thread that does not answer keeps no worker from its work: 503 after a while, and for too many at once"""
    outrider = started(t, "workers: 1\n" + CONFIG)
    stopped = t.closing(Stopped(t, outrider, "admin"))
    clients = [t.client(outrider) for _ in range(40)]
    for client in clients:
        client.request("GET", "/health/live")
    for _ in range(50):
        t.equal(t.get(outrider, "/").body, b"hello", "the target's answer meanwhile")
    early = [client for client in clients if select.select([client.sock], [], [], 0)[0]]
    t.equal(len(early), 8, "clients above the limit")
    clients[-1].close()                                 # one of those that were refused
    gone = [client for client in clients if client not in early][:10]
    for client in gone:
        client.close()
    answers = [client.response() for client in clients[:-1] if client not in gone]
    for answer in answers:
        problem(t, answer, 503, "overloaded", "connection_limit_reached")
    problem(t, t.get(outrider, "/health/live"), 503, "overloaded", "connection_limit_reached")
    stopped.close()
    t.wait_until(lambda: t.get(outrider, "/health/live").status == 200, "answers again")


def large(targets):
    rows = ", ".join(f"{{ host: 127.{n >> 16}.{n >> 8 & 255}.{n & 255}, port: 9 }}" for n in range(1, targets + 1))
    return "workers: 1\n" + CONFIG.replace("services:", f"services:\n  - {{ name: large, targets: [ {rows} ] }}")


def test_long_pages(t):
    """long pages are bounded, one by one and all that clients are slow to read; short ones come all the same"""
    outrider = started(t, large(22000))
    page = outrider.health("/health/services").body
    t.true(2800000 < len(page) < 4000000, f"the page has {len(page)} bytes")
    slow = [t.client(outrider, receive_buffer=4096) for _ in range(2)]
    for client in slow:
        client.request("GET", "/health/services")
        t.equal(client.response_head().status, 200, "a slow reader")
    answer = t.get(outrider, "/health/services")
    problem(t, answer, 503, "overloaded", "connection_limit_reached")
    t.equal(t.get(outrider, "/health/ready").status, 200, "a short page")
    for client in slow:
        client.close()
    t.wait_until(lambda: t.get(outrider, "/health/services").status == 200, "room again")
    outrider.configure(large(30000))
    t.equal(outrider.health("/admin/reload", "POST", body=b"").status, 200, "reload")
    t.wait_until(lambda: len(outrider.health("/health/services").body) > 4 << 20, "a page that is too long")
    answer = t.get(outrider, "/health/services")
    t.equal((answer.status, answer.get("content-type")), (503, "application/problem+json"), "answer")
    t.contains(answer.text(), "ask an admin listener", "detail")


def test_never_read(t):
    """a long page that its client does not read is cut after 15 s"""
    if not os.environ.get("OUTRIDER_SLOW"):
        t.skip("takes 15 s (--slow)")
    start_clock(40)
    outrider = started(t, large(22000))
    slow = [t.client(outrider, receive_buffer=4096) for _ in range(2)]
    for client in slow:
        client.request("GET", "/health/services")
    t.wait_until(lambda: t.get(outrider, "/health/services").status == 503, "no room")
    t.wait_until(lambda: t.get(outrider, "/health/services").status == 200, "room again")
    for client in slow:
        t.raises((Truncated, Ended, OSError), client.response, "the answer that was not read")


def test_log(t):
    """the access log has these requests too"""
    outrider = started(t, CONFIG + "telemetry: { access_log: { output: stdout } }\n")
    t.equal(t.get(outrider, "/health/live?a=1").status, 200, "answer")
    line = outrider.access_log(1)[0]
    t.equal((line["path"], line["status"], line["end"]), ("/health/live", 200, "complete"), f"{line}")


main()
