#!/usr/bin/env python3
# tests/flow/etcd-rules.py - what a (scripted) etcd must not be believed, and how often it may be asked.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from kit.etcd import at, coded

RANGE, WATCH = "/v3/kv/range", "/v3/watch"

CONFIG = """
registries:
  etcd: { type: etcd, address: "@etcd.url@" }
  more: { type: etcd, address: "@more.url@" }
services:
  - { name: web, source: { registry: etcd } }
  - { name: other, source: { registry: more } }
routes:
  - { match: { paths: ["/other"] }, service: other }
  - { match: { paths: ["/**"] }, service: web }
"""


def started(t):
    """web of the etcd that a case spoils, other of one that nobody touches."""
    etcd, more = Etcd(t), Etcd(t)
    etcd.put("/services/web/1", at(t.origin(name="web")))
    more.put("/services/other/1", at(t.origin(name="other")))
    outrider = t.outrider(CONFIG, etcd=etcd, more=more)
    etcd.wait_watched()
    more.wait_watched("other")
    etcd.more = more
    return etcd, outrider


def source(outrider, service="web"):
    return outrider.service(service)["sources"][0]


def serves(t, outrider, path, text):
    answer = t.get(outrider, path)
    t.equal((answer.status, answer.text()), (200, text), f"answer of {path}")


def live_again(t, etcd, outrider):
    """And it follows: what changes now arrives."""
    etcd.wait_watched()
    t.wait_until(lambda: source(outrider)["mode"] == "live", f"the source to be live again, not {source(outrider)}")
    weight = len(etcd.history) + 1
    value = json.loads(etcd.keys[b"/services/web/1"][0])
    etcd.put("/services/web/1", json.dumps({**value, "weight": weight}))
    t.wait_until(lambda: [target["weight"] for target in outrider.service("web")["targets"]] == [weight], "a change")


def says_so(outrider, part):
    """Whether the source is stale for that reason, and not for the end of the watch, which is the case's own doing."""
    now = source(outrider)
    error = now["last_error"] or ""
    return now["mode"] == "stale" and part in error and "the watch was ended" not in error


def wrong(t, path, handler, part, etcd, outrider):
    """Whatever handler does there: web's targets stay, the source says so, other is not touched; all is well after it."""
    n = len(etcd.more.requests)
    etcd.on(path, handler)
    etcd.end_watches("end")
    t.wait_until(lambda: says_so(outrider, part), f"an error with {part!r}, not {source(outrider)}")
    serves(t, outrider, "/", "web")
    serves(t, outrider, "/other", "other")
    t.equal((source(outrider, "other")["mode"], len(etcd.more.requests)), ("live", n), "the other service")
    etcd.on(path, None)
    live_again(t, etcd, outrider)
    outrider.stop()


def reset(c, request):
    c.reset()
    return "close"


def nonsense(c, request):
    c.send(b"SSH-2.0-x\r\n")
    return "close"


def cut(c, request):
    c.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"header":{"revision":"9"}')
    return "close"


