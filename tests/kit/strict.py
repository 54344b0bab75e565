# tests/kit/strict.py - requests that must be refused, and those that must be served, in every way they can arrive.
# SPDX-License-Identifier: Apache-2.0
"""The ways: whole, cut in two at every byte, byte by byte, behind a good one, and behind one whose answer is awaited. A bad
request always has another one behind it that nobody may ever see; the answer is one of the given statuses, the connection
ends, and the target sees the good requests and, where a body is broken, a beginning of the bad one that never comes to its
end. A request to be served is read at the target by the kit's own strict reader, and is compared whole."""
import collections
import select
import threading

from . import arrival, checks, http, limit
from .arrival import Plan
from .outrider import has_seam
from .wire import Ended

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: evil.example\r\n\r\n"
GOOD = b"GET /good?%d HTTP/1.1\r\nHost: t.example\r\n\r\n"
HELD = b"GET /held?%d HTTP/1.1\r\nHost: t.example\r\n\r\n"
SECONDS = 120                               # for thousands of connections
# what the sidecar says itself, or frames anew
OWN_FIELDS = {"host", "via", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port",
              "x-request-id", "content-length", "transfer-encoding", "connection", "te", "trailer"}


def deliver(client, wire, bytewise):
    """A server that has refused may have closed: what is left is not sent."""
    try:
        if not bytewise:
            client.send(wire)
            return
        for i in range(len(wire)):
            client.send(wire[i:i + 1])
            if select.select([client.sock], [], [], 0)[0]:
                return
    except Ended:
        pass


SWEEP = 7           # of a sweep over byte values each case is cut at every seventh byte, and together they are at all


def plans_of(case, wire, behind, first=0, step=1):
    """All ways in which wire can arrive, with `behind` right after it."""
    yield Plan(case, "whole", [wire + behind])
    yield Plan(case, "bytewise", arrival.singles(wire[:-1]) + [wire[-1:] + behind])
    yield Plan(case, "pipelined", [b"", wire + behind])
    yield Plan(case, "while another is answered", [wire + behind], held=b"")
    for at in arrival.cuts(wire)[first::step]:
        yield Plan(case, f"cut at byte {at}", [wire[:at], wire[at:] + behind])


def number_goods(plans):
    """A good request of its own for each plan that has one; returns how many times each must reach the target."""
    goods = collections.Counter()
    for i, plan in enumerate(plans):
        if plan.held is not None:
            plan.held = HELD % i
            goods["GET", f"/held?{i}"] += 1
        elif plan.pieces[0] == b"":
            plan.pieces = [GOOD % i + plan.pieces[1]]
            goods["GET", f"/good?{i}"] += 1
    return goods


def holding(origin):
    """The target holds requests of /held until the event it returns is set."""
    hold = threading.Event()

    def held(connection, request):
        hold.wait(limit.remaining("the case to go on"))
        connection.respond()
    origin.on("/held", held)
    return hold


# ---- to be refused ----

def check_refused(t, plan, statuses):
    answers, rest = arrival.answers_of(plan.raw)
    got = [answer.status for answer in answers]
    before = [200] if plan.held is not None or plan.how == "pipelined" else []
    t.true(len(got) == len(before) + 1 and got[:-1] == before and got[-1] in statuses,
           f"{plan}: statuses {got}, expected {before} and one of {statuses}; behind them {rest[:200]!r} ({plan.end})")
    t.equal(rest, b"", f"{plan}: bytes behind the refusal ({plan.end})")


def refused(t, cases, statuses, config=checks.PLAIN, step=1):
    """cases: what -> bytes."""
    limit.start(SECONDS)
    origin = t.origin()
    hold = holding(origin)
    outrider = t.outrider(config, origin=origin)
    plans = [plan for i, (what, wire) in enumerate(cases.items()) for plan in plans_of(what, wire, SMUGGLED, i % step, step)]
    goods = number_goods(plans)
    arrival.run(outrider, plans, None, origin, hold)
    for plan in plans:
        check_refused(t, plan, statuses)
    t.equal(collections.Counter((r.method, r.target) for r in origin.requests), goods, "whole requests at the target")
    t.equal(t.get(outrider).status, 200, "a good request afterwards")


def answered(t, cases, statuses, config=checks.PLAIN):
    """What is framed well, but refused: the connection goes on with the next request, or ends."""
    limit.start(SECONDS)
    origin = t.origin()
    hold = holding(origin)
    outrider = t.outrider(config, origin=origin)
    plans = [plan for what, wire in cases.items() for plan in plans_of(what, wire, LAST)]
    goods = number_goods(plans)
    arrival.run(outrider, plans, None, origin, hold)
    for plan in plans:
        answers, rest = arrival.answers_of(plan.raw)
        got = [answer.status for answer in answers]
        if plan.held is not None or plan.how == "pipelined":
            t.equal(got.pop(0), 200, f"{plan}: status of the good request")
        t.true(got and got[0] in statuses and got[1:] in ([], [200]) and rest == b"",
               f"{plan}: statuses {got}, expected one of {statuses}; behind them {rest[:200]!r} ({plan.end})")
    seen = collections.Counter((r.method, r.target) for r in origin.requests)
    del seen["GET", "/last"]
    t.equal(seen, goods, "whole requests at the target")


# ---- to be served ----

