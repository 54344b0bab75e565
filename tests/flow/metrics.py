#!/usr/bin/env python3
# tests/flow/metrics.py - /metrics: what is counted is what happened.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from kit.exposition import scrape

OPENMETRICS = ("Accept", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1")

TWO = """
services: [ { name: a, targets: [ @a@ ] }, { name: b, targets: [ @b@ ] } ]
routes:
  - { name: to-b, match: { paths: ["/b/**"] }, service: b }
  - { name: to-a, match: { paths: ["/a/**"] }, service: a }
"""


def settled(t, outrider, requests):
    """The page once so many requests are over: a client may have its answer a moment earlier."""
    t.wait_until(lambda: scrape(outrider).sum("outrider_requests_total") >= requests, f"{requests} requests in /metrics")
    page = scrape(outrider)
    t.equal(page.sum("outrider_requests_total"), requests, "requests")
    return page


def test_counts(t):
    """a known series of requests is counted exactly: by listener, route, service, method and status"""
    missing = lambda c, request: c.respond(404, body=b"none")
    a = t.origin().on("/a/missing", missing)
    outrider = t.outrider("workers: 2\n" + TWO, a=a, b=t.origin())
    clients = [t.client(outrider) for _ in range(5)]
    for client in clients:
        client.get("/a/x")
    for client in clients[:3]:
        client.ask("POST", "/b/x", body=b"0123456789")
    for client in clients[:2]:
        client.get("/a/missing")
    clients[4].ask("HEAD", "/a/x")
    clients[4].ask("BREW", "/a/x")
    clients[4].get("/elsewhere")
    refused = t.client(outrider)
    refused.send(b"GET /a/x HTTP/1.1\r\nHost: one\r\nHost: two\r\n\r\n")
    t.equal(refused.response().status, 400, "status of a bad request")
    page = settled(t, outrider, 14)
    t.equal(page.all("outrider_requests_total", listener="main"), {
        ("GET", "to-a", "a", "200"): 5, ("POST", "to-b", "b", "200"): 3, ("GET", "to-a", "a", "404"): 2,
        ("HEAD", "to-a", "a", "200"): 1, ("_OTHER", "to-a", "a", "200"): 1, ("GET", "", "", "404"): 1,
        ("_OTHER" if has_seam() else "GET", "", "", "400"): 1}, "requests")     # unread where the seam refuses it
    t.equal({code: n for code, n in page.all("outrider_errors_total").items() if n}, {"no-route": 1, "bad-request": 1},
            "errors")
    t.equal({outcome: n for outcome, n in page.all("outrider_upstream_requests_total", service="a").items() if n},
            {"2xx": 7, "4xx": 2}, "tries at a")
    t.equal(page.get("outrider_upstream_requests_total", service="b", outcome="2xx"), 3, "tries at b")
    t.equal(page.sum("outrider_retries_total"), 0, "retries")
    t.equal(page.get("outrider_metrics_overflow_total"), 0, "overflow")


def test_durations_and_bytes(t):
    """durations fall into their buckets, and bytes of bodies are counted both ways"""
    def late(c, request):
        time.sleep(0.12)
        c.respond(body=b"x" * 5000)
    outrider = t.outrider(TWO, a=t.origin().on("/a/late", late), b=t.origin())
    client = t.client(outrider)
    client.ask("POST", "/a/late", body=b"y" * 3000)
    client.ask("POST", "/a/late", body=[b"z" * 1000, b"z" * 500])
    client.get("/b/x")
    page = settled(t, outrider, 3)
    one = {"route": "to-a", "service": "a"}
    t.equal(page.get("outrider_request_duration_seconds_count", **one), 2, "requests of a")
    t.equal(page.get("outrider_request_duration_seconds_bucket", le="0.1", **one), 0, "shorter than they were")
    t.at_least(page.get("outrider_request_duration_seconds_sum", **one), 0.24, "their time")
    t.equal(len(page.all("outrider_request_duration_seconds_bucket", **one)), 15, "buckets")
    t.equal(page.get("outrider_request_body_bytes_total", **one), 4500, "bytes in")
    t.equal(page.get("outrider_response_body_bytes_total", **one), 10000, "bytes out")
    t.equal(page.get("outrider_response_body_bytes_total", route="to-b", service="b"), len(b"hello"), "bytes of b")


def test_tunnel(t):
    """a tunnel is one request with the bytes of both ways, counted when it is over"""
    def chat(c):
        c.request()
        c.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat/1\r\nConnection: Upgrade\r\n\r\n")
        c.exactly(10, "from the client")
        c.send(b"d" * 2000)
    outrider = t.outrider(TWO, a=t.origin(chat), b=t.origin())
    client = t.client(outrider)
    client.request("GET", "/a/chat", [("Connection", "Upgrade"), ("Upgrade", "chat/1")])
    t.equal(client.response().status, 101, "status")
    t.equal(scrape(outrider).sum("outrider_requests_total"), 0, "requests before the end")
    client.send(b"u" * 10)
    client.exactly(2000, "from the target")
    client.close()
    page = settled(t, outrider, 1)
    one = {"route": "to-a", "service": "a"}
    t.equal(page.get("outrider_requests_total", listener="main", method="GET", status="101", **one), 1, "requests")
    t.equal(page.get("outrider_upstream_requests_total", service="a", outcome="1xx"), 1, "tries")
    t.equal(page.get("outrider_request_body_bytes_total", **one), 10, "bytes in")
    t.equal(page.get("outrider_response_body_bytes_total", **one), 2000, "bytes out")


def test_errors_and_retries(t):
    """errors of our own by their code, tries by their outcome, retries by their reason"""
    def silent(c):
        c.request()
        c.stall()
    outrider = t.outrider("""
workers: 1
services:
  - { name: half, targets: [ @dead@, @good@ ], balancer: strict_round_robin }
  - { name: dead, targets: [ @dead@ ], retry: { max_retries: 2, backoff: { base: 1ms, max: 1ms } } }
  - { name: none, targets: [ { host: 127.0.0.1, port: @good.port@, weight: 0 } ] }
  - { name: slow, targets: [ @slow@ ], timeout: { response: 50ms }, retry: { max_retries: 0 } }
routes:
  - { match: { paths: ["/half"] }, service: half }
  - { match: { paths: ["/dead"] }, service: dead }
  - { match: { paths: ["/none"] }, service: none }
  - { match: { paths: ["/slow"] }, service: slow }
""", dead=t.closing(Port()), good=t.origin(), slow=t.origin(silent))
    client = t.client(outrider)
    t.equal([client.get("/half").status for _ in range(4)], [200] * 4, "statuses of half")
    t.equal([client.get(path).status for path in ("/dead", "/none", "/slow")], [502, 503, 504], "statuses")
    page = settled(t, outrider, 7)
    tries = page.all("outrider_upstream_requests_total")
    retries = page.all("outrider_retries_total")
    t.equal(page.get("outrider_upstream_requests_total", service="half", outcome="2xx"), 4, f"answers: {tries}")
    t.equal(page.get("outrider_upstream_requests_total", service="half", outcome="connect-failure"),
            page.get("outrider_retries_total", service="half", reason="connect-failure"), f"{tries} {retries}")
    t.equal(page.get("outrider_upstream_requests_total", service="dead", outcome="connect-failure"), 3, f"{tries}")
    t.equal(page.get("outrider_retries_total", service="dead", reason="connect-failure"), 2, f"{retries}")
    t.equal(page.sum("outrider_upstream_requests_total", service="none"), 0, f"{tries}")
    t.equal(page.get("outrider_upstream_requests_total", service="slow", outcome="timeout"), 1, f"{tries}")
    t.equal({code: n for code, n in page.all("outrider_errors_total").items() if n},
            {"connect-refused": 1, "no-target": 1, "upstream-timeout": 1}, "errors")


def test_reload(t):
    """counters go on over reloads; a configuration with mistakes is seen, and a good one after it"""
    outrider = t.outrider(TWO, a=t.origin(), b=t.origin())
    client = t.client(outrider)
    client.get("/a/x")
    page = settled(t, outrider, 1)
    t.equal(page.get("outrider_config_last_reload_successful"), 1, "at the start")
    began = page.get("outrider_config_last_reload_success_timestamp_seconds")
    t.at_most(abs(began - time.time()), 60, "time of the configuration")
    outrider.configure("nonsense: 1\n" + TWO)
    outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: scrape(outrider).get("outrider_config_last_reload_successful") == 0, "a reload that failed")
    t.equal(scrape(outrider).get("outrider_config_last_reload_success_timestamp_seconds"), began, "time of the good one")
    outrider.configure(TWO.replace("to-b", "to-other-b"))
    outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: scrape(outrider).get("outrider_config_last_reload_successful") == 1, "a reload")
    t.wait_until(lambda: outrider.health("/health").text().count('"generation":2'), "generation 2")
    client.get("/a/x")
    client.get("/b/x")
    page = settled(t, outrider, 3)
    t.equal(page.get("outrider_requests_total", listener="main", route="to-a", service="a", method="GET", status="200"), 2,
            "before and after")
    t.equal(page.get("outrider_requests_total", listener="main", route="to-other-b", service="b", method="GET",
                     status="200"), 1, "of a new route")
    t.at_least(page.get("outrider_config_last_reload_success_timestamp_seconds"), began + 0.001, "time of the new one")


