#!/usr/bin/env python3
# tests/flow/sources.py - several sources for one service: union, failover, weighted; each is late and guarded by itself.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
registries:
  one: { type: file, path: "@dir@/one.yaml" }
  two: { type: file, path: "@dir@/two.yaml" }
@registries@
services:
  - { name: web, @sources@, retry: { max_retries: 0 } @more@ }
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
BOTH = "sources: [ { registry: one }, { registry: two } ]"


def configuration(sources=BOTH, more="", registries=""):
    return (CONFIG.replace("@sources@", sources).replace("@registries@", registries)
            .replace("@more@", f", {more}" if more else ""))


def listing(names, weight=None):
    weights = f", weight: {weight}" if weight is not None else ""
    return "web: [" + ", ".join(f"{{ host: 127.0.0.1, port: @{name}.port@{weights} }}" for name in names) + "]\n"


class World:
    def __init__(self, t, one="a", two="b", names="abcd", **options):
        self.t = t
        self.origins = {name: t.origin(name=name) for name in names}
        files = {f"{key}.yaml": text if ":" in text else listing(text) for key, text in (("one", one), ("two", two))}
        self.outrider = t.outrider(configuration(**options), files=files, **self.origins)
        self.client = t.client(self.outrider)

    def say(self, file, text):
        self.outrider.write(f"{file}.yaml", text if ":" in text else listing(text))

    def reload(self, **options):
        self.outrider.configure(configuration(**options))
        self.outrider.signal(signal.SIGHUP)

    def ask(self, n=12):
        answers = [self.client.get() for _ in range(n)]
        self.t.equal({answer.status for answer in answers}, {200}, "statuses")
        return "".join(answer.text() for answer in answers)

    def come_to(self, names):
        got = ["?"]

        def there():
            got[0] = "".join(sorted(set(self.ask(2 * len(names) + 2))))
            return got[0] == "".join(sorted(names))
        self.t.wait_until(there, f"answers of {names}")

    def service(self):
        return self.outrider.service("web")

    def target(self, name):
        address = f"127.0.0.1:{self.origins[name].port}"
        return next((target for target in self.service()["targets"] if target["address"] == address), None)

    def sources(self, key):
        return [source[key] for source in self.service()["sources"]]


def test_union(t):
    """union: the targets of all; what two of them name is one target, as the first one in the list states it"""
    w = World(t, one=listing("ab", weight=3), two=listing("bc", weight=5))
    w.come_to("abc")
    t.equal([target["weight"] for target in w.service()["targets"]], [3, 3, 5], "weights")
    t.equal([target["registry"] for target in w.service()["targets"]], ["one", "one", "two"], "registries")
    t.equal(w.sources("registry"), ["one", "two"], "sources")
    t.equal(w.service()["status"], "healthy", "status")
    t.equal(w.service()["quarantined"], [], "quarantined")
    w.say("one", "a")
    t.wait_until(lambda: w.target("b")["registry"] == "two", "the second one to speak for b")
    t.equal(w.target("b")["weight"], 5, "the weight that the second one states, once it alone names the target")


def test_apart(t):
    """a source that fails keeps its last answer and says so, and the other one is followed"""
    w = World(t, one="ab", two="c")
    w.come_to("abc")
    w.say("one", "web: [ {")
    t.wait_until(lambda: w.sources("mode") == ["stale", "live"], "the first one to be stale")
    w.say("two", "cd")
    w.come_to("abcd")
    t.equal(w.service()["status"], "degraded", "status")
    t.true(w.sources("last_error")[0] and not w.sources("last_error")[1], f"errors: {w.sources('last_error')}")
    w.say("one", "a")
    w.come_to("acd")
    t.equal(w.sources("mode"), ["live", "live"], "modes")


