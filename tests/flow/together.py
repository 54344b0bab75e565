#!/usr/bin/env python3
# tests/flow/together.py - what is right by itself, put together: several registries, reloads, snapshots, guards, hands.
# SPDX-License-Identifier: Apache-2.0
import shutil
import sys
import tempfile

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from kit.etcd import at
from kit.kube import Kubernetes, pods, slice_of

ROUTES = 'routes: [ { match: { paths: ["/**"] }, service: web } ]\n'
SMALL = "retry: { max_retries: 0 }"


class World:
    """Registries of three kinds (and a second Consul), pods a to f, and a state directory that outlives the daemons."""
    def __init__(self, t):
        self.t = t
        self.consul, self.second, self.etcd, self.kube = Consul(t), Consul(t), Etcd(t), Kubernetes(t)
        self.things = {"consul": self.consul, "second": self.second, "etcd": self.etcd, "kube": self.kube}
        self.pods = dict(zip("abcdef", pods(t, "abcdef")))
        self.dir = tempfile.mkdtemp(prefix="outrider-together-")
        self.outrider, self.generation = None, 0
        t.closing(self)

    def close(self, failed=False):
        shutil.rmtree(self.dir, ignore_errors=True)

    def say(self, registry, names, service="web"):
        """Which pods this registry names."""
        those = [self.pods[name] for name in names]
        if registry in ("consul", "second"):
            self.things[registry].set(service, *(instance(pod, id=pod.name, weight=100) for pod in those))
        elif registry == "etcd":
            prefix = f"/services/{service}/"
            gone = {key: None for key in list(self.etcd.keys) if key.decode().startswith(prefix)}
            self.etcd.change({**gone, **{f"{prefix}{pod.name}".encode(): at(pod) for pod in those}})
        else:
            self.kube.put(slice_of(f"{service}-1", *those, service=service, port=self.pods["a"].port))

    def text(self, sources, more="", routes=ROUTES, name="web", registries=""):
        return "\n".join([
            f"state_dir: {self.dir}/state",
            "registries:",
            '  consul: { type: consul, address: "@consul.url@" }',
            '  second: { type: consul, address: "@second.url@" }',
            '  etcd: { type: etcd, address: "@etcd.url@" }',
            '  kube: { type: kubernetes, address: "@kube.url@" }',
            registries,
            "services:",
            f"  - {{ name: {name}, {sources}, {SMALL}{', ' + more if more else ''} }}",
            routes.replace("service: web", f"service: {name}")])

    def start(self, *args, **options):
        self.generation = 1
        self.outrider = self.t.outrider(self.text(*args, **options), **self.things)
        return self.outrider

    def reload(self, *args, **options):
        self.outrider.configure(self.text(*args, **options))
        self.outrider.signal(signal.SIGHUP)
        self.generation += 1
        self.t.wait_until(lambda: f"generation {self.generation} is in force" in self.outrider.stderr(), "the reload")

    def shut(self, *registries):
        for name in registries:
            self.things[name].origin.shut()

    def ask(self, n=12, client=None):
        client = client or self.t.client(self.outrider)
        answers = [client.get() for _ in range(n)]
        self.t.equal({answer.status for answer in answers}, {200}, "statuses")
        return "".join(sorted({answer.text() for answer in answers}))

    def come_to(self, names):
        self.t.wait_until(lambda: self.ask() == "".join(sorted(names)), f"answers of {names}, not {self.ask()}")

    def sources(self, key, service="web"):
        return [source[key] for source in self.outrider.service(service)["sources"]]

    def written(self, n):
        counts = lambda: json.loads(self.outrider.health("/health/services").body)["snapshots"]
        self.t.wait_until(lambda: counts()["written"] >= n, f"{n} snapshots, not {counts()}")


def of(*registries, combine="union"):
    return f"combine: {combine}, sources: [ " + ", ".join(f"{{ registry: {name} }}" for name in registries) + " ]"


