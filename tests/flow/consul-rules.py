#!/usr/bin/env python3
# tests/flow/consul-rules.py - what a (scripted) Consul must not be believed, and how often it may be asked.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
registries: { consul: { type: consul, address: "@consul.url@", token: t0 } }
services:
  - { name: web, source: { registry: consul } }
  - { name: other, source: { registry: consul } }
routes:
  - { match: { paths: ["/other"] }, service: other }
  - { match: { paths: ["/**"] }, service: web }
"""


def started(t):
    consul = Consul(t)
    consul.set("web", instance(t.origin(name="web")))
    consul.set("other", instance(t.origin(name="other")))
    outrider = t.outrider(CONFIG, consul=consul)
    for service in ("web", "other"):
        consul.wait_blocked(service)
    return consul, outrider


def source(outrider, service="web"):
    return outrider.service(service)["sources"][0]


def serves(t, outrider, path, text):
    answer = t.get(outrider, path)
    t.equal((answer.status, answer.text()), (200, text), f"answer of {path}")


def wrong(t, consul, outrider, handler, part):
    """Whatever handler does: web's targets stay, the source says so, other is not touched, and all is well again after it."""
    n = len(consul.about("other"))
    consul.on("web", handler)
    t.wait_until(lambda: part in (source(outrider)["last_error"] or ""), f"an error with {part!r}, not {source(outrider)}")
    t.equal(source(outrider)["mode"], "stale", "mode")
    serves(t, outrider, "/", "web")
    serves(t, outrider, "/other", "other")
    t.equal(source(outrider, "other")["mode"], "live", "mode of the other service")
    t.equal(len(consul.about("other")), n, "queries for the other service")
    asked = len(consul.about("web"))
    consul.on("web", None)
    t.wait_until(lambda: source(outrider)["mode"] == "live", "the source to be live again")
    t.equal(consul.about("web")[asked].index, 0, "index of the query after the error")
    consul.wait_blocked("web")


def test_statuses(t):
    """after an answer with another status the last targets stay, and the index is not believed"""
    consul, outrider = started(t)
    for status, text in ((403, "Permission denied"), (404, "not here"), (500, "rpc error"), (301, "")):
        def handler(c, query):
            consul.respond(c, "web", status=status, body=text, fields={"X-Consul-Index": 7, "Location": "http://127.0.0.1:1/"})
        wrong(t, consul, outrider, handler, f"HTTP {status}{': ' if text else ''}{text}")
    t.true(not any(query.index == 7 for query in consul.queries), "no query with the index of an error")


def test_garbage(t):
    """nor is an answer that cannot be read"""
    consul, outrider = started(t)
    good = json.dumps([instance(("127.0.0.1", 1))])
    for body in ("", "<html>", "{}", good[:-1]):
        wrong(t, consul, outrider, lambda c, query: consul.respond(c, "web", body=body), "not")


def test_more_garbage(t):
    """nor one that is nearly right"""
    consul, outrider = started(t)
    for body in ("[" * 5000, b'["\xff\xfe"]', '[{"Service":{"Port":1,"Port":2}}]', "[99999999999999999999]"):
        wrong(t, consul, outrider, lambda c, query: consul.respond(c, "web", body=body), "not JSON")


def test_broken(t):
    """nor one that is cut, reset or never comes"""
    def reset(c, query):
        c.reset()
        return "close"

    def cut(c, query):
        c.send(b"HTTP/1.1 200 OK\r\nX-Consul-Index: 99\r\nContent-Length: 100\r\n\r\n[]")
        return "close"

    def nonsense(c, query):
        c.send(b"SSH-2.0-x\r\n")
        return "close"
    consul, outrider = started(t)
    wrong(t, consul, outrider, reset, "http://")
    wrong(t, consul, outrider, cut, "http://")
    wrong(t, consul, outrider, nonsense, "http://")