def endless(c, request):
    """Spaces, which are JSON, too."""
    c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    try:
        while True:
            c.send(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
    except (Ended, OSError):
        pass
    return "close"


def says(etcd, thing, status=200):
    def handler(c, request):
        etcd.respond(c, thing, status)
    return handler


def each(t, path, kinds):
    """kinds(etcd): of handlers, with a part of what is said; one daemon for each, since pauses grow."""
    start_clock(60)
    for i in range(len(list(kinds(Etcd)))):
        etcd, outrider = started(t)
        handler, part = list(kinds(etcd))[i]
        wrong(t, path, handler, part, etcd, outrider)


def statuses(etcd):
    for status, code, text in ((500, 2, "boom"), (403, 7, "etcdserver: permission denied"), (400, 3, "user name is empty"),
                               (401, 16, "etcdserver: invalid auth token"), (503, 14, "etcdserver: request timed out")):
        yield says(etcd, {"error": text, "message": text, "code": code}, status), f"HTTP {status}: {text}"
    yield says(etcd, b"plain words", 404), "HTTP 404: plain words"
    yield says(etcd, b"", 301), "HTTP 301"


def test_statuses_of_a_range(t):
    """another status for a range: the targets stay, the reason is said"""
    each(t, RANGE, statuses)


def test_statuses_of_a_watch(t):
    """another status for a watch: the same"""
    each(t, WATCH, statuses)


def garbage(etcd):
    for body in (b"", b"<html>", b"{}", b"[]", b"null", b'{"header":{}}', b'{"header":{"revision":7}}', b"[" * 5000,
                 b'["\xff\xfe"]', b'{"header":{"revision":"9"},"header":{"revision":"9"}}'):
        yield says(etcd, body), "http://"


def test_garbage_in_a_range(t):
    """nor is an answer believed that cannot be read, or is not etcd's"""
    each(t, RANGE, garbage)


def near(etcd):
    """Nearly right."""
    header = {"cluster_id": etcd.cluster, "revision": "99"}
    kv = {"key": coded("/services/web/2"), "mod_revision": "9", "value": coded("127.0.0.1:1")}
    for kvs in ({}, [7], [{**kv, "key": "*"}], [{**kv, "key": coded("/services/other/1")}], [{**kv, "mod_revision": 9}]):
        yield says(etcd, {"header": header, "kvs": kvs}), "key"
    yield says(etcd, {"header": header, "kvs": [kv], "more": True}), "not all keys"
    yield says(etcd, {"header": header, "code": 14, "message": "m", "error": "m", "kvs": 7}), "key"


def test_near_misses_in_a_range(t):
    """nor one that is nearly right"""
    each(t, RANGE, near)


def broken(etcd):
    for handler in (reset, nonsense, cut):
        yield handler, "http://"


def test_broken_range(t):
    """nor one that is cut, reset, or no HTTP"""
    each(t, RANGE, broken)


def test_broken_watch(t):
    """a watch that is cut, reset, or no HTTP: the same"""
    each(t, WATCH, broken)


def test_huge_range(t):
    """an answer without an end is cut off"""
    each(t, RANGE, lambda etcd: [(endless, "too long")])


def test_huge_record(t):
    """so is a record of a watch"""
    each(t, WATCH, lambda etcd: [(endless, "a record of more than")])


def records(etcd, *things):
    """A watch that begins well, and goes on so."""
    def handler(c, request):
        c.send(head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]))
        for thing in things:
            c.send(chunk(thing if isinstance(thing, bytes) else json.dumps(thing).encode() + b"\n"))
        c.stall()
        return "close"
    return handler


def bad_records(etcd):
    header = {"cluster_id": etcd.cluster, "revision": "2"}
    created = {"result": {"header": header, "created": True}}
    kv = {"key": coded("/services/web/2"), "mod_revision": "999", "value": coded("127.0.0.1:1")}
    for thing, part in ((b"garbage\n", "not JSON"), (b"{}\n", "neither a result"), ({"result": {}}, "without a header"),
                        ({"result": {"header": {"cluster_id": etcd.cluster}}}, "no revision"), (created, "begins twice"),
                        ({"result": {"header": header, "events": [{"kv": {**kv, "key": "*"}}]}}, "not base64"),
                        ({"result": {"header": header, "events": [{"kv": {**kv, "key": coded("/services/other/1")}}]}},
                         "nobody asked for"),
                        ({"result": {"header": header, "events": [{"type": "MOVE", "kv": kv}]}}, "nobody knows"),
                        ({"result": {"header": header, "canceled": True, "cancel_reason": "because"}}, "because"),
                        ({"error": {"grpc_code": 14, "message": "transport is closing"}}, "transport is closing"),
                        ({"error": {"code": 14, "message": "error reading from server: EOF"}}, "EOF")):
        yield records(etcd, created, thing), part
    yield records(etcd, {"result": {"header": header, "events": [{"kv": kv}]}}), "does not begin"
    yield records(etcd, {"result": {"header": header, "created": True, "canceled": True, "watch_id": "-1",
                                    "cancel_reason": "rpc error: code = PermissionDenied"}}), "PermissionDenied"


def test_bad_records(t):
    """a record of a watch that makes no sense, cancels it, or is an error in an answer with status 200: the keys are read anew"""
    each(t, WATCH, bad_records)


def test_ended(t):
    """a watch that etcd ends in good order is no less gone"""
    etcd, outrider = started(t)
    n = len(etcd.about(RANGE))
    etcd.end_watches("end")
    t.wait_until(lambda: len(etcd.about(RANGE)) > n, "the keys to be read anew")
    live_again(t, etcd, outrider)
    t.contains(outrider.stderr(), "the watch was ended", "log")