def test_named_services(t):
    """24: services that a path names are told apart once they have had a target; an invented name is no label"""
    consul, web = Consul(t), t.origin()
    consul.set("web", instance(web))
    outrider = t.outrider("""
registries: { consul: { type: consul, address: "@consul.url@" } }
services: []
routes: [ { name: svc, match: { paths: ["/{service}/**"] }, service: "{service}", registry: consul, allow: ["*"] } ]
""", consul=consul)
    client = t.client(outrider)
    t.equal([client.get(path).status for path in ("/web/x", "/made-up/x", "/made.up/x", "/web/x")], [200, 503, 503, 200],
            "statuses")
    page = settled(t, outrider, 4)
    t.equal(page.all("outrider_requests_total", listener="main", route="svc", method="GET"),
            {("web@consul", "200"): 2, ("", "503"): 2}, "requests")
    t.equal(set(page.all("outrider_upstream_requests_total", outcome="2xx")), {"web@consul"}, "services with tries")
    t.equal(page.get("outrider_discovery_updates_total", service="web@consul", registry="consul", result="changed"), 1,
            "updates")


def test_overflow(t):
    """past max_series everything is `other`, nothing is lost, and how much that is, is told"""
    def any_status(c, request):
        c.respond(int(request.target.rpartition("/")[2]))
    origin = t.origin()
    for status in range(400, 440):
        origin.on(f"/a/{status}", any_status)
    outrider = t.outrider(TWO + "telemetry: { metrics: { max_series: 20 } }\n", a=origin, b=t.origin())
    client = t.client(outrider)
    for status in range(400, 440):
        t.equal(client.get(f"/a/{status}").status, status, "status")
    page = settled(t, outrider, 40)
    other = page.get("outrider_requests_total", listener="other", route="other", service="other", method="other",
                     status="other")
    t.equal(len(page.all("outrider_requests_total")) - 1 + other, 40, "those apart, and the others")
    t.at_most(len(page.all("outrider_requests_total")), 20, "series")
    t.equal(page.get("outrider_metrics_overflow_total"), other, "overflow")
    t.equal(page.get("outrider_request_duration_seconds_count", route="to-a", service="a"), 40, "durations")


