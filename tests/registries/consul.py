#!/usr/bin/env python3
# tests/registries/consul.py - a real Consul under a steady load: not one request fails, whatever becomes of it.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from registries.agent import Agent, cluster, needs_consul
from registries.load import Load, Target

CONFIG = """
registries: { consul: { type: consul, address: "@agent.url@" @keys@ } }
services:
  - { name: web, source: { registry: consul @source@ } @service@ }
@more@
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def configuration(keys="", source="", service="", more=""):
    config = CONFIG.replace("@more@", more)
    for name, text in (("keys", keys), ("source", source), ("service", service)):
        config = config.replace(f"@{name}@", f", {text}" if text else "")
    return config


def targets(t, names):
    return [Target(t, name) for name in names]


def source(outrider, service="web"):
    return outrider.service(service)["sources"][0]


def wait_mode(t, outrider, mode, service="web"):
    t.wait_until(lambda: source(outrider, service)["mode"] == mode,
                 f"{service} to be {mode}, not {source(outrider, service)}")


def started(t, names="abc", agent=None, seconds=60, **options):
    needs_consul(t)
    start_clock(seconds)
    agent = agent or Agent(t).start()
    all_of_them = targets(t, names)
    for target in all_of_them:
        agent.register(target)
    outrider = t.outrider(configuration(**options), agent=agent)
    load = Load(t, outrider)
    load.come_to(names, "at the start")
    return agent, all_of_them, outrider, load


def say(t, what, seconds):
    t.say(f"{what}: {seconds * 1000:.0f} ms")


def test_follow(t):
    """what is registered, deregistered or put into maintenance is followed at once"""
    agent, (a, b, c), outrider, load = started(t)
    d = Target(t, "d")
    at = time.monotonic()
    agent.register(d)
    took = load.first("d", at)
    say(t, "from the registration to the first request", took)
    t.at_most(took, 1, "seconds until a new target serves")
    at = time.monotonic()
    agent.deregister(a)
    load.come_to("bcd", "after a deregistration")
    say(t, "from the deregistration to the last request", max(0, load.last("a") - at))
    t.at_most(load.last("a") - at, 1, "seconds until a deregistered target has its last request")
    agent.put(f"/v1/agent/service/maintenance/web-{b.port}?enable=true")
    load.come_to("cd", "in maintenance")
    agent.put(f"/v1/agent/service/maintenance/web-{b.port}?enable=false")
    load.come_to("bcd", "after maintenance")
    t.equal(source(outrider)["mode"], "live", "mode")
    load.end(t)


def test_check(t):
    """a critical check takes a target out, a passing one brings it back; weights are those of the state"""
    agent, (a, b), outrider, load = started(t, "ab")
    c = Target(t, "c")
    agent.register(c, Check={"TTL": "60s"}, Weights={"Passing": 7, "Warning": 2})

    def weight():
        return next((target["weight"], target["state"]) for target in outrider.service("web")["targets"]
                    if target["address"].endswith(f":{c.port}"))
    t.wait_until(lambda: len(outrider.service("web")["targets"]) == 3, "the new target")
    t.equal(weight()[1], "unhealthy", "state before the first check")
    for state, want in (("pass", (7, "active")), ("warn", (2, "active")), ("fail", (7, "unhealthy")),
                        ("pass", (7, "active"))):
        agent.put(f"/v1/agent/check/{state}/service:web-{c.port}")
        t.wait_until(lambda: weight() == want, f"{want} after {state}, not {weight()}")
    load.end(t)


def test_many(t):
    """one target of 10 000: a change is there within a second, and other services are not touched"""
    needs_consul(t)
    start_clock(120)
    agent, n = Agent(t).start(), 10000
    a, b = targets(t, "ab")
    agent.register(a)
    # all the others are on a node that is ill, so that none of them is asked
    agent.put("/v1/catalog/register", {"Node": "elsewhere", "Address": "10.0.0.1",
                                       "Check": {"Node": "elsewhere", "CheckID": "ill", "Name": "ill", "Status": "critical"}})
    for begin in range(0, n, 64):
        agent.put("/v1/txn", [{"Service": {"Verb": "set", "Node": "elsewhere", "Service": {
            "ID": f"web-{i}", "Service": "web", "Address": f"10.{1 + i // 62500}.{i // 250 % 250}.{1 + i % 250}", "Port": 80,
            "Tags": ["http", "v1.4.2"], "Meta": {"n": str(i)}}}} for i in range(begin, min(begin + 64, n))])
    began = time.monotonic()
    outrider = t.outrider(configuration(more="  - { name: other, source: { registry: consul } }"), agent=agent)
    load = Load(t, outrider)
    load.come_to("a", "at the start")
    t.wait_until(lambda: len(outrider.service("web")["targets"]) == n + 1, "all of them")
    say(t, "from the start until all are there", time.monotonic() - began)
    change_of_other = source(outrider, "other")["last_change"]
    took = []
    for _ in range(5):
        time.sleep(0.3)
        at = time.monotonic()
        agent.register(b)
        took.append(load.first("b", at))
        agent.deregister(b)
        load.come_to("a", "without b")
    say(t, "one of 10 000, from the registration to the first request, five times, the slowest", max(took))
    t.at_most(sorted(took)[2], 1, "seconds until a new target serves")
    t.equal(source(outrider, "other")["last_change"], change_of_other, "the last change of another service")
    load.end(t)


def test_killed_and_empty(t):
    """killed, and back without its memory: nothing fails; what is registered again within the hold is there without a gap"""
    agent, all_of_them, outrider, load = started(t)
    agent.kill()
    wait_mode(t, outrider, "stale")
    time.sleep(1)
    t.equal(load.names(), set("abc"), "targets without Consul")
    agent.start()
    wait_mode(t, outrider, "held")
    time.sleep(1)
    t.equal(load.names(), set("abc"), "targets of an empty Consul")
    at = time.monotonic()
    for target in all_of_them:
        agent.register(target)
    wait_mode(t, outrider, "live")
    say(t, "from the last registration to a live source", time.monotonic() - at)
    t.equal({target["state"] for target in outrider.service("web")["targets"]}, {"active"}, "states")
    load.end(t)


def test_killed_with_data(t):
    """killed, and back with its data: nothing fails, and changes are followed again"""
    agent, (a, b), outrider, load = started(t, "ab", agent=Agent(t, dev=False).start())
    agent.kill()
    wait_mode(t, outrider, "stale")
    agent.start()
    wait_mode(t, outrider, "live")
    agent.deregister(b)
    load.come_to("a", "after the restart")
    agent.register(b)
    load.come_to("ab", "registered again")
    load.end(t)


def test_ended(t):
    """ended in an orderly way, and back: nothing fails"""
    agent, (a, b), outrider, load = started(t, "ab", agent=Agent(t, dev=False).start())
    agent.end()
    wait_mode(t, outrider, "stale")
    agent.start()
    wait_mode(t, outrider, "live")
    load.end(t)


def test_frozen(t):
    """frozen for a while (30 s with OUTRIDER_SLOW): nothing fails, and what changed meanwhile is there soon after"""
    agent, (a, b), outrider, load = started(t, "ab", seconds=90)
    agent.freeze()
    time.sleep(30 if SLOW else 3)
    t.equal(load.names(), set("ab"), "targets while Consul is frozen")
    agent.thaw()
    at = time.monotonic()
    c = Target(t, "c")
    agent.register(c)
    took = load.first("c", at)
    say(t, "from the thaw to the first request of a new target", took)
    t.at_most(took, 3, "seconds until a new target serves")
    load.end(t)


def test_scaled_down_dead(t):
    """5 -> 1 -> 5, the missing ones really gone: followed within a second"""
    # Four of five die at the same moment: until Consul says so, a request may have to try all of them.
    agent, all_of_them, outrider, load = started(
        t, "abcde", service="retry: { max_retries: 4, budget: { ratio: 100%, min_per_second: 1000 } }")
    at = time.monotonic()
    for target in all_of_them[1:]:
        target.stop()
        agent.deregister(target)
    load.come_to("a", "after the scale-down")
    t.wait_until(lambda: len(outrider.service("web")["targets"]) == 1, "one target")
    say(t, "from the scale-down to one target", time.monotonic() - at)
    t.at_most(max(load.last(name) for name in "bcde") - at, 1, "seconds until the last request elsewhere")
    at = time.monotonic()
    for target in all_of_them[1:]:
        target.start()
        agent.register(target)
    took = max(load.first(name, at) for name in "bcde")
    say(t, "from the scale-up to five targets", took)
    t.at_most(took, 1, "seconds until all of them serve")
    load.end(t)


def test_scaled_down_in_one_answer(t):
    """all but one gone in one answer, and alive: they are held, for `hold` at most"""
    needs_consul(t)
    start_clock(60)
    agent, ours = Agent(t).start(), targets(t, "abcde")
    for target in ours:
        agent.put("/v1/catalog/register", {"Node": "elsewhere", "Address": "127.0.0.1", "Service": {
            "ID": target.name, "Service": "web", "Address": target.host, "Port": target.port}})
    outrider = t.outrider(configuration(service="shrink_guard: { hold: 4s }"), agent=agent)
    load = Load(t, outrider)
    load.come_to("abcde", "at the start")
    at = time.monotonic()
    agent.put("/v1/txn", [{"Service": {"Verb": "delete", "Node": "elsewhere", "Service": {"ID": name, "Service": "web"}}}
                          for name in "bcde"])
    wait_mode(t, outrider, "held")
    t.equal(sorted(target["state"] for target in outrider.service("web")["targets"]), ["active"] + ["held"] * 4, "states")
    time.sleep(1)
    t.equal(load.names(), set("abcde"), "targets while they are held")
    ours[4].stop()
    t.wait_until(lambda: len(outrider.service("web")["targets"]) == 4, "the dead one to be let go")
    t.at_most(time.monotonic() - at, 3.9, "seconds until it was")
    t.wait_until(lambda: len(outrider.service("web")["targets"]) == 1, "one target")
    took = time.monotonic() - at
    t.true(3.9 <= took <= 6, f"seconds until one target is left: {took}")
    load.come_to("a", "after the hold")
    load.end(t)


def test_emptied(t):
    """a service that Consul does not know any more, but whose targets answer: kept for `hold`, then gone"""
    agent, (a, b), outrider, load = started(t, "ab", service="shrink_guard: { hold: 3s }")
    agent.deregister(a)
    load.come_to("b", "one of two")
    at = time.monotonic()
    agent.deregister(b)
    wait_mode(t, outrider, "held")
    time.sleep(1)
    load.end(t)
    t.wait_until(lambda: outrider.service("web")["targets"] == [], "no target")
    took = time.monotonic() - at
    t.true(2.9 <= took <= 5, f"seconds until it was let go: {took}")
    t.equal(t.get(outrider).status, 503, "status")


def test_others(t):
    """a bad record, a missing service and a bad filter touch nobody else"""
    more = """  - { name: missing, source: { registry: consul } }
  - { name: filtered, source: { registry: consul, service: web, filter: "No.Such == 1" } }
  - { name: blue, source: { registry: consul, service: web, tags: [blue] } }"""
    agent, (a, b), outrider, load = started(t, "ab", more=more)
    agent.put("/v1/agent/service/register", {"ID": "web-noport", "Name": "web", "Address": "127.0.0.1"})
    agent.put("/v1/agent/service/register", {"ID": "web-odd", "Name": "web", "Address": "not a host", "Port": 80})
    agent.register(Target(t, "c"), Tags=["blue"])
    load.come_to("abc", "beside the bad records")
    t.wait_until(lambda: outrider.service("web")["quarantined_total"] == 2, "two quarantined records")
    t.equal(outrider.service("missing")["targets"], [], "targets of the missing service")
    t.equal(source(outrider, "missing")["mode"], "live", "mode of the missing service")
    t.equal(source(outrider, "filtered")["mode"], "failed", "mode of the service with the bad filter")
    t.contains(source(outrider, "filtered")["last_error"], "HTTP 500", "its last error")
    t.wait_until(lambda: len(outrider.service("blue")["targets"]) == 1, "the tagged one")
    load.end(t)


def test_rights(t):
    """access control: no right is an empty answer, a wrong token an error; a token that is taken away costs nothing"""
    acl = {"acl": {"enabled": True, "default_policy": "deny", "tokens": {"master": "root-token"}},
           "primary_datacenter": "dc1"}
    agent = Agent(t, more=acl)
    agent.token = "root-token"
    agent.start()
    t.wait_until(lambda: "ACLs are" in agent.log() or agent.get("/v1/acl/tokens"), "access control")
    agent.put("/v1/acl/policy", {"Name": "web", "Rules": 'service "web" { policy = "read" } node_prefix "" { policy = "read" }'})
    token = agent.put("/v1/acl/token", {"Policies": [{"Name": "web"}]})
    agent.register(Target(t, "x"), name="other")
    more = "  - { name: other, source: { registry: consul } }\n  - { name: refused, source: { registry: wrong, service: web } }"
    config = configuration(keys="token: @secret@", more=more).replace(
        "registries: {", 'registries: { wrong: { type: consul, address: "@agent.url@", token: no-such-token },')
    start_clock(60)
    for name in "ab":
        agent.register(Target(t, name))
    outrider = t.outrider(config, agent=agent, secret=token["SecretID"])
    load = Load(t, outrider)
    load.come_to("ab", "with a token that may")
    t.equal(outrider.service("other")["targets"], [], "targets of a service that the token may not see")
    t.equal(source(outrider, "refused")["mode"], "failed", "mode with a wrong token")
    t.contains(source(outrider, "refused")["last_error"], "HTTP 403", "its last error")
    agent.call("DELETE", f"/v1/acl/token/{token['AccessorID']}")
    agent.register(Target(t, "c"))
    t.wait_until(lambda: source(outrider)["mode"] in ("stale", "held"), "the token to be missed")
    time.sleep(1)
    t.true(load.names() >= set("ab"), "targets after the token was taken away")
    load.end(t)


def test_leader_killed(t):
    """three servers, the leader killed: nothing fails, and changes come again with the new one"""
    needs_consul(t)
    start_clock(90)
    agents = cluster(t)
    agents[0].wait_leader()
    ours = targets(t, "ab")
    leader_port = int(agents[0].leader().rpartition(":")[2])
    leader = next(agent for agent in agents if agent.ports["server"].port == leader_port)
    follower = next(agent for agent in agents if agent is not leader)
    for target in ours:
        follower.register(target)
    addresses = ", ".join(f'"{agent.url}"' for agent in [leader] + [a for a in agents if a is not leader])
    config = configuration(keys="wait: 2s").replace('"@agent.url@"', f"[{addresses}]")
    outrider = t.outrider(config)
    load = Load(t, outrider)
    load.come_to("ab", "at the start")
    leader.kill()
    at = time.monotonic()
    t.wait_until(lambda: follower.leader() and int(follower.leader().rpartition(":")[2]) != leader_port, "a new leader")
    say(t, "until there was a new leader", time.monotonic() - at)
    c = Target(t, "c")
    t.wait_until(lambda: registered(follower, c), "the registration to be taken")
    at = time.monotonic()
    took = load.first("c", at)
    say(t, "from the registration with the new leader to the first request", took)
    wait_mode(t, outrider, "live")
    load.end(t)


def registered(agent, target):
    try:
        agent.register(target)
        return True
    except (OSError, ValueError):
        return False


def test_tls(t):
    """over TLS: the right authority is believed, another one is not"""
    needs_consul(t)
    agent = Agent(t, dev=False)
    agent.command("tls", "ca", "create")
    agent.command("tls", "cert", "create", "-server", "-additional-ipaddress=127.0.0.1")
    files = {name: os.path.join(agent.dir, name) for name in os.listdir(agent.dir)}
    agent.more = {"ca_file": files["consul-agent-ca.pem"], "cert_file": files["dc1-server-consul-0.pem"],
                  "key_file": files["dc1-server-consul-0-key.pem"], "ports": {"https": agent.ports["https"].port}}
    agent.start()
    start_clock(60)
    agent.register(Target(t, "a"))
    https = f"https://127.0.0.1:{agent.ports['https'].port}"
    config = configuration(keys=f"ca: {files['consul-agent-ca.pem']}",
                           more="  - { name: strict, source: { registry: strict, service: web } }\n"
                                "  - { name: named, source: { registry: named, service: web } }")
    config = config.replace("@agent.url@", https).replace(
        "registries: {", f'registries: {{ strict: {{ type: consul, address: "{https}" }}, '
        f'named: {{ type: consul, address: "{https}", ca: {files["consul-agent-ca.pem"]}, '
        "server_name: server.dc1.consul },")
    outrider = t.outrider(config)
    t.equal(t.get(outrider).text(), "a", "answer")
    t.equal((source(outrider)["mode"], source(outrider, "named")["mode"]), ("live", "live"), "modes with the right authority")
    t.equal(source(outrider, "strict")["mode"], "failed", "mode without it")
    t.contains(source(outrider, "strict")["last_error"].lower(), "certificate", "its last error")


main()
