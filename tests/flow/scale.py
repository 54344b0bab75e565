#!/usr/bin/env python3
# tests/flow/scale.py - one service with 10 000 targets, and 1 000 services with 20: memory, and what a change costs whom.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from kit.bulk import Bulk, entry
from kit.etcd import at
from kit.kube import Kubernetes, endpoint, slice_of

MANY = 10000                    # targets of one service
EACH = 2                        # KiB that a target may cost
APPLIED = 0.050                 # seconds from the last byte of an answer to the first request that goes by it
PAUSE = 0.001                   # seconds of a worker's time that a change may take

CONFIG = """
registries: { consul: { type: consul, address: "@consul.url@", max_connections: 2000 } }
services: [ %s ]
routes: [ %s ]
"""


def configuration(names):
    services = (f"{{ name: {name}, source: {{ registry: consul }} }}" for name in names)
    routes = (f'{{ name: {name}, match: {{ paths: ["/{name}/**"] }}, service: {name} }}' for name in names)
    return CONFIG % (", ".join(services), ", ".join(routes))


def address(i):
    return f"127.{1 + i // 62500}.{i // 250 % 250}.{1 + i % 250}"


def quiet_targets(service, n, status="critical"):
    """Instances where nobody listens; critical, so that nobody asks."""
    return [entry(service, address(i), 9, status) for i in range(n)]


def cpu(outrider):
    """{name of a thread: seconds of it}, all workers under one name."""
    spent = {}
    for task in os.listdir(f"/proc/{outrider.process.pid}/task"):
        where = f"/proc/{outrider.process.pid}/task/{task}/"
        with open(where + "comm", encoding="ascii") as comm, open(where + "schedstat", encoding="ascii") as stat:
            name, seconds = comm.read().strip(), int(stat.read().split()[0]) / 1e9
        spent[name] = spent.get(name, 0) + seconds
    return spent


def cost(outrider, change, quiet=0.3):
    """What each thread does for a change, until the discovery thread rests."""
    before = cpu(outrider)
    change()
    last, since = None, time.monotonic()
    while time.monotonic() - since < quiet:
        now = cpu(outrider)["discovery"]
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.02)
    return {name: seconds - before.get(name, 0) for name, seconds in cpu(outrider).items()}


def measured(t):
    if sanitized():
        t.skip("a sanitizer takes time and memory of its own")
    if not os.path.exists("/proc/self/schedstat"):
        t.skip("this kernel does not say what a thread has spent")


def test_memory(t):
    """a target costs at most 2 KiB, with two tags and two words about it, and so it stays over many changes"""
    measured(t)
    start_clock(60)
    consul = t.closing(Bulk())
    few = quiet_targets("web", 10)
    consul.set("web", few)
    outrider = t.outrider(configuration(["web"]), consul=consul)
    t.wait_until(lambda: len(outrider.service("web")["targets"]) == 10, "the first targets")
    before = outrider.resident_kib()
    all_of_them = quiet_targets("web", MANY)
    consul.set("web", all_of_them)
    wait_until(lambda: len(outrider.service("web")["targets"]) == MANY, "all targets", poll=0.5)
    first = (outrider.resident_kib() - before) / MANY
    for i in range(10):
        cost(outrider, lambda: consul.set("web", all_of_them[:-1] + [entry("web", address(MANY + i), 9, "critical")]))
    later = (outrider.resident_kib() - before) / MANY
    t.say(f"{first:.2f} KiB for each of {MANY} targets, {later:.2f} after ten changes")
    t.at_most(first, EACH, "KiB per target")
    t.at_most(later, EACH, "KiB per target after changes")


def test_one_of_many(t):
    """one changed target of 10 000 is applied within 50 ms of its arrival, and costs the workers less than 1 ms"""
    measured(t)
    start_clock(60)
    consul = t.closing(Bulk())
    consul.last_byte_waits = 0.2
    a, b = t.origin(name="a"), t.origin(name="b")
    rest = quiet_targets("web", MANY - 2)

    def serve_from(good):
        consul.set("web", rest + [entry("web", thing.host, thing.port, "passing" if thing is good else "critical")
                                  for thing in (a, b)])
    serve_from(a)
    outrider = t.outrider(configuration(["web"]), consul=consul)
    client = t.client(outrider)
    t.wait_until(lambda: client.ask("GET", "/web/").text() == "a", "the first target")
    times = []
    for turn in range(10):
        want = (b, a)[turn % 2]
        before = consul.sent_at
        serve_from(want)
        at = wait_until(lambda: client.ask("GET", "/web/").text() == want.name and time.monotonic(), want.name, poll=0)
        t.true(consul.sent_at > before, "an answer was sent")
        times.append(at - consul.sent_at)
        time.sleep(0.2)
    consul.last_byte_waits = 0
    spent = [cost(outrider, lambda: serve_from(thing)) for thing in (b, a, b, a, b)]
    work = sorted(one["discovery"] for one in spent)
    workers = sorted(max(seconds for name, seconds in one.items() if name.startswith("worker")) for one in spent)
    t.say(f"applied {min(times) * 1000:.0f} to {max(times) * 1000:.0f} ms after the last byte of {len(''.join(rest)) >> 20} MiB; "
          f"discovery {work[2] * 1000:.0f} ms of work, a worker {workers[2] * 1000:.2f}")
    t.at_most(sorted(times)[2], APPLIED, "seconds until a change is applied, of ten the third: others use the machine, too")
    t.at_most(workers[2], PAUSE, "seconds of a worker")


