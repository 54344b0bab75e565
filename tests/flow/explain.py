#!/usr/bin/env python3
# tests/flow/explain.py - what becomes of a request, and why: GET /admin/explain and `outrider explain`.
# SPDX-License-Identifier: Apache-2.0
import random
import sys
import urllib.parse

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
listeners: [ { name: main, address: "@main@" }, { name: other, address: "unix:@dir@/other.sock", peers: untrusted } ]
admin: { listeners: [ "unix:@dir@/admin.sock" ], public: [ /health ] }
services:
  - { name: web, targets: [ @origin@, { host: 127.0.0.1, port: 9, weight: 0 } ] }
policies: [ request-id: {} ]
routes:
  - { name: canary, match: { hosts: [api.example], paths: ["/users/{id}"], headers: { x-canary: "1" } }, service: web }
  - { name: query, match: { paths: ["/users/{id}"], query: { beta: ~ } }, service: web, policies: [ request-id: off ] }
  - { name: users, match: { paths: ["/users/{id}"], methods: [GET] }, service: web, rewrite: { path: "/u/{id}" } }
  - { name: other, listeners: [other], match: { paths: ["/**"] }, service: web }
  - { name: rest, match: { paths: ["/users/**"], methods: [GET, PUT] }, service: web }
"""


def started(t):
    """Without the seam nobody untrusted is let in."""
    return t.outrider(CONFIG if has_seam() else CONFIG.replace(", peers: untrusted", ""), origin=t.origin())


def ask(outrider, method, url, headers=(), listener=None):
    query = [("method", method), ("url", url)] + [("header", f"{name}: {value}") for name, value in headers]
    query += [("listener", listener)] if listener else []
    answer = outrider.health("/admin/explain?" + urllib.parse.urlencode(query))
    return json.loads(answer.body) if answer.status == 200 else answer.status


def whys(document):
    return [route["why"] for route in document["routes"]]


def test_route(t):
    """the route, its policies, what the target sees, the targets; of every other route why not"""
    outrider = started(t)
    e = ask(outrider, "GET", "/users/a%2Db?x=1")
    t.equal((e["outcome"], e["route"], e["path"], e["query"], e["listener"], e["params"], e["service"], e["target_path"]),
            ("forwarded", "users", "/users/a-b", "x=1", "main", {"id": "a-b"}, "web", "/u/a-b"), "what becomes of it")
    t.equal(e["policies"], [{"name": "request-id", "rank": 10}], "policies")
    t.equal([(x["eligible"], x["reason"]) for x in e["discovery"]["targets"]], [(True, None), (False, "weight 0")], "targets")
    t.equal(whys(e), ["another host", "its condition on parameter beta", "taken", "another listener",
                      "matches, but another route goes before it"], "routes")
    e = ask(outrider, "GET", "http://api.example/users/7", [("X-Canary", "1")])
    t.equal((e["route"], e["host"], whys(e)[0]), ("canary", "api.example", "taken"), "by host and header")
    t.equal(whys(ask(outrider, "GET", "http://api.example/users/7"))[0], "its condition on header x-canary", "without it")
    t.equal(ask(outrider, "GET", "/users/7", [("Host", "api.example"), ("x-canary", "1")])["route"], "canary", "by Host")
    t.equal(ask(outrider, "POST", "/users/7?beta")["policies"], [], "policies of a route that has none")
    t.equal(ask(outrider, "GET", "/x", listener="other")["route"], "other", "by listener")


def test_refused(t):
    """what would be refused, with the code that it would get"""
    outrider = started(t)
    for method, url, status, code in (("GET", "/x", 404, "no-route"), ("DELETE", "/users/7", 405, "method-not-allowed"),
                                      ("TRACE", "/users/7", 405, "method-not-allowed"),
                                      ("CONNECT", "/", 501, "not-implemented"), ("GET", "/a%2Fb", 400, "bad-request"),
                                      ("GET", "nonsense", 400, "bad-request"), ("G T", "/", 400, "bad-request"),
                                      ("GET", "http://a b/", 400, "bad-request"), ("GET", "*", 400, "bad-request"),
                                      ("POST", "/health", 405, "method-not-allowed")):
        e = ask(outrider, method, url)
        t.equal((e["outcome"], e["status"], e["code"]), ("refused", status, code), f"{method} {url}")
    if has_seam():
        t.equal(ask(outrider, "GET", "https://x/users/7", listener="other")["status"], 421, "https from a stranger")
    t.equal(ask(outrider, "GET", "https://x/users/7")["route"], "users", "https from a trusted peer")
    t.equal(ask(outrider, "GET", "/", listener="nobody")["status"], 400, "an unknown listener")
    t.equal([ask(outrider, method, url)["outcome"] for method, url in (("GET", "/health/live"), ("OPTIONS", "*"))],
            ["own", "own"], "what the sidecar answers")
    for query in ("", "method=GET", "url=/", "method=GET&url=/&header=x", "method=GET&url=/&header=x:%0a",
                  "method=GET&url=/&header=:x"):
        t.equal(outrider.health(f"/admin/explain?{query}").status, 400, query)


def test_command(t):
    """outrider explain asks the sidecar, or explains by a file; 1 when the request would be refused"""
    outrider = started(t)
    for where in (("--admin", f"unix:{outrider.admin}"), ("-c", outrider.config_path)):
        code, out, err = run("explain", *where, "-H", "Host: api.example", "-H", "X-Canary: 1", "GET", "/users/7")
        t.equal((code, err), (0, ""), f"{where}")
        facts = dict(re.split(r"  +", line.rstrip(), maxsplit=1) for line in out.split("\n\n")[0].splitlines())
        t.equal((facts["outcome"], facts["route"], facts["segments"], facts["policies"], facts["service"]),
                ("forwarded", "canary", "id=7", "request-id (10)", "web"), f"{where}")
        t.contains(out, "another listener", "routes")
        t.equal("weight 0" in out, where[0] == "--admin", f"targets in {out}")
        code, out, err = run("explain", *where, "-o", "json", "DELETE", "/users/7")
        t.equal((code, json.loads(out)["code"]), (1, "method-not-allowed"), f"refused, {where}")
        t.equal(run("explain", *where, "-l", "other", "GET", "/x")[0], 0, f"by listener, {where}")
        t.true(run("explain", *where, "-H", "nonsense", "GET", "/")[0] in (1, 64), "a header that is none")
    t.equal(run("explain", "GET", "-c", outrider.config_path)[0], 64, "no URL")
    outrider.configure(CONFIG + "workres: 1\n")
    code, _, err = run("explain", "-c", outrider.config_path, "GET", "/")
    t.equal(code, 78, "a configuration with mistakes")
    t.contains(err, "did you mean", "mistake")


# ---- explained and done ----

HOSTS, ASKED_HOSTS = ["x.t", "y.x.t", "*.x.t", "*.t"], ["x.t", "z.y.x.t", "Z.X.T", "q.t", "other", "x.t:80", "x.t."]
SEGMENTS, ASKED_SEGMENTS = ["a", "b", "{p}", "*", "c-d"], ["a", "b", "c", "%61", "c%2Dd", ".", "..", "", "a;x", "%2F"]


def some(r, least, most, among):
    return r.sample(among, r.randint(least, most))


def random_route(r, number):
    paths = []
    for _ in range(r.randint(0, 2)):
        segments = [r.choice(SEGMENTS) for _ in range(r.randint(0, 3))]
        if segments.count("{p}") > 1:
            segments = ["*" if s == "{p}" else s for s in segments]
        paths.append(r.choice(["~^/a", "~b$"]) if r.random() < 0.2
                     else "/" + "/".join(segments + some(r, 0, 1, ["**"])))
    match = {"paths": paths, "hosts": some(r, 0, 2, HOSTS) if r.random() < 0.4 else [],
             "methods": some(r, 0, 2, ["GET", "POST", "HEAD", "PUT"]) if r.random() < 0.5 else []}
    if r.random() < 0.2:
        match["headers"] = {"x-h": r.choice(["1", "~^2", None])}
    if r.random() < 0.2:
        match["query"] = {"k": r.choice(["1", "~2", None])}
    return {"name": f"r{number}", "match": match, "service": f"s{number % 4}",
            **({"rewrite": {"prefix": f"/r{number}"}})}


def random_request(r):
    target = "/" + "/".join(r.choice(ASKED_SEGMENTS) for _ in range(r.randint(0, 3)))
    if r.random() < 0.3:
        target += r.choice(["?k=1", "?k=2&l", "?%6B=12", "?"])
    headers = [("X-H", r.choice(["1", "2", "3, 1"]))] if r.random() < 0.4 else []
    return r.choice(["GET", "POST", "HEAD", "PUT", "OPTIONS", "TRACE", "PURGE"]), target, r.choice(ASKED_HOSTS), headers


def test_agrees(t):
    """what is explained is what is done: status, service and path at the target of random requests by random routes"""
    slow = os.environ.get("OUTRIDER_SLOW")
    start_clock(300 if slow else 60)
    origins = [t.origin(name=f"s{n}") for n in range(4)]
    services = ", ".join(f"{{ name: s{n}, targets: [ {{ host: 127.0.0.1, port: {o.port} }} ] }}"
                         for n, o in enumerate(origins))
    outcomes = set()
    for seed in range(34 if slow else 5):              # 10 000 with --slow
        r = random.Random(seed)
        config = f"services: [ {services} ]\nroutes: {json.dumps([random_route(r, n) for n in range(12)])}\n"
        outrider = t.outrider(config)
        admin, client = t.client(outrider.admin), t.client(outrider)
        for _ in range(300):
            method, target, host, headers = random_request(r)
            query = urllib.parse.urlencode([("method", method), ("url", target), ("header", f"Host: {host}")]
                                           + [("header", f"{name}: {value}") for name, value in headers])
            e = json.loads(admin.get(f"/admin/explain?{query}", host="localhost").body)
            answer = client.ask(method, target, headers, host=host)
            what = f"seed {seed}: {method} {target} {host} {headers}: {e}"
            outcomes.add((e["outcome"], e.get("code")))
            if e["outcome"] == "refused":
                t.equal(answer.status, e["status"], what)
            else:
                seen = origins[int(e["service"][1:])].last
                t.equal((answer.status, seen.method, seen.target.partition("?")[0]), (200, method, e["target_path"]), what)
            if answer.get("connection") == "close":
                client = t.client(outrider)
        outrider.close()
    t.equal(outcomes, {("forwarded", None), ("refused", "no-route"), ("refused", "method-not-allowed"),
                       ("refused", "bad-request")}, "what there was")


main()
