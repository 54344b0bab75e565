#!/usr/bin/env python3
# tests/flow/kubernetes-rules.py - what a (scripted) API server of Kubernetes must not be believed, and how often it is asked.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from kit.kube import EXPIRED, Kubernetes, Watch, endpoint, pods, slice_of, status

CONFIG = """
registries: { kubernetes: { type: kubernetes, address: "@kube.url@", token: t0 @keys@ } }
services:
  - { name: web, source: { registry: kubernetes } }
  - { name: other, source: { registry: kubernetes } }
routes:
  - { match: { paths: ["/other"] }, service: other }
  - { match: { paths: ["/**"] }, service: web }
"""


def started(t, keys="", **more):
    kube = Kubernetes(t)
    web, other, new = pods(t, ["web", "other", "new"])
    kube.put(slice_of("web-1", web), slice_of("other-1", other, service="other"))
    outrider = t.outrider(CONFIG.replace("@keys@", keys), kube=kube, **more)
    for service in ("web", "other"):
        kube.wait_watch(service)
    kube.web, kube.new = web, new
    return kube, outrider


def source(outrider, service="web"):
    return outrider.service(service)["sources"][0]


def serves(t, outrider, path, text):
    answer = t.get(outrider, path)
    t.equal((answer.status, answer.text()), (200, text), f"answer of {path}")


def only(service, handler):
    """For calls about one service; others are answered as ever."""
    return lambda c, call: handler(c, call) if call.service == service else "default"


def follows(t, kube, outrider, what):
    """A change comes through, and is taken back."""
    kube.put(slice_of("web-1", kube.new))
    t.wait_until(lambda: t.get(outrider).text() == "new", f"a change to be followed {what}")
    kube.put(slice_of("web-1", kube.web))
    t.wait_until(lambda: t.get(outrider).text() == "web", f"the next change to be followed {what}")


def wrong(t, kube, outrider, kind, handler, part, mode="stale"):
    """Whatever the handler does to a list or a watch: web's targets stay, the source says so, other is not touched, and all is
    well again after it."""
    asked = len(kube.about("watch", "other")), len(kube.about("list", "other"))
    if kind == "list":
        kube.compact()
    kube.on(kind, only("web", handler))
    for watch in kube.watches("web"):
        if kind == "list":
            watch.event("ERROR", EXPIRED)
        watch.end()
    t.wait_until(lambda: part in (source(outrider)["last_error"] or ""), f"an error with {part!r}, not {source(outrider)}")
    t.equal(source(outrider)["mode"], mode, "mode")
    serves(t, outrider, "/", "web")
    serves(t, outrider, "/other", "other")
    t.equal(source(outrider, "other")["mode"], "live", "mode of the other service")
    t.equal((len(kube.about("watch", "other")), len(kube.about("list", "other"))), asked, "calls for the other service")
    kube.on(kind, None)
    t.wait_until(lambda: source(outrider)["mode"] == "live" and kube.watches("web"), "the source to be live again")
    serves(t, outrider, "/", "web")
    follows(t, kube, outrider, f"after {part!r}")


def body(kube, data):
    return lambda c, call: kube.respond(c, data)


def refused(kube, code, reason, message):
    return lambda c, call: kube.refuse(c, code, reason, message)


def reset(c, call):
    c.reset()
    return "close"


def cut(c, call):
    c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    return "close"


def nonsense(c, call):
    c.send(b"SSH-2.0-x\r\n")
    return "close"


