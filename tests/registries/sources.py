#!/usr/bin/env python3
# tests/registries/sources.py - a real Consul and a file for one service, under a steady load: not one request fails.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from registries.agent import Agent, needs_consul
from registries.load import Load, Target

CONFIG = """
registries:
  consul: { type: consul, address: "@agent.url@" }
  files: { type: file, path: "@dir@/targets.yaml" }
services:
  - { name: web, combine: @how@, sources: [ { registry: consul @first@ }, { registry: files @second@ } ],
      shrink_guard: { hold: 2s } }
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def configuration(how, *weights):
    config = CONFIG.replace("@how@", how)
    for place, weight in zip(("@first@", "@second@"), weights or (None, None)):
        config = config.replace(place, f", weight: {weight}" if weight is not None else "")
    return config


def listing(*some):
    return "web: [ " + ", ".join(f"{{ host: 127.0.0.1, port: {target.port} }}" for target in some) + " ]\n"


def started(t, how, *weights, seconds=90):
    """Consul knows a and b, the file b and c."""
    needs_consul(t)
    start_clock(seconds)
    agent = Agent(t).start()
    a, b, c = (Target(t, name) for name in "abc")
    agent.register(a)
    agent.register(b)
    outrider = t.outrider(configuration(how, *weights), files={"targets.yaml": listing(b, c)}, agent=agent)
    return agent, (a, b, c), outrider, Load(t, outrider)


def modes(outrider):
    return [source["mode"] for source in outrider.service("web")["sources"]]


def wait_modes(t, outrider, *wanted):
    t.wait_until(lambda: modes(outrider) == list(wanted), f"the sources to be {wanted}, not {modes(outrider)}")


def test_migration(t):
    """from Consul to the file and back, by weights"""
    _, _, outrider, load = started(t, "weighted", 100, 0)
    load.come_to("ab", "from Consul alone")
    for weights, names in (((80, 20), "abc"), ((20, 80), "abc"), ((0, 100), "bc"), ((50, 50), "abc"), ((100, 0), "ab")):
        outrider.configure(configuration("weighted", *weights))
        outrider.signal(signal.SIGHUP)
        load.come_to(names, f"with the weights {weights}")
    load.end(t)


def test_shares(t):
    """the shares of the sources are right within 2 % under load"""
    agent, (a, b, c), outrider, load = started(t, "weighted", 80, 20)
    agent.deregister(b)
    outrider.write("targets.yaml", listing(c))
    load.come_to("ac", "one target each")
    since = len(load.answers)
    t.wait_until(lambda: len(load.answers) > since + 2000, "two thousand requests")
    got = [text for _, text in load.answers[since:since + 2000]]
    t.true(0.78 <= got.count("a") / 2000 <= 0.82, f"share of Consul's target: {got.count('a') / 2000}")
    load.end(t)


def test_failover(t):
    """Consul dies and comes back empty: its targets serve while it is away and for the hold, then the file's, then its own"""
    agent, (a, b, _), outrider, load = started(t, "failover")
    load.come_to("ab", "from Consul")
    agent.kill()
    wait_modes(t, outrider, "stale", "live")
    time.sleep(1)
    t.equal(load.names(), set("ab"), "targets while Consul is away")
    agent.start()
    wait_modes(t, outrider, "held", "live")
    t.equal(load.names(), set("ab"), "targets of an empty Consul")
    wait_modes(t, outrider, "live", "live")
    load.come_to("bc", "after the hold")
    at = time.monotonic()
    agent.register(a)
    t.say(f"from the registration back to Consul's targets: {load.first('a', at) * 1000:.0f} ms")
    load.come_to("a", "Consul's own again")
    agent.register(b)
    load.come_to("ab", "both")
    load.end(t)


def test_union(t):
    """union: what one registry loses the other one still names, and the other way round"""
    agent, (a, b, c), outrider, load = started(t, "union")
    load.come_to("abc", "both")
    agent.deregister(b)
    time.sleep(1)
    t.equal(load.names(), set("abc"), "targets after Consul has lost one that the file names")
    agent.register(b)
    outrider.write("targets.yaml", listing(c))
    time.sleep(1)
    t.equal(load.names(), set("abc"), "targets after the file has lost one that Consul names")
    agent.deregister(a)
    load.come_to("bc", "without the one that nobody names")
    load.end(t)


main()
