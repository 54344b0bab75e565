#!/usr/bin/env python3
# tests/flow/hands.py - sources in people's hands: freeze, pin, fail, thaw; what ends them, who may, and the history.
# SPDX-License-Identifier: Apache-2.0
import re
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from kit.every import Every, KINDS

CONFIG = """
registries: { consul: { type: consul, address: "@consul.url@" } }
services:
  - { name: web, source: { registry: consul }, shrink_guard: { hold: 0s }@keys@ }
  - { name: other, source: { registry: consul } }
  - { name: stated, targets: [ @stated@ ] }
  - { name: consul, targets: [ @stated@ ] }
routes:
  - { match: { paths: ["/stated"] }, service: stated }
  - { match: { paths: ["/other"] }, service: other }
  - { match: { paths: ["/consul"] }, service: consul }
  - { match: { paths: ["/**"] }, service: web }
"""


class World:
    def __init__(self, t, keys="", **options):
        self.t = t
        self.a, self.b, self.c = (t.origin(name=name) for name in "abc")
        self.consul = Consul(t)
        self.consul.set("web", instance(self.a))
        self.consul.set("other", instance(self.b))
        self.outrider = t.outrider(self.text(keys), consul=self.consul, stated=self.c, **options)

    def text(self, keys=""):
        return CONFIG.replace("@keys@", f", {keys}" if keys else "")

    def post(self, name, what, body=None, status=202):
        answer = self.outrider.health(f"/admin/discovery/{name}/{what}", method="POST",
                                      headers=[("Content-Type", "application/json")],
                                      body=None if body is None else json.dumps(body).encode())
        self.t.equal(answer.status, status, f"status of {what} {name}: {answer.text()}")
        return json.loads(answer.body)

    def history(self, name="web"):
        answer = self.outrider.health(f"/admin/discovery/{name}/history")
        self.t.equal(answer.status, 200, "status of the history")
        return json.loads(answer.body)["history"]

    def source(self, service="web"):
        return self.outrider.service(service)["sources"][0]

    def mode(self, want, service="web"):
        self.t.wait_until(lambda: self.source(service)["mode"] == want, f"mode {want}, not {self.source(service)}")
        return self.source(service)

    def get(self, path="/"):
        return self.t.get(self.outrider, path)

    def becomes(self, want, path="/"):
        self.t.wait_until(lambda: self.get(path).text() == want, f"answers of {want}, not {self.get(path).text()[:60]}")

    def stays(self, want, path="/"):
        """What was said has come in, and makes no difference."""
        self.t.wait_until(lambda: self.consul.about("web")[-1].index == self.consul.indexes["web"], "the next query")
        self.t.wait_until(lambda: self.source()["index"] == self.consul.indexes["web"], "the answer to be known")
        self.t.equal(self.get(path).text(), want, "answer")


def test_freeze(t):
    """freeze: answers come in and wait; thaw: the last one is in force"""
    w = World(t)
    said = w.post("web", "freeze", {"ttl": "1m"})
    t.equal((said["service"], said["action"], said["sources"]), ("web", "freeze", [{"service": "web", "registry": "consul"}]),
            "answer")
    source = w.mode("frozen")
    t.equal(source["hand"]["action"], "freeze", "hand")
    t.true("uid" in source["hand"]["by"], f"by {source['hand']}")
    w.consul.wait_blocked("web")
    w.consul.set("web", instance(w.b))
    w.stays("a")
    w.consul.set("web", instance(w.c))
    w.stays("a")
    t.true(re.fullmatch(r"frozen;age=\d+", w.get().get("Outrider-Discovery")), "field")
    t.equal(w.get("/other").get("Outrider-Discovery"), None, "field of another service")
    w.post("web", "thaw")
    w.becomes("c")
    t.equal((w.mode("live")["hand"], w.get().get("Outrider-Discovery")), (None, None), "afterwards")


def test_freeze_while_held(t):
    """what the shrink guard holds is held on while the source is frozen"""
    w = World(t)
    w.outrider.configure(w.text().replace("hold: 0s", "hold: 1s"))
    w.outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: "generation 2 is in force" in w.outrider.stderr(), "the reload")
    w.consul.set("web")
    w.mode("held")
    w.post("web", "freeze", {"ttl": "3s"})
    w.mode("frozen")
    time.sleep(1.5)                     # longer than the hold
    t.equal(w.get().text(), "a", "answer")
    t.wait_until(lambda: w.get().status == 503, "the end of both")
    w.mode("live")


