#!/usr/bin/env python3
# tests/flow/named-services.py - services that the path names: `service: "{service}"`.
# SPDX-License-Identifier: Apache-2.0
import json
import signal
import sys
import tempfile
import urllib.parse

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
workers: 2
registries: { consul: { type: consul, address: "@consul.url@" } }
named_services: { max: 3, idle_timeout: 1h }
services: [ { name: stated, source: { registry: consul } } ]
routes:
  - { match: { paths: ["/stated"] }, service: stated }
  - match: { paths: ["/svc/{service}/**"] }
    service: "{service}"
    registry: consul
    allow: ["web-*", shop]
    rewrite: { strip_segments: 2 }
    timeout: 20s
"""


def started(t, config=CONFIG, services=("web-1", "web-2", "shop")):
    consul = Consul(t)
    origins = {name: t.origin(name=name) for name in (*services, "stated")}
    for name, origin in origins.items():
        consul.set(name, instance(origin))
    return consul, t.outrider(config, consul=consul), origins


def later(t, outrider, target, method="GET", body=None):
    """A request that is not answered yet."""
    client = t.client(outrider)
    client.request(method, target, body=body)
    return client


def test_named(t):
    """the path names the service: its registry is asked from the first request on, and only for it"""
    consul, outrider, origins = started(t)
    consul.wait_blocked("stated")
    t.equal({query.service for query in consul.queries}, {"stated"}, "services asked for before")
    for name in ("web-1", "shop", "web-1"):
        answer = t.get(outrider, f"/svc/{name}/a/b?c")
        t.equal((answer.status, answer.text()), (200, name), f"answer of {name}")
        t.equal(origins[name].last.target, "/a/b?c", "target")
    t.equal({query.service for query in consul.queries}, {"stated", "web-1", "shop"}, "services asked for")
    entry = outrider.access_log(1)[0]
    t.equal(entry["service"], "web-1@consul", "service in the log")
    t.equal(outrider.service("shop@consul")["status"], "healthy", "status")


def test_follows(t):
    """a service that was named is followed as any other one"""
    consul, outrider, _ = started(t)
    client = t.client(outrider)
    t.equal(client.get("/svc/web-1/").text(), "web-1", "answer")
    other = t.origin(name="other")
    consul.wait_blocked("web-1")
    consul.set("web-1", instance(other))
    t.wait_until(lambda: client.get("/svc/web-1/").text() == "other", "the new target")
    t.equal(client.get("/stated").text(), "stated", "a service of the file")


def test_waits(t):
    """the first request waits for the registry's first answer, with its body, and others are served meanwhile"""
    def hold(c, query):
        t.wait_until(lambda: released, "the case to go on")
        consul.respond(c, "web-1")
    consul, outrider, origins = started(t)
    released = []
    consul.on("web-1", hold)
    waiting = [later(t, outrider, "/svc/web-1/x") for _ in range(5)]
    posts = [later(t, outrider, "/svc/web-1/x", "POST", b"b" * 300000) for _ in range(2)]
    consul.wait_queries("web-1", 1)
    t.equal(t.get(outrider, "/svc/web-2/").text(), "web-2", "another service")
    t.equal(t.get(outrider, "/stated").text(), "stated", "a service of the file")
    for client in waiting:
        client.expect_quiet(t, "before the registry has answered")
    t.equal(len(origins["web-1"].requests), 0, "requests at the target")
    consul.on("web-1", None)
    released.append(True)
    for client in waiting + posts:
        answer = client.response()
        t.equal((answer.status, answer.text()), (200, "web-1"), "answer")
    t.at_most(len(consul.about("web-1")), 2, "queries: the first, and the one that waits for a change")


def test_silent_registry(t):
    """no answer of the registry until the total time of the route is over: 503 no-target; an error is no answer"""
    consul, outrider, _ = started(t, CONFIG.replace("20s", "1s"))
    consul.on("web-1", lambda c, query: c.respond(500, [], b"broken"))
    began = time.monotonic()
    problem(t, t.get(outrider, "/svc/web-1/"), 503, "no-target", "destination_unavailable")
    t.at_least(time.monotonic() - began, 0.9, "seconds")
    consul.on("web-1", None)
    t.wait_until(lambda: t.get(outrider, "/svc/web-1/").status == 200, "the service, when the registry answers")