def test_half_a_revision(t):
    """a watch that is cut in the middle of a revision leaves no half of it"""
    etcd, outrider = started(t)
    etcd.on(RANGE, lambda c, request: etcd.refuse(c, 503, 14, "not now"))
    kv = {"key": coded("/services/web/2"), "mod_revision": str(etcd.revision + 1), "value": coded("127.0.0.1:1")}
    etcd.say({"result": {"header": etcd.header(revision=str(etcd.revision + 1)), "fragment": True, "events": [{"kv": kv}]}})
    etcd.say(b'{"result":{"header":{"clus')
    etcd.end_watches()
    t.wait_until(lambda: "not now" in (source(outrider)["last_error"] or ""), "the error")
    t.equal(len(outrider.service("web")["targets"]), 1, "targets")
    etcd.on(RANGE, None)
    live_again(t, etcd, outrider)


def test_bytewise(t):
    """records that come byte by byte are records"""
    etcd, outrider = started(t)
    origin = t.origin(name="drop")
    etcd.on(RANGE, None)

    def handler(c, request):
        etcd.on(WATCH, None)
        rev = str(etcd.revision + 1)
        event = {"kv": {"key": coded("/services/web/1"), "mod_revision": rev, "value": coded(at(origin))}}
        text = "".join(json.dumps(one) + "\r\n" for one in (
            {"result": {"header": etcd.header(), "created": True}},
            {"result": {"header": etcd.header(revision=rev), "events": [event]}}))
        c.send(head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]))
        for byte in text.encode():
            c.send(chunk(bytes([byte])))
            time.sleep(0.001)
        c.stall()
        return "close"
    etcd.on(WATCH, handler)
    etcd.end_watches()
    t.wait_until(lambda: t.get(outrider).text() == "drop", "the change")


def test_gone(t):
    """etcd dies: the last targets stay; it comes back empty: they are held while they answer, then it has them again"""
    etcd, outrider = started(t)
    value = etcd.keys[b"/services/web/1"][0]
    etcd.origin.shut()
    etcd.end_watches()
    t.wait_until(lambda: source(outrider)["mode"] == "stale", "the source to be stale")
    serves(t, outrider, "/", "web")
    etcd.forget()
    etcd.origin.listen()
    t.wait_until(lambda: source(outrider)["mode"] == "held", "the source to be held")
    serves(t, outrider, "/", "web")
    etcd.wait_watched()
    etcd.put("/services/web/1", value)
    t.wait_until(lambda: source(outrider)["mode"] == "live", "the source to be live")
    t.equal(outrider.service("web")["targets"][0]["state"], "active", "state of the target")


def other_history(t, change):
    """The history under an open name is another one: found out when the watch begins anew, and the keys are read anew."""
    etcd = Etcd(t)
    etcd.put("/services/web/1", at(t.origin(name="old")))
    outrider = t.outrider(CONFIG.replace("@more.url@", "@etcd.url@").replace('"@etcd.url@"', '"@etcd.url@", wait: 1s'), etcd=etcd)
    etcd.wait_watched()
    new = t.origin(name="new")
    with etcd.changed:
        change(etcd)
        etcd.keys = {b"/services/web/1": (at(new).encode(), etcd.revision)}
        etcd.history = []
    t.wait_until(lambda: t.get(outrider).text() == "new", "the keys to be read anew")
    t.equal((source(outrider)["mode"], source(outrider)["index"]), ("live", etcd.revision), "source")


def test_history_shorter(t):
    """a store that was put back: its revision is behind ours"""
    def change(etcd):
        etcd.revision -= 1
    other_history(t, change)


def test_history_of_another(t):
    """another cluster at the same address"""
    def change(etcd):
        etcd.cluster = "7"
        etcd.revision += 100
    other_history(t, change)


def test_compacted_for_ever(t):
    """an etcd that cancels every watch as compacted is not asked in a loop"""
    etcd, outrider = started(t)
    header = {"cluster_id": etcd.cluster}
    created = {"result": {"header": etcd.header(), "created": True}}
    etcd.on(WATCH, records(etcd, created, {"result": {"header": header, "canceled": True, "compact_revision": "9"}}))
    n = len(etcd.requests)
    etcd.end_watches()
    time.sleep(4)
    t.at_most(len(etcd.requests) - n, 16, "calls in four seconds")
    serves(t, outrider, "/", "web")
    etcd.on(WATCH, None)
    live_again(t, etcd, outrider)