def test_freeze_ends(t):
    """each ends by itself, and that is in the log"""
    w = World(t)
    w.post("web", "freeze", {"ttl": "1s"})
    w.mode("frozen")
    w.consul.wait_blocked("web")
    w.consul.set("web", instance(w.b))
    w.becomes("b")
    w.mode("live")
    t.wait_until(lambda: re.search(r"service web: freeze by .* for 1s", w.outrider.stderr()), "a line for its beginning")
    t.wait_until(lambda: "service web: the freeze of" in w.outrider.stderr(), "a line for its end")


def test_registry(t):
    """a registry: all of its services, and those alone; a service's own hand goes before it"""
    w = World(t)
    w.post("consul", "freeze", status=400)              # a service is called so, too
    w.post("registry:consul", "freeze", {"ttl": "1m"})
    w.mode("frozen")
    w.mode("frozen", "other")
    t.equal(w.source("stated")["mode"], "live", "stated targets")
    w.post("web", "fail", {"ttl": "1m"})
    w.mode("failed")
    w.post("web", "thaw")
    w.mode("frozen")
    w.post("registry:consul", "thaw")
    w.mode("live")
    w.mode("live", "other")


def test_pin(t):
    """pin: the targets given, whatever the registry says; then what it said last"""
    w = World(t)
    target = {"host": "127.0.0.1", "port": w.c.port, "weight": 7}
    w.post("web", "pin", {"ttl": "1m", "targets": [target]})
    w.becomes("c")
    w.mode("pinned")
    t.equal([(x["weight"], x["eligible"]) for x in w.outrider.service("web")["targets"]], [(7, True)], "targets")
    t.true(re.fullmatch(r"pinned;age=\d+", w.get().get("Outrider-Discovery")), "field")
    w.consul.wait_blocked("web")
    w.consul.set("web", instance(w.b))
    w.stays("c")
    w.post("web", "pin", {"targets": [{"host": "127.0.0.1", "port": w.a.port}]})
    w.becomes("a")
    w.post("web", "thaw")
    w.becomes("b")
    w.mode("live")


def test_pin_stated(t):
    """targets that stand in the configuration can be pinned over; there is nothing else about them"""
    w = World(t)
    w.post("stated", "freeze", status=409)
    w.post("stated", "fail", status=409)
    w.post("stated", "pin", {"ttl": "1m", "targets": [{"host": "127.0.0.1", "port": w.a.port}]})
    w.becomes("a", "/stated")
    w.mode("pinned", "stated")
    w.post("stated", "thaw")
    w.becomes("c", "/stated")


def test_pin_refused(t):
    """23: nobody is led to link-local addresses, groups, sockets of this host, or by names"""
    w = World(t)
    for host in ("169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "0.0.0.0", "::", "224.0.0.1", "ff02::1",
                 "255.255.255.255", "localhost", "2852039166"):
        said = w.post("web", "pin", {"targets": [{"host": host, "port": 80}]}, status=400)
        t.true("targets[0]" in said["detail"], f"{host}: {said}")
    w.post("web", "pin", {"targets": [{"unix": "/run/x.sock"}]}, status=400)
    w.post("web", "pin", {"targets": []}, status=400)
    w.post("web", "pin", {"ttl": "1m"}, status=400)
    w.post("web", "pin", {"targets": [{"host": "127.0.0.1", "port": 80, "wieght": 3}]}, status=400)
    w.post("web", "pin", {"targets": [{"host": "127.0.0.1\r\nx: y", "port": 80}]}, status=400)
    w.post("registry:consul", "pin", {"targets": [{"host": "127.0.0.1", "port": 80}]}, status=409)
    t.equal(w.source()["hand"], None, "hand")
    t.equal(w.get().text(), "a", "answer")


def test_fail(t):
    """fail: as if the registry could not be reached: the last answer stays, the age grows, max_age counts"""
    w = World(t, keys="last_known_good: { max_age: 2s, when_older: fail }")
    w.post("web", "fail", {"ttl": "1m"})
    source = w.mode("failed")
    t.true(source["last_error"].startswith("cut off by "), source["last_error"])
    t.equal((w.get().status, w.get("/other").status), (200, 200), "status")
    t.wait_until(lambda: "web" not in w.consul.blocked, "the query to be given up")
    w.consul.set("web", instance(w.b))
    t.wait_until(lambda: w.get().status == 503, "an end past max_age")
    t.true(re.fullmatch(r"failed;age=[2-9]", w.get().get("Outrider-Discovery")), w.get().get("Outrider-Discovery"))
    w.post("web", "thaw")
    w.becomes("b")
    w.mode("live")


