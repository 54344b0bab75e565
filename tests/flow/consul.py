#!/usr/bin/env python3
# tests/flow/consul.py - targets in a (scripted) Consul: what is asked, and what becomes of the answer.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
registries: { consul: { type: consul, address: "@consul.url@" @keys@ } }
services: [ { name: web, source: { registry: consul @source@ } } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def configuration(keys="", source=""):
    return CONFIG.replace("@keys@", f", {keys}" if keys else "").replace("@source@", f", {source}" if source else "")


def started(t, *instances, keys="", source="", **more):
    consul = Consul(t)
    consul.set("web", *instances)
    return consul, t.outrider(configuration(keys, source), consul=consul, **more)


def answering(t, outrider, n=8):
    client = t.client(outrider)
    return "".join(sorted({client.get().text() for _ in range(n)}))


def targets(outrider, service="web"):
    return {target["address"]: target for target in outrider.service(service)["targets"]}


def test_first(t):
    """the first targets are there when the daemon is ready, with what Consul says of them"""
    a, b = t.origin(name="a"), t.origin(name="b")
    consul, outrider = started(t, instance(a, weight=3), instance(b, Meta={"zone": "z1"}, Tags=["v1"]))
    t.equal(answering(t, outrider), "ab", "targets")
    found = targets(outrider)
    t.equal(found[f"127.0.0.1:{a.port}"]["weight"], 3, "weight")
    t.equal(found[f"127.0.0.1:{b.port}"]["zone"], "z1", "zone")
    source = outrider.service("web")["sources"][0]
    t.equal((source["registry"], source["type"], source["mode"], source["index"], source["last_error"]),
            ("consul", "consul", "live", consul.index, None), "source")
    query = consul.queries[0]
    t.equal(query.path, "/v1/health/service/web", "path")
    t.equal(query.parameters, {}, "parameters of the first query")
    t.equal(query.header("X-Consul-Token"), None, "token")


def test_follow(t):
    """a change comes through the query that waits, which asked with the last index"""
    a, b = t.origin(name="a"), t.origin(name="b")
    consul, outrider = started(t, instance(a))
    consul.wait_blocked("web")
    asked = consul.index
    consul.set("web", instance(a), instance(b))
    t.wait_until(lambda: answering(t, outrider) == "ab", "the new target")
    consul.wait_blocked("web")
    t.equal([query.index for query in consul.queries], [0, asked, consul.index], "indexes asked with")
    wait = consul.queries[-1].wait
    t.true(54 <= wait <= 66, f"a wait of 60 s, give or take a tenth: {wait}")
    consul.set("web", instance(b))
    t.wait_until(lambda: answering(t, outrider) == "b", "the target that is left")


def test_in_pieces(t):
    """an answer is the same however it comes, and an entry that comes again is what it was"""
    a, b, c = (t.origin(name=name) for name in "abc")
    consul, outrider = started(t, instance(a), instance(b, weight=7))

    def weights():
        return {int(target["address"].split(":")[1]): target["weight"] for target in outrider.service("web")["targets"]}
    states = ([instance(b, weight=7), instance(a), instance(c)], [instance(a), instance(b, weight=9)],
              [instance(c), instance(b, weight=7)], [instance(a), instance(b, weight=7)])
    for number, state in enumerate(states):
        size = (1, 7, 100, 4096)[number]

        def handler(connection, query):
            body = json.dumps(state, indent=number or None).encode()
            connection.send(f"HTTP/1.1 200 OK\r\nX-Consul-Index: {100 + number}\r\nContent-Length: {len(body)}\r\n\r\n".encode())
            for at in range(0, len(body), size):
                connection.send(body[at:at + size])
            consul.indexes["web"], consul.services["web"] = 100 + number, state
            consul.handlers.pop("web")
        consul.on("web", handler)
        want = {entry["Service"]["Port"]: entry["Service"]["Weights"]["Passing"] for entry in state}
        t.wait_until(lambda: weights() == want, f"{want}, not {weights()}")


def test_wait(t):
    """a query comes back after `wait`, and the next one follows"""
    consul, outrider = started(t, instance(t.origin()), keys="wait: 1s")
    queries = consul.wait_queries("web", 4)
    t.equal([query.index for query in queries[1:4]], [consul.index] * 3, "indexes")
    t.true(all(0.9 <= query.wait <= 1.1 for query in queries[1:]), "waits")
    t.equal(outrider.service("web")["sources"][0]["mode"], "live", "mode")


def test_token(t):
    """the token goes into its field, not into the query"""
    consul, _ = started(t, instance(t.origin()), keys="token: s3cr3t")
    t.equal(consul.queries[0].header("X-Consul-Token"), "s3cr3t", "token")
    t.lacks(consul.queries[0].request.target, "s3cr3t", "request target")


def test_token_file(t):
    """a token file that changes is read again; a bad one leaves the last good token"""
    consul, outrider = started(t, instance(t.origin()), keys='wait: 1s, token_file: "@dir@/token"',
                               files={"token": "tok-1a\n"})
    t.equal(consul.queries[0].header("X-Consul-Token"), "tok-1a", "first token")
    outrider.write("token", "tok-2b\n")
    t.wait_until(lambda: consul.queries[-1].header("X-Consul-Token") == "tok-2b", "the new token")
    outrider.write("token", "\n")
    t.wait_until(lambda: "is empty; the last good token is used" in outrider.stderr(), "a line about the empty file")
    n = len(consul.queries)
    consul.wait_queries("web", n + 1)
    t.equal({query.header("X-Consul-Token") for query in consul.queries[n:]}, {"tok-2b"}, "tokens after the empty file")
    t.lacks(outrider.stderr(), "tok-2b", "log")


def test_states(t):
    """passing and warning serve, critical and maintenance do not"""
    origins = {name: t.origin(name=name) for name in "abcd"}
    ill = instance(origins["c"], status="critical")
    out = instance(origins["d"])
    out["Checks"].append({"CheckID": "_service_maintenance:web", "Status": "critical"})
    consul, outrider = started(t, instance(origins["a"]), instance(origins["b"], status="warning"), ill, out)
    t.equal(answering(t, outrider), "ab", "targets")
    found = targets(outrider)
    t.equal([(found[f"127.0.0.1:{origins[n].port}"]["state"], found[f"127.0.0.1:{origins[n].port}"]["reason"])
             for n in "abcd"],
            [("active", None), ("active", None), ("unhealthy", "critical"), ("unhealthy", "maintenance")], "states")
    consul.set("web", instance(origins["a"], status="critical"), instance(origins["b"]))
    t.wait_until(lambda: answering(t, outrider) == "b", "the one that is well")


def test_passing_only(t):
    """with passing_only a warning is enough to be left out"""
    a, b = t.origin(name="a"), t.origin(name="b")
    _, outrider = started(t, instance(a), instance(b, status="warning"), source="passing_only: true")
    t.equal(answering(t, outrider), "a", "targets")
    t.equal(targets(outrider)[f"127.0.0.1:{b.port}"]["reason"], "warning", "reason")


def test_weights(t):
    """the weight is that of the state: Passing or Warning; 0 gets nothing"""
    a, b = t.origin(name="a"), t.origin(name="b")
    warned = instance(b, status="warning", Weights={"Passing": 9, "Warning": 0})
    _, outrider = started(t, instance(a, Weights={"Passing": 9, "Warning": 0}), warned)
    t.equal(answering(t, outrider), "a", "targets")
    found = targets(outrider)
    t.equal([found[f"127.0.0.1:{o.port}"]["weight"] for o in (a, b)], [9, 0], "weights")


def test_addresses(t):
    """the service's address, else its node's; a tagged one where it is wanted and there"""
    origins = [t.origin(name=name) for name in "abcd"]
    a = instance(("", origins[0].port), id="1")
    b = instance(("192.0.2.1", 1), id="2",
                 TaggedAddresses={"near": {"Address": "127.0.0.1", "Port": origins[1].port}})
    c = instance(("", origins[2].port), id="3")
    c["Node"].update(Address="192.0.2.2", TaggedAddresses={"near": "127.0.0.1"})
    _, outrider = started(t, a, b, c, instance(origins[3], id="4"), source="tagged_address: near")
    t.equal(answering(t, outrider, 16), "abcd", "targets")


def test_ipv6(t):
    """an IPv6 address is an address"""
    _, outrider = started(t, instance(("2001:db8::7", 80)), instance(("::1", 81)))
    t.equal(sorted(targets(outrider)), ["[2001:db8::7]:80", "[::1]:81"], "targets")


def test_query(t):
    """what the source wants is in the query, escaped"""
    consul, _ = started(t, instance(t.origin()), keys="consistency: stale, datacenter: dc1, namespace: n, partition: p",
                        source="filter: 'Service.Meta.v == \"2\"', tags: [a, 'b\"c'], datacenter: \"d&c 2\"")
    t.equal(consul.queries[0].parameters,
            {"stale": "", "dc": "d&c 2", "ns": "n", "partition": "p",
             "filter": '(Service.Meta.v == "2") and "a" in Service.Tags and "b\\"c" in Service.Tags'}, "parameters")


def test_prepared_query(t):
    """a prepared query is put again and again, and its answers are followed; one that is not there any more changes nothing"""
    consul = Consul(t)
    consul.set("a b/c", instance(t.origin(name="a")))
    outrider = t.outrider(configuration(source="prepared_query: a b/c, poll: 1s"), consul=consul)
    t.equal(t.get(outrider).text(), "a", "answer")
    query = consul.queries[0]
    t.equal(query.path, "/v1/query/a%20b%2Fc/execute", "path")
    t.equal({key for key in query.parameters if key in ("index", "wait", "filter")}, set(), "parameters")
    consul.set("a b/c", instance(t.origin(name="b")))
    t.wait_until(lambda: t.get(outrider).text() == "b", "the new target")
    with consul.changed:
        del consul.services["a b/c"]
    t.wait_until(lambda: outrider.service("web")["sources"][0]["mode"] == "stale", "a stale source")
    t.contains(outrider.service("web")["sources"][0]["last_error"], "404", "error")
    t.equal(t.get(outrider).text(), "b", "answer afterwards")
    consul.set("a b/c", instance(t.origin(name="c")))
    t.wait_until(lambda: t.get(outrider).text() == "c", "the target of a query that is there again")


def test_names(t):
    """the service may have another name in Consul, also one that needs escapes"""
    consul = Consul(t)
    consul.set("a/b ü", instance(t.origin(name="x")))
    outrider = t.outrider(configuration(source="service: 'a/b ü'"), consul=consul)
    t.equal(answering(t, outrider), "x", "targets")
    t.equal(consul.queries[0].path, "/v1/health/service/a%2Fb%20%C3%BC", "path")


def test_bad_records(t):
    """a malformed entry is quarantined with a reason, and touches no other"""
    a = t.origin(name="a")
    port = {**instance(a, id="port")}
    port["Service"] = {**port["Service"], "Port": "80"}
    weight = instance(a, id="weight", Weights={"Passing": -1})
    _, outrider = started(t, instance(a), port, weight, {"Node": {}}, 7, None, instance(("not a host", 80), id="host"),
                          instance(("", 0), id="none"), instance(("127.0.0.1", 0), id="zero"))
    t.equal(answering(t, outrider), "a", "targets")
    service = outrider.service("web")
    t.equal(service["quarantined_total"], 8, "number of quarantined records")
    reasons = " ".join(q["reason"] for q in service["quarantined"])
    for part in ("`Service.Port`", "`Service.Weights`", "without `Service`", "neither an address nor a host name",
                 "has no port"):
        t.contains(reasons, part, "reasons")
    t.equal(service["sources"][0]["mode"], "live", "mode")


def test_unix_socket(t):
    """Consul may listen on a unix socket"""
    consul = Consul(t, path=f"/tmp/outrider-consul-{os.getpid()}.sock")
    consul.port = None
    consul.set("web", instance(t.origin(name="a")))
    t.equal(answering(t, t.outrider(configuration(), consul=consul)), "a", "targets")


def test_addresses_in_order(t):
    """of several addresses the next one is asked when one does not answer"""
    consul, dead = Consul(t), t.closing(Port())
    consul.set("web", instance(t.origin(name="a")))
    config = configuration().replace('"@consul.url@"', '["http://@dead@", "@consul.url@"]')
    outrider = t.outrider(config, consul=consul, dead=f"127.0.0.1:{dead.port}")
    t.equal(answering(t, outrider), "a", "targets")
    source = outrider.service("web")["sources"][0]
    t.equal((source["mode"], source["last_error"]), ("live", None), "source")


def test_environment(t):
    """CONSUL_HTTP_ADDR and CONSUL_HTTP_TOKEN fill what the configuration leaves open, and only that"""
    consul = Consul(t)
    consul.set("web", instance(t.origin(name="a")))
    env = {"CONSUL_HTTP_ADDR": f"{consul.host}:{consul.port}", "CONSUL_HTTP_TOKEN": "fromenv", "CONSUL_NAMESPACE": "ns1"}
    outrider = t.outrider(configuration().replace('address: "@consul.url@"', "namespace: mine"), consul=consul, env=env)
    t.equal(answering(t, outrider), "a", "targets")
    t.equal(consul.queries[0].header("X-Consul-Token"), "fromenv", "token")
    t.equal(consul.queries[0].parameters, {"ns": "mine"}, "parameters")


def test_reload(t):
    """a reload keeps the query of a service that it leaves alone, and ends that of one that is gone at once"""
    consul = Consul(t)
    consul.set("web", instance(t.origin(name="a")))
    consul.set("old", instance(t.origin(name="b")))
    both = configuration().replace("services: [", "services: [ { name: old, source: { registry: consul } },")
    outrider = t.outrider(both, consul=consul)
    for service in ("web", "old"):
        consul.wait_blocked(service)
    asked = len(consul.about("web"))
    outrider.configure(configuration())
    outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: consul.cancelled == ["old"], "the query of the removed service to end")
    t.wait_until(lambda: "old" not in json.loads(outrider.health("/health/services").body)["services"], "the reload")
    t.equal(len(consul.about("web")), asked, "queries for the service that stays")
    t.equal(consul.blocked, ["web"], "queries that wait")
    consul.set("web", instance(t.origin(name="c")))
    t.wait_until(lambda: answering(t, outrider) == "c", "the service still to be followed")


