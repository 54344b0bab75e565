#!/usr/bin/env python3
# tests/flow/admin-pages.py - what runs: configuration, routes, services, policies.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
registries: { main: { type: consul, address: "http://127.0.0.1:@nobody.port@", token: open-sesame } }
services:
  - { name: web, targets: [ @origin@ ], balancer: { type: least_request, choices: 3 } }
  - { name: far, source: { registry: main, service: things } }
policies: [ request-id: {} ]
routes:
  - { name: far, match: { paths: ["/far/**"], methods: [GET] }, service: far, policies: [ request-id: off ] }
  - { match: { hosts: [t.example], paths: ["/**"] }, service: web, policies: [ request-id: { } ] }
"""


def page(t, outrider, path, status=200):
    answer = outrider.health(path)
    t.equal((answer.status, answer.get("content-type")), (status, "application/json"), path)
    return json.loads(answer.body)


def started(t, config=CONFIG):
    return t.outrider(config, origin=t.origin(), nobody=t.closing(Port()))


def test_config(t):
    """/config is what was loaded, with defaults and without secrets"""
    outrider = started(t)
    shown = page(t, outrider, "/config")
    t.equal((shown["generation"], shown["file"]), (1, outrider.config_path), "where it comes from")
    config = shown["config"]
    t.equal(config["registries"]["main"]["type"], "consul", "registry")
    t.equal(config["registries"]["main"]["token"], "***", "secret")
    t.equal(config["services"][1]["source"]["registry"], "main", "source")
    t.equal(config["services"][0]["balancer"], {"type": "least_request", "choices": 3}, "balancer")
    t.equal(config["services"][0]["timeout"]["connect"], "1s", "a default")
    for path in ("/config", "/routes", "/services", "/services/far", "/policies"):
        t.equal("sesame" in outrider.health(path).text(), False, f"the secret in {path}")


def test_routes(t):
    """/routes are the routes in force, in their order"""
    outrider = started(t)
    routes = page(t, outrider, "/routes")["routes"]
    t.equal([(r["name"], r["service"]) for r in routes], [("far", "far"), ("route-2", "web")], "routes")
    t.equal((routes[0]["match"]["paths"], routes[0]["match"]["methods"]), (["/far/**"], ["GET"]), "match of the first")
    t.equal(routes[0]["policies"], [{"request-id": "off"}], "policies of the first")


def test_services(t):
    """/services and /services/{name}: who they are, how they are, which routes lead to them"""
    outrider = started(t)
    services = page(t, outrider, "/services")["services"]
    t.equal([(s["name"], s["status"], s["targets"], s["eligible"], s["routes"]) for s in services],
            [("web", "healthy", 1, 1, ["route-2"]), ("far", "unknown", 0, 0, ["far"])], "services")
    web = page(t, outrider, "/services/web")
    t.equal((web["name"], web["status"], web["routes"]), ("web", "healthy", ["route-2"]), "web")
    t.equal(web["config"]["name"], "web", "its configuration")
    t.equal(web["targets"][0]["address"], f"127.0.0.1:{outrider.things['origin'].port}", "its target")
    t.equal(page(t, outrider, "/services/far")["status"], "unknown", "a service of which nothing is known")
    t.equal(outrider.health("/services/other").status, 404, "no such service")


def test_policies(t):
    """/policies are all there are, and who has them"""
    policies = page(t, started(t), "/policies")["policies"]
    mine = [p for p in policies if p["name"] == "request-id"]
    t.equal([(p["every_route"], p["routes"]) for p in mine], [(True, ["route-2"])], "request-id")


def test_reload(t):
    """after a reload the pages show the new configuration, and after a refused one still the old"""
    outrider = started(t)
    outrider.configure(CONFIG.replace("name: far, match", "name: away, match"))
    outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: page(t, outrider, "/config")["generation"] == 2, "generation 2")
    t.equal(page(t, outrider, "/routes")["routes"][0]["name"], "away", "name of the route")
    outrider.configure(CONFIG.replace("service: far", "service: nowhere"))
    outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: "stays in force" in outrider.stderr(), "the refusal")
    t.equal(page(t, outrider, "/routes")["routes"][0]["name"], "away", "name of the route after a refused reload")


def test_other_names(t):
    """/admin/upstreams, /admin/plugins and the like: the same pages"""
    outrider = started(t)
    for one, other in (("/admin/upstreams", "/services"), ("/admin/upstreams/web", "/services/web"),
                       ("/admin/upstreams/web/health", "/health/services/web"), ("/admin/plugins", "/policies"),
                       ("/admin/routes", "/routes"), ("/admin/services/far", "/services/far"), ("/admin/", "/")):
        answer, same = outrider.health(one), outrider.health(other)
        t.equal((answer.status, answer.body), (same.status, same.body), f"{one} and {other}")
    targets = json.loads(outrider.health("/services/web").body)["targets"]
    t.equal(page(t, outrider, "/admin/upstreams/web/targets"), {"targets": targets}, "targets")
    for path in ("/admin/upstreams/nobody", "/admin/upstreams/nobody/targets", "/admin/upstreams/web/nothing"):
        t.equal(outrider.health(path).status, 404, path)


main()