def test_fail_at_start(t):
    """a registry that is made to fail does so for services that a reload brings"""
    w = World(t)
    w.post("registry:consul", "fail", {"ttl": "1m"})
    w.mode("failed")
    w.outrider.configure(w.text().replace("routes:", "  - { name: more, source: { registry: consul, service: web } }\nroutes:")
                         .replace('["/other"] }, service: other', '["/other"] }, service: more'))
    w.outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: w.get("/other").status == 503, "the reload")
    t.equal(w.source("more")["mode"], "failed", "mode")
    t.equal(w.get().text(), "a", "answer of what was known")
    w.post("registry:consul", "thaw")
    w.becomes("a", "/other")


def test_reload(t):
    """they survive a reload, also one that changes the source; what the service says when they end is of the new one"""
    w = World(t)
    w.post("web", "freeze", {"ttl": "1m"})
    w.post("other", "pin", {"ttl": "1m", "targets": [{"host": "127.0.0.1", "port": w.c.port}]})
    w.mode("frozen")
    w.becomes("c", "/other")
    w.outrider.configure(w.text().replace("name: other, source: { registry: consul }",
                                          "name: other, source: { registry: consul, service: web }"))
    w.outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: "generation 2 is in force" in w.outrider.stderr(), "the reload")
    t.equal((w.source()["mode"], w.source("other")["mode"]), ("frozen", "pinned"), "modes")
    t.equal((w.get().text(), w.get("/other").text()), ("a", "c"), "answers")
    w.post("other", "thaw")
    w.becomes("a", "/other")
    w.outrider.configure(w.text().replace("- { name: web, source: { registry: consul }, shrink_guard: { hold: 0s } }",
                                          "- { name: web, targets: [ @stated@ ] }"))
    w.outrider.signal(signal.SIGHUP)
    w.becomes("c")
    t.equal(w.source()["hand"], None, "hand of what has no registry any more")


def test_not_kept(t):
    """what is pinned or frozen is not written down: after a crash the registry's own last word serves"""
    w = World(t)
    counts = lambda: json.loads(w.outrider.health("/health/services").body)["snapshots"]
    t.wait_until(lambda: counts()["written"] >= 2, "two snapshots")
    w.post("web", "pin", {"targets": [{"host": "127.0.0.1", "port": w.c.port}]})
    w.becomes("c")
    w.consul.origin.shut()
    state = {"STATE_DIRECTORY": os.path.join(w.outrider.dir, "state")}
    w.outrider.process.terminate()
    w.outrider.wait()
    second = t.outrider(w.text(), consul=w.consul, stated=w.c, env=state)
    t.equal(t.get(second).text(), "a", "answer")


def test_rights(t):
    """23: who may not change something may not; names that are not there are 404; what is wrong is said"""
    w = World(t)
    t.equal(w.outrider.health("/admin/discovery/web/freeze").status, 405, "GET")
    w.post("nobody", "freeze", status=404)
    w.post("registry:nobody", "freeze", status=404)
    w.post("service:registry:consul", "freeze", status=404)
    for body in ({"ttl": "0s"}, {"ttl": "2d"}, {"ttl": "soon"}, {"tll": "1m"}, {"targets": []}):
        w.post("web", "freeze", body, status=400)
    t.equal(w.source()["hand"], None, "hand")
    w.post("web", "freeze")
    source = w.mode("frozen")
    t.true(source["hand"]["until"] > "20", "an end by itself")


