#!/usr/bin/env python3
# tests/flow/register-etcd.py - services of this host in a (scripted) etcd: a key with a lease.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
node: { name: n1, zone: z1 }
@shutdown@
registries: { etcd: { type: etcd, address: @address@ @keys@ } }
services: [ { name: app, targets: [ @app@ ] } ]
routes: [ { match: { paths: ["/**"] }, service: app } ]
register: [ { registry: etcd, name: @name@, port: 8443, address: 192.0.2.1 @more@ } ]
"""
KEY = "/services/web/n1-8443"


def configuration(name="web", more="", shutdown="", keys="", address='"@etcd.url@"'):
    text = CONFIG.replace("@name@", name).replace("@more@", f", {more}" if more else "").replace("@address@", address)
    text = text.replace("@shutdown@", f"shutdown: {{ {shutdown} }}" if shutdown else "")
    return text.replace("@keys@", f", {keys}" if keys else "")


def started(t, etcd=None, **options):
    start_clock(30)
    etcd, app = etcd or Etcd(t), t.origin(name="app")
    outrider = t.outrider(configuration(**options), etcd=etcd, app=app)
    t.wait_until(lambda: etcd.value(key_of(options.get("name", "web"))), "the key")
    return etcd, app, outrider


def key_of(name):
    return f"/services/{name}/n1-8443"


def reload(t, outrider, **options):
    generation = outrider.stderr().count("is in force")
    outrider.configure(configuration(**options))
    outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: outrider.stderr().count("is in force") > generation, "the new configuration")


def calls(etcd):
    return [path for path, _, _ in etcd.requests]


def test_whole(t):
    """what is stated stands under a key with a lease of 15 seconds"""
    etcd, _, _ = started(t, more='tags: [v7], meta: { version: 1.0.0 }, weight: 10, '
                                 'tagged_addresses: { wan: "203.0.113.5:443" }')
    t.equal(etcd.value(KEY), {
        "host": "192.0.2.1", "port": 8443, "weight": 10, "node": "n1", "zone": "z1", "tags": ["v7"],
        "meta": {"version": "1.0.0"}, "tagged_addresses": {"wan": {"host": "203.0.113.5", "port": 443}},
        "state": "passing"}, "value")
    t.equal(etcd.about("/v3/lease/grant"), [{"TTL": "15"}], "lease")
    t.equal(calls(etcd), ["/v3/lease/grant", "/v3/kv/txn"], "calls")


def test_renewed(t):
    """the lease is renewed three times as often as it has to be, and that makes no revision"""
    etcd, _, _ = started(t)
    revision, times = etcd.revision, [time.monotonic()]
    for n in (1, 2):
        t.wait_until(lambda: len(etcd.about("/v3/lease/keepalive")) >= n, "a renewal")
        times.append(time.monotonic())
    gaps = [b - a for a, b in zip(times, times[1:])]
    t.true(all(4.3 <= gap <= 6.5 for gap in gaps), f"5 seconds, give or take a tenth: {gaps}")
    t.equal(etcd.revision, revision, "revision")


def test_state(t):
    """what a check finds stands in the value"""
    start_clock(30)
    etcd, app = Etcd(t), t.origin(name="app")
    app.answer("/ok", status=503)
    t.outrider(configuration(more="check: { path: /ok, port: @app.port@, interval: 100ms, rise: 1, fall: 1 }"), etcd=etcd,
               app=app)

    def is_state(state):
        return lambda: (etcd.value(KEY) or {}).get("state") == state
    t.wait_until(is_state("critical"), "it to be critical")
    app.answer("/ok", status=204)
    t.wait_until(is_state("passing"), "it to be passing")
    t.equal(len(etcd.about("/v3/lease/grant")), 1, "leases")


def test_maintenance(t):
    """in maintenance it stays, and says so at once, whatever its check found; back again likewise"""
    etcd, app, outrider = started(t, more="check: { type: tcp, port: @app.port@, interval: 100ms, fall: 1, rise: 1 }")

    def state():
        return (etcd.value(KEY) or {}).get("state")
    place = "/admin/registrations/web-n1-8443/maintenance"
    t.equal(outrider.health(place, "PUT", body=b"").status, 200, "answer")
    t.wait_until(lambda: state() == "maintenance", "the state")
    app.shut()
    t.wait_until(lambda: "is critical" in outrider.stderr(), "the check to fail")
    at = time.monotonic()
    t.equal(outrider.health(place, "DELETE").status, 200, "answer")
    t.wait_until(lambda: state() == "critical", "what its check says")
    t.equal(outrider.health(place, "PUT", body=b"").status, 200, "answer")
    t.wait_until(lambda: state() == "maintenance", "the state again")
    t.at_most(time.monotonic() - at, 3, "seconds, not at the next renewal")


def test_lost(t):
    """put again when the lease was lost, and when the key alone was"""
    etcd, _, outrider = started(t)
    etcd.delete(KEY)
    t.wait_until(lambda: etcd.value(KEY), "the key again")
    t.equal(len(etcd.about("/v3/lease/grant")), 1, "leases")
    etcd.lose_leases()
    t.equal(etcd.value(KEY), None, "the key without its lease")
    t.wait_until(lambda: etcd.value(KEY), "the key with another lease")
    t.equal(len(etcd.about("/v3/lease/grant")), 2, "leases")
    t.wait_until(lambda: "does not know it any more" in outrider.stderr(), "a line about it")


def test_dead(t):
    """an etcd that is not there at the start is told when it comes; of several, one that lives is enough"""
    start_clock(30)
    etcd, app = Etcd(t), t.origin(name="app")
    etcd.origin.shut()
    outrider = t.outrider(configuration(), etcd=etcd, app=app)
    t.equal(t.get(outrider).status, 200, "a request without etcd")
    t.wait_until(lambda: "registration: web-n1-8443: etcd:" in outrider.stderr(), "a line about it")
    etcd.origin.listen()
    t.wait_until(lambda: etcd.value(KEY), "the key")
    outrider.stop()
    nobody = t.closing(Port())
    started(t, etcd, address=f'["http://127.0.0.1:{nobody.port}", "@etcd.url@"]')


def test_user(t):
    """with a user, every call has a token"""
    start_clock(30)
    etcd = Etcd(t)
    etcd.passwords = {"u": "pw"}
    _, _, outrider = started(t, etcd, keys="user: u, password: pw")
    outrider.stop()
    t.equal({request.get("Authorization") for path, _, request in etcd.requests if "authenticate" not in path},
            etcd.tokens, "tokens")
    t.equal(etcd.value(KEY), None, "the key after the end")


def test_refused(t):
    """one that may not is said once, tried again, and hurts nothing else"""
    start_clock(30)
    etcd, app = Etcd(t), t.origin(name="app")
    etcd.on("/v3/kv/txn", lambda c, request: etcd.refuse(c, 403, 7, "etcdserver: permission denied"))
    outrider = t.outrider(configuration(), etcd=etcd, app=app)
    t.wait_until(lambda: len(etcd.about("/v3/kv/txn")) >= 3, "three tries")
    t.equal(outrider.stderr().count("permission denied"), 1, "lines about it")
    t.equal(len(etcd.about("/v3/lease/grant")), 1, "leases")
    t.equal(t.get(outrider).status, 200, "a request meanwhile")
    etcd.on("/v3/kv/txn", None)
    t.wait_until(lambda: etcd.value(KEY), "the key")


FAULTS = {"500": lambda etcd, c: etcd.respond(c, b"no", 500), "garbage": lambda etcd, c: etcd.respond(c, b"{{{"),
          "empty": lambda etcd, c: etcd.respond(c, b""), "no header": lambda etcd, c: etcd.respond(c, {}),
          "reset": lambda etcd, c: c.reset() or "close",
          "an error in 200": lambda etcd, c: etcd.respond(c, {"error": {"code": 14, "message": "no leader"}})}


def test_faults(t):
    """whatever goes wrong with a call at first, it is registered afterwards"""
    start_clock(60)
    for path in ("/v3/lease/grant", "/v3/kv/txn"):
        for name, fault in FAULTS.items():
            etcd, app = Etcd(t), t.origin(name="app")
            etcd.on(path, lambda c, _: fault(etcd, c))
            outrider = t.outrider(configuration(), etcd=etcd, app=app)
            t.wait_until(lambda: etcd.about(path), f"{path}: {name}")
            t.equal(etcd.value(KEY), None, f"{path}: {name}: the key")
            etcd.on(path, None)
            t.wait_until(lambda: etcd.value(KEY), f"{path}: {name}: the key afterwards")
            outrider.stop()


def test_renewal_faults(t):
    """a renewal that goes wrong is tried again, and nothing is lost"""
    etcd, _, outrider = started(t)
    faults, history = ["500", "garbage", "an error in 200"], len(etcd.history)

    def keep(c, _):
        name = faults.pop()
        if not faults:
            etcd.on("/v3/lease/keepalive", None)
        return FAULTS[name](etcd, c)
    etcd.on("/v3/lease/keepalive", keep)
    t.wait_until(lambda: "answers again" in outrider.stderr(), "an end of it")
    t.equal((faults, len(etcd.history)), ([], history), "faults left, changes")


def test_stop(t):
    """on a stop the lease is revoked, and the sidecar accepts until a range read does not find the key"""
    etcd, _, outrider = started(t)
    etcd.linger = 0.5
    outrider.signal(signal.SIGTERM)
    t.wait_until(lambda: etcd.value(KEY) is None, "the end of the key")
    at = time.monotonic()
    while time.monotonic() - at < 0.4:
        answer = t.get(outrider)
        t.equal((answer.status, answer.get("connection")), (200, "close"), "a request that still comes")
        time.sleep(0.02)
    t.equal(outrider.wait(), 0, "exit code")
    took = time.monotonic() - at
    t.true(0.7 <= took <= 2.5, f"half a second, and as long again: {took}")
    t.equal(len(etcd.about("/v3/lease/revoke")), 1, "revocations")
    t.equal(etcd.leases, {}, "leases left")
    t.equal(calls(etcd)[-1], "/v3/kv/range", "last call")


def test_taken_over(t):
    """what has another lease when we stop is somebody else's, and nobody waits for its end"""
    etcd, app, outrider = started(t)
    other = t.outrider(configuration(), etcd=etcd, app=app)
    t.wait_until(lambda: len(etcd.leases) == 2 and len(set(etcd.bound.values()) - {min(etcd.leases)}) == 1, "the other lease")
    began = time.monotonic()
    outrider.stop()
    t.at_most(time.monotonic() - began, 2, "seconds to the end")
    t.true(etcd.value(KEY), "the key is the other one's")
    other.stop()
    t.equal(etcd.value(KEY), None, "the key after the other's end")