def test_connections(t):
    """connections of clients and to targets, active and idle"""
    def slow(c, request):
        t.wait_until(lambda: released, "the case to go on")
        c.respond()
    released = []
    outrider = t.outrider(TWO, a=t.origin().on("/a/slow", slow), b=t.origin())

    def stands(**expected):
        page = scrape(outrider)
        got = {"active": page.get("outrider_connections", listener="main", state="active"),
               "idle": page.get("outrider_connections", listener="main", state="idle"),
               "up": page.get("outrider_upstream_connections", service="a", state="active"),
               "kept": page.get("outrider_upstream_connections", service="a", state="idle")}
        return got == expected
    clients = [t.client(outrider) for _ in range(3)]
    clients[0].request("GET", "/a/slow")
    t.wait_until(lambda: stands(active=1, idle=2, up=1, kept=0), "one of three active")
    released.append(True)
    clients[0].response()
    t.wait_until(lambda: stands(active=0, idle=3, up=0, kept=1), "all idle")
    for client in clients:
        client.close()
    t.wait_until(lambda: stands(active=0, idle=0, up=0, kept=1), "none")


def test_state(t):
    """targets by state, discovery, the build, the process, the logs"""
    outrider = t.outrider(TWO + "policies: [ { request-id: {} } ]\n", a=t.origin(), b=t.origin())
    t.client(outrider).get("/a/x")
    page = settled(t, outrider, 1)
    t.equal(page.all("outrider_targets", service="a"), {"active": 1, "unhealthy": 0, "draining": 0, "held": 0}, "targets")
    source = {"service": "a", "registry": "targets"}
    t.equal(page.get("outrider_discovery_age_seconds", **source), 0, "age")
    modes = ("held", "stale", "snapshot", "frozen", "pinned", "failed")
    t.equal(page.all("outrider_discovery_mode", **source), {"live": 1, **dict.fromkeys(modes, 0)}, "mode")
    t.equal(page.get("outrider_discovery_updates_total", result="changed", **source), 1, "updates")
    t.equal(page.sum("outrider_build_info"), 1, "build")
    t.equal(page.get("outrider_log_dropped_total", sink="stdout"), 0, "dropped")
    t.equal(page.get("outrider_policy_request_id_made_total", route="", id=""), 1, "counter of a policy")
    t.at_least(page.get("process_resident_memory_bytes"), 1 << 20, "memory")
    t.at_least(page.get("process_cpu_seconds_total"), 0.001, "time")
    t.at_most(abs(page.get("process_start_time_seconds") - time.time()), 60, "start")
    t.at_most(abs(page.get("process_open_fds") - outrider.descriptors()), 3, "descriptors")


