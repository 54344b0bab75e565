#!/usr/bin/env python3
# tests/flow/registrations.py - /admin/registrations and `outrider registrations`: how services of this host are.
# SPDX-License-Identifier: Apache-2.0
import sys
import urllib.parse

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
node: { name: n1 }
registries: { consul: { type: consul, address: "@consul.url@" } }
services: [ { name: app, targets: [ @app@ ] } ]
routes: [ { match: { paths: ["/**"] }, service: app } ]
register:
  - { registry: consul, name: web, port: 8443 }
  - { registry: consul, name: job, port: 1, check: { type: ttl, ttl: 1m } }
  - { registry: consul, name: odd, id: "a?c%2F#&", port: 2, check: { type: ttl, ttl: 1m } }
"""
WEB, JOB, ODD = "web-n1-8443", "job-n1-1", "a?c%2F#&"


def started(t):
    start_clock(30)
    consul, app = Consul(t), t.origin(name="app")
    outrider = t.outrider(CONFIG, consul=consul, app=app)
    consul.wait_status(WEB, "passing")
    return consul, outrider


def ask(outrider, path="", method="GET"):
    answer = outrider.health("/admin/registrations" + path, method, body=None if method == "GET" else b"")
    return answer.status, json.loads(answer.body)


def one(outrider, id):
    return ask(outrider, "/" + urllib.parse.quote(id, safe=""))[1]


def tell(outrider, id, what, method="PUT"):
    return ask(outrider, f"/{urllib.parse.quote(id, safe='')}/{what}", method)


def test_shown(t):
    """each with what the registry knows of it, and how it is"""
    consul, outrider = started(t)
    t.wait_until(lambda: one(outrider, WEB)["state"] == "registered", "the registration")
    status, document = ask(outrider)
    t.equal(status, 200, "status")
    t.equal([r["id"] for r in document["registrations"]], [WEB, JOB, ODD], "ids")
    web = document["registrations"][0]
    t.equal({key: web[key] for key in ("name", "registry", "port", "state", "check", "told", "by_application", "leaving",
                                       "maintenance", "last_error")},
            {"name": "web", "registry": "consul", "port": 8443, "state": "registered", "check": "passing",
             "told": "passing", "by_application": False, "leaving": False, "maintenance": None, "last_error": None}, "web")
    t.equal(document["registrations"][1]["by_application"], True, "job")
    t.equal(one(outrider, ODD)["name"], "odd", "one with an odd id")
    t.equal(ask(outrider, "/nobody")[0], 404, "an unknown one")
    consul.origin.shut()
    t.wait_until(lambda: one(outrider, WEB)["last_error"], "an error")


def test_check(t):
    """PUT .../check/{pass,warn,fail}: the registry hears it, with the note"""
    consul, outrider = started(t)
    for what, standing, note in (("pass", "passing", "all is well"), ("warn", "warning", "50% of \u00e4 & b"),
                                 ("fail", "critical", None), ("pass", "passing", None)):
        for id in (JOB, ODD):
            query = "" if note is None else "?note=" + urllib.parse.quote(note, safe="")
            t.equal(tell(outrider, id, f"check/{what}{query}"), (200, {"id": id, "check": standing, "note": note}), "answer")
            consul.wait_status(id, standing)
            t.wait_until(lambda: one(outrider, id)["told"] == standing, "what the registry was told")
            if note is not None:
                t.wait_until(lambda: one(outrider, id)["note"] == note, "the note")
                t.wait_until(lambda: consul.said[-1].body.get("Output") in (note, None), "the note in the registry")


def test_not_theirs(t):
    """409 for a check of the sidecar's own, 404 for an unknown id, 405 for other methods, 400 for odd notes"""
    consul, outrider = started(t)
    status, document = tell(outrider, WEB, "check/pass")
    t.equal((status, document["code"]), (409, "conflict"), "web")
    t.equal(tell(outrider, "nobody", "check/pass")[0], 404, "nobody")
    t.equal(tell(outrider, JOB, "check/well")[0], 404, "no such word")
    for method in ("GET", "POST", "DELETE"):
        t.equal(tell(outrider, JOB, "check/fail", method)[0], 405, method)
    for note in ("%00", "%1b[31m", "%0a", "%ff", "%c2%85", "x" * 513):
        status, document = tell(outrider, JOB, f"check/fail?note={note}")
        t.equal((status, document["code"]), (400, "bad-request"), note)
    t.lacks([said.body.get("Status") for said in consul.said if said.id == JOB], "critical", "what the registry heard")