def test_killed(t):
    """who is killed and starts again has the same key all the while"""
    etcd, app, outrider = started(t)
    outrider.process.kill()
    outrider.wait()
    history = len(etcd.history)
    t.outrider(configuration(), etcd=etcd, app=app)
    t.wait_until(lambda: len(etcd.about("/v3/lease/grant")) == 2 and len(etcd.history) > history, "the other lease")
    t.equal([one["value"] is None for one in etcd.history], [False, False], "whether it was away")


def test_reload(t):
    """a reload that changes the value puts another one; one that changes the name leaves no old key"""
    etcd, _, outrider = started(t)
    reload(t, outrider, more="tags: [v8], id: x")
    t.wait_until(lambda: etcd.value("/services/web/x"), "the key with its id")
    t.wait_until(lambda: etcd.value(KEY) is None, "the end of the one before")
    reload(t, outrider, more="tags: [v9], id: x")
    t.wait_until(lambda: (etcd.value("/services/web/x") or {}).get("tags") == ["v9"], "the other tags")
    reload(t, outrider, name="api", more="tags: [v9], id: x")
    t.wait_until(lambda: etcd.value("/services/api/x"), "the key with the other name")
    t.equal(etcd.value("/services/web/x"), None, "the key with the old name")


def test_mistakes(t):
    """etcd knows no address of this host, and forgets nobody for being critical"""
    for more, says in (("", "`address` is needed"),
                       ("address: a, check: { deregister_critical_after: 1m }", "deregister_critical_after")):
        text = configuration(more=more).replace(", address: 192.0.2.1", "").replace("@app@", "{ host: 127.0.0.1, port: 1 }")
        code, _, error = run("check", "-c", "-", stdin=text.replace("@etcd.url@", "http://127.0.0.1:1"))
        t.equal(code, 78, f"exit code for {more}")
        t.contains(error, says, "message")


main()