def test_source_changed(t):
    """another source in a reload is another query; the old targets serve until it has answered"""
    consul = Consul(t)
    consul.set("web", instance(t.origin(name="a")))
    consul.set("next", instance(t.origin(name="b")))
    held = threading.Event()

    def late(c, query):
        held.wait(remaining())
        consul.on("next", None)
        consul.respond(c, "next")
    consul.on("next", late)
    outrider = t.outrider(configuration(), consul=consul)
    outrider.configure(configuration(source="service: next"))
    outrider.signal(signal.SIGHUP)
    consul.wait_queries("next", 1)
    t.equal(answering(t, outrider), "a", "targets before the answer")
    held.set()
    t.wait_until(lambda: answering(t, outrider) == "b", "the targets of the new source")
    t.equal(len(targets(outrider)), 1, "targets: what another source does not name is not held")


def test_starts_without(t):
    """the daemon starts when Consul is down, and finds the targets when it comes"""
    consul = Consul(t)
    consul.set("web", instance(t.origin(name="a")))
    consul.origin.shut()
    outrider = t.outrider(configuration(), consul=consul)
    t.equal(t.get(outrider).status, 503, "status without targets")
    source = outrider.service("web")["sources"][0]
    t.equal(source["mode"], "failed", "mode")
    t.contains(source["last_error"], "connect", "last error")
    consul.origin.listen()
    t.wait_until(lambda: t.get(outrider).status == 200, "the targets")


