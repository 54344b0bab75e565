#!/usr/bin/env python3
# tests/flow/health-check.py - active checks: a second opinion on targets, wherever they came from.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
services: [ { name: web, targets: [ @targets@ ], retry: { max_retries: 0 } @check@ } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
FAST = "interval: 100ms, timeout: 1s"


class World:
    def __init__(self, t, check, n=2, config=CONFIG):
        self.t = t
        self.origins = [t.origin(name=str(i)) for i in range(n)]
        self.config = config
        things = {f"o{i}": origin for i, origin in enumerate(self.origins)}
        self.outrider = t.outrider(self.text(check), **things)

    def text(self, check):
        targets = ", ".join(f"@o{i}@" for i in range(len(self.origins)))
        check = f", health_check: {check}" if check else ""
        return self.config.replace("@targets@", targets).replace("@check@", check)

    def reload(self, check):
        self.outrider.configure(self.text(check))
        self.outrider.signal(signal.SIGHUP)

    def target(self, i):
        address = f"127.0.0.1:{self.origins[i].port}"
        return next(target for target in self.outrider.service("web")["targets"] if target["address"] == address)

    def state(self, i, want):
        self.t.wait_until(lambda: self.target(i)["state"] == want, f"target {i} to be {want}, not {self.target(i)}")
        return self.target(i)

    def answering(self, n=8):
        client = self.t.client(self.outrider)
        return "".join(sorted({client.get().text() for _ in range(n)}))

    def checks(self, i, path="/ok"):
        return [request for request in self.origins[i].requests if request.target == path]


def test_out_and_back(t):
    """a target that fails is out, with the reason, and comes back when it passes again"""
    w = World(t, f"{{ path: /ok, {FAST} }}")
    w.state(0, "active")
    w.origins[1].answer("/ok", status=503)
    target = w.state(1, "unhealthy")
    t.equal((target["eligible"], target["reason"]), (False, "health check: status 503"), "target")
    t.equal((target["last_check"]["passed"], target["last_check"]["result"]), (False, "status 503"), "last check")
    t.equal(w.answering(), "0", "targets that serve")
    t.equal(w.outrider.service("web")["status"], "degraded", "status of the service")
    w.origins[1].answer("/ok", status=204)
    target = w.state(1, "active")
    t.equal((target["last_check"]["passed"], target["last_check"]["result"]), (True, "passed"), "last check")
    t.equal(w.answering(), "01", "targets that serve")


def test_request(t):
    """the check asks for the path, with the target's name as Host, each time on a connection of its own"""
    w = World(t, f"{{ path: '/ok?x=1', {FAST} }}", n=1)
    w.origins[0].wait_requests(3)
    first = w.origins[0].requests[0]
    t.equal((first.method, first.target, first.get("Host")), ("GET", "/ok?x=1", f"127.0.0.1:{w.origins[0].port}"),
            "request")
    t.equal(len({request.connection for request in w.origins[0].requests}), len(w.origins[0].requests), "connections")


def test_short_form(t):
    """a path alone is a check with that path"""
    w = World(t, "/ok", n=1)
    t.equal(w.origins[0].wait_requests(1)[0].target, "/ok", "request")


def test_thresholds(t):
    """so many failures in a row, and so many passes; one in between begins anew"""
    w = World(t, f"{{ path: /ok, {FAST}, unhealthy_threshold: 3, healthy_threshold: 2 }}", n=1)
    answers = [200, 500, 500, 200, 500, 500, 500, 200, 500, 200, 200]
    seen = []

    def script(c, request):
        seen.append((w.target(0)["state"], len(seen)))
        c.respond(answers[len(seen) - 1] if len(seen) <= len(answers) else 200)
    t.wait_until(lambda: w.target(0)["last_check"], "the first check")
    w.origins[0].on("/ok", script)
    t.wait_until(lambda: len(seen) >= len(answers) + 1, "all answers")
    states = [state for state, _ in seen[:len(answers) + 1]]
    t.equal(states, ["active"] * 7 + ["unhealthy"] * 4 + ["active"], "states at each check")


def test_first(t):
    """the first check of a target decides at once"""
    w = World(t, None, n=1)
    w.origins[0].answer("/ok", status=500)
    w.reload("{ path: /ok, interval: 1h, timeout: 1s }")
    w.state(0, "unhealthy")
    t.equal(len(w.checks(0)), 1, "checks")
    t.equal(t.get(w.outrider).status, 503, "status")


def test_timeout(t):
    """a check that takes too long has failed"""
    w = World(t, None, n=1)
    w.origins[0].on("/ok", lambda c, request: c.stall() and "close")
    w.reload("{ path: /ok, interval: 100ms, timeout: 200ms }")
    t.equal(w.state(0, "unhealthy")["reason"], "health check: timeout", "reason")


def test_tcp(t):
    """type tcp: connecting is enough"""
    w = World(t, f"{{ type: tcp, {FAST} }}")
    t.wait_until(lambda: all(w.target(i)["last_check"] for i in (0, 1)), "the first checks")
    w.origins[1].shut()
    t.equal(w.state(1, "unhealthy")["reason"], "health check: connection refused", "reason")
    t.equal(w.answering(), "0", "targets that serve")
    t.equal(w.origins[0].requests[0].target, "/", "first request: the checks sent none")
    w.origins[1].listen()
    w.state(1, "active")


def test_unix(t):
    """a target on a unix socket is checked there"""
    path = f"/tmp/outrider-check-{os.getpid()}.sock"
    origin = t.origin(name="u", path=path)
    outrider = t.outrider(CONFIG.replace("@targets@", "@o@").replace("@check@", f", health_check: {{ path: /ok, {FAST} }}"),
                          o=origin)
    t.wait_until(lambda: (outrider.service("web")["targets"][0]["last_check"] or {}).get("passed"), "a check that passes")
    t.equal(origin.requests[0].get("Host"), "localhost", "Host")


def test_removed(t):
    """without the key in a reload nothing is checked any more, and everything serves"""
    w = World(t, f"{{ path: /ok, {FAST} }}")
    w.origins[1].answer("/ok", status=500)
    w.state(1, "unhealthy")
    w.reload(None)
    t.equal(w.state(1, "active")["last_check"], None, "last check")
    t.equal(w.answering(), "01", "targets that serve")
    n = len(w.checks(1))
    w.reload("{ path: /other, interval: 100ms }")
    t.wait_until(lambda: w.checks(1, "/other"), "checks of another path")
    t.equal(len(w.checks(1)), n, "checks of the old path")


def test_survives_reload(t):
    """a reload does not forget what is known of a target, and a shorter interval is in force at once"""
    w = World(t, f"{{ path: /ok, {FAST} }}")
    w.origins[1].answer("/ok", status=500)
    w.state(1, "unhealthy")
    w.reload("{ path: /ok, interval: 1h }")
    t.wait_until(lambda: "generation 2" in w.outrider.stderr(), "the reload")
    t.equal(w.target(1)["state"], "unhealthy", "state after the reload")
    w.origins[1].answer("/ok", status=200)
    w.reload(f"{{ path: /ok, {FAST} }}")
    w.state(1, "active")


def test_registry(t):
    """targets of a registry are checked likewise, and a target that is new is checked soon"""
    config = """
registries: { consul: { type: consul, address: "@consul.url@" } }
services: [ { name: web, source: { registry: consul }, health_check: { path: /ok, interval: 1h } } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
    consul, a, b = Consul(t), t.origin(name="a"), t.origin(name="b")
    b.answer("/ok", status=404)
    consul.set("web", instance(a))
    outrider = t.outrider(config, consul=consul)
    consul.wait_blocked("web")
    consul.set("web", instance(a), instance(b))
    t.wait_until(lambda: [target["reason"] for target in outrider.service("web")["targets"]
                          if target["address"].endswith(str(b.port))] == ["health check: status 404"], "the verdict")


def test_mistakes(t):
    """mistakes in the configuration are found by `check`"""
    for check, part in (("{ path: ok }", "begins with a slash"), ("{ path: '/a b' }", "visible ASCII"),
                        ("{ type: grpc }", "grpc"), ("{ interval: 1ms }", "interval"), ("{ port: 1 }", "port")):
        config = CONFIG.replace("@targets@", "{ host: 127.0.0.1, port: 1 }").replace("@check@", f", health_check: {check}")
        code, _, err = run("check", "-c", "-", stdin=config)
        t.equal(code, 78, f"exit code for {check}")
        t.contains(err, part, f"message for {check}")


main()