def test_compat(t):
    """the predecessors' names, unless they are switched off"""
    outrider = t.outrider(TWO, a=t.origin(), b=t.origin())
    t.client(outrider).get("/a/x")
    page = settled(t, outrider, 1)
    one = {"method": "GET", "path": "to-a", "service": "a"}
    t.equal(page.get("gateway_requests_total", status="200", **one), 1, "requests")
    t.equal(page.get("gateway_request_duration_seconds_count", **one), 1, "durations")
    t.equal(page.all("gateway_service_health", service="a"),
            {"healthy": 1, "degraded": 0, "unhealthy": 0, "unknown": 0}, "health")
    t.true(page.get("gateway_service_response_time", service="a") is not None, "response time")
    outrider.configure(TWO + "telemetry: { metrics: { compat: false } }\n")
    outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: "gateway_" not in outrider.health("/metrics").text(), "a page without them")


def test_formats(t):
    """Prometheus text, and OpenMetrics for those who say that they take it"""
    outrider = t.outrider(TWO, a=t.origin(), b=t.origin())
    t.client(outrider).get("/a/x")
    plain = settled(t, outrider, 1)
    answer = outrider.health("/metrics")
    t.equal(answer.get("content-type"), "text/plain; version=0.0.4; charset=utf-8", "type")
    answer = outrider.health("/metrics", headers=[OPENMETRICS])
    t.equal(answer.get("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8", "type")
    opened = scrape(outrider, OPENMETRICS)
    t.equal(opened.types["outrider_requests"], "counter", "family without _total")
    t.equal(set(opened.values), set(plain.values), "series of both")


def test_escaping(t):
    """24: names with quotes and backslashes break no line"""
    name = 'we"ird\\n{}'
    text = TWO.replace("name: to-a", "name: '" + name + "'")
    outrider = t.outrider(text, a=t.origin(), b=t.origin())
    t.client(outrider).get("/a/x")
    page = settled(t, outrider, 1)
    t.equal(page.get("outrider_requests_total", listener="main", route=name, service="a", method="GET", status="200"), 1,
            f"{page.all('outrider_requests_total')}")


def test_reference(t):
    """every metric on the page is in the reference, with its kind and labels, and of ours none is only there"""
    outrider = t.outrider(TWO + "policies: [ { request-id: {} } ]\n", a=t.origin(), b=t.origin())
    t.client(outrider).get("/a/x")
    page = settled(t, outrider, 1)
    code, text, _ = run("help", "--metrics")
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| `")]
    told = {name: (kind, set(filter(None, labels.split(", ")))) for name, kind, labels, _ in rows}
    t.equal((code, len(told)), (0, len(rows)), "names told twice")
    t.equal({name: kind for name, (kind, _) in told.items()}, page.types, "names and kinds")
    for name, labels in page.values:
        family = name if name in told else re.sub("_(bucket|sum|count)$", "", name)
        t.equal({label for label, _ in labels} - {"le"}, told[family][1], f"labels of {name}")


main()