def test_guard(t):
    """a source that empties is held for itself; the other one may change meanwhile"""
    w = World(t, one="ab", two="c", more="shrink_guard: { hold: 1500ms }")
    w.come_to("abc")
    w.say("one", "web: []")
    t.wait_until(lambda: w.sources("mode") == ["held", "live"], "the first one to be held")
    t.equal([w.target(name)["state"] for name in "abc"], ["held", "held", "active"], "states")
    w.say("two", "d")
    w.come_to("abd" if w.sources("mode")[0] == "held" else "d")
    t.wait_until(lambda: w.sources("mode") == ["live", "live"], "the end of the hold")
    w.come_to("d")


def test_named_by_another(t):
    """what one source holds and another one names is not held"""
    w = World(t, one="ab", two="b", more="shrink_guard: { hold: 1h }")
    w.come_to("ab")
    w.say("one", "web: []")
    t.wait_until(lambda: w.target("b")["registry"] == "two", "the second one to speak for b")
    t.equal([w.target(name)["state"] for name in "ab"], ["held", "active"], "states")


def test_failover(t):
    """failover: the first source that has a target that can serve; and back, without a failed request"""
    w = World(t, one="ab", two="cd", sources="combine: failover, " + BOTH, more="shrink_guard: { hold: 0s }")
    w.come_to("ab")
    t.equal([(w.target(name)["eligible"], w.target(name)["reason"]) for name in "abcd"],
            [(True, None), (True, None), (False, "standby"), (False, "standby")], "targets")
    t.equal(w.sources("serves"), [True, False], "which serve")
    t.equal(w.service()["status"], "healthy", "status")
    w.say("one", "web: []")
    w.come_to("cd")
    t.equal(w.sources("serves"), [False, True], "which serve then")
    w.say("one", "b")
    w.come_to("b")
    w.say("one", listing("a", weight=0))
    w.come_to("cd")


def test_failover_held(t):
    """failover: targets that are held because they still answer serve on; dead ones are left for the next source at once"""
    w = World(t, one="ab", two="cd", sources="combine: failover, " + BOTH, more="shrink_guard: { hold: 1h }")
    w.come_to("ab")
    w.say("one", "web: []")
    t.wait_until(lambda: w.sources("mode")[0] == "held", "the hold")
    w.come_to("ab")
    w.origins["a"].shut()
    w.origins["b"].shut()
    t.wait_until(lambda: w.sources("serves") == [False, True], "the second source")
    w.come_to("cd")


def test_failover_health(t):
    """failover: a source whose targets all fail their checks is left, and taken up again when one passes"""
    w = World(t, one="a", two="b", sources="combine: failover, " + BOTH,
              more="health_check: { path: /ok, interval: 100ms, healthy_threshold: 1, unhealthy_threshold: 1 }")
    w.come_to("a")
    w.origins["a"].answer("/ok", status=500)
    w.come_to("b")
    t.equal(w.target("a")["state"], "unhealthy", "state")
    w.origins["a"].answer("/ok", status=200)
    w.come_to("a")


def test_failover_same(t):
    """failover: a target that both name is the one's that serves"""
    w = World(t, one=listing("ab", weight=0), two="bc", sources="combine: failover, " + BOTH)
    w.come_to("bc")
    t.equal(w.target("b")["registry"], "two", "who speaks for it")


def test_weighted(t):
    """weighted: each source has its share, spread over its targets"""
    w = World(t, one="abc", two="d", sources="combine: weighted, "
              "sources: [ { registry: one, weight: 80 }, { registry: two, weight: 20 } ]")
    got = w.ask(150)
    t.equal({name: got.count(name) for name in "abcd"}, {"a": 40, "b": 40, "c": 40, "d": 30}, "requests of 150")
    w.say("one", "a")
    w.come_to("ad")
    got = w.ask(100)
    t.equal((got.count("a"), got.count("d")), (80, 20), "requests of 100 after a scale-down")