class Served:
    """A request that must be served, and how the target must see it."""

    def __init__(self, wire, target="/bad", method="POST", host="t.example", fields=(), body=b"", trailers=(), ends=False,
                 status=200):
        self.wire, self.ends, self.status = wire, ends, status
        self.seen = (method, target, host, tuple(fields), body, tuple(trailers))
        self.method = method


def seen(request):
    fields = tuple((name.lower(), value) for name, value in request.fields if name.lower() not in OWN_FIELDS)
    return (request.method, request.target, request.get("host"), fields, request.body,
            tuple((name.lower(), value) for name, value in request.trailers))


LAST = b"GET /last HTTP/1.1\r\nHost: t.example\r\nConnection: close\r\n\r\n"


def check_served(t, plan, served):
    answers, rest = arrival.answers_of(plan.raw)
    want = [200] * (plan.held is not None or plan.how == "pipelined") + [served.status] + [200] * (not served.ends)
    t.equal([answer.status for answer in answers], want, f"{plan}: statuses; behind them {rest[:200]!r} ({plan.end})")
    t.equal((rest, plan.end), (b"", "closed"), f"{plan}: the end")


def accepted(t, cases, config=checks.PLAIN):
    """cases: what -> Served, or bytes that make a POST or GET of /bad."""
    limit.start(SECONDS)
    origin = t.origin()
    hold = holding(origin)
    outrider = t.outrider(config, origin=origin)
    plans = []
    for what, case in cases.items():
        wire, ends = (case.wire, case.ends) if isinstance(case, Served) else (case, False)
        plans += plans_of(what, wire, b"" if ends else LAST)
    goods = number_goods(plans)
    arrival.run(outrider, plans, None, origin, hold)
    want = collections.Counter()
    for plan in plans:
        case = cases[plan.case]
        if isinstance(case, Served):
            check_served(t, plan, case)
            want[case.seen] += 1
        else:
            check_served(t, plan, Served(case))
    for (method, target), n in goods.items():
        want[method, target, "t.example", (), b"", ()] += n
    if all(isinstance(case, Served) for case in cases.values()):
        want["GET", "/last", "t.example", (), b"", ()] += sum(not cases[plan.case].ends for plan in plans)
        got = collections.Counter(seen(request) for request in origin.requests)
        t.equal(sorted((got - want).items()), [], "requests at the target that nobody sent")
        t.equal(sorted((want - got).items()), [], "requests that did not reach the target as they should")
    return origin


# ---- field lines that some parsers take for others ----

def disguises(name, value):
    """Of a name: everything but the one way of writing it."""
    half = len(name) // 2
    return [
        name + b" : " + value, name + b"\t: " + value, b" " + name + b": " + value, b"\t" + name + b": " + value,
        name + b":\x0b" + value, name + b":\x0c" + value, name + b":\0" + value, name + b": " + value + b"\0",
        name + b"\0: " + value, name + b"\x0b: " + value, name + b"\x85: " + value, name + b"\xa0: " + value,
        name + b": \x7f" + value, name + b":\r" + value, name + b": " + value + b"\r", name + b": " + value + b"\rX: y",
        name + b":\r\n " + value, name + b":\r\n\t" + value, name + b": " + value + b"\r\n x", name + b"\r\n : " + value,
        name + b":\n" + value, name + b"\n: " + value, b"X: y\n" + name + b": " + value, b"X: y\r" + name + b": " + value,
        b"X: y\r\r\n" + name + b": " + value, b"X: y\0\r\n" + name + b": " + value, b"X\r\n" + name + b": " + value,
        b": \r\n" + name + b": " + value, name[:half] + b" " + name[half:] + b": " + value,
        name[:half] + b"\xc4\xb0" + name[half:] + b": " + value, name + b" " + value, name + b"=" + value,
        name + b";: " + value, name + b"/: " + value, b"\xef\xbb\xbf" + name + b": " + value, b'"' + name + b'": ' + value,
        b"(" + name + b"): " + value, name + b"\x01: " + value, name + b": \x1b" + value, name + b": " + value + b"\x08"]


CODINGS = disguises(b"Transfer-Encoding", b"chunked") + [
    b"Transfer-Encoding: " + value for value in (
        b"cow, chunked", b"chunked, cow", b"identity, chunked", b"chunk", b"chunkeD,", b",chunked", b"\xa0chunked", b"chunked\x85",
        b"chun\xffked", b"'chunked'", b"chunked;", b"chunked;a=b", b"chunked chunked", b"chunked\tchunked", b"chunked\t",
        b"(x)chunked", b"0", b"compress", b"deflate", b"gzip", b"x-gzip", b"trailers", b"%63hunked", b"chunked-",
        b"=?utf-8?q?chunked?=", b"\xef\xbd\x83hunked")]
LENGTHS = disguises(b"Content-Length", b"5")


# ---- writing them ----

def post(*fields, body=b"", version=b"HTTP/1.1"):
    """A POST with these field lines as they stand."""
    return b"POST /bad " + version + b"\r\nHost: t.example\r\n" + b"".join(f + b"\r\n" for f in fields) + b"\r\n" + body


def get(*fields, line=b"GET /bad HTTP/1.1", host=b"Host: t.example"):
    lines = ([host] if host is not None else []) + list(fields)
    return line + b"\r\n" + b"".join(f + b"\r\n" for f in lines) + b"\r\n"
