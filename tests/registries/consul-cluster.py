#!/usr/bin/env python3
# tests/registries/consul-cluster.py - three servers with access control and TLS, under a steady load.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from registries.agent import Agent, cluster, needs_consul
from registries.load import Load, Target

CONFIG = """
registries: { consul: { type: consul, address: @addresses@, token: @token@, ca: @ca@, wait: 2s } }
services: [ { name: web, source: { registry: consul } } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
ACL = {"enabled": True, "default_policy": "deny", "tokens": {"master": "root-token"}}
READ = 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }'


def source(outrider):
    return outrider.service("web")["sources"][0]


def wait_mode(t, outrider, *modes):
    t.wait_until(lambda: source(outrider)["mode"] in modes, f"one of {modes}, not {source(outrider)}")


def certificates(t):
    """Those of an authority of ours, which one agent's directory keeps."""
    keeper = Agent(t, name="authority")
    keeper.command("tls", "ca", "create")
    keeper.command("tls", "cert", "create", "-server", "-additional-ipaddress=127.0.0.1")
    return {name: os.path.join(keeper.dir, name) for name in os.listdir(keeper.dir)}


def secured(t):
    """Three servers, the leader first; the files of the authority; a token that may read."""
    files = certificates(t)

    def more(agent):
        agent.token = "root-token"
        return {"acl": ACL, "primary_datacenter": "dc1", "ca_file": files["consul-agent-ca.pem"],
                "cert_file": files["dc1-server-consul-0.pem"], "key_file": files["dc1-server-consul-0-key.pem"],
                "verify_incoming_rpc": True, "verify_outgoing": True, "verify_server_hostname": True,
                "ports": {"https": agent.ports["https"].port}}
    agents = cluster(t, more=more)
    port = int(agents[0].leader().rpartition(":")[2])
    agents.sort(key=lambda agent: agent.ports["server"].port != port)
    t.wait_until(lambda: allowed(agents[0]), "access control")
    agents[0].put("/v1/acl/policy", {"Name": "reader", "Rules": READ})
    return agents, files, agents[0].put("/v1/acl/token", {"Policies": [{"Name": "reader"}]})["SecretID"]


def allowed(agent):
    try:
        return agent.get("/v1/acl/tokens")
    except (OSError, ValueError):
        return False


def started(t):
    needs_consul(t)
    start_clock(120)
    agents, files, token = secured(t)
    ours = [Target(t, name) for name in "ab"]
    for target in ours:
        agents[1].register(target)
    t.wait_until(lambda: len(agents[0].get("/v1/health/service/web")) == 2, "both in the catalogue")
    addresses = ", ".join(f'"https://127.0.0.1:{agent.ports["https"].port}"' for agent in agents)
    outrider = t.outrider(CONFIG.replace("@addresses@", f"[{addresses}]"), token=token, ca=files["consul-agent-ca.pem"])
    load = Load(t, outrider)
    load.come_to("ab", "at the start")
    return agents, ours, outrider, load


def registered(agent, target):
    try:
        agent.register(target)
        return True
    except (OSError, ValueError):
        return False


def test_leader_killed(t):
    """the leader killed, with access control and TLS: nothing fails, and changes come again with the new one"""
    agents, _, _, load = started(t)
    agents[0].kill()
    c = Target(t, "c")
    t.wait_until(lambda: registered(agents[1], c), "the registration to be taken")
    took = load.first("c", time.monotonic())
    t.say(f"from the registration with the new leader to the first request: {took * 1000:.0f} ms")
    load.end(t)


def test_quorum_lost(t):
    """two of three killed: nothing fails, the source is stale; they come back, and changes are followed"""
    agents, _, outrider, load = started(t)
    agents[0].kill()
    agents[2].kill()
    wait_mode(t, outrider, "stale", "held")
    t.true(load.names() >= set("ab"), "targets without a quorum")
    for agent in (agents[0], agents[2]):
        agent.start(ready=False)
    agents[1].wait_leader()
    wait_mode(t, outrider, "live")
    c = Target(t, "c")
    t.wait_until(lambda: registered(agents[1], c), "the registration to be taken")
    load.first("c", time.monotonic())
    load.end(t)


def test_prepared_query(t):
    """a prepared query finds the instances"""
    needs_consul(t)
    start_clock(60)
    agent = Agent(t).start()
    ours = [Target(t, name) for name in "ab"]
    for target in ours:
        agent.register(target)
    agent.call("POST", "/v1/query", {"Name": "nearest", "Service": {"Service": "web"}})
    outrider = t.outrider(CONFIG.replace("token: @token@, ca: @ca@, wait: 2s", "")
                          .replace("@addresses@,", f'"{agent.url}"')
                          .replace("registry: consul }", "registry: consul, prepared_query: nearest, poll: 1s }"))
    load = Load(t, outrider)
    load.come_to("ab", "at the start")
    agent.register(Target(t, "c"))
    load.come_to("abc", "after the third has come")
    agent.deregister(ours[0])
    load.come_to("bc", "after the first has gone")
    load.end(t)


main()
