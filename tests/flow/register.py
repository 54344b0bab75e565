#!/usr/bin/env python3
# tests/flow/register.py - services of this host in a (scripted) Consul: what it is told, and when.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
node: { name: n1 }
@shutdown@
registries: { @registries@ }
services: [ { name: app, targets: [ @app@ ] } ]
routes: [ { match: { paths: ["/**"] }, service: app } ]
register: [ @register@ ]
"""
WEB = "{ registry: consul, name: web, port: 8443 @more@ }"


def configuration(register=WEB, more="", shutdown="", registries='consul: { type: consul, address: "@consul.url@" }'):
    text = CONFIG.replace("@register@", register).replace("@more@", f", {more}" if more else "")
    text = text.replace("@shutdown@", f"shutdown: {{ {shutdown} }}" if shutdown else "")
    return text.replace("@registries@", registries)


def started(t, **options):
    start_clock(30)
    consul, app = Consul(t), t.origin(name="app")
    return consul, app, t.outrider(configuration(**options), consul=consul, app=app)


def reload(t, outrider, **options):
    generation = outrider.stderr().count("is in force")
    outrider.configure(configuration(**options))
    outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: outrider.stderr().count("is in force") > generation, "the new configuration")


ID = "web-n1-8443"


def test_whole(t):
    """what is stated is registered with the agent, with a check that ends by itself"""
    consul, _, _ = started(t, more="address: w1.example, tags: [v7], meta: { version: 1.0.0 }, weight: 10, "
                                   'tagged_addresses: { wan: "203.0.113.5:443" }')
    consul.wait_status(ID, "passing")
    said = consul.said[0]
    t.equal((said.method, said.path, said.parameters), ("PUT", "/v1/agent/service/register",
                                                       {"replace-existing-checks": "true"}), "request")
    t.true(re.fullmatch("outrider [0-9a-f]{16}", said.body["Check"].pop("Notes")), "notes of the check")
    t.equal(said.body, {
        "ID": ID, "Name": "web", "Address": "w1.example", "Port": 8443, "Tags": ["v7"], "Meta": {"version": "1.0.0"},
        "TaggedAddresses": {"wan": {"Address": "203.0.113.5", "Port": 443}}, "Weights": {"Passing": 10, "Warning": 1},
        "EnableTagOverride": False,
        "Check": {"CheckID": f"service:{ID}", "Name": "outrider", "TTL": "15000ms", "Status": "passing"}}, "body")
    t.equal(said.request.get("Content-Type"), "application/json", "type")


def test_renewed(t):
    """it is renewed three times as often as it has to be"""
    consul, _, _ = started(t)
    t.wait_until(lambda: len(consul.said) >= 3, "two words more")
    t.equal(consul.words(), ["service/register", "check/update"], "words")
    gaps = [b.at - a.at for a, b in zip(consul.said, consul.said[1:])]
    t.true(all(4.4 <= gap <= 6.5 for gap in gaps), f"5 seconds, give or take a tenth: {gaps}")
    t.equal(consul.said[1].body["Status"], "passing", "what is said")


def test_token(t):
    """every word has the token"""
    consul, _, outrider = started(t, registries='consul: { type: consul, address: "@consul.url@", token: s3cr3t }')
    consul.wait_status(ID, "passing")
    outrider.stop()
    t.equal({said.request.get("X-Consul-Token") for said in consul.said}, {"s3cr3t"}, "tokens")
    t.equal(consul.queries[-1].header("X-Consul-Token"), "s3cr3t", "token of the last look")


def test_http_check(t):
    """the sidecar checks: the first result is registered, then it takes `fall` and `rise` of them"""
    start_clock(30)
    consul, app = Consul(t), t.origin(name="app")
    app.answer("/ok", status=503)
    outrider = t.outrider(configuration(more="check: { path: /ok, port: @app.port@, interval: 100ms, rise: 2, fall: 3 }"),
                          consul=consul, app=app)
    consul.wait_status(ID, "critical")
    t.equal(consul.said[0].body["Check"]["Status"], "critical", "what was registered")
    app.answer("/ok", status=204)
    before = len(app.requests)
    consul.wait_status(ID, "passing")
    t.true(len(app.requests) - before >= 2, "checks before it is passing")
    app.answer("/ok", status=500)
    before = len(app.requests)
    consul.wait_status(ID, "critical")
    t.true(len(app.requests) - before >= 3, "checks before it is critical")
    t.equal(consul.said[-1].body, {"Status": "critical", "Output": "status 500"}, "what was said")
    t.equal(consul.words(), ["service/register", "check/update"], "words")
    t.equal(t.get(outrider).status, 200, "a request meanwhile")


def test_tcp_check(t):
    """a connection that comes about is enough for a check of type tcp"""
    start_clock(30)
    consul, app = Consul(t), t.origin(name="app")
    t.outrider(configuration(more="check: { type: tcp, port: @app.port@, interval: 100ms, rise: 1, fall: 1 }"),
               consul=consul, app=app)
    consul.wait_status(ID, "passing")
    app.shut()
    consul.wait_status(ID, "critical")
    t.equal(consul.said[-1].body["Output"], "connection refused", "why")
    app.listen()
    consul.wait_status(ID, "passing")


def test_ttl_check(t):
    """an application that says nothing is critical"""
    consul, _, _ = started(t, more="check: { type: ttl, ttl: 1s }")
    consul.wait_status(ID, "critical")
    t.wait_until(lambda: len(consul.said) > 1, "a second word")
    t.equal(consul.said[-1].body, {"Status": "critical", "Output": "the application has said nothing for 1 s"}, "it")


def test_lost(t):
    """registered again when the agent has lost it"""
    consul, _, outrider = started(t)
    consul.wait_status(ID, "passing")
    consul.forget()
    consul.wait_status(ID, "passing")
    t.equal(consul.words(), ["service/register", "check/update", "service/register"], "words")
    t.wait_until(lambda: "does not know it any more" in outrider.stderr(), "a line about it")


def test_dead(t):
    """an agent that is not there at the start is told when it comes; the sidecar serves meanwhile"""
    start_clock(30)
    consul, app = Consul(t), t.origin(name="app")
    consul.origin.shut()
    outrider = t.outrider(configuration(), consul=consul, app=app)
    t.equal(t.get(outrider).status, 200, "a request without Consul")
    t.wait_until(lambda: f"registration: {ID}: consul:" in outrider.stderr(), "a line about it")
    consul.origin.listen()
    consul.wait_status(ID, "passing")
    t.wait_until(lambda: "answers again" in outrider.stderr(), "a line about its return")


def test_refused(t):
    """a token that may not is said once, tried again, and hurts nothing else"""
    consul, _, outrider = started(t, register="{ registry: consul, name: bad, port: 1 }, " + WEB)
    consul.wait_status(ID, "passing")

    def refuse(c, said):
        return c.respond(403, [], b"Permission denied") or "" if said.id == "bad-n1-1" else None
    consul.agent = refuse
    consul.forget()
    consul.wait_status(ID, "passing")
    t.wait_until(lambda: [said.word for said in consul.said if said.id == "bad-n1-1"].count("check/update") >= 2,
                 "a second try")
    t.equal(outrider.stderr().count("HTTP 403: Permission denied"), 1, "lines about it")
    consul.agent = None
    consul.wait_status("bad-n1-1", "passing")


def test_stop(t):
    """on a stop it is deregistered, and the sidecar accepts until others do not find it any more"""
    consul, _, outrider = started(t)
    consul.wait_status(ID, "passing")
    consul.linger = 0.5
    outrider.signal(signal.SIGTERM)
    t.wait_until(lambda: consul.status(ID) is None, "the deregistration")
    at = time.monotonic()
    t.equal(outrider.health("/health/ready").status, 503, "readiness")
    while time.monotonic() - at < 0.4:
        answer = t.get(outrider)
        t.equal((answer.status, answer.get("connection")), (200, "close"), "a request that still comes")
        time.sleep(0.02)
    t.equal(outrider.wait(), 0, "exit code")
    took = time.monotonic() - at
    t.true(0.9 <= took <= 2.5, f"twice the half second that others took to see it, not {took}")
    t.equal(consul.words()[-1], "service/deregister", "last word")
    look = consul.queries[-1]
    t.equal((look.path, look.parameters), ("/v1/health/service/web", {"filter": f'Service.ID == "{ID}"'}), "the last look")
    t.contains(outrider.stderr(), f"{ID} is gone from consul", "log")


def test_taken_over(t):
    """what another sidecar of this host has registered by the same id stays when we stop, and nobody waits for its end"""
    consul, app, first = started(t)
    consul.wait_status(ID, "passing")
    second = t.outrider(configuration(), consul=consul, app=app)
    t.wait_until(lambda: consul.words().count("service/register") == 2, "the other one's registration")
    began = time.monotonic()
    first.stop()
    t.at_most(time.monotonic() - began, 2, "seconds to the end")
    t.equal(consul.status(ID), "passing", "it, after the end of the first")
    t.lacks(consul.words(), "service/deregister", "words")
    second.stop()
    t.equal(consul.status(ID), None, "it, after the end of the second")


def test_stop_at_most(t):
    """what others go on finding is waited for no longer than deregister_wait"""
    consul, _, outrider = started(t, shutdown="deregister_wait: 700ms")
    consul.wait_status(ID, "passing")
    consul.linger = 60
    began = time.monotonic()
    outrider.signal(signal.SIGTERM)
    t.equal(outrider.wait(), 0, "exit code")
    took = time.monotonic() - began
    t.true(0.7 <= took <= 2, f"700 ms and a little: {took}")
    t.contains(outrider.stderr(), "others may still find services of this host", "log")


def test_stop_dead(t):
    """a stop does not wait longer for an agent that is dead"""
    consul, _, outrider = started(t, shutdown="deregister_wait: 500ms")
    consul.wait_status(ID, "passing")
    consul.origin.shut()
    began = time.monotonic()
    outrider.signal(signal.SIGTERM)
    t.equal(outrider.wait(), 0, "exit code")
    t.at_most(time.monotonic() - began, 2, "seconds to the end")


def test_stop_at_once(t):
    """a second TERM does not wait"""
    consul, _, outrider = started(t)
    consul.wait_status(ID, "passing")
    consul.linger = 60
    outrider.signal(signal.SIGTERM)
    t.wait_until(lambda: consul.status(ID) is None, "the deregistration")
    began = time.monotonic()
    outrider.signal(signal.SIGTERM)
    t.equal(outrider.wait(), 0, "exit code")
    t.at_most(time.monotonic() - began, 2, "seconds to the end")


def test_reload(t):
    """a reload adds, changes and removes; what stays is there all the while, and what is the same is left alone"""
    two = WEB.replace("@more@", "") + ", { registry: consul, name: old, port: 1 }"
    consul, _, outrider = started(t, register=two)
    consul.wait_status(ID, "passing")
    consul.wait_status("old-n1-1", "passing")
    reload(t, outrider, register=WEB.replace("@more@", ", tags: [v8]") + ", { registry: consul, name: new, port: 2 }")
    consul.wait_status("new-n1-2", "passing")
    t.wait_until(lambda: consul.status("old-n1-1") is None, "the end of the old one")
    t.wait_until(lambda: consul.registered[ID]["Tags"] == ["v8"], "the other tags")
    t.equal([said.word for said in consul.said if said.id == ID and said.word != "check/update"],
            ["service/register", "service/register"], "words about the one that changed")
    t.equal([said.word for said in consul.said if said.id == "new-n1-2" and said.word != "check/update"],
            ["service/register"], "words about the new one")
    reload(t, outrider, register=WEB.replace("@more@", ", tags: [v8]") + ", { registry: consul, name: new, port: 2 }")
    time.sleep(0.3)
    t.equal([said.word for said in consul.said].count("service/register"), 4, "registrations in all")


def test_reload_registry(t):
    """a registry that a reload takes away hears that its services leave; one with other keys keeps them"""
    consul, _, outrider = started(t)
    consul.wait_status(ID, "passing")
    reload(t, outrider, registries='consul: { type: consul, address: "@consul.url@", token: other }')
    t.wait_until(lambda: consul.said[-1].request.get("X-Consul-Token") == "other", "a word with the new token")
    t.lacks(consul.words(), "service/deregister", "words")
    reload(t, outrider, registries="", register="")
    t.wait_until(lambda: consul.status(ID) is None, "the deregistration")
    t.equal(consul.said[-1].request.get("X-Consul-Token"), "other", "its token")
    t.wait_until(lambda: f"{ID} is gone from consul" in outrider.stderr(), "a line about its end")


def test_mistakes(t):
    """what cannot be registered is refused by `check`"""
    start_clock(30)
    for item, says in (("{ registry: files, name: web, port: 1 }", "takes no registrations"),
                       ("{ registry: nowhere, name: web, port: 1 }", "nowhere"),
                       (f"{WEB}, {WEB}".replace("@more@", ""), f"`{ID}` is already the id")):
        text = configuration(register=item, registries="consul: { type: consul }, files: { type: file, path: /x }")
        code, _, error = run("check", "-c", "-", stdin=text.replace("@app@", "{ host: 127.0.0.1, port: 1 }"))
        t.equal(code, 78, f"exit code for {item}")
        t.contains(error, says, "message")


main()