def test_weighted_shift(t):
    """weighted: from one registry to the other by reloads under load, not one request fails, and the shares are right"""
    w = World(t, one="ab", two="cd", sources="combine: weighted, sources: [ { registry: one, weight: 100 },"
              " { registry: two, weight: 0 } ]")
    t.equal(set(w.ask(40)), set("ab"), "targets at first")
    for share in (80, 50, 20, 0):
        w.reload(sources=f"combine: weighted, sources: [ {{ registry: one, weight: {share} }},"
                 f" {{ registry: two, weight: {100 - share} }} ]")
        t.wait_until(lambda: w.ask(20) and w.sources("weight") == [share, 100 - share], "the new weights")
        got = w.ask(200)
        t.equal(sum(got.count(name) for name in "ab"), 2 * share, f"requests of 200 to the first source at {share} %")
    t.equal(w.target("a")["reason"], "weight 0", "reason")


def test_weighted_same(t):
    """weighted: what both sources name has its parts of both shares, whatever weight the first one has"""
    w = World(t, one="ab", two="abc", sources="combine: weighted, sources: [ { registry: one, weight: 0 },"
              " { registry: two, weight: 3 } ]")
    got = w.ask(90)
    t.equal({name: got.count(name) for name in "abc"}, {"a": 30, "b": 30, "c": 30}, "requests of 90")


def test_late(t):
    """a source that never answers does not hold up the others, neither the start nor a change"""
    silent = t.closing(Full())
    begun = time.monotonic()
    w = World(t, one="a", sources="sources: [ { registry: silent }, { registry: one } ]",
              registries=f'  silent: {{ type: consul, address: "http://127.0.0.1:{silent.port}" }}')
    t.at_most(time.monotonic() - begun, 3, "seconds until it is ready")
    w.come_to("a")
    w.say("one", "ab")
    at = time.monotonic()
    w.come_to("ab")
    t.at_most(time.monotonic() - at, 2, "seconds until a change is there")
    t.equal(w.sources("mode"), ["failed", "live"], "modes")


def test_too_old(t):
    """a source that is too old to serve does not speak for what another one names"""
    w = World(t, one="ab", two="bc", more="last_known_good: { max_age: 1s, when_older: fail }")
    w.come_to("abc")
    w.say("one", "web: [ {")
    w.come_to("bc")
    t.equal((w.target("a")["reason"], w.target("b")["registry"]), ("older than max_age", "two"), "who speaks for them")
    w.say("one", "ab")
    w.come_to("abc")


def test_reload(t):
    """from one source to several and back: what stays is not asked anew, what goes stays until the other has answered"""
    w = World(t, one="a", two="b", sources="source: { registry: one }")
    w.come_to("a")
    w.reload()
    w.come_to("ab")
    w.reload(sources="source: { registry: two }")
    w.come_to("b")
    t.equal(w.sources("registry"), ["two"], "sources")
    w.reload(sources="sources: [ { registry: gone } ]", registries='  gone: { type: file, path: "@dir@/gone.yaml" }')
    t.wait_until(lambda: w.sources("registry") == ["gone"], "the third source")
    w.come_to("b")
    w.say("gone", "c")
    w.come_to("c")


def test_order(t):
    """a reload may turn the order round"""
    w = World(t, one="a", two="b", sources="combine: failover, " + BOTH)
    w.come_to("a")
    w.reload(sources="combine: failover, sources: [ { registry: two }, { registry: one } ]")
    w.come_to("b")
    w.reload(sources="combine: union, sources: [ { registry: two }, { registry: one } ]")
    w.come_to("ab")


def test_config(t):
    """GET /config shows them, weights included"""
    w = World(t, sources="combine: weighted, sources: [ { registry: one, service: web }, { registry: two, weight: 7 } ]")
    config = json.loads(w.outrider.health("/config").body)["config"]
    service = next(service for service in config["services"] if service["name"] == "web")
    t.equal(service["combine"], "weighted", "combine")
    t.equal([(s["registry"], s["weight"]) for s in service["sources"]], [("one", 1), ("two", 7)], "sources")
    t.equal(service["source"], None, "source")


def test_command(t):
    """outrider health names all sources"""
    w = World(t, one="a", two="b")
    code, out, _ = run("health", "--admin", f"unix:{w.outrider.admin}")
    t.equal(code, 0, "exit code")
    t.contains(out, "one, two", "output")
    t.contains(out, "live, live", "output")


main()