THREE = ("consul", "etcd", "kube")


def test_one_dies(t):
    """three kinds of registry: each dies in turn and comes back; the others are followed, and no request fails"""
    w = World(t)
    for name, pod in zip(THREE, "abc"):
        w.say(name, pod)
    w.start(of(*THREE), "shrink_guard: { hold: 0s }")
    w.come_to("abc")
    others = {"consul": ("etcd", "be"), "etcd": ("kube", "cf"), "kube": ("consul", "ad")}
    for i, name in enumerate(THREE):
        w.shut(name)
        if name == "etcd":
            w.etcd.end_watches()
        t.wait_until(lambda: w.sources("mode")[i] == "stale", f"{name} to be stale, not {w.sources('mode')}")
        w.come_to("abc")
        other, both = others[name]
        w.say(other, both)
        w.come_to("abc" + both[1])
        w.say(other, both[0])
        w.come_to("abc")
        w.things[name].origin.listen()
        t.wait_until(lambda: w.sources("mode") == ["live"] * 3, f"all to be live, not {w.sources('mode')}")


def test_failover_both_name(t):
    """failover: what the first source holds is not lost because the second one names it, too"""
    w = World(t)
    w.say("consul", "ab")
    w.say("etcd", "ab")
    w.start(of("consul", "etcd", combine="failover"), "shrink_guard: { hold: 1h }")
    w.come_to("ab")
    w.consul.wait_blocked("web")
    w.say("consul", "")
    t.wait_until(lambda: w.sources("mode") == ["held", "live"], f"the hold, not {w.sources('mode')}")
    w.come_to("ab")
    t.true(any(w.sources("serves")), f"somebody serves: {w.outrider.service('web')}")
    w.say("etcd", "abc")
    w.come_to("ab" if w.sources("serves")[0] else "abc")


def test_left_ages(t):
    """max_age counts for what a reload has left, too, while the new source has not answered; answers say how old it is"""
    w = World(t)
    w.say("consul", "a")
    keys = "last_known_good: { max_age: 2s, when_older: fail }"
    w.start("source: { registry: consul }", keys)
    w.come_to("a")
    w.shut("consul", "second")
    w.reload("source: { registry: second }", keys)
    answer = t.get(w.outrider)
    t.equal(answer.status, 200, "at first")
    t.wait_until(lambda: t.get(w.outrider).status == 503, "an end past max_age")
    w.say("second", "b")
    w.second.origin.listen()
    t.wait_until(lambda: t.get(w.outrider).text() == "b", "the new source")
    t.equal(t.get(w.outrider).get("Outrider-Discovery"), None, "field")


def test_left_says_age(t):
    """the age of what a reload has left is in the answers while it serves"""
    w = World(t)
    w.say("consul", "a")
    w.start("source: { registry: consul }")
    w.come_to("a")
    w.shut("consul", "second")
    t.wait_until(lambda: (t.get(w.outrider).get("Outrider-Discovery") or "").startswith("stale;age="), "stale")
    w.reload("source: { registry: second }")
    t.wait_until(lambda: re.fullmatch(r"\w+;age=[3-9]", t.get(w.outrider).get("Outrider-Discovery") or ""),
                 "the age to grow")


def test_back_and_forth(t):
    """reloads to a source that does not answer and back again, all dead: what is known serves on, and after a start, too"""
    w = World(t)
    w.say("consul", "ab")
    w.start("source: { registry: consul }")
    w.come_to("ab")
    w.written(1)
    w.shut("consul", "second", "etcd")
    w.etcd.end_watches()
    for sources in ("source: { registry: second }", of("second", "consul"), of("etcd", "second", combine="failover"),
                    "source: { registry: consul }"):
        w.reload(sources)
        w.come_to("ab")
    w.outrider.stop()
    w.start("source: { registry: consul }")
    w.come_to("ab")
    t.equal(w.sources("mode"), ["snapshot"], "mode")
    w.say("consul", "c")
    w.consul.origin.listen()
    t.wait_until(lambda: "c" in w.ask(), "the registry's word")