def endless(c, call):
    c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    try:
        while True:
            c.send(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
    except (Ended, OSError):
        return "close"


def test_list_refused(t):
    """a list that is refused, with whatever status, changes nothing"""
    for code, reason, message in ((403, "Forbidden", 'endpointslices is forbidden: User "x" cannot list resource'),
                                  (500, "InternalError", "boom"), (400, "BadRequest", "odd"), (503, "ServiceUnavailable", "no"),
                                  (301, "Moved", "elsewhere")):
        kube, outrider = started(t)
        wrong(t, kube, outrider, "list", refused(kube, code, reason, message), f"HTTP {code}: {message}")


def test_list_garbage(t):
    """a list that cannot be read, or is another one, changes nothing"""
    start_clock(40)
    good = json.dumps({"kind": "EndpointSliceList", "metadata": {"resourceVersion": "5"}, "items": []})
    for data in ("", "<html>", "{}", "[]", good[:-1], '{"kind":"PodList","metadata":{"resourceVersion":"5"},"items":[]}',
                 good.replace("[]", "{}"), good.replace('"5"', "5"), good.replace('"5"', '""'), json.dumps(status(500, "x", "y"))):
        kube, outrider = started(t)
        wrong(t, kube, outrider, "list", body(kube, data), "not ")


def test_list_broken(t):
    """a list that is cut, reset, no HTTP or without an end changes nothing"""
    for handler, part in ((reset, "http://"), (cut, "http://"), (nonsense, "http://"), (endless, "too long")):
        kube, outrider = started(t)
        wrong(t, kube, outrider, "list", handler, part)


def test_watch_refused(t):
    """a watch that is refused changes nothing, and needs no list afterwards"""
    kube, outrider = started(t)
    for code, reason, message in ((403, "Forbidden", "cannot watch resource"), (500, "InternalError", "boom"),
                                  (429, "TooManyRequests", "slow down"), (503, "ServiceUnavailable", "")):
        wrong(t, kube, outrider, "watch", refused(kube, code, reason, message), f"HTTP {code}")
    t.equal(len(kube.about("list")), 1, "lists")


def test_watch_broken(t):
    """a watch that is reset or no HTTP goes on where it was; one that is cut in the middle of an event loses nothing"""
    kube, outrider = started(t)

    def cut_event(c, call):
        kube.begin_watch(c)
        watch = Watch(kube, c, call)
        watch.send(b'{"type":"MODIFIED","object":{"metadata":{"name":"web-1"')
        watch.end()
    wrong(t, kube, outrider, "watch", reset, "http://")
    wrong(t, kube, outrider, "watch", nonsense, "http://")
    wrong(t, kube, outrider, "watch", cut_event, "the watch ends inside of an event")
    t.equal(len(kube.about("list")), 1, "lists")


def said(kube, *lines):
    def handler(c, call):
        kube.begin_watch(c)
        watch = Watch(kube, c, call)
        for line in lines:
            watch.send(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
        watch.end()
    return handler


def test_watch_garbage(t):
    """a watch that says what is no event is left, and the truth is listed"""
    start_clock(40)
    nameless = {"type": "DELETED", "object": {"metadata": {"resourceVersion": "9999999"}}}
    for line, part in ((b"garbage\n", "not JSON"), (b"[]\n", "not an object"), (b'{"type":"GONE","object":{}}\n', "known type"),
                       ({"type": "MODIFIED", "object": []}, "with an object"), (nameless, "with a name"),
                       ({"type": "DELETED", "object": slice_of("web-1")}, "no `resourceVersion`"),
                       (b'{"type":"MODIFIED","object":{"a":1,"a":2}}\n', "not JSON"), (b"[" * 100000 + b"\n", "not JSON")):
        kube, outrider = started(t)
        wrong(t, kube, outrider, "watch", said(kube, line), part)
        t.at_least(len(kube.about("list")), 2, f"lists after {part!r}")


def test_watch_errors(t):
    """an error in a watch is said, and the truth is listed"""
    kube, outrider = started(t)
    for thing in (status(500, "InternalError", "etcd event received with PrevKv=nil"), status(504, "Timeout", "too slow")):
        wrong(t, kube, outrider, "watch", said(kube, {"type": "ERROR", "object": thing}), thing["message"])


def test_watch_huge(t):
    """an event without an end is cut off"""
    kube, outrider = started(t)
    wrong(t, kube, outrider, "watch", endless, "too long")


def test_expired(t):
    """410, as an event or as a status: a list within seconds, not older than what is known, and nothing is stale meanwhile"""
    for as_status in (False, True):
        kube, outrider = started(t)
        kube.bookmark()
        t.wait_until(lambda: source(outrider)["index"] == kube.version, "the bookmark")
        known = kube.version
        if as_status:
            kube.on("watch", only("web", lambda c, call: kube.refuse(c, 410, "Gone", "too old") if call.since == str(known)
                                  else "default"))
        else:
            kube.compact()
        at = time.monotonic()
        kube.watches()[0].end()
        kube.put(slice_of("web-1", kube.new))
        second = kube.wait_calls("list", 2)[1]
        t.at_most(second.at - at, 2.5, "seconds until the list")
        t.equal((second.parameters["resourceVersion"], second.parameters["resourceVersionMatch"]),
                (str(known), "NotOlderThan"), "how new the list must be")
        t.wait_until(lambda: t.get(outrider).text() == "new", "what is in the list")
        t.equal((source(outrider)["mode"], source(outrider)["last_error"]), ("live", None), "mode and error")
        kube.on("watch", None)
        follows(t, kube, outrider, "after 410")


def test_expired_spread(t):
    """those who have to list again do not come at the same moment"""
    kube, origin = Kubernetes(t), t.origin(name="x")
    names = [f"s{i}" for i in range(24)]
    kube.put(*(slice_of(f"{name}-1", endpoint("127.0.0.1"), service=name, port=origin.port) for name in names))
    services = "".join(f"  - {{ name: {name}, source: {{ registry: kubernetes }} }}\n" for name in names)
    t.outrider('registries: { kubernetes: { type: kubernetes, address: "@kube.url@" } }\nservices:\n' + services +
               'routes: [ { match: { paths: ["/**"] }, service: s0 } ]\n', kube=kube)
    for name in names:
        kube.wait_watch(name)
    kube.compact()
    at = time.monotonic()
    for name in names:
        kube.watches(name)[0].end()
    t.wait_until(lambda: all(len(kube.about("list", name)) == 2 for name in names), "all lists")
    times = sorted(kube.about("list", name)[1].at - at for name in names)
    t.at_most(times[-1], 3, "seconds until the last list")
    t.at_least(times[-1] - times[0], 0.5, "seconds between the first and the last")


def test_list_not_to_be_had(t):
    """a list that cannot be as new as what is known, or whose next page is gone, is followed by one of the newest"""
    start_clock(40)                                     # those who have to list again and again wait longer each time
    kube, outrider = started(t)
    kube.on("list", lambda c, call: kube.refuse(c, 504, "Timeout", "Too large resource version: 2000, current: 10")
            if "resourceVersionMatch" in call.parameters else "default")
    kube.compact()
    kube.watches()[0].end()
    kube.wait_calls("list", 3)
    t.equal([call.parameters.get("resourceVersion") is None for call in kube.about("list")], [False, False, True],
            "lists of the newest")
    t.wait_until(lambda: source(outrider)["mode"] == "live" and kube.watches(), "the source to be live")
    kube.page = 1
    refused = []

    def once(c, call):
        if "continue" not in call.parameters or refused:
            return "default"
        refused.append(call)
        return kube.refuse(c, 410, "Expired", "continue is too old")
    kube.on("list", once)
    kube.put(slice_of("web-2", kube.new))
    n = len(kube.about("list"))
    kube.compact()
    kube.watches()[0].end()
    calls = kube.wait_calls("list", n + 3)[n:]
    t.equal([sorted(set(call.parameters) & {"continue", "resourceVersion"}) for call in calls[:3]],
            [["resourceVersion"], ["continue"], []], "parameters of the lists")
    follows(t, kube, outrider, "after the pages")


def test_set_back(t):
    """a cluster that was set back to an older state is listed anew, and believed"""
    kube, outrider = started(t)
    kube.bookmark()
    t.wait_until(lambda: source(outrider)["index"] == kube.version, "the bookmark")
    kube.version = 100
    kube.history.clear()
    kube.put(slice_of("web-1", kube.new))
    for watch in kube.watches():
        watch.event("BOOKMARK", {"kind": "EndpointSlice", "metadata": {"resourceVersion": "101"}})
    t.wait_until(lambda: t.get(outrider).text() == "new", "the older state")
    t.equal(kube.about("list")[1].since, None, "how new the list must be")
    t.wait_until(lambda: source(outrider)["index"] == kube.version, "its version")


def test_bookmarks(t):
    """a bookmark moves the point from which a watch goes on, and is contact"""
    kube, outrider = started(t)
    before = source(outrider)["last_contact"]
    time.sleep(0.02)
    kube.bookmark()
    t.wait_until(lambda: source(outrider)["index"] == kube.version, "the version of the bookmark")
    t.true(source(outrider)["last_contact"] > before, "the bookmark is contact")
    known = kube.version
    kube.compact()
    kube.oldest = known                                 # what was before the bookmark is forgotten
    kube.watches()[0].end()
    watch = kube.wait_calls("watch", 2)[1]
    t.equal(watch.since, str(known), "where the next watch begins")
    follows(t, kube, outrider, "after the bookmark")
    t.equal(len(kube.about("list")), 1, "lists")


def test_cut_anywhere(t):
    """events come byte by byte, several at once, in chunks cut inside of characters"""
    kube, outrider = started(t)
    watch = kube.wait_watch()

    def event(pod, version):
        thing = slice_of("web-1", endpoint(pod, zone="Z\u00fcrich-\U0001f3d4"), port=pod.port)
        thing["metadata"]["resourceVersion"] = str(version)
        return json.dumps({"type": "MODIFIED", "object": thing}, ensure_ascii=False).encode() + b"\n"
    one, last = event(kube.new, 5001), event(kube.new, 5005)
    for i in range(len(one)):
        watch.send(one[i:i + 1])
    t.wait_until(lambda: t.get(outrider).text() == "new", "an event that came byte by byte")
    t.equal(outrider.service("web")["targets"][0]["zone"], "Z\u00fcrich-\U0001f3d4", "zone")
    watch.send(event(kube.web, 5002) + event(kube.new, 5003) + event(kube.web, 5004) + last[:100])
    t.wait_until(lambda: source(outrider)["index"] == 5004 and t.get(outrider).text() == "web", "the events in one piece")
    cut_at = last.index("\U0001f3d4".encode()) + 2
    watch.send(last[100:cut_at])
    serves(t, outrider, "/", "web")
    watch.send(last[cut_at:])
    t.wait_until(lambda: t.get(outrider).text() == "new", "the event that was cut")
    t.equal((source(outrider)["mode"], len(kube.about("list"))), ("live", 1), "mode and lists")


def test_bad_endpoints(t):
    """a record that makes no sense is quarantined with a reason; those beside it serve"""
    kube, outrider = started(t)
    kube.put(slice_of("web-1", kube.web, {"addresses": []}, endpoint("no address"), endpoint(kube.new, conditions=[]),
                      endpoint("10.0.0.256")))
    t.wait_until(lambda: outrider.service("web")["quarantined_total"] == 4, "four quarantined records")
    serves(t, outrider, "/", "web")
    kube.put(slice_of("web-2", kube.new) | {"addressType": "IPX"}, slice_of("web-3") | {"endpoints": {"a": 1}})
    t.wait_until(lambda: {item["reason"] for item in outrider.service("web")["quarantined"]} >=
                 {"the slice's `addressType` is not known", "`endpoints` is no list"}, "their reasons")
    serves(t, outrider, "/", "web")
    t.equal(source(outrider)["mode"], "live", "mode")


def test_nameless(t):
    """an item of a list that is no slice touches no other"""
    kube, outrider = started(t)
    good = json.loads(json.dumps(list(kube.slices.values())[0]))
    kube.on("list", only("web", body(kube, {"kind": "EndpointSliceList", "metadata": {"resourceVersion": str(kube.version + 1)},
                                            "items": [7, {"kind": "EndpointSlice"}, good]})))
    kube.compact()
    kube.watches()[0].end()
    t.wait_until(lambda: outrider.service("web")["quarantined_total"] == 1, "what is quarantined")
    t.equal(outrider.service("web")["quarantined"][0]["reason"], "the list holds something that is no EndpointSlice", "reason")
    serves(t, outrider, "/", "web")


def test_gone(t):
    """the server dies: the targets stay, and the watch goes on when it is back, without a list"""
    kube, outrider = started(t)
    kube.origin.shut()
    t.wait_until(lambda: source(outrider)["mode"] == "stale", "the source to be stale")
    serves(t, outrider, "/", "web")
    kube.put(slice_of("web-1", kube.new))
    kube.origin.listen()
    t.wait_until(lambda: t.get(outrider).text() == "new", "what has changed meanwhile")
    t.wait_until(lambda: source(outrider)["mode"] == source(outrider, "other")["mode"] == "live", "both to be live")
    t.equal((len(kube.about("list")), len(kube.about("list", "other"))), (1, 1), "lists")


def test_gone_before_a_list(t):
    """the server dies when a list is due: the targets stay, and the list comes when it is back"""
    kube, outrider = started(t)
    kube.compact()
    kube.watches()[0].event("ERROR", EXPIRED)
    kube.origin.shut()
    t.wait_until(lambda: source(outrider)["mode"] == "stale", "the source to be stale")
    serves(t, outrider, "/", "web")
    kube.put(slice_of("web-1", kube.new))
    kube.origin.listen()
    t.wait_until(lambda: t.get(outrider).text() == "new", "what is in the list")
    t.wait_until(lambda: source(outrider)["mode"] == "live", "the source to be live")
    t.equal(len(kube.about("list")), 2, "lists")


def test_quiet_again(t):
    """a server that comes back with nothing new is live at once, not only when something changes"""
    kube, outrider = started(t)
    kube.origin.shut()
    t.wait_until(lambda: source(outrider)["mode"] == "stale", "the source to be stale")
    kube.origin.listen()
    at = time.monotonic()
    kube.wait_watch(n=2)
    t.wait_until(lambda: source(outrider)["mode"] == "live", "the source to be live")
    t.at_most(time.monotonic() - at, 4, "seconds")
    t.equal(source(outrider)["last_error"], None, "error")


def test_retry_after(t):
    """Retry-After of 429 and 503 is honoured, for lists and watches"""
    for kind, code in (("watch", 429), ("list", 503)):
        kube, outrider = started(t)
        kube.on(kind, only("web", lambda c, call: kube.refuse(c, code, "TooManyRequests", "slow down", [("Retry-After", "2")])))
        if kind == "list":
            kube.compact()
        kube.watches()[0].end()
        t.wait_until(lambda: f"HTTP {code}" in (source(outrider)["last_error"] or ""), "the error")
        kube.on(kind, None)
        n = len(kube.about(kind))
        at = kube.about(kind)[-1].at
        t.at_least(kube.wait_calls(kind, n + 1)[n].at - at, 1.9, "seconds until the next call")


def test_pace(t):
    """watches that end at once are not opened in a loop"""
    kube, outrider = started(t)
    n = len(kube.about("watch"))
    kube.on("watch", only("web", said(kube)))
    kube.watches()[0].end()
    until = time.monotonic() + 4
    while time.monotonic() < until:
        serves(t, outrider, "/", "web")
        time.sleep(0.05)
    t.true(3 <= len(kube.about("watch")) - n <= 9, f"watches in 4 s: {len(kube.about('watch')) - n}")
    t.equal(source(outrider)["mode"], "live", "mode")
    kube.on("watch", None)
    kube.put(slice_of("web-1", kube.new))
    t.wait_until(lambda: t.get(outrider).text() == "new", "a change to be followed")


def test_pace_of_lists(t):
    """a server that calls every version too old is not asked for lists in a loop"""
    kube, outrider = started(t)
    kube.on("watch", only("web", said(kube, {"type": "ERROR", "object": EXPIRED})))
    kube.watches()[0].end()
    until = time.monotonic() + 8
    while time.monotonic() < until:
        serves(t, outrider, "/", "web")
        time.sleep(0.1)
    lists = len(kube.about("list")) - 1
    t.true(1 <= lists <= 8, f"lists in 8 s: {lists}")
    t.contains(outrider.stderr(), "calls what it has said before too old, again", "log")
    kube.on("watch", None)
    kube.put(slice_of("web-1", kube.new))
    start_clock(60)
    t.wait_until(lambda: t.get(outrider).text() == "new" and source(outrider)["mode"] == "live", "the server to be well again")


def test_turns(t):
    """more services than connections take turns, and all are followed"""
    kube, origin, n = Kubernetes(t), t.origin(name="x"), 6
    names = [f"s{i}" for i in range(n)]
    kube.put(*(slice_of(f"{name}-1", endpoint("127.0.0.1"), service=name, port=origin.port) for name in names))
    services = "".join(f"  - {{ name: {name}, source: {{ registry: kubernetes }} }}\n" for name in names)
    outrider = t.outrider('registries: { kubernetes: { type: kubernetes, address: "@kube.url@", max_connections: 3 } }\n'
                          'services:\n' + services + 'routes: [ { match: { paths: ["/**"] }, service: s0 } ]\n', kube=kube)
    for name in (names[0], names[-1], names[2]):
        kube.put(slice_of(f"{name}-1", endpoint("127.0.0.1"), endpoint("127.0.0.2"), service=name, port=origin.port))
        t.wait_until(lambda: len(outrider.service(name)["targets"]) == 2, f"the change of {name}")
        t.at_most(len(kube.open), 3, "watches at once")
    t.equal({len(kube.about("list", name)) for name in names}, {1}, "lists for each")


def test_bad_at_start(t):
    """whatever is wrong with the first answer, the daemon starts at once, and has the targets when they are there"""
    for handler in (lambda c, call: c.respond(200, [], b"garbage"), reset, cut, lambda c, call: c.respond(403, [], b"")):
        kube = Kubernetes(t)
        web, other = pods(t, ["web", "other"])
        kube.put(slice_of("web-1", web), slice_of("other-1", other, service="other"))
        kube.on("list", only("web", handler))
        began = time.monotonic()
        outrider = t.outrider(CONFIG.replace("@keys@", ""), kube=kube)
        t.at_most(time.monotonic() - began, 4, "seconds until it was ready")
        t.equal(t.get(outrider).status, 503, "status without targets")
        serves(t, outrider, "/other", "other")
        t.equal(source(outrider)["mode"], "failed", "mode")
        kube.on("list", None)
        t.wait_until(lambda: t.get(outrider).text() == "web", "the targets")
        t.equal(source(outrider)["mode"], "live", "mode")


def test_stall(t):
    """a list that never comes is given up after 15 seconds, a watch that falls silent after its time (OUTRIDER_SLOW only)"""
    if not SLOW:
        t.skip("takes 40 seconds: OUTRIDER_SLOW")
    start_clock(90)
    kube, outrider = started(t, keys=", wait: 5s")
    stalled, gone = [], []

    def stall(c, call):
        stalled.append(time.monotonic())
        if call.kind == "watch":
            kube.begin_watch(c)
        c.stall()
        gone.append(time.monotonic())
        return "close"
    for kind in ("watch", "list"):
        kube.on(kind, only("web", stall))
        if kind == "list":
            kube.compact()
        kube.watches()[0].end()
        t.wait_until(lambda: "timed out" in (source(outrider)["last_error"] or "").lower(), f"the {kind} to be given up")
        took = gone[0] - stalled[0]
        t.true(15 <= took <= (22 if kind == "watch" else 17), f"seconds until the {kind} was: {took}")
        serves(t, outrider, "/", "web")
        t.equal(source(outrider, "other")["mode"], "live", "mode of the other service")
        kube.on(kind, None)
        t.wait_until(lambda: source(outrider)["mode"] == "live", "the source to be live again")
        stalled.clear()
        gone.clear()


def test_addresses(t):
    """of several API servers the next is asked when one does not answer, and the watch goes on at its version there"""
    kube, outrider = started(t)
    second = Kubernetes(t)
    second.slices, second.history, second.version = kube.slices, kube.history, kube.version
    outrider.configure(CONFIG.replace("@keys@", "").replace('"@kube.url@"', f'["@kube.url@", "{second.url}"]'))
    outrider.signal(signal.SIGHUP)
    kube.wait_watch(n=2)
    known = source(outrider)["index"]
    kube.origin.shut()
    t.equal(second.wait_watch().call.since, str(known), "where the watch goes on")
    t.wait_until(lambda: source(outrider)["mode"] == "live", "the source to be live")
    second.put(slice_of("web-1", kube.new))
    t.wait_until(lambda: t.get(outrider).text() == "new", "what the second one says")
    t.equal(len(second.about("list")), 0, "lists of the second one")


main()