def test_client_gone(t):
    """clients that leave while they wait leave nothing behind"""
    consul, outrider, _ = started(t)
    consul.on("web-1", lambda c, query: c.stall())
    waiting = [later(t, outrider, "/svc/web-1/") for _ in range(8)]
    consul.wait_queries("web-1", 1)
    for client in waiting:
        client.close()
    t.wait_until(lambda: json.loads(outrider.health("/health").body)["in_flight"] == 0, "no request in flight")
    consul.on("web-1", None)
    t.equal(t.get(outrider, "/svc/web-2/").status, 200, "status")


def test_not_allowed(t):
    """what the route does not allow, and what is no name, is 404 and asks no registry"""
    consul, outrider, _ = started(t)
    for name in ("db", "stated", "web", "-web-1", ".web-1", "web-%20x", "web-a%2Fb", "web-1%00", "web-ä", "web-1;x", "w" * 200,
                 "web-" + "x" * 130, "web-*", "web-1@consul", "WEB-1"):
        answer = t.get(outrider, f"/svc/{urllib.parse.quote(name, safe='%*;@')}/")
        t.true(answer.status in (400, 404), f"status of {name!r}: {answer.status}")
    t.equal({query.service for query in consul.queries}, {"stated"}, "services asked for")


def test_unknown(t):
    """a service that the registry does not have: 503 no-target, and 200 as soon as it has"""
    consul, outrider, _ = started(t)
    problem(t, t.get(outrider, "/svc/web-9/"), 503, "no-target", "destination_unavailable")
    consul.wait_blocked("web-9")
    consul.set("web-9", instance(t.origin(name="late")))
    t.wait_until(lambda: t.get(outrider, "/svc/web-9/").status == 200, "the service")


def test_bound(t):
    """no more than `max` services at a time, and those that are in use stay"""
    consul, outrider, _ = started(t)
    for name in ("web-1", "web-2", "shop"):
        t.equal(t.get(outrider, f"/svc/{name}/").status, 200, f"status of {name}")
    for n in range(10, 30):
        problem(t, t.get(outrider, f"/svc/web-{n}/"), 503, "overloaded", "connection_limit_reached")
    t.equal(t.get(outrider, "/svc/web-1/").status, 200, "status of one that is there")
    t.equal({query.service for query in consul.queries}, {"stated", "web-1", "web-2", "shop"}, "services asked for")


def test_idle(t):
    """what nobody asks for is watched no more, and comes again when it is asked for"""
    consul, outrider, _ = started(t, CONFIG.replace("1h", "1s"))
    t.equal(t.get(outrider, "/svc/web-1/").status, 200, "status")
    consul.wait_blocked("web-1")
    t.wait_until(lambda: "web-1" in consul.cancelled, "the end of its query")
    t.wait_until(lambda: outrider.health("/health/services/web-1@consul").status == 404, "no such service")
    t.equal(t.get(outrider, "/svc/web-1/").text(), "web-1", "answer afterwards")
    t.true("stated" not in consul.cancelled, "a service of the file goes on")


def test_reload(t):
    """a reload keeps the services that the routes still lead to, without a new query, and drops the others"""
    consul, outrider, _ = started(t)
    for name in ("web-1", "shop"):
        t.equal(t.get(outrider, f"/svc/{name}/").status, 200, f"status of {name}")
        consul.wait_blocked(name)
    asked = len(consul.about("web-1"))
    outrider.configure(CONFIG.replace('["web-*", shop]', '["web-*"]'))
    outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: "generation 2 is in force" in outrider.stderr(), "the new configuration")
    t.wait_until(lambda: "shop" in consul.cancelled, "the end of the query for shop")
    t.equal(t.get(outrider, "/svc/web-1/").status, 200, "status of web-1")
    t.equal(t.get(outrider, "/svc/shop/").status, 404, "status of shop")
    t.equal(len(consul.about("web-1")), asked, "queries for web-1")