def test_snapshots_of_several(t):
    """several sources, all dead at the start: each from its own snapshot; the first that comes back is followed, the rest stay"""
    w = World(t)
    for name, pod in zip(THREE, "abc"):
        w.say(name, pod)
    guard = "shrink_guard: { hold: 0s }"
    w.start(of(*THREE), guard)
    w.come_to("abc")
    w.written(3)
    w.outrider.stop()
    w.shut(*THREE)
    w.start(of(*THREE), guard)
    w.come_to("abc")
    t.equal(w.sources("mode"), ["snapshot"] * 3, "modes")
    w.reload(of("kube", "consul", "etcd"), guard)
    w.come_to("abc")
    w.say("etcd", "d")
    w.etcd.origin.listen()
    w.come_to("acd")
    t.equal(w.sources("mode"), ["snapshot", "snapshot", "live"], "modes")
    w.outrider.stop()
    w.etcd.origin.shut()
    w.start(of(*THREE, combine="failover"), guard)
    w.come_to("a")
    t.equal(w.sources("mode"), ["snapshot"] * 3, "modes after a second start without a registry")
    w.reload(of(*THREE), guard)
    w.come_to("acd")


def test_frozen_over_all(t):
    """frozen, reloaded, killed, started without registries: the snapshot is what was in force before the freeze at least"""
    w = World(t)
    w.say("consul", "a")
    w.say("etcd", "b")
    w.start(of("consul", "etcd"), "shrink_guard: { hold: 0s }")
    w.come_to("ab")
    w.written(2)
    t.equal(w.outrider.health("/admin/discovery/web/freeze", method="POST").status, 202, "freeze")
    t.wait_until(lambda: w.sources("mode") == ["frozen", "frozen"], "both to be frozen")
    w.say("consul", "c")
    w.say("etcd", "d")
    t.wait_until(lambda: w.consul.about("web")[-1].index == w.consul.indexes["web"], "the news to have come in")
    w.reload(of("etcd", "consul"), "shrink_guard: { hold: 0s }")
    w.come_to("ab")
    w.reload(of("etcd", "consul", "kube"), "shrink_guard: { hold: 0s }")
    w.come_to("ab")
    w.outrider.process.kill()
    w.outrider.process.wait()
    w.outrider.stopped = True
    w.shut(*THREE)
    w.start(of("consul", "etcd"), "shrink_guard: { hold: 0s }")
    w.come_to("ab")


def test_two_of_a_kind(t):
    """two registries of one kind: each has its own services, token, index and errors"""
    w = World(t)
    w.consul.set("web", instance(w.pods["a"]), index=500)
    w.second.set("web", instance(w.pods["b"]), index=7)
    text = (w.text(of("consul", "second")).replace('"@consul.url@"', '"@consul.url@", token: one')
            .replace('"@second.url@"', '"@second.url@", token: two'))
    w.outrider = t.outrider(text, **w.things)
    w.come_to("ab")
    t.equal({query.header("X-Consul-Token") for query in w.consul.queries}, {"one"}, "tokens at the first")
    t.equal({query.header("X-Consul-Token") for query in w.second.queries}, {"two"}, "tokens at the second")
    t.equal(w.sources("index"), ["500", "7"] if isinstance(w.sources("index")[0], str) else [500, 7], "indexes")
    w.second.on("web", lambda c, query: c.respond(403, [], b"ACL not found"))
    t.wait_until(lambda: w.sources("mode") == ["live", "stale"], f"the second to be stale, not {w.sources('mode')}")
    w.consul.set("web", instance(w.pods["c"]), instance(w.pods["a"]), index=501)
    w.come_to("abc")


