#!/usr/bin/env python3
# tests/registries/register.py - services of this host in a real Consul, under a steady load from those who follow it.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from registries.agent import Agent, needs_consul
from registries.behind import BEFORE, Behind, BehindUnit, Ends, text_of
from registries.load import Load


def found(agent, passing=True):
    query = "?passing" if passing else ""
    return {entry["Service"]["ID"] for entry in agent.get(f"/v1/health/service/web{query}")}


def whose(agent, id):
    return agent.get("/v1/agent/checks")[f"service:{id}"]["Notes"]


def started(t, names="ab", seconds=90, kind=Behind):
    needs_consul(t)
    start_clock(seconds)
    agent = Agent(t).start()
    behind = [kind(t, "consul", agent, name) for name in names]
    t.wait_until(lambda: found(agent) == {one.id for one in behind}, "all to be passing")
    outrider = t.outrider(text_of(BEFORE, "consul"), registry=agent)
    load = Load(t, outrider)
    load.come_to(names, "at the start")
    return agent, behind, outrider, load


def test_restarts(t):
    """sidecars that stop and start again one after the other cost those before them no request"""
    agent, behind, _, load = started(t)
    stops = []
    for one in behind * 5:
        at = time.monotonic()
        one.stop()
        stops.append(time.monotonic() - at)
        t.true(one.id not in found(agent, passing=False), "it is not in Consul after its end")
        load.come_to({"a", "b"} - {one.name}, "after the stop")
        one.start()
        load.come_to("ab", "after the start")
    t.say(f"stops under load: {min(stops) * 1000:.0f} to {max(stops) * 1000:.0f} ms")
    load.end(t)


def test_units(t):
    """the same of sidecars whose sockets stay open: who still comes waits for the next process"""
    agent, behind, _, load = started(t, kind=BehindUnit)
    for one in behind * 5:
        one.stop()
        t.true(one.id not in found(agent, passing=False), "it is not in Consul after its end")
        one.start()
        load.come_to("ab", "after the start")
    load.end(t)


def test_overlap(t):
    """two on one socket, the next begun before the one before stops: it is found all the while, and nothing fails"""
    agent, (one,), _, load = started(t, "a", kind=BehindUnit)
    gone, done = [], threading.Event()

    def watch():
        while not done.wait(0.01):
            if found(agent) != {one.id}:
                gone.append(time.monotonic())
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    for _ in range(5):
        old, notes = one.outrider, whose(agent, one.id)
        one.start()
        t.wait_until(lambda: whose(agent, one.id) != notes, "the other one's registration")
        old.signal(signal.SIGTERM)
        t.equal(old.wait(), 0, "exit code")
        time.sleep(0.5)
    done.set()
    thread.join()
    t.equal(len(gone), 0, "times that it was not found")
    load.end(t)


def test_order(t):
    """a stop under load: not ready, then not found any more where others look, and only then nobody accepts"""
    agent, behind, _, load = started(t)
    for one in behind:
        one.outrider.configure("shutdown: { delay: 300ms }" + one.text)
        one.outrider.signal(signal.SIGHUP)
        t.wait_until(lambda: "is in force" in one.outrider.stderr(), "the delay")

        def is_ready():
            try:
                return one.outrider.health("/health/ready").status == 200
            except (OSError, Ended):
                return False
        ends = Ends(ready=is_ready, found=lambda: one.id in found(agent, passing=False),
                    accepts=lambda: is_open(("127.0.0.1", one.port)))
        t.wait_until(lambda: load.names() == {"a", "b"}, "both to answer")
        one.stop()
        at = ends.wait()
        lead, lag = at["found"] - at["ready"], at["accepts"] - at["found"]
        t.at_least(lead, 0.2, "seconds between the end of its readiness and that in Consul, with a delay of 0.3")
        t.at_least(lag, 0.2, "seconds between its end in Consul and that of its listener")
        t.say(f"gone from Consul {lead * 1000:.0f} ms after it was not ready any more, closed {lag * 1000:.0f} ms later")
        one.start()
        load.come_to("ab", "after the start")
    load.end(t)


def test_forgotten(t):
    """an agent that comes back empty is told again, and nobody before the sidecars notices"""
    agent, behind, _, load = started(t)
    agent.kill()
    time.sleep(1)
    agent.start()
    at = time.monotonic()
    t.wait_until(lambda: found(agent) == {one.id for one in behind}, "all to be registered again")
    took = time.monotonic() - at
    t.say(f"from an empty agent to all registered: {took * 1000:.0f} ms")
    t.at_most(took, 30, "seconds, the hold of the shrink guard")
    load.come_to("ab", "afterwards")
    load.end(t)


def test_ill(t):
    """an application that has ended is critical, and comes back"""
    agent, (a, b), _, load = started(t)
    a.app.stop()
    t.wait_until(lambda: found(agent) == {b.id}, "the ill one to be critical")
    a.app.start()
    t.wait_until(lambda: found(agent) == {a.id, b.id}, "it to be passing again")
    load.come_to("ab", "afterwards")


def test_killed(t):
    """a sidecar that is killed takes its service with it when the lease is over"""
    agent, (a, b), _, _ = started(t)
    a.outrider.process.kill()
    a.outrider.wait()
    at = time.monotonic()
    t.wait_until(lambda: found(agent) == {b.id}, "the end of the lease")
    t.at_most(time.monotonic() - at, 17, "seconds")


main()