def by_watch(t, outrider, client, a, b, come, go):
    """come() and go() are changes that bring b and take it away: one event each, of which the rest is not read again."""
    times = []
    for _ in range(10):
        t.wait_until(lambda: {client.get("/web/").text() for _ in range(4)} == {"a"}, "a alone to serve")
        time.sleep(0.15)
        began = time.monotonic()
        come()
        times.append(wait_until(lambda: client.get("/web/").text() == "b" and time.monotonic(), "b to serve", poll=0) - began)
        go()
    t.wait_until(lambda: {client.get("/web/").text() for _ in range(4)} == {"a"}, "a alone to serve")
    spent = [cost(outrider, change) for change in (come, go, come, go, come)]
    work = sorted(one["discovery"] for one in spent)
    workers = sorted(max(seconds for name, seconds in one.items() if name.startswith("worker")) for one in spent)
    t.say(f"applied {min(times) * 1000:.0f} to {max(times) * 1000:.0f} ms after the event; "
          f"discovery {work[2] * 1000:.0f} ms of work, a worker {workers[2] * 1000:.2f}")
    t.at_most(sorted(times)[2], APPLIED, "seconds until a change is applied")
    t.at_most(workers[2], PAUSE, "seconds of a worker")


def test_etcd(t):
    """the same by a watch of etcd"""
    measured(t)
    start_clock(60)
    etcd = Etcd(t)
    a, b = t.origin(name="a"), t.origin(name="b")
    etcd.change({f"/services/web/{i:05}": at((address(i), 9), state="critical") for i in range(MANY - 2)})
    etcd.change({"/services/web/a": at(a, tier=1), "/services/web/b": at(b, state="critical")})
    outrider = t.outrider(configuration(["web"]).replace("type: consul", "type: etcd").replace(", max_connections: 2000", ""),
                          consul=etcd)
    t.equal(len(outrider.service("web")["targets"]), MANY, "targets")
    by_watch(t, outrider, t.client(outrider), a, b, lambda: etcd.put("/services/web/b", at(b)),
             lambda: etcd.put("/services/web/b", at(b, state="critical")))


def test_kubernetes(t):
    """the same by a watch of Kubernetes, a hundred endpoints in each slice"""
    measured(t)
    start_clock(60)
    kube = Kubernetes(t)
    a, b = t.origin(name="a"), t.origin(name="b")
    quiet = {"conditions": {"ready": False, "serving": False}}

    def slice_with(name, first, *more, port=9):
        return slice_of(name, *more, *[endpoint(address(i), **quiet) for i in range(first, first + 99)], port=port)

    def of_b(ready):
        kube.put(slice_with("web-b", 99, endpoint(b, conditions={"ready": ready, "serving": ready}), port=b.port))
    for i in range(2, MANY // 100):
        kube.put(slice_with(f"web-{i}", 100 * i))
    kube.put(slice_with("web-a", 0, a, port=a.port))
    of_b(False)
    outrider = t.outrider(configuration(["web"]).replace("type: consul", "type: kubernetes").replace(", max_connections: 2000", ""),
                          consul=kube)
    t.wait_until(lambda: len(outrider.service("web")["targets"]) > MANY * 0.98, "targets")
    client = t.client(outrider)
    by_watch(t, outrider, client, a, b, lambda: of_b(True), lambda: of_b(False))


def test_many_services(t):
    """1 000 services with 20 targets: a change of one costs what it costs among ten"""
    measured(t)
    start_clock(120)
    consul = t.closing(Bulk())
    spent = {}
    for n in (10, 1000):
        names = [f"s{i}" for i in range(n)]
        for name in names:
            consul.set(name, quiet_targets(name, 20))
        outrider = t.outrider(configuration(names), consul=consul)
        before = outrider.resident_kib()
        t.wait_until(lambda: all(consul.asked.get(name, 0) >= 2 for name in names), f"all of {n} services to be followed")
        costs = [cost(outrider, lambda: consul.set("s5", quiet_targets("s5", 19 + i % 2)))["discovery"] for i in range(9)]
        spent[n] = sorted(costs)[4]
        t.say(f"{n} services: {spent[n] * 1000:.2f} ms of work for a change of one; resident {outrider.resident_kib() >> 10} MiB")
        outrider.stop()
        consul.asked.clear()
    t.at_most(spent[1000], spent[10] + 0.001, "seconds of work for a change of one service of 1 000")


main()