def test_itself(t):
    """a sidecar that registers what it follows itself finds it, and its own shrink guard does not hold up its stop"""
    w = World(t)
    app = w.pods["a"]
    register = f'register: [ {{ registry: consul, name: web, address: {app.host}, port: {app.port} }} ]\n'
    w.start("source: { registry: consul }", routes=ROUTES + register)
    t.wait_until(lambda: w.consul.registered, "the registration")
    t.wait_until(lambda: t.get(w.outrider).status == 200, "a target that is registered here")
    t.equal(t.get(w.outrider).text(), "a", "answer")
    w.outrider.process.terminate()
    began = time.monotonic()
    w.outrider.wait()
    t.at_most(time.monotonic() - began, 5, "seconds of the stop")
    t.equal(w.consul.registered, {}, "registered")
    w.outrider.stopped = True


def test_named_snapshot(t):
    """a service that a path names is served from its snapshot when the registry is down at the start"""
    w = World(t)
    w.say("consul", "a", service="shop")
    w.say("consul", "b")
    routes = ('routes: [ { match: { paths: ["/svc/{service}/**"] }, service: "{service}", registry: consul, allow: ["*"],'
              ' timeout: 5s } ]\n')
    w.start("source: { registry: consul }", routes=routes)
    t.equal(t.get(w.outrider, "/svc/shop/").text(), "a", "answer")
    w.written(2)
    w.outrider.stop()
    w.shut("consul")
    w.start("source: { registry: consul }", routes=routes)
    began = time.monotonic()
    answer = t.get(w.outrider, "/svc/shop/")
    t.equal((answer.status, answer.text()), (200, "a"), "answer")
    t.at_most(time.monotonic() - began, 1, "seconds until it was there")
    t.true(answer.get("Outrider-Discovery").startswith("snapshot;"), answer.get("Outrider-Discovery"))


def test_guard_and_checks(t):
    """a target that one source forgets and the other names, and whose check fails, is out; passing again it is in"""
    w = World(t)
    w.say("consul", "ab")
    w.say("etcd", "bc")
    w.start(of("consul", "etcd"), "shrink_guard: { hold: 1h }, health_check: { path: /ok, interval: 100ms, "
            "healthy_threshold: 1, unhealthy_threshold: 1 }")
    w.come_to("abc")
    w.consul.wait_blocked("web")
    w.say("consul", "")
    t.wait_until(lambda: w.sources("mode")[0] == "held", "the hold")
    w.come_to("abc")
    w.pods["b"].answer("/ok", status=500)
    t.wait_until(lambda: w.ask() == "ac", "b to be out")
    w.pods["a"].answer("/ok", status=500)
    t.wait_until(lambda: w.ask() == "c", "a to be let go")
    w.pods["a"].answer("/ok", status=200)
    w.pods["b"].answer("/ok", status=200)
    t.wait_until(lambda: "b" in w.ask(), "b to be in again")


def test_hold_over_reloads(t):
    """a hold goes on over a reload that leaves the source alone, and one that adds another; its end is the first one's"""
    w = World(t)
    w.say("consul", "ab")
    w.say("etcd", "c")
    keys = "shrink_guard: { hold: 3s }"
    w.start("source: { registry: consul }", keys)
    w.come_to("ab")
    w.consul.wait_blocked("web")
    began = time.monotonic()
    w.say("consul", "")
    t.wait_until(lambda: w.sources("mode") == ["held"], "the hold")
    w.reload("source: { registry: consul }", keys)
    w.come_to("ab")
    w.reload(of("consul", "etcd"), keys)
    w.come_to("abc")
    t.wait_until(lambda: w.ask() == "c", "the end")
    took = time.monotonic() - began
    t.true(2.9 < took < 5, f"seconds of the hold: {took}")


