#!/usr/bin/env python3
# tests/registries/cold.py - a start while the registry is dead: from the snapshot, at once, and over to the registry when it is back.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from registries.agent import Agent, needs_consul
from registries.load import Load, Target

CONFIG = """
registries: { consul: { type: consul, address: "@agent.url@" } }
services: [ { name: web, source: { registry: consul }, shrink_guard: { hold: 3s } } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
READY = 0.1


def mode(outrider):
    return outrider.service("web")["sources"][0]["mode"]


def known(t, names, **options):
    """A sidecar has seen these targets of a real Consul, and was killed."""
    needs_consul(t)
    start_clock(60)
    agent = Agent(t, **options).start()
    targets = [Target(t, name) for name in names]
    for target in targets:
        agent.register(target)
    outrider = t.outrider(CONFIG, agent=agent)
    t.wait_until(lambda: len(outrider.service("web")["targets"]) == len(names), "all targets")
    time.sleep(1.5)                     # the pace of writing
    outrider.process.kill()
    outrider.process.wait()
    outrider.stopped = True
    return agent, targets, {"STATE_DIRECTORY": os.path.join(outrider.dir, "state")}


def again(t, agent, state):
    at = time.monotonic()
    outrider = Outrider(t, CONFIG, agent=agent, env=state)
    t.closing(outrider).start()
    answer = t.get(outrider)
    took = time.monotonic() - at
    t.say(f"from exec to the first answer: {took * 1000:.0f} ms")
    t.equal(answer.status, 200, "status of the first answer")
    t.true(answer.get("Outrider-Discovery").startswith("snapshot;age="), f"{answer.get('Outrider-Discovery')}")
    if not sanitized():
        t.at_most(took, READY, "seconds from exec to the first answer")
    return outrider


def test_dead(t):
    """Consul is dead before the start: every target serves, and nothing fails when it is back with its data"""
    agent, targets, state = known(t, "abc", dev=False)
    agent.kill()
    outrider = again(t, agent, state)
    load = Load(t, outrider)
    load.come_to("abc", "from the snapshot")
    t.equal(mode(outrider), "snapshot", "mode")
    agent.start()
    t.wait_until(lambda: mode(outrider) == "live", f"live, not {mode(outrider)}")
    load.come_to("abc", "from Consul")
    agent.deregister(targets[0])
    load.come_to("bc", "after a deregistration")
    load.end(t)


def test_empty(t):
    """Consul is dead before the start, and back without its memory: what it registers within the hold is there without a gap"""
    agent, targets, state = known(t, "abc")
    agent.kill()
    outrider = again(t, agent, state)
    load = Load(t, outrider)
    load.come_to("abc", "from the snapshot")
    agent.start()
    t.wait_until(lambda: mode(outrider) == "held", f"held, not {mode(outrider)}")
    for target in targets:
        agent.register(target)
    t.wait_until(lambda: mode(outrider) == "live", f"live, not {mode(outrider)}")
    time.sleep(3)
    load.come_to("abc", "after the hold")
    load.end(t)


def test_gone_meanwhile(t):
    """a target of the snapshot that has died since: no request fails, and it is out once Consul says so"""
    agent, targets, state = known(t, "abc", dev=False)
    agent.deregister(targets[2])
    agent.kill()
    targets[2].stop()
    outrider = again(t, agent, state)
    load = Load(t, outrider)
    load.come_to("ab", "with one of three dead")
    agent.start()
    t.wait_until(lambda: len(outrider.service("web")["targets"]) == 2, "two targets")
    load.end(t)


def test_frozen(t):
    """Consul hangs before the start: its silence keeps nobody waiting"""
    agent, _, state = known(t, "ab")
    agent.freeze()
    outrider = again(t, agent, state)
    load = Load(t, outrider)
    load.come_to("ab", "from the snapshot")
    time.sleep(1)
    agent.thaw()
    t.wait_until(lambda: mode(outrider) == "live", f"live, not {mode(outrider)}")
    load.come_to("ab", "from Consul")
    load.end(t)


main()