def test_refused_for_ever(t):
    """nor one that refuses every watch while it answers every range"""
    etcd, outrider = started(t)
    n = len(etcd.requests)
    etcd.on(WATCH, reset)
    etcd.end_watches()
    time.sleep(4)
    t.at_most(len(etcd.requests) - n, 16, "calls in four seconds")
    etcd.on(WATCH, None)
    live_again(t, etcd, outrider)


def test_retry_after(t):
    """Retry-After is honoured"""
    etcd, outrider = started(t)
    seen = []

    def handler(c, request):
        seen.append(time.monotonic())
        c.respond(429, [("Retry-After", "2")], b"")
    etcd.on(RANGE, handler)
    etcd.end_watches()
    t.wait_until(lambda: len(seen) >= 2, "two ranges")
    t.at_least(seen[1] - seen[0], 1.9, "seconds until the next range")
    etcd.on(RANGE, None)
    live_again(t, etcd, outrider)


def stalled(t, path):
    start_clock(60)
    etcd, outrider = started(t)
    seen = []

    def stall(c, request):
        began = time.monotonic()
        c.stall()
        seen.append(time.monotonic() - began)
        return "close"
    etcd.on(path, stall)
    etcd.end_watches()
    t.wait_until(lambda: "http://" in (source(outrider)["last_error"] or "") and seen, "the call to be given up")
    t.true(9.5 <= seen[0] <= 12, f"seconds until it was: {seen[0]}")
    serves(t, outrider, "/", "web")
    etcd.on(path, None)
    live_again(t, etcd, outrider)


def test_stalled_range(t):
    """a range that is never answered is given up after 10 seconds (OUTRIDER_SLOW only)"""
    if not SLOW:
        t.skip("takes 11 seconds: OUTRIDER_SLOW")
    stalled(t, RANGE)


def test_stalled_watch(t):
    """so is a watch that never begins (OUTRIDER_SLOW only)"""
    if not SLOW:
        t.skip("takes 11 seconds: OUTRIDER_SLOW")
    stalled(t, WATCH)


def test_silent_member(t):
    """a member that falls silent within a watch is left for the next one, `wait` and 10 seconds later (OUTRIDER_SLOW only)"""
    if not SLOW:
        t.skip("takes 11 seconds: OUTRIDER_SLOW")
    start_clock(60)
    one, two = Etcd(t), Etcd(t)
    for etcd in (one, two):
        etcd.put("/services/web/1", at(t.origin(name="web")))
    config = CONFIG.replace('"@etcd.url@"', '["@one.url@", "@two.url@"], wait: 1s').replace("@more.url@", "@one.url@")
    outrider = t.outrider(config, one=one, two=two)
    one.wait_watched()
    began = time.monotonic()
    for path in (RANGE, WATCH):
        one.on(path, lambda c, request: c.stall())
    two.wait_watched()
    t.true(9 <= time.monotonic() - began <= 14, f"seconds until the second was asked: {time.monotonic() - began}")
    t.wait_until(lambda: source(outrider)["mode"] == "live", "the source to be live")


def test_bad_at_start(t):
    """whatever is wrong with the first answer, the daemon starts at once, and has the targets when they are there"""
    for body, status in ((b"garbage", 200), (b"", 403), (b"{", 200)):
        etcd, more = Etcd(t), Etcd(t)
        etcd.put("/services/web/1", at(t.origin(name="web")))
        more.put("/services/other/1", at(t.origin(name="other")))
        etcd.on(RANGE, says(etcd, body, status))
        began = time.monotonic()
        outrider = t.outrider(CONFIG, etcd=etcd, more=more)
        t.at_most(time.monotonic() - began, 4, "seconds until it was ready")
        t.equal(t.get(outrider).status, 503, "status without targets")
        serves(t, outrider, "/other", "other")
        t.equal(source(outrider)["mode"], "failed", "mode")
        etcd.on(RANGE, None)
        t.wait_until(lambda: t.get(outrider).text() == "web", "the targets")


main()