def test_history(t):
    """the history says when what changed, and why; a registry's is that of all its services"""
    w = World(t)
    w.mode("live")
    w.consul.wait_blocked("web")
    w.consul.set("web", instance(w.a), instance(w.b))
    t.wait_until(lambda: len(w.outrider.service("web")["targets"]) == 2, "two targets")
    w.post("web", "pin", {"targets": [{"host": "127.0.0.1", "port": w.c.port}]})
    w.becomes("c")
    w.post("web", "thaw")
    w.mode("live")
    t.wait_until(lambda: len(w.outrider.service("web")["targets"]) == 2, "two targets")
    w.consul.origin.shut()
    w.mode("stale")
    history = w.history()
    changes = [(e["cause"], e["targets"], e["added"], e["removed"]) for e in reversed(history) if e["event"] == "targets"]
    t.equal([change[1:] for change in changes], [(1, 1, 0), (2, 1, 0), (1, 1, 2), (2, 2, 1)], f"{history}")
    t.equal([change[0] for change in changes][2:], ["pin", "end of the pin"], "causes")
    modes = [e["event"] for e in reversed(history) if e["event"] != "targets"]
    t.equal(modes, ["live", "pinned", "live", "stale"], "modes")
    t.true("connect" in history[0]["cause"].lower() or "closed" in history[0]["cause"].lower(), f"cause of the last: {history[0]}")
    t.equal(sorted(e["at"] for e in history), [e["at"] for e in reversed(history)], "order")
    both = {e["service"] for e in w.history("registry:consul")}
    t.equal(both, {"web", "other"}, "services of the registry")


def test_history_is_bounded(t):
    """the history keeps the last of many"""
    w = World(t)
    for port in range(1, 60):
        w.post("web", "pin", {"targets": [{"host": "127.0.0.1", "port": port}]})
        w.t.wait_until(lambda: w.outrider.addresses("web") == [f"127.0.0.1:{port}"], "the pin")
    t.equal(len(w.history()), 32, "entries")


def test_command(t):
    """outrider discovery: freeze, pin, fail, thaw, history; targets show mode, age and index"""
    w = World(t)

    def ask(*words, code=0):
        got, out, err = run(*words, "--admin", f"unix:{w.outrider.admin}")
        t.equal(got, code, f"exit code of {words}: {out}{err}")
        return out if code == 0 else err

    t.contains(ask("discovery", "freeze", "web", "--ttl", "1m"), "service web: freeze until 20", "freeze")
    w.mode("frozen")
    row = next(line for line in ask("targets", "web").split("\n") if line.startswith("web"))
    t.true(re.search(rf" frozen +\d+(s|ms)? +{w.source()['index']} ", row), row)
    t.contains(ask("discovery", "thaw", "web"), "service web: thaw", "thaw")
    ask("discovery", "pin", "web", f"127.0.0.1:{w.c.port}", f"[::1]:{w.c.port}", "--ttl=30s")
    t.wait_until(lambda: w.outrider.addresses("web") == [f"127.0.0.1:{w.c.port}", f"[::1]:{w.c.port}"], "two targets")
    t.contains(ask("discovery", "fail", "registry:consul"), "registry consul: fail until", "fail")
    w.mode("failed", "other")
    t.contains(ask("discovery", "history", "web"), "pinned", "history")
    t.contains(ask("discovery", "freeze", "nobody", code=1), "404", "nobody")
    for words in (["freeze"], ["pin", "web"], ["pin", "web", "here"], ["melt", "web"], ["thaw", "web", "--ttl", "1m"],
                  ["freeze", "web", "other"]):
        ask("discovery", *words, code=64)


def test_every_kind(t):
    """every kind of registry can be frozen, and cut off and followed again, any number of times"""
    every = Every(t, keys="retry: { max_retries: 0 }")
    outrider = t.outrider(every.config, **every.things)

    def take(kind, what):
        answer = outrider.health(f"/admin/discovery/registry:{kind}/{what}", method="POST")
        t.equal(answer.status, 202, f"{what} {kind}")

    def all_become(mode, text):
        for kind in KINDS:
            t.wait_until(lambda: outrider.service(f"{kind}-web")["sources"][0]["mode"] == mode, f"{kind} to be {mode}")
            t.wait_until(lambda: t.get(outrider, f"/{kind}").text() == text, f"{kind} to be at {text}")

    all_become("live", "a")
    for before, after in ((every.a, every.b), (every.b, every.a)):
        for kind in KINDS:
            take(kind, "fail")
        all_become("failed", before.name)
        every.point_to(after)
        for kind in KINDS:
            t.equal(t.get(outrider, f"/{kind}").text(), before.name, f"{kind} while it is cut off")
            take(kind, "thaw")
        all_become("live", after.name)
    for kind in KINDS:
        take(kind, "freeze")
    all_become("frozen", "a")
    every.point_to(every.b)
    every.consul.wait_blocked("web")
    time.sleep(2.5)                     # every one has heard of it: records hold a second
    all_become("frozen", "a")
    for kind in KINDS:
        take(kind, "thaw")
    all_become("live", "b")


main()