def test_load(t):
    """services come and go under load, and nobody's request fails"""
    def ask():
        client = t.client(outrider)
        while not done:
            answers.append(client.get("/stated").status)
    consul, outrider, origins = started(t, CONFIG.replace("max: 3", "max: 100"))
    answers, done = [], []
    threads = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for n in range(20, 50):
        consul.set(f"web-{n}", instance(origins["web-1"]))
        t.equal(t.get(outrider, f"/svc/web-{n}/").status, 200, f"status of web-{n}")
    done.append(True)
    for thread in threads:
        thread.join(remaining())
    t.equal(set(answers), {200}, "statuses of the others")
    t.at_least(len(answers), 100, "answers")


def test_drain(t):
    """a stop while somebody waits for a registry ends in time"""
    consul, outrider, _ = started(t, CONFIG + "shutdown: { deadline: 500ms }\n")
    consul.on("web-1", lambda c, query: c.stall())
    later(t, outrider, "/svc/web-1/")
    consul.wait_queries("web-1", 1)
    outrider.signal(signal.SIGTERM)
    t.equal(outrider.wait(), 0, "exit")


def check(text):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "c.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        code, out, err = run("check", "-c", path)
    return code, out + err


def test_mistakes(t):
    """what the configuration may not say"""
    head = 'registries: { files: { type: file, path: "/nowhere/*.yaml" } }\n'
    route = '{ match: { paths: ["/svc/{s}/**"] }, service: "{s}", registry: files, allow: ["*"] }'
    for text, part in (
            (route.replace(", registry: files", ""), "say where the service that the path names is looked up"),
            (route.replace(", allow: [\"*\"]", ""), "say which services the path may name"),
            (route.replace("registry: files", "registry: file"), "did you mean"),
            (route.replace('"/svc/{s}/**"', '"/svc/{s}/**", "/other"'), "every path of `match` must have this as a segment"),
            (route.replace('"/svc/{s}/**"', '"/svc/a{s}"'), "routes[0]"),
            (route.replace('"{s}"', "web"), "only for a `service` that the path names")):
        code, out = check(head + "services: [ { name: web, targets: [ { host: 127.0.0.1, port: 1 } ] } ]\n"
                          f"routes: [ {text} ]\n")
        t.equal(code, 78, f"exit for {text}")
        t.contains(out, part, f"message for {text}")
    code, out = check(head + "services: [ { name: a@files, targets: [ { host: 127.0.0.1, port: 1 } ] } ]\n"
                      f"routes: [ {route} ]\n")
    t.contains(out, "kept for services that paths name", "message")
    code, out = check(head.replace("files:", "names: { type: dns }, files:") +
                      f"routes: [ {route.replace('registry: files', 'registry: names')} ]\n")
    t.equal(code, 78, "exit with a registry of names")
    t.contains(out, "routes[0].registry: a registry of this type has no services that a path could name", "message")
    t.equal(check(head + f"routes: [ {route} ]\n")[0], 0, "exit of a good one")


def test_shown(t):
    """/services has them too, with the routes that lead there; the others do not have theirs"""
    consul, outrider, _ = started(t)
    t.equal(t.get(outrider, "/svc/shop/a").status, 200, "a request")
    services = {s["name"]: s for s in json.loads(outrider.health("/services").body)["services"]}
    t.equal({name: (s["status"], s["eligible"], s["routes"]) for name, s in services.items()},
            {"stated": ("healthy", 1, ["route-1"]), "shop@consul": ("healthy", 1, ["route-2"])}, "services")
    shop = json.loads(outrider.health("/services/shop@consul").body)
    t.equal((shop["routes"], shop["config"]["timeout"]["connect"], len(shop["targets"])), (["route-2"], "1s", 1), f"{shop}")
    t.equal(outrider.health("/services/web-1@consul").status, 404, "one that nobody has named")


main()
