#!/usr/bin/env python3
# tests/flow/metrics-registries.py - /metrics on registries: sources, snapshots, services of this host.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from kit.exposition import scrape

MODES = ("live", "held", "stale", "snapshot", "frozen", "pinned", "failed")


def mode(page, service, registry):
    modes = page.all("outrider_discovery_mode", service=service, registry=registry)
    if set(modes) != set(MODES) or sum(modes.values()) != 1:
        raise Failure(f"modes {modes}")
    return next(name for name, value in modes.items() if value)


def about(page, what, registry, **labels):
    return page.get(f"outrider_discovery_{what}", service="web", registry=registry, **labels)


SOURCES = """
registries:
  near: { type: file, path: "@dir@/near.yaml" }
  far: { type: file, path: "@dir@/far.yaml" }
services:
  - name: web
    combine: failover
    sources: [ { registry: near }, { registry: far }, { registry: far, service: spare } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
FILES = {"near.yaml": "web: [ { host: 127.0.0.1, port: 9 } ]\n",
         "far.yaml": "web: [ { host: 127.0.0.2, port: 9 } ]\nspare: [ { host: 127.0.0.3, port: 9 } ]\n"}


def test_sources(t):
    """each registry of a service apart: its mode, its age, what its answers brought, whether it serves"""
    outrider = t.outrider(SOURCES, files=FILES)
    page = scrape(outrider)
    t.equal([(mode(page, "web", r), about(page, "age_seconds", r), about(page, "serving", r)) for r in ("near", "far")],
            [("live", 0, 1), ("live", 0, 0)], "mode, age and whether it serves, of both")
    t.equal(about(page, "updates_total", "near", result="changed"), 1, "answers")
    t.equal(about(page, "updates_total", "far", result="changed"), 2, "answers to both sources")
    outrider.write("near.yaml", "web: nonsense\n")
    t.wait_until(lambda: about(scrape(outrider), "updates_total", "near", result="failed") >= 1, "one that failed")
    t.wait_until(lambda: mode(scrape(outrider), "web", "near") == "stale", "its mode")
    page = scrape(outrider)
    t.at_least(about(page, "age_seconds", "near"), 0.001, "age")
    t.equal((mode(page, "web", "far"), about(page, "age_seconds", "far")), ("live", 0), "the other one")
    outrider.write("near.yaml", "web: []\n")
    t.wait_until(lambda: about(scrape(outrider), "serving", "far") == 1, "the other one to serve")
    t.equal(about(scrape(outrider), "serving", "near"), 0, "the first one")


def test_updates_over_reloads(t):
    """what was counted of a registry goes on when a reload takes its source away and brings it back"""
    outrider = t.outrider(SOURCES, files=FILES)
    before = about(scrape(outrider), "updates_total", "near", result="changed")
    for generation, config in ((2, SOURCES.replace("{ registry: near }, ", "")), (3, SOURCES)):
        outrider.configure(config)
        outrider.signal(signal.SIGHUP)
        t.wait_until(lambda: f"generation {generation} is in force" in outrider.stderr(), f"generation {generation}")
    t.wait_until(lambda: about(scrape(outrider), "updates_total", "near", result="changed") == before + 1, "one more")


FOLLOW = """
registries: { consul: { type: consul, address: "@consul.url@" } }
services: [ { name: web, source: { registry: consul } }, { name: other, source: { registry: consul } } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def test_quarantined(t):
    """records that no target can be made of"""
    consul, web = Consul(t), t.origin()
    consul.set("web", instance(web), instance(("not a host", 80), id="host"), instance(("127.0.0.1", 0), id="zero"))
    outrider = t.outrider(FOLLOW, consul=consul)
    page = scrape(outrider)
    t.equal(page.get("outrider_discovery_quarantined", service="web"), 2, "records")
    t.equal(page.get("outrider_targets", service="web", state="active"), 1, "targets")


def test_hands(t):
    """what people do to a source is its mode, and its age counts from then on"""
    consul, web = Consul(t), t.origin()
    consul.set("web", instance(web))
    consul.set("other", instance(web, id="other-1"))
    outrider = t.outrider(FOLLOW, consul=consul)
    t.equal(mode(scrape(outrider), "web", "consul"), "live", "mode")
    target = {"host": "127.0.0.1", "port": web.port}
    for what, said, want in (("freeze", {}, "frozen"), ("pin", {"targets": [target]}, "pinned"), ("fail", {}, "failed")):
        answer = outrider.health(f"/admin/discovery/web/{what}", "POST", [("Content-Type", "application/json")],
                                 json.dumps({"ttl": "1m", **said}).encode())
        t.equal(answer.status, 202, f"{what}: {answer.text()}")
        t.wait_until(lambda: mode(scrape(outrider), "web", "consul") == want, f"mode {want}")
        t.wait_until(lambda: about(scrape(outrider), "age_seconds", "consul") > 0, "an age")
        t.equal(outrider.health("/admin/discovery/web/thaw", "POST", body=b"").status, 202, "status of thaw")
        t.wait_until(lambda: mode(scrape(outrider), "web", "consul") == "live", "to be live again")
    t.equal(mode(scrape(outrider), "other", "consul"), "live", "the other service")


def test_snapshots(t):
    """files of the last good targets: written, read at a start without the registry, refused when they are damaged"""
    def results(outrider):
        return scrape(outrider).all("outrider_discovery_snapshots_total")
    consul, web = Consul(t), t.origin()
    consul.set("web", instance(web))
    config = "state_dir: @dir@/state\n" + FOLLOW
    consul.set("other", instance(web, id="other-1"))
    first = t.outrider(config, consul=consul)
    t.equal(set(results(first)), {"read", "refused", "written", "failed", "removed"}, "results")
    t.wait_until(lambda: results(first)["written"] >= 2, "two of them")
    state = os.path.join(first.dir, "state")
    names = {name for name in os.listdir(os.path.join(state, "targets")) if name.endswith(".targets")}
    damaged = next(name for name in names if "other" in name)
    first.stop()
    with open(os.path.join(state, "targets", damaged), "r+b") as file:
        file.seek(-5, os.SEEK_END)
        file.write(b"X")
    consul.origin.shut()
    second = t.outrider(config.replace("@dir@/state", state), consul=consul)
    t.wait_until(lambda: mode(scrape(second), "web", "consul") == "snapshot", "the snapshot")
    found = results(second)
    t.equal((found["read"], found["refused"]), (1, 1), "read and refused")
    t.at_least(about(scrape(second), "age_seconds", "consul"), 0.001, "age")


REGISTER = FOLLOW + """
node: { name: n1 }
register:
  - { registry: consul, name: web, port: 8443 }
  - { registry: consul, name: job, port: 1, check: { type: ttl, ttl: 1m } }
"""


def test_registrations(t):
    """services of this host: what the registry knows of them, how they are, whether people keep them out"""
    def state(id, what="state"):
        states = scrape(outrider).all(f"outrider_registration_{what}", id=id, registry="consul")
        t.equal(sum(states.values()), 1, f"{states}")
        return next(name for name, value in states.items() if value)

    def number(what, id):
        return scrape(outrider).get(f"outrider_registration_{what}", id=id, registry="consul")
    web, job, consul = "web-n1-8443", "job-n1-1", Consul(t)
    outrider = t.outrider(REGISTER, consul=consul)
    t.wait_until(lambda: state(web) == "registered", "the registration")
    t.equal((state(web, "check"), number("maintenance", web)), ("passing", 0), "how it is")
    t.at_most(abs(number("last_contact_timestamp_seconds", web) - time.time()), 60, "the last word")
    t.equal(outrider.health(f"/admin/registrations/{job}/check/warn", "PUT", body=b"").status, 200, "a word of the job")
    t.wait_until(lambda: state(job, "check") == "warning", "how the job is")
    t.equal(outrider.health(f"/admin/registrations/{web}/maintenance", "PUT", body=b"").status, 200, "maintenance")
    t.wait_until(lambda: number("maintenance", web) == 1, "maintenance")


OURS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../packaging/prometheus")
SELECTOR = re.compile(r'\b((?:outrider|process)_\w+?)(?:_bucket|_sum|_count)?\b(?:\{([^}]*)\})?')
MATCHER = re.compile(r'(\w+)(=|!=|=~|!~)"([^"]*)"')
STATES = ("state", "mode", "result", "check")           # whose values are ours, and all on the page


def asked():
    """What the rules and the dashboard ask for: (metric, [(label, value)])."""
    with open(os.path.join(OURS, "alerts.yaml"), encoding="utf-8") as file:
        text = file.read()
    with open(os.path.join(OURS, "dashboard.json"), encoding="utf-8") as file:
        panels = json.load(file)["panels"]
    text += "\n".join(target["expr"] for panel in panels for target in panel["targets"])
    for name, matchers in SELECTOR.findall(text):
        yield name, [(label, value) for label, _, value in MATCHER.findall(matchers)]


def test_examples(t):
    """rules and dashboard ask for metrics, labels and states that there are"""
    consul = Consul(t)
    outrider = t.outrider(REGISTER, consul=consul)
    consul.wait_status("web-n1-8443", "passing")
    page = scrape(outrider)
    there = {}
    for (name, labels) in page.values:
        name = re.sub("_(bucket|sum|count)$", "", name)
        for label, value in labels:
            there.setdefault((name, label), set()).add(value)
    known = {name.split("`")[1]: set(re.split(", ", name.split(" | ")[2]))
             for name in run("help", "--metrics")[1].splitlines() if name.startswith("| `")}
    everything = list(asked())
    t.at_least(len(everything), 25, "selectors")
    for name, matchers in everything:
        t.contains(list(known), name, "metrics")
        for label, value in matchers:
            t.true(label in known[name] | {"instance", "job"}, f"{name} has no label {label}")
            if label in STATES:
                t.true(set(value.split("|")) <= there.get((name, label), set()), f"{name}: {label} {value}")


main()