def test_mistakes(t):
    """mistakes in the configuration are found by `check`"""
    wrong = [('address: "ftp://x"', "expected http://HOST:PORT"), ('address: "http://u:p@x"', "not a plain address"),
             ('address: "unix:x"', "starts with a slash"), ('address: "http://"', "not a plain address"),
             ('token: "a b"', "visible ASCII"), ("certificate: /x", "belong together"), ("consistency: none", "none"),
             ("wait: 1h", "wait")]
    for keys, part in wrong:
        config = configuration().replace('address: "@consul.url@"', keys)
        code, _, err = run("check", "-c", "-", stdin=config)
        t.equal(code, 78, f"exit code for {keys}")
        t.contains(err, part, f"message for {keys}")


def test_stop_amid_news(t):
    """the end does not mind an answer that is being taken"""
    n = 4000
    bodies = [json.dumps([instance((f"10.0.{i // 250}.{i % 250}", 80), id=str(i), weight=weight) for i in range(n)])
              for weight in (1, 2)]

    def news(c, query):
        consul.index += 1
        consul.respond(c, "web", body=bodies[consul.index % 2], fields={"X-Consul-Index": consul.index})
    for i in range(6):
        consul = Consul(t)
        consul.set("web", instance(t.origin()))
        outrider = t.outrider(configuration(), consul=consul)
        consul.wait_blocked("web")
        consul.on("web", news)
        t.wait_until(lambda: len(consul.queries) > 5 + i, "news")
        outrider.stop()


main()