def test_cut_within(t):
    """nor the beginning of one, though it is read while it comes"""
    consul, outrider = started(t)
    good = json.dumps([instance(("127.0.0.1", 1), id="gone-1"), instance(("127.0.0.1", 2), id="gone-2")])
    for text, ending, part in ((good[:-30], "close", "http://"), (good[:-30], "reset", "http://"), (good[:-1] + "x", None, "not JSON"),
                               (good + " []", None, "not JSON"), (good[:-1] + ",]", None, "not JSON"), (good[:-30], "end", "not JSON")):
        def handler(c, query):
            c.send(b"HTTP/1.1 200 OK\r\nX-Consul-Index: 99\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(text[:200].encode()))
            c.send(chunk(text[200:].encode()) + (b"" if ending in ("close", "reset") else b"0\r\n\r\n"))
            if ending == "reset":
                c.reset()
            return "close" if ending in ("close", "reset") else None
        wrong(t, consul, outrider, handler, part)
        t.equal(outrider.service("web")["targets"][0]["address"].split(":")[1], str(consul.services["web"][0]["Service"]["Port"]),
                "the target")


def test_huge(t):
    """an answer without an end is cut off"""
    def endless(c, query):
        c.send(b"HTTP/1.1 200 OK\r\nX-Consul-Index: 99\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                c.send(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
        except Ended:
            pass
        except OSError:
            pass
        return "close"
    consul, outrider = started(t)
    wrong(t, consul, outrider, endless, "too long")


def test_gone(t):
    """Consul dies: the last targets stay; it comes back empty: they are held while they answer, then it has them again"""
    consul, outrider = started(t)
    consul.origin.shut()
    t.wait_until(lambda: source(outrider)["mode"] == "stale", "the source to be stale")
    serves(t, outrider, "/", "web")
    instances, consul.services, consul.indexes, consul.index = consul.services, {}, {}, 1
    consul.origin.listen()
    t.wait_until(lambda: source(outrider)["mode"] == "held", "the source to be held")
    serves(t, outrider, "/", "web")
    target = outrider.service("web")["targets"][0]
    t.equal((target["state"], target["eligible"]), ("held", True), "the target")
    for service, entries in instances.items():
        consul.set(service, *entries)
    t.wait_until(lambda: source(outrider)["mode"] == "live", "the source to be live")
    serves(t, outrider, "/", "web")
    t.equal(outrider.service("web")["targets"][0]["state"], "active", "state of the target")


def test_backwards(t):
    """an index that goes backwards starts anew, without blocking"""
    consul, outrider = started(t)
    n = len(consul.about("web"))
    consul.set("web", instance(t.origin(name="new")), index=3)
    consul.wait_queries("web", n + 2)
    t.equal([query.index for query in consul.about("web")[n:n + 2]], [0, 3], "indexes asked with")
    t.wait_until(lambda: t.get(outrider).text() == "new", "the new target")


def test_no_index(t):
    """an answer without a usable index is followed by a query that blocks"""
    consul, _ = started(t)
    for value in (None, "0", "-1", "x", "99999999999999999999"):
        n = len(consul.about("web"))

        def once(c, query):
            consul.on("web", None)
            consul.respond(c, "web", fields={"X-Consul-Index": value},
                           body=json.dumps([instance(("127.0.0.1", 1), weight=n)]))
        consul.on("web", once)
        t.equal(consul.wait_queries("web", n + 1)[n].index, 1, f"index asked with after {value!r}")
        consul.wait_blocked("web")


def test_pace(t):
    """a Consul that never blocks is not asked in a loop"""
    consul, outrider = started(t)
    n = len(consul.about("web"))
    consul.on("web", lambda c, query: consul.respond(c, "web"))
    until = time.monotonic() + 3
    while time.monotonic() < until:
        serves(t, outrider, "/", "web")
        time.sleep(0.05)
    queries = len(consul.about("web")) - n
    t.true(3 <= queries <= 9, f"queries in 3 s: {queries}")


def test_pace_of_news(t):
    """news that do not end are followed, ten times a second at most"""
    consul, outrider = started(t)
    n = len(consul.about("web"))
    origin = t.origin(name="last")

    def news(c, query):
        consul.index += 1
        consul.respond(c, "web", body=json.dumps([instance(origin, weight=consul.index)]),
                       fields={"X-Consul-Index": consul.index})
    consul.on("web", news)
    started_at = time.monotonic()
    consul.wait_queries("web", n + 15)
    took = time.monotonic() - started_at
    t.true(took > 0.9, f"15 queries took {took}")
    t.equal(t.get(outrider).text(), "last", "answer")


def test_retry_after(t):
    """Retry-After is honoured"""
    consul, outrider = started(t)
    consul.on("web", lambda c, query: consul.respond(c, "web", status=429, body="", fields={"Retry-After": "2"}))
    t.wait_until(lambda: "HTTP 429" in (source(outrider)["last_error"] or ""), "the error")
    consul.on("web", None)
    n = len(consul.about("web"))
    at = consul.about("web")[-1].at
    t.at_least(consul.wait_queries("web", n + 1)[n].at - at, 1.9, "seconds until the next query")


def test_no_leader(t):
    """an answer without a leader that is shorter is held, and the source is stale"""
    consul, outrider = started(t)
    keep, lose = t.origin(name="keep"), t.origin(name="lose")
    consul.set("web", instance(keep), instance(lose))
    t.wait_until(lambda: len(outrider.service("web")["targets"]) == 2, "two targets")
    consul.known_leader = "false"
    consul.set("web", instance(keep))
    t.wait_until(lambda: source(outrider)["last_error"] == "Consul knows no leader", "the doubt")
    t.wait_until(lambda: {target["address"]: target["state"] for target in outrider.service("web")["targets"]} ==
                 {f"127.0.0.1:{keep.port}": "active", f"127.0.0.1:{lose.port}": "held"}, "the shorter answer to be held")
    consul.known_leader = "true"
    consul.set("web", instance(keep), instance(lose))
    t.wait_until(lambda: source(outrider)["mode"] == "live", "the source to be live")


def test_filtered(t):
    """an empty answer that was filtered by rights is doubted"""
    consul, outrider = started(t)
    consul.headers = [("X-Consul-Results-Filtered-By-ACLs", "true")]
    consul.set("web")
    t.wait_until(lambda: "token may not see" in (source(outrider)["last_error"] or ""), "the doubt")
    serves(t, outrider, "/", "web")


def test_cache_age(t):
    """an answer from the cache of an agent without servers is taken, and the source is stale"""
    consul, outrider = started(t)
    consul.headers = [("X-Cache", "HIT"), ("Age", "42")]
    consul.set("web", instance(t.origin(name="old")))
    t.wait_until(lambda: t.get(outrider).text() == "old", "the answer of the cache")
    t.equal(source(outrider)["mode"], "stale", "mode")


def test_slow(t):
    """an answer that is late, and one that comes byte by byte, are answers"""
    consul, outrider = started(t)
    for name, pause, step in (("late", 1, 1 << 20), ("drops", 0.001, 1)):
        origin = t.origin(name=name)

        def slow(c, query):
            consul.on("web", None)
            body = json.dumps([instance(origin)]).encode()
            time.sleep(pause)
            text = head("HTTP/1.1 200 OK", [("X-Consul-Index", consul.index), ("Content-Length", len(body))]) + body
            for i in range(0, len(text), step):
                c.send(text[i:i + step])
                time.sleep(pause if step == 1 else 0)
        consul.services["web"] = [instance(origin)]
        consul.on("web", slow)
        t.wait_until(lambda: t.get(outrider).text() == name, f"the answer {name!r}")
        t.equal(source(outrider)["mode"], "live", "mode")
        consul.wait_blocked("web")


def test_black_hole(t):
    """an address that swallows everything is left for the next one after three seconds"""
    consul, hole = Consul(t), t.closing(Full())
    consul.set("web", instance(t.origin(name="web")))
    consul.set("other", instance(t.origin(name="other")))
    began = time.monotonic()
    outrider = t.outrider(CONFIG.replace('"@consul.url@"', '["http://@hole@", "@consul.url@"]'), consul=consul,
                          hole=f"{hole.host}:{hole.port}")
    serves(t, outrider, "/", "web")
    took = time.monotonic() - began
    t.true(2.9 <= took <= 5.5, f"seconds until the first answer: {took}")


def test_bad_at_start(t):
    """whatever is wrong with the first answer, the daemon starts at once, and has the targets when they are there"""
    for body, status in (("garbage", 200), ("", 403), ("[", 200)):
        consul = Consul(t)
        for service in ("web", "other"):
            consul.set(service, instance(t.origin(name=service)))
        consul.on("web", lambda c, query: consul.respond(c, "web", body=body, status=status))
        began = time.monotonic()
        outrider = t.outrider(CONFIG, consul=consul)
        t.at_most(time.monotonic() - began, 4, "seconds until it was ready")
        t.equal(t.get(outrider).status, 503, "status without targets")
        serves(t, outrider, "/other", "other")
        t.equal(source(outrider)["mode"], "failed", "mode")
        consul.on("web", None)
        t.wait_until(lambda: t.get(outrider).text() == "web", "the targets")
        t.equal(source(outrider)["mode"], "live", "mode")


def test_stalled(t):
    """a Consul that never answers is given up after `wait` and 15 seconds (OUTRIDER_SLOW only)"""
    if not SLOW:
        t.skip("takes 17 seconds: OUTRIDER_SLOW")
    start_clock(60)
    consul = Consul(t)
    consul.set("web", instance(t.origin(name="web")))
    consul.set("other", instance(t.origin(name="other")))
    outrider = t.outrider(CONFIG.replace("token: t0", "wait: 1s"), consul=consul)

    def stall(c, query):
        stalled.append(query.at)
        c.stall()
        gone.append(time.monotonic())
        return "close"
    stalled, gone = [], []
    consul.on("web", stall)
    t.wait_until(lambda: "timed out" in (source(outrider)["last_error"] or "").lower(), "the query to be given up")
    took = gone[0] - stalled[0]
    t.true(15 <= took <= 18, f"seconds until it was: {took}")
    serves(t, outrider, "/", "web")
    t.equal(source(outrider, "other")["mode"], "live", "mode of the other service")
    consul.on("web", None)
    t.wait_until(lambda: source(outrider)["mode"] == "live", "the source to be live again")


def crowd(n, connections=4, **more):
    """A configuration of n services behind so many connections."""
    services = "".join(f"  - {{ name: s{i}, source: {{ registry: consul }} }}\n" for i in range(n))
    return (f'registries: {{ consul: {{ type: consul, address: "@consul.url@", max_connections: {connections} }} }}\n'
            f'services:\n{services}routes: [ {{ match: {{ paths: ["/**"] }}, service: s0 }} ]\n')


def live(outrider):
    services = json.loads(outrider.health("/health/services").body)["services"].values()
    return sum(service["sources"][0]["mode"] == "live" for service in services)


def test_crowd(t):
    """more services than connections take turns, and all are followed"""
    consul, origin, n = Consul(t), t.origin(name="x"), 12
    for i in range(n):
        consul.set(f"s{i}", instance(origin))
    outrider = t.outrider(crowd(n), consul=consul)
    t.equal(live(outrider), n, "live services")
    for i in (0, n - 1, 5):
        consul.set(f"s{i}", instance(origin, weight=7))
        t.wait_until(lambda: outrider.service(f"s{i}")["targets"][0]["weight"] == 7, f"the change of s{i}")
    t.at_most(max(len(consul.about(f"s{i}")) for i in range(n)), min(len(consul.about(f"s{i}")) for i in range(n)) + 3,
              "queries for the service that was asked for most")
    t.at_most(consul.most, 4, "queries at once")


def test_crowd_grows(t):
    """services that a reload adds get their turn although all connections are taken by long queries"""
    consul, origin = Consul(t), t.origin(name="x")
    for i in range(9):
        consul.set(f"s{i}", instance(origin))
    outrider = t.outrider(crowd(4), consul=consul)
    for i in range(4):
        consul.wait_blocked(f"s{i}")
    began = time.monotonic()
    outrider.configure(crowd(9))
    outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: len(json.loads(outrider.health("/health/services").body)["services"]) == 9 and
                 live(outrider) == 9, "all of them to be live")
    t.at_most(time.monotonic() - began, 8, "seconds")
    t.at_most(consul.most, 8, "queries at once, four that are given up included")


main()
