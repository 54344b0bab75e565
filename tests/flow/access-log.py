#!/usr/bin/env python3
# tests/flow/access-log.py - one line of strict JSON for every request.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
services: [ { name: web, targets: [ @origin@ ] }, { name: dead, targets: [ @dead@ ] } ]
routes:
  - { name: dead-route, match: { paths: ["/dead"] }, service: dead }
  - { name: all, match: { paths: ["/a/**"] }, service: web }
"""


def started(t, origin=None):
    return t.outrider(CONFIG, origin=origin or t.origin(), dead=t.closing(Port()))


def test_fields(t):
    """a line tells what was asked, what was answered, by whom, and how long it took"""
    origin = t.origin().answer("/a/x", b"z" * 5000, status=201)
    outrider = started(t, origin)
    t.ask(outrider, "POST", "/a/x?q=secret", body=b"y" * 3000, host="log.example:99",
          headers=[("User-Agent", "ua/1"), ("Referer", "http://r.example/")])
    entry = outrider.access_log(1)[0]
    want = {"listener": "main", "client": "127.0.0.1", "method": "POST", "scheme": "http", "path": "/a/x",
            "protocol": "HTTP/1.1", "status": 201, "end": "complete", "bytes_in": 3000, "bytes_out": 5000,
            "route": "all",
            "service": "web", "tries": 1, "target": f"127.0.0.1:{origin.port}", "upstream_status": 201,
            "reused": False,
            "user_agent": "ua/1", "referer": "http://r.example/"}
    t.equal({key: entry.get(key) for key in want}, want, "entry")
    t.true(entry["host"] in ("log.example", "log.example:99"), f"host: {entry['host']}")
    t.true(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ", entry["time"]), f"time: {entry['time']}")
    t.true(0 <= entry["first_byte_ms"] <= entry["duration_ms"] < 60000, f"times: {entry}")
    t.true(entry["connect_ms"] >= 0, f"connect_ms: {entry}")
    t.lacks(json.dumps(entry), "secret", "entry: the query is not logged")


def test_reused(t):
    """a line says whether the connection was used before"""
    outrider = started(t)
    client = t.client(outrider)
    for _ in range(2):
        client.get("/a/x")
    t.equal([entry["reused"] for entry in outrider.access_log(2)], [False, True], "reused")


def test_own_errors(t):
    """errors of the sidecar's own have their code in the line"""
    outrider = started(t)
    client = t.client(outrider)
    client.get("/nowhere")
    client.get("/dead")
    first, second = outrider.access_log(2)
    t.equal((first["status"], first["error"], first["tries"]), (404, "no-route", 0), "no route")
    t.equal((second["status"], second["error"], second["service"]), (502, "connect-refused", "dead"), "dead target")
    t.at_least(second["tries"], 1, "tries")


def test_each_request(t):
    """as many lines as requests, in the order of one client"""
    outrider = started(t)
    client = t.client(outrider)
    for i in range(500):
        client.get(f"/a/{i}")
    t.equal([entry["path"] for entry in outrider.access_log(500)], [f"/a/{i}" for i in range(500)], "paths")


def test_hostile_bytes(t):
    """24: bytes that would break a line or its JSON do not"""
    outrider = started(t)
    client = t.client(outrider)
    agents = [b'"quoted" and \\ back', b"\xff\xfe\x80 not UTF-8", b"tab\there", b"caf\xc3\xa9 \xf0\x9f\x98\x80",
              b"\xed\xa0\x80", b"</script>",
              b'","status":999,"x":"', b"\xc0\xaf", b"x" * 5000, b"\xe2\x80\xa8line separator"]
    for agent in agents:
        client.send(b"GET /a/%22'%3Cb%3E%C3%28 HTTP/1.1\r\nHost: a\r\nUser-Agent: " + agent +
                    b"\r\nReferer: " + agent[:100] + b"\r\n\r\n")
        t.equal(client.response().status, 200, f"status with {agent[:20]!r}")
    entries = outrider.access_log(len(agents))
    raw = outrider.read("stdout")
    t.equal(len(entries), len(agents), "lines")
    t.equal({(e["status"], e["path"]) for e in entries}, {(200, "/a/%22'%3Cb%3E%C3%28")},
            "status and path of every line")
    t.equal([entries[i]["user_agent"] for i in (0, 2, 5, 6)], [agents[i].decode() for i in (0, 2, 5, 6)],
            "user agents")
    t.equal(entries[3]["user_agent"], "caf\xe9 \U0001f600", "UTF-8")
    t.true(all(byte >= 0x20 or byte == 0x0a for byte in raw), "no control bytes in the log")
    raw.decode("utf-8")


def test_at_the_stop(t):
    """no line is lost at the stop"""
    outrider = started(t)
    client = t.client(outrider)
    for i in range(200):
        client.get(f"/a/{i}")
    client.close()
    outrider.stop()
    t.equal(len(outrider.access_log()), 200, "lines")


def test_file(t):
    """output: file:/path"""
    outrider = t.outrider("telemetry: { access_log: { output: \"file:@dir@/access.log\" } }\n" + PLAIN,
                          origin=t.origin())
    t.get(outrider, "/a/b")
    t.equal(outrider.access_log(1, "access.log")[0]["path"], "/a/b", "path")
    t.equal(outrider.read("stdout"), b"", "standard output")


def test_none(t):
    """output: none"""
    outrider = t.outrider("telemetry: { access_log: { output: none } }\n" + PLAIN, origin=t.origin())
    t.equal(t.get(outrider).status, 200, "status")
    outrider.stop()
    t.equal(outrider.read("stdout"), b"", "standard output")


main()
