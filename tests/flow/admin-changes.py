#!/usr/bin/env python3
# tests/flow/admin-changes.py - POST /admin/reload and /admin/drain.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def reload(outrider):
    answer = outrider.health("/admin/reload", "POST")
    return answer.status, json.loads(answer.body)


def test_reload(t):
    """the answer comes when the new configuration is in force"""
    one, two = t.origin(name="one"), t.origin(name="two")
    outrider = t.outrider(PLAIN, origin=one)
    for n in range(1, 6):
        outrider.things["origin"] = two if n % 2 else one
        outrider.configure(PLAIN)
        t.equal(reload(outrider), (200, {"status": "reloaded", "generation": n + 1, "warnings": []}), "answer")
        t.equal(t.get(outrider).body, b"two" if n % 2 else b"one", "answer of the target")


def test_mistakes(t):
    """422 with every mistake, and everything stays as it was"""
    outrider = t.outrider(PLAIN, origin=t.origin())
    outrider.configure(PLAIN + "wrokers: 3\nshutdown: { delay: soon }\n")
    status, said = reload(outrider)
    t.equal((status, said["status"], said["generation"], len(said["mistakes"])), (422, "refused", 1, 2), f"{said}")
    t.contains(said["mistakes"][0] + said["mistakes"][1], "workers", "did you mean")
    t.contains(said["mistakes"][0], outrider.config_path + ":", "place")
    t.equal(t.get(outrider).status, 200, "it still serves")
    outrider.configure("workers: 7\n" + PLAIN)
    status, said = reload(outrider)
    t.equal(status, 422, "a key that needs a restart")
    t.contains(said["mistakes"][0], "restart needed", "mistake")
    outrider.configure(PLAIN)
    t.equal(reload(outrider)[0], 200, "good again")


def test_many_at_once(t):
    """several reloads at once: each is answered, and none before its configuration is in force"""
    outrider = t.outrider(PLAIN, origin=t.origin())
    clients = [t.client(outrider.admin) for _ in range(8)]
    for client in clients:
        client.request("POST", "/admin/reload", body=b"")
    answers = [client.response("POST") for client in clients]
    t.equal([a.status for a in answers], [200] * 8, "statuses")
    last = max(json.loads(a.body)["generation"] for a in answers)
    t.equal(json.loads(outrider.health("/health").body)["generation"], last, "generation")
    t.at_most(last, 9, "generation")


def test_gone(t):
    """who asks for a reload and leaves does no harm"""
    outrider = t.outrider(PLAIN, origin=t.origin())
    for _ in range(20):
        client = t.client(outrider.admin)
        client.request("POST", "/admin/reload", body=b"")
        client.close()
    t.equal(reload(outrider)[0], 200, "another one")


def test_pipelined(t):
    """what follows a reload on the same connection waits for its answer"""
    outrider = t.outrider(PLAIN, origin=t.origin())
    client = t.client(outrider.admin)
    client.request("POST", "/admin/reload", body=b"")
    client.request("GET", "/health/live")
    t.equal(json.loads(client.response("POST").body)["generation"], 2, "first answer")
    t.equal(json.loads(client.response().body)["status"], "live", "second answer")


def level(outrider, body, method="POST"):
    answer = outrider.health("/admin/log-level", method, body=body)
    return answer.status, json.loads(answer.body)


def test_log_level(t):
    """POST /admin/log-level: what the log has, until a reload"""
    outrider = t.outrider(PLAIN, origin=t.origin())
    t.equal(level(outrider, None, "GET"), (200, {"level": "info"}), "as configured")
    t.equal(level(outrider, b'{"level": "error"}'), (200, {"level": "error"}), "another one")
    t.equal(level(outrider, [b'{"lev', b'el": "de', b'bug"}']), (200, {"level": "debug"}), "in pieces")
    t.equal(level(outrider, None, "GET"), (200, {"level": "debug"}), "now")
    t.wait_until(lambda: "admin: POST /admin/log-level by uid" in outrider.stderr(), "the log to say who it was")
    t.equal(reload(outrider)[0], 200, "reload")
    t.equal(level(outrider, None, "GET"), (200, {"level": "info"}), "as configured again")
    for n in range(1, 3):                               # the second is asked for when the log has only errors
        t.equal(level(outrider, b'{"level": "error"}')[0], 200, "quiet")
        t.wait_until(lambda: outrider.stderr().count("admin: POST /admin/log-level by uid") == 2 + n, "who it was")


def test_bodies(t):
    """what is wrong with a body is said; nothing of the environment is told, and a long one is 413"""
    outrider = t.outrider(PLAIN, origin=t.origin(), env={"SECRET": "open-sesame"})
    for body, said in ((b"", "level"), (b"{}", "level"), (b"{", "body:1"), (b"[]", "map"), (b'{"level": "loud"}', "loud"),
                       (b'{"level": "info", "levle": 1}', "did you mean"), (b'{"level": "${SECRET}"}', "SECRET"),
                       (b'{"level": "info"} x', "body:1"), (b'{"level": "info", "level": "warn"}', "level"),
                       (b"\xff\xfe", "body"), (b"[" * 60000, "body")):
        status, document = level(outrider, body)
        t.equal((status, document["code"]), (400, "bad-request"), f"{body[:40]}")
        t.contains(document["detail"], said, f"{body[:40]}")
        t.lacks(document["detail"], "sesame", "detail")
    t.equal(level(outrider, b'{"level": "debug"' + b" " * 65536 + b"}")[0], 413, "a long one")
    t.equal(level(outrider, None, "GET"), (200, {"level": "info"}), "as before")
    t.equal(outrider.health("/admin/log-level", "PUT", body=b"").get("allow"), "GET, HEAD, POST", "Allow")


def test_drain(t):
    """202, not ready any more, what is in flight ends, exit code 0; asked again it hurries nobody"""
    def slow(c, request):
        t.wait_until(lambda: released, "the case to go on")
        c.respond(body=b"slow but whole")
    released = []
    origin = t.origin().on("/slow", slow)
    outrider = t.outrider("shutdown: { deadline: 20s }\n" + PLAIN, origin=origin)
    client = t.client(outrider)
    client.request("GET", "/slow")
    origin.wait_requests(1)
    for _ in range(3):
        answer = outrider.health("/admin/drain", "POST")
        t.equal((answer.status, json.loads(answer.body)), (202, {"status": "draining"}), "answer")
    t.wait_until(lambda: outrider.health("/health/ready").status == 503, "not to be ready")
    t.equal(outrider.health("/admin/reload", "POST").status, 503, "a reload while it drains")
    released.append(True)
    t.equal(client.response().body, b"slow but whole", "answer of the one in flight")
    t.equal(outrider.wait(), 0, "exit code")


def test_stop_meanwhile(t):
    """reloads that are asked for while the process ends are answered or cut, and it ends well"""
    outrider = t.outrider(PLAIN, origin=t.origin())
    clients = [t.client(outrider.admin) for _ in range(16)]
    for i, client in enumerate(clients):
        client.request("POST", "/admin/reload", body=b"")
        if i == 8:
            outrider.signal(signal.SIGTERM)
    t.equal(outrider.wait(), 0, "exit code")


main()
