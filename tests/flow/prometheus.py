#!/usr/bin/env python3
# tests/flow/prometheus.py - /metrics, judged by promtool and scraped by a real Prometheus.
# SPDX-License-Identifier: Apache-2.0
import sys
import tempfile

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from kit.exposition import scrape
from kit.prometheus import Prometheus, program, promtool

OURS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../packaging/prometheus")

POLL = 0.2                                              # not to be busy with being asked

CONFIG = """
admin: { listeners: [ "unix:@dir@/admin.sock", "@tcp@" ] }
registries: { consul: { type: consul, address: "@consul.url@" } }
services:
  - { name: web, source: { registry: consul } }
  - { name: dead, targets: [ @dead@ ], retry: { max_retries: 1, backoff: { base: 1ms, max: 1ms } } }
policies: [ { request-id: {} } ]
routes:
  - { name: web, match: { paths: ["/get", "/post", "/chunks"] }, service: web }
  - { name: dead, match: { paths: ["/dead"] }, service: dead }
  - { name: 'sp "ecial\\', match: { paths: ["/special"] }, service: web }
"""


def started(t, tool):
    """A sidecar of which everything has happened once, if there is somebody to judge it."""
    program(t, tool)
    consul, web, tcp = Consul(t), t.origin(), t.closing(Port())
    consul.set("web", instance(web))
    outrider = t.outrider(CONFIG, consul=consul, dead=t.closing(Port()), tcp=f"{tcp.host}:{tcp.port}")
    outrider.tcp = tcp
    client = t.client(outrider)
    t.equal([client.get(path).status for path in ("/get", "/dead", "/special", "/nowhere")], [200, 502, 200, 404],
            "statuses")
    return outrider


def test_promtool(t):
    """promtool finds nothing to complain of"""
    outrider = started(t, "promtool")
    t.wait_until(lambda: scrape(outrider).sum("outrider_requests_total") == 4, "the requests")
    t.equal(promtool(t, "check", "metrics", stdin=outrider.health("/metrics").body), (0, ""), "promtool")


SCRAPE = """
global: { scrape_interval: 1s }
scrape_configs: [ { job_name: outrider, static_configs: [ { targets: [ "@tcp@" ] } ] } ]
"""


def scraped(t, outrider):
    config = outrider.write("prometheus.yml", SCRAPE.replace("@tcp@", f"{outrider.tcp.host}:{outrider.tcp.port}"))
    return Prometheus(t, config, outrider.dir)


def known(prometheus):
    """Every series that it has of the sidecar, named as on the page."""
    found = prometheus.query('{job="outrider", __name__=~"(outrider|gateway|process)_.+"}') or {}
    series = {}
    for labels, value in found.items():
        labels = {name: text for name, text in labels if name not in ("job", "instance")}
        series[labels.pop("__name__"), tuple(sorted((name, text) for name, text in labels.items() if text))] = value
    return series


def series_of(page):
    """As Prometheus has them: an empty label is none."""
    return {(name, tuple(pair for pair in labels if pair[1])): value for (name, labels), value in page.values.items()}


# These change while nobody asks for anything.
RESTLESS = re.compile("process_|outrider_discovery_(age|updates)_")


def test_scraped(t):
    """a real Prometheus knows every series of the page, and its value"""
    def knows_all():
        have = known(prometheus)
        return have.keys() == page.keys() and all(have[key] == page[key] for key in page if not RESTLESS.match(key[0]))
    outrider = started(t, "prometheus")
    prometheus = scraped(t, outrider)
    t.wait_until(lambda: scrape(outrider).sum("outrider_requests_total") == 4, "the requests")
    page = series_of(scrape(outrider))
    wait_until(knows_all, f"the same {len(page)} series", POLL)
    t.equal(prometheus.number("min_over_time(up[1m])"), 1, "every scrape")


def test_under_load(t):
    """scraped again and again under load and over a reload: no scrape fails, no counter goes back, none is lost"""
    outrider = started(t, "prometheus")
    prometheus = scraped(t, outrider)
    wait_until(lambda: prometheus.number('up{job="outrider"}') == 1, "a scrape that it accepted", POLL)
    load = Load(t, outrider, clients=4)
    first = prometheus.number("count_over_time(up[1m])")
    wait_until(lambda: prometheus.number("count_over_time(up[1m])") >= first + 2, "scrapes", POLL)
    outrider.signal(signal.SIGHUP)
    wait_until(lambda: prometheus.number("count_over_time(up[1m])") >= first + 4, "more of them", POLL)
    t.equal(load.stop(), [], "requests that failed")
    sent = load.answers + 4
    wait_until(lambda: prometheus.number("sum(outrider_requests_total)") == sent, f"all of {sent} requests", POLL)
    t.equal(prometheus.number("min_over_time(up[1m])"), 1, "every scrape")
    for name in ("requests_total", "upstream_requests_total", "request_duration_seconds_count", "discovery_updates_total"):
        t.equal(prometheus.number(f"sum(resets(outrider_{name}[1m]))"), 0, f"how often {name} went back")
    median = prometheus.number('histogram_quantile(0.5, outrider_request_duration_seconds_bucket{route="web"})')
    t.true(0 < median < 1, f"median {median}")


def read(name):
    with open(os.path.join(OURS, name), encoding="utf-8") as file:
        return file.read()


def as_rules(dashboard):
    """What it asks, as rules that promtool can read: what Grafana puts in is put in."""
    found = [target["expr"].replace("$__rate_interval", "5m") for panel in dashboard["panels"] for target in panel["targets"]]
    rules = [{"record": f"a:rule:{i}", "expr": expression} for i, expression in enumerate(found)]
    return json.dumps({"groups": [{"name": "dashboard", "rules": rules}]})


def test_examples(t):
    """promtool takes the configuration, the rules and what the dashboard asks"""
    program(t, "promtool")
    for what, name in (("config", "prometheus.yaml"), ("rules", "alerts.yaml")):
        code, said = promtool(t, "check", what, os.path.join(OURS, name))
        t.equal(code, 0, f"{name}: {said}")
    with tempfile.NamedTemporaryFile("w", prefix="outrider-dashboard-", suffix=".yaml", encoding="utf-8") as file:
        file.write(as_rules(json.loads(read("dashboard.json"))))
        file.flush()
        code, said = promtool(t, "check", "rules", file.name)
    t.equal(code, 0, f"dashboard.json: {said}")


def test_alerts(t):
    """each rule speaks when it should, and none when all is well"""
    program(t, "promtool")
    code, said = promtool(t, "test", "rules", os.path.join(OURS, "alerts-test.yaml"))
    t.equal(code, 0, said)
    names = [set(re.findall(pattern, read(name))) for pattern, name in ((r"alert: (\w+)", "alerts.yaml"),
                                                                      (r'alertname="(\w+)"', "alerts-test.yaml"))]
    t.equal(names[0], names[1], "rules, and those that were seen to speak")


main()