def test_moved(t):
    """one that moves to another registry, while the first does not answer, is the one that can be told"""
    first, other, app = Consul(t), Consul(t), t.origin(name="app")
    config = CONFIG.replace("registries: {", 'registries: { other: { type: consul, address: "@other.url@" },')
    outrider = t.outrider(config, consul=first, other=other, app=app)
    first.wait_status(JOB, "critical")
    first.origin.shut()
    outrider.configure(config.replace("registry: consul, name: job", "registry: other, name: job"))
    t.equal(outrider.health("/admin/reload", "POST", body=b"").status, 200, "reload")
    t.wait_until(lambda: {r["registry"] for r in ask(outrider)[1]["registrations"] if r["id"] == JOB} == {"consul", "other"},
                 "both of them")
    t.equal(one(outrider, JOB)["registry"], "other", "the one that is shown")
    t.equal(tell(outrider, JOB, "check/pass")[0], 200, "what it says")
    other.wait_status(JOB, "passing")


def test_rights(t):
    """23: over TCP it takes a token of an operator"""
    start_clock(30)
    consul, app = Consul(t), t.origin(name="app")
    port = t.closing(Port())
    config = CONFIG + ('admin: { listeners: [ "unix:@dir@/admin.sock", "@tcp@" ], tokens: [ { name: ops, role: operator, '
                       'token: 0123456789abcdef }, { name: eye, token: fedcba9876543210 } ] }\n')
    t.outrider(config, consul=consul, app=app, tcp=f"{port.host}:{port.port}")
    path = f"/admin/registrations/{JOB}/check/fail"
    t.equal(t.ask(port, "GET", "/admin/registrations", host="localhost").status, 200, "a look")
    for token, status in ((None, 401), ("fedcba9876543210", 403), ("0123456789abcdef", 200)):
        headers = [] if token is None else [("Authorization", f"Bearer {token}")]
        t.equal(t.ask(port, "PUT", path, headers=headers, body=b"", host="localhost").status, status, f"with {token}")


def test_maintenance(t):
    """PUT .../maintenance: critical with the reason, through checks and a loss, until DELETE"""
    consul, outrider = started(t)
    t.equal(tell(outrider, WEB, "maintenance?reason=new%20disk"), (200, {"id": WEB, "maintenance": "new disk"}), "answer")
    consul.wait_status(WEB, "critical")
    t.equal(consul.said[-1].body["Output"], "in maintenance: new disk", "what the registry heard")
    t.wait_until(lambda: one(outrider, WEB)["maintenance"] == "new disk", "status")
    t.equal(one(outrider, WEB)["check"], "passing", "what its check says")
    consul.forget()
    consul.wait_status(WEB, "critical")
    t.equal(tell(outrider, WEB, "maintenance", "DELETE"), (200, {"id": WEB, "maintenance": None}), "answer")
    consul.wait_status(WEB, "passing")
    t.equal(tell(outrider, WEB, "maintenance")[1]["maintenance"], "no reason was given", "without a reason")
    t.equal(tell(outrider, "nobody", "maintenance")[0], 404, "nobody")


def test_log(t):
    """who said it is in the log"""
    consul, outrider = started(t)
    tell(outrider, JOB, "check/fail")
    consul.wait_status(JOB, "critical")
    t.wait_until(lambda: f"admin: PUT /admin/registrations/{JOB}/check/fail by uid" in outrider.stderr(), "a line about it")


def test_command(t):
    """outrider registrations: a table, and words for one of them"""
    consul, outrider = started(t)
    where = ("--admin", f"unix:{outrider.admin}")

    def said(*words):
        code, out, err = run("registrations", *words, *where)
        t.equal((code, err), (0, ""), f"{words}")
        return out
    t.wait_until(lambda: "registered" in said(WEB), "the registration")
    rows = [line.split()[:4] for line in said().splitlines()]
    t.equal(rows[:2], [["ID", "REGISTRY", "STATE", "CHECK"], [WEB, "consul", "registered", "passing"]], "table")
    t.equal(said("fail", JOB, "no disk & more"), f"{JOB} is critical\n", "fail")
    consul.wait_status(JOB, "critical")
    t.contains(said(JOB), "no disk & more", "note")
    t.equal(said("pass", ODD), f"{ODD} is passing\n", "pass")
    t.equal(said("maintain", WEB, "new disk"), f"{WEB} is out of service\n", "maintain")
    consul.wait_status(WEB, "critical")
    t.equal(said("return", WEB), f"{WEB} is back in service\n", "return")
    consul.wait_status(WEB, "passing")
    t.equal(len(json.loads(said("--output", "json"))["registrations"]), 3, "JSON")
    for words, code, says in ((("pass", WEB), 1, "409"), (("pass", "nobody"), 1, "404"), (("nobody",), 1, "404"),
                              (("pass",), 64, "pass ID"), (("return", WEB, "now"), 64, "return ID"), (("so", WEB), 64, "none of")):
        got, out, err = run("registrations", *words, *where)
        t.equal((got, out), (code, ""), f"{words}")
        t.contains(err, says, f"{words}")


main()