def test_hold_left(t):
    """what a source held that a reload takes away goes with its hold, though the one in its place has not answered"""
    w = World(t)
    w.say("consul", "ab")
    keys = "shrink_guard: { hold: 3s }"
    w.start("source: { registry: consul }", keys)
    w.come_to("ab")
    w.consul.wait_blocked("web")
    w.say("consul", "")
    t.wait_until(lambda: w.sources("mode") == ["held"], "the hold")
    w.shut("second")
    w.reload("source: { registry: second }", keys)
    w.come_to("ab")
    t.wait_until(lambda: t.get(w.outrider).status == 503, "the end")
    w.say("second", "d")
    w.second.origin.listen()
    t.wait_until(lambda: t.get(w.outrider).text() == "d", "the new source")


def test_pinned_over_all(t):
    """a service with several sources that is pinned: nothing but that, over a reload, too; then what they say"""
    w = World(t)
    w.say("consul", "a")
    w.say("etcd", "b")
    pin = json.dumps({"targets": [{"host": w.pods["f"].host, "port": w.pods["f"].port}]}).encode()
    keys = "shrink_guard: { hold: 0s }"
    for combine in ("union", "failover", "weighted"):
        w.start(of("consul", "etcd", combine=combine), keys)
        w.come_to("a" if combine == "failover" else "ab")
        answer = w.outrider.health("/admin/discovery/web/pin", method="POST", body=pin,
                                   headers=[("Content-Type", "application/json")])
        t.equal(answer.status, 202, "pin")
        w.come_to("f")
        w.reload(of("etcd", "consul", combine=combine), keys)
        w.come_to("f")
        w.outrider.health("/admin/discovery/web/thaw", method="POST")
        w.come_to("b" if combine == "failover" else "ab")
        w.outrider.stop()


def test_sources_come_and_go(t):
    """reloads from one source to several of other kinds and back, under load: no request fails"""
    w = World(t)
    for name in THREE:
        w.say(name, "a")
    keys = "shrink_guard: { hold: 0s }"
    w.start("source: { registry: consul }", keys)
    w.come_to("a")
    load = Load(t, w.outrider, clients=4, bodies=(b"a",))
    for sources in (of(*THREE), of("kube", "etcd", combine="failover"), "source: { registry: etcd }",
                    of("consul", "kube", combine="weighted"), "source: { registry: kube }"):
        w.reload(sources, keys)
        load.answered(50)
    load.told = True
    t.equal(load.failed, [], "requests that failed")


def crowd(w, kind, n):
    """n services in one registry."""
    services = "\n".join(f"  - {{ name: s{i}, source: {{ registry: {kind} }}, {SMALL} }}" for i in range(n))
    text = w.text("targets: []").replace("  - { name: web, targets: [], " + SMALL + " }", services)
    return text.replace("service: web", "service: s0")


def test_no_herd(t):
    """a registry that 300 services follow goes away and comes back: what asks again is spread, and all are live again"""
    n = 300
    w = World(t)
    for i in range(n):
        w.say("etcd", "a", service=f"s{i}")
    w.outrider = t.outrider(crowd(w, "etcd", n), **w.things)
    t.wait_until(lambda: len(w.etcd.watches) >= 100, "watches")
    tries = []

    def refuse(c, request):
        tries.append(time.monotonic())
        c.respond(503, [], b"")
    w.etcd.on("/v3/watch", refuse)
    w.etcd.on("/v3/kv/range", refuse)
    w.etcd.end_watches()
    time.sleep(4)
    began, tries[:] = time.monotonic(), []
    time.sleep(2)
    t.say(f"{len(tries)} calls in two seconds of an outage")
    times = [sum(1 for at in tries if begin <= at - began < begin + 0.1) for begin in (k / 10 for k in range(20))]
    t.true(len(tries) <= 2 * n, f"calls of {n} services in two seconds: {len(tries)}")
    t.true(max(times) <= n / 3, f"calls in each 100 ms: {times}")
    w.etcd.on("/v3/watch", None)
    w.etcd.on("/v3/kv/range", None)
    t.wait_until(lambda: all(w.outrider.service(f"s{i}")["sources"][0]["mode"] == "live" for i in range(0, n, 30)),
                 "all to be live again")


main()
