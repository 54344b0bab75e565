#!/usr/bin/env python3
# tests/flow/etcd.py - targets in a (scripted) etcd: what is asked, and what becomes of the answer.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from kit.etcd import at, coded

CONFIG = """
registries: { etcd: { type: etcd, address: "@etcd.url@" @keys@ } }
services: [ { name: web, source: { registry: etcd @source@ } @service@ } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def configuration(keys="", source="", service=""):
    config = CONFIG
    for name, text in (("keys", keys), ("source", source), ("service", service)):
        config = config.replace(f"@{name}@", f", {text}" if text else "")
    return config


def started(t, values=None, **more):
    """values: of /services/web/, by instance."""
    etcd = Etcd(t)
    for name, value in (values or {}).items():
        etcd.put(f"/services/web/{name}", value)
    settings = {key: more.pop(key) for key in ("keys", "source", "service") if key in more}
    return etcd, t.outrider(configuration(**settings), etcd=etcd, **more)


def answering(t, outrider, n=8):
    client = t.client(outrider)
    return "".join(sorted({client.get().text() for _ in range(n)}))


def source(outrider, service="web"):
    return outrider.service(service)["sources"][0]


def targets(outrider, service="web"):
    return {target["address"]: target for target in outrider.service(service)["targets"]}


def test_first(t):
    """the first targets are there when the daemon is ready, with what etcd says of them"""
    a, b = t.origin(name="a"), t.origin(name="b")
    etcd, outrider = started(t, {"1": at(a, weight=50, zone="z1"), "2": f"127.0.0.1:{b.port}\n"})
    t.equal(answering(t, outrider), "ab", "targets")
    found = targets(outrider)
    t.equal([found[f"127.0.0.1:{o.port}"]["weight"] for o in (a, b)], [50, 100], "weights")
    t.equal(found[f"127.0.0.1:{a.port}"]["zone"], "z1", "zone")
    t.equal({key: source(outrider)[key] for key in ("registry", "type", "mode", "index", "last_error")},
            {"registry": "etcd", "type": "etcd", "mode": "live", "index": etcd.revision, "last_error": None}, "source")
    watch = etcd.wait_watched()
    t.equal(etcd.about("/v3/kv/range"), [{"key": coded("/services/web/"), "range_end": coded("/services/web0")}], "range")
    t.equal(watch.asked, {"key": coded("/services/web/"), "range_end": coded("/services/web0"),
                          "start_revision": str(etcd.revision + 1), "progress_notify": True, "fragment": True}, "watch")
    t.equal(watch.request.get("Authorization"), None, "token")


def test_follow(t):
    """what is put, changed and deleted comes through the one watch"""
    a, b, c = (t.origin(name=name) for name in "abc")
    etcd, outrider = started(t, {"1": at(a)})
    etcd.wait_watched()
    etcd.put("/services/web/2", at(b))
    t.wait_until(lambda: answering(t, outrider) == "ab", "the new target")
    t.equal(source(outrider)["index"], etcd.revision, "index")
    etcd.put("/services/web/1", at(c))
    t.wait_until(lambda: answering(t, outrider) == "bc", "another target in the place of the first")
    etcd.delete("/services/web/2")
    t.wait_until(lambda: answering(t, outrider) == "c", "the target that is left")
    etcd.change({"/services/web/1": None, "/services/web/7": at(a), "/services/web/8": at(b)})
    t.wait_until(lambda: answering(t, outrider) == "ab", "three changes of one revision")
    t.equal((len(etcd.about("/v3/kv/range")), len(etcd.about("/v3/watch"))), (1, 1), "calls")


def test_others(t):
    """keys beside the service, below an instance, and of a service whose name begins like ours are nothing of ours"""
    a = t.origin(name="a")
    etcd, outrider = started(t, {"1": at(a), "1/more": at(("127.0.0.1", 1)), "": at(("127.0.0.1", 2))})
    etcd.wait_watched()
    for key in ("/services/web", "/services/webby/1", "/services/web/2/deep", "/services/web/", "/other"):
        etcd.put(key, at(("127.0.0.1", 9)))
    etcd.put("/services/web/1", at(a, weight=7))
    t.wait_until(lambda: targets(outrider)[f"127.0.0.1:{a.port}"]["weight"] == 7, "the weight")
    t.equal(len(targets(outrider)), 1, "targets")
    t.equal(outrider.service("web")["quarantined_total"], 0, "quarantined")


def test_bad_values(t):
    """a malformed value is quarantined with a reason, and touches no other; a good one takes its place"""
    a = t.origin(name="a")
    bad = {"json": '{"host":', "list": "[1]", "word": "here", "port": '{"host":"127.0.0.1","port":"80"}', "none": "",
           "weight": at(("127.0.0.1", 5), weight=-1), "noport": '{"host":"127.0.0.1"}', "far": "127.0.0.1:65536",
           "v6": "::1:80", "state": at(("127.0.0.1", 5), state="fine"), "unix": '{"unix":"/run/x.sock"}',
           "host": "not a host:80", "twice": '{"host":"127.0.0.1","host":"127.0.0.2","port":80}', "bytes": b"\xff\x00:80",
           "tags": at(("127.0.0.1", 5), tags=[7]), "meta": at(("127.0.0.1", 5), meta={"a": 1}), "large": "x" * 70000}
    etcd, outrider = started(t, {"good": at(a), **bad})
    service = outrider.service("web")
    t.equal(service["quarantined_total"], len(bad), "number of quarantined records")
    reasons = " ".join(q["reason"] for q in service["quarantined"])
    for part in ("not JSON", "neither JSON nor", "`port`", "`weight`", "port is missing", "not a port", "in brackets", "`state`",
                 "a unix socket", "neither an address nor a host name", "`tags`", "`meta`", "64 KiB", "is no text"):
        t.contains(reasons, part, "reasons")
    t.equal((answering(t, outrider), source(outrider)["mode"]), ("a", "live"), "targets and mode")
    etcd.wait_watched()
    b = t.origin(name="b")
    for name in bad:
        etcd.delete(f"/services/web/{name}")
    etcd.put("/services/web/word", at(b))
    t.wait_until(lambda: answering(t, outrider) == "ab", "the one that was mended")
    t.equal(outrider.service("web")["quarantined_total"], 0, "quarantined")


def test_garbled_value(t):
    """a value that is not base64 is quarantined"""
    a = t.origin(name="a")
    etcd, outrider = started(t, {"1": at(a)})
    etcd.wait_watched()
    etcd.revision += 1
    etcd.say({"result": {"header": etcd.header(), "events": [
        {"kv": {"key": coded("/services/web/2"), "mod_revision": str(etcd.revision), "value": "*"}}]}})
    t.wait_until(lambda: [q["reason"] for q in outrider.service("web")["quarantined"]] == ["a value that is not base64"],
                 "the record")
    t.equal(answering(t, outrider), "a", "targets")


def test_states(t):
    """passing and warning serve, critical and maintenance do not"""
    origins = {name: t.origin(name=name) for name in "abcd"}
    states = dict(zip("abcd", ("passing", "warning", "critical", "maintenance")))
    etcd, outrider = started(t, {name: at(origins[name], state=states[name]) for name in "abcd"})
    t.equal(answering(t, outrider), "ab", "targets")
    found = targets(outrider)
    t.equal([(found[f"127.0.0.1:{origins[n].port}"]["state"], found[f"127.0.0.1:{origins[n].port}"]["reason"])
             for n in "abcd"],
            [("active", None), ("active", None), ("unhealthy", "critical"), ("unhealthy", "maintenance")], "states")
    etcd.wait_watched()
    etcd.put("/services/web/a", at(origins["a"], state="critical"))
    t.wait_until(lambda: answering(t, outrider) == "b", "the one that is well")


def test_ipv6(t):
    """an IPv6 address is an address, in brackets where a port follows"""
    _, outrider = started(t, {"1": "[2001:db8::7]:80", "2": at(("::1", 81))})
    t.equal(sorted(targets(outrider)), ["[2001:db8::7]:80", "[::1]:81"], "targets")


def test_prefix(t):
    """prefix and name may be others"""
    etcd = Etcd(t)
    etcd.put("x-app/v1/1", at(t.origin(name="a")))
    outrider = t.outrider(configuration(keys="prefix: x-", source="service: app/v1"), etcd=etcd)
    t.equal(answering(t, outrider), "a", "targets")
    t.equal(etcd.about("/v3/kv/range")[0]["key"], coded("x-app/v1/"), "key")


def test_wait(t):
    """a watch is begun anew after `wait`, where it was, and nothing is read again"""
    a, b = t.origin(name="a"), t.origin(name="b")
    etcd, outrider = started(t, {"1": at(a)}, keys="wait: 1s")
    first = etcd.wait_watched()
    etcd.put("/services/web/2", at(b))
    t.wait_until(lambda: len(etcd.about("/v3/watch")) >= 3, "two more watches")
    t.equal([watch["start_revision"] for watch in etcd.about("/v3/watch")][:3],
            [first.asked["start_revision"]] + [str(etcd.revision + 1)] * 2, "revisions asked from")
    times = [request for path, _, request in etcd.requests if path == "/v3/watch"]
    t.equal(len(etcd.about("/v3/kv/range")), 1, "ranges")
    t.equal((answering(t, outrider), source(outrider)["mode"], len(times) >= 3), ("ab", "live", True), "targets and mode")


def test_missed(t):
    """what changed between two watches is not missed"""
    origins = [t.origin(name=name) for name in "abcdefgh"]
    etcd, outrider = started(t, {"1": at(origins[0])}, keys="wait: 1s")
    for i, origin in enumerate(origins[1:]):
        etcd.put(f"/services/web/1{i}", at(origin))
        time.sleep(0.4)
    t.wait_until(lambda: answering(t, outrider, 16) == "abcdefgh", "all of them")
    t.equal(len(etcd.about("/v3/kv/range")), 1, "ranges")


def test_progress(t):
    """a progress notification moves the revision from which the next watch asks"""
    etcd, outrider = started(t, {"1": at(t.origin(name="a"))}, keys="wait: 1s")
    etcd.wait_watched()
    for i in range(40):
        etcd.put(f"/elsewhere/{i}", "x")
    etcd.say({"result": {"header": etcd.header()}})
    t.wait_until(lambda: source(outrider)["index"] == etcd.revision, "the index")
    t.wait_until(lambda: etcd.about("/v3/watch")[-1]["start_revision"] == str(etcd.revision + 1), "the next watch")


def test_fragments(t):
    """changes in fragments count together: half of a revision is not said, and is asked for again"""
    a, b, c = (t.origin(name=name) for name in "abc")
    etcd, outrider = started(t, {"1": at(a)})
    watch = etcd.wait_watched()

    def event(name, origin):
        return {"kv": {"key": coded(f"/services/web/{name}"), "mod_revision": str(etcd.revision), "value": coded(at(origin))}}
    etcd.revision += 1
    etcd.say({"result": {"header": etcd.header(), "fragment": True, "events": [event("2", b)]}})
    time.sleep(0.3)
    t.equal((answering(t, outrider), source(outrider)["index"]), ("a", etcd.revision - 1), "after the first fragment")
    etcd.say({"result": {"header": etcd.header(), "events": [event("3", c)]}})
    t.wait_until(lambda: answering(t, outrider, 12) == "abc", "both")
    t.equal(source(outrider)["index"], etcd.revision, "index")
    t.true(watch.open, "the watch goes on")


def test_compaction(t):
    """a revision that was compacted is an occasion to read the keys again, not an error"""
    a, b = t.origin(name="a"), t.origin(name="b")
    etcd, outrider = started(t, {"1": at(a)}, keys="wait: 1s")
    etcd.wait_watched()
    etcd.put("/elsewhere", "x")
    etcd.compact()
    t.wait_until(lambda: len(etcd.about("/v3/kv/range")) == 2, "the keys to be read again")
    etcd.put("/services/web/2", at(b))
    t.wait_until(lambda: answering(t, outrider) == "ab", "the new target")
    t.equal((source(outrider)["mode"], source(outrider)["last_error"]), ("live", None), "source")
    t.lacks(outrider.stderr(), "discovery: web: etcd:", "log")


def test_password(t):
    """with a user, a token is asked for first, once for all services; one that expired is renewed"""
    etcd = Etcd(t)
    etcd.passwords = {"reader": "s3cr3t"}
    for service in ("web", "other"):
        etcd.put(f"/services/{service}/1", at(t.origin(name="a")))
    config = configuration(keys='user: reader, password_file: "@dir@/password"').replace(
        "services: [", "services: [ { name: other, source: { registry: etcd } },")
    outrider = t.outrider(config, etcd=etcd, files={"password": "s3cr3t\n"})
    t.equal(answering(t, outrider), "a", "targets")
    etcd.wait_watched("other")
    watch = etcd.wait_watched()
    t.equal(etcd.about("/v3/auth/authenticate"), [{"name": "reader", "password": "s3cr3t"}], "authentication")
    t.equal(watch.request.get("Authorization"), "token.1", "token")
    time.sleep(1.1)                     # a token that is refused sooner is not asked for again
    etcd.tokens.clear()
    etcd.passwords["reader"] = "n3w"
    outrider.write("password", "n3w\n")
    etcd.end_watches()
    t.wait_until(lambda: len(etcd.about("/v3/auth/authenticate")) == 2, "the token to be renewed")
    for service in ("web", "other"):
        t.equal(etcd.wait_watched(service).request.get("Authorization"), "token.2", f"token of {service}")
    t.equal(etcd.about("/v3/auth/authenticate")[1]["password"], "n3w", "password")
    t.wait_until(lambda: source(outrider)["mode"] == "live", "the source to be live")
    t.equal(len(etcd.about("/v3/auth/authenticate")), 2, "authentications")
    for secret in ("s3cr3t", "n3w", "token.1", "token.2"):
        t.lacks(outrider.stderr(), secret, "log")


def test_wrong_password(t):
    """a wrong password is said of the source, is not sent in a loop, and a right one is taken"""
    etcd = Etcd(t)
    etcd.passwords = {"reader": "right"}
    etcd.put("/services/web/1", at(t.origin(name="a")))
    outrider = t.outrider(configuration(keys='user: reader, password_file: "@dir@/password"'), etcd=etcd,
                          files={"password": "wrong"})
    t.equal(source(outrider)["mode"], "failed", "mode")
    t.contains(source(outrider)["last_error"], "invalid user ID or password", "last error")
    time.sleep(1)
    t.at_most(len(etcd.about("/v3/auth/authenticate")), 5, "authentications in a second")
    outrider.write("password", "right")
    t.wait_until(lambda: t.get(outrider).text() == "a", "the target")
    t.equal(source(outrider)["mode"], "live", "mode")


def test_refused_for_ever(t):
    """an etcd that refuses every token is not asked for tokens in a loop"""
    etcd = Etcd(t)
    etcd.passwords = {"reader": "right"}
    etcd.on("/v3/kv/range", lambda c, request: etcd.refuse(c, 401, 16, "etcdserver: invalid auth token"))
    outrider = t.outrider(configuration(keys="user: reader, password: right"), etcd=etcd)
    t.wait_until(lambda: "invalid auth token" in (source(outrider)["last_error"] or ""), "the error")
    time.sleep(3)
    t.at_most(len(etcd.about("/v3/auth/authenticate")), 5, "authentications in three seconds")
    t.at_most(len(etcd.about("/v3/kv/range")), 15, "ranges in three seconds")


def test_no_passwords(t):
    """a user where etcd wants none is no error"""
    etcd, outrider = started(t, {"1": at(t.origin(name="a"))}, keys="user: reader, password: p")
    t.equal(answering(t, outrider), "a", "targets")
    t.equal(etcd.wait_watched().request.get("Authorization"), None, "token")


def test_token(t):
    """a token that is given is sent as it is"""
    etcd, _ = started(t, {"1": at(t.origin(name="a"))}, keys="token: t0ken")
    t.equal(etcd.wait_watched().request.get("Authorization"), "t0ken", "token")
    t.equal(etcd.about("/v3/auth/authenticate"), [], "authentication")


def test_addresses_in_order(t):
    """of several addresses the next one is asked when one does not answer"""
    etcd, dead = Etcd(t), t.closing(Port())
    etcd.put("/services/web/1", at(t.origin(name="a")))
    config = configuration().replace('"@etcd.url@"', '["http://@dead@", "@etcd.url@"]')
    outrider = t.outrider(config, etcd=etcd, dead=f"127.0.0.1:{dead.port}")
    t.equal(answering(t, outrider), "a", "targets")
    t.equal((source(outrider)["mode"], source(outrider)["last_error"]), ("live", None), "source")


def test_next_member(t):
    """a member that dies costs nothing: the next one is asked at once"""
    one, two = Etcd(t), Etcd(t)
    a, b = t.origin(name="a"), t.origin(name="b")
    for etcd in (one, two):
        etcd.put("/services/web/1", at(a))
    config = configuration().replace('"@etcd.url@"', '["@one.url@", "@two.url@"]')
    outrider = t.outrider(config, one=one, two=two)
    one.wait_watched()
    t.equal(two.requests, [], "calls of the second one")
    one.origin.shut()
    one.end_watches()
    two.wait_watched()
    two.put("/services/web/2", at(b))
    t.wait_until(lambda: answering(t, outrider) == "ab", "the new target")
    t.equal(source(outrider)["mode"], "live", "mode")


def test_environment(t):
    """ETCDCTL_ENDPOINTS and ETCDCTL_USER fill what the configuration leaves open, and only that"""
    etcd = Etcd(t)
    etcd.passwords = {"reader": "pa:ss"}
    etcd.put("/services/web/1", at(t.origin(name="a")))
    env = {"ETCDCTL_ENDPOINTS": f" 127.0.0.1:{etcd.port} ,127.0.0.1:1", "ETCDCTL_USER": "reader:pa:ss"}
    config = configuration().replace(', address: "@etcd.url@"', "")
    t.equal(answering(t, t.outrider(config, env=env)), "a", "targets")
    t.equal(etcd.about("/v3/auth/authenticate")[0], {"name": "reader", "password": "pa:ss"}, "authentication")
    etcd.passwords = None
    n = len(etcd.about("/v3/auth/authenticate"))
    config = configuration(keys="token: mine")
    code, _, err = run("check", "-c", "-", stdin=config.replace("@etcd.url@", etcd.url), env=env)
    t.equal((code, "either `token`" in err), (78, True), f"a token beside a user of the environment: {err}")
    t.equal(len(etcd.about("/v3/auth/authenticate")), n, "authentications")


def test_reload(t):
    """a reload keeps the watch of a service that it leaves alone, and ends that of one that is gone at once"""
    etcd = Etcd(t)
    etcd.put("/services/web/1", at(t.origin(name="a")))
    etcd.put("/services/old/1", at(t.origin(name="b")))
    both = configuration().replace("services: [", "services: [ { name: old, source: { registry: etcd } },")
    outrider = t.outrider(both, etcd=etcd)
    watch, old = etcd.wait_watched("web"), etcd.wait_watched("old")
    outrider.configure(configuration())
    outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: not old.open, "the watch of the removed service to end")
    t.wait_until(lambda: "old" not in json.loads(outrider.health("/health/services").body)["services"], "the reload")
    t.equal((watch.open, len(etcd.about("/v3/watch", "web"))), (True, 1), "the watch of the service that stays")
    etcd.put("/services/web/1", at(t.origin(name="c")))
    t.wait_until(lambda: answering(t, outrider) == "c", "the service still to be followed")


def test_source_changed(t):
    """another source in a reload is another watch; the old targets serve until it has answered"""
    etcd = Etcd(t)
    etcd.put("/services/web/1", at(t.origin(name="a")))
    etcd.put("/services/next/1", at(t.origin(name="b")))
    outrider = t.outrider(configuration(), etcd=etcd)
    etcd.wait_watched()
    held = threading.Event()

    def late(c, request):
        held.wait(remaining())
        etcd.respond(c, etcd.range(json.loads(request.body)))
    etcd.on("/v3/kv/range", late)
    outrider.configure(configuration(source="service: next"))
    outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: etcd.about("/v3/kv/range", "next"), "the range")
    t.equal(answering(t, outrider), "a", "targets before the answer")
    held.set()
    t.wait_until(lambda: answering(t, outrider) == "b", "the targets of the new source")
    t.equal(len(targets(outrider)), 1, "targets: what another source does not name is not held")


def test_starts_without(t):
    """the daemon starts when etcd is down, and finds the targets when it comes"""
    etcd = Etcd(t)
    etcd.put("/services/web/1", at(t.origin(name="a")))
    etcd.origin.shut()
    outrider = t.outrider(configuration(), etcd=etcd)
    t.equal(t.get(outrider).status, 503, "status without targets")
    t.equal(source(outrider)["mode"], "failed", "mode")
    etcd.origin.listen()
    t.wait_until(lambda: t.get(outrider).status == 200, "the targets")


def test_crowd(t):
    """more services than connections take turns, and all are followed"""
    start_clock(30)
    etcd, n = Etcd(t), 8
    origins = [t.origin(name=str(i)) for i in range(n)]
    for i, origin in enumerate(origins):
        etcd.put(f"/services/s{i}/1", at(origin))
    services = "".join(f"  - {{ name: s{i}, source: {{ registry: etcd }} }}\n" for i in range(n))
    routes = "".join(f'  - {{ match: {{ paths: ["/{i}"] }}, service: s{i} }}\n' for i in range(n))
    outrider = t.outrider(f'registries: {{ etcd: {{ type: etcd, address: "@etcd.url@", max_connections: 3 }} }}\n'
                          f"services:\n{services}routes:\n{routes}", etcd=etcd)
    for i in range(n):
        t.wait_until(lambda: t.get(outrider, f"/{i}").status == 200, f"s{i}")
    last = t.origin(name="last")
    for i in range(n):
        etcd.put(f"/services/s{i}/1", at(last))
    for i in range(n):
        t.wait_until(lambda: t.get(outrider, f"/{i}").text() == "last", f"the change of s{i}")
    t.equal(len(etcd.about("/v3/kv/range")), n, "ranges: turns go on where they were")
    t.equal({source(outrider, f"s{i}")["mode"] for i in range(n)}, {"live"}, "modes")
    t.wait_until(lambda: len(etcd.watches) <= 3, "three watches at once, and no more")


def test_pace(t):
    """a storm of changes of a large service is followed, all of it, without a rest for the last one"""
    start_clock(30)
    a, n = t.origin(name="a"), 1000
    values = {f"x{i}": f"10.{i >> 8}.{i & 255}.1:80" for i in range(n)}
    etcd, outrider = started(t, {"a": at(a), **values})
    etcd.wait_watched()
    for i in range(n):
        etcd.put(f"/services/web/x{i}", f"10.{i >> 8}.{i & 255}.2:80")
    t.wait_until(lambda: sum(key.endswith(".2:80") for key in targets(outrider)) == n, "all of them")
    t.equal(source(outrider)["index"], etcd.revision, "index")


def test_mistakes(t):
    """mistakes in the configuration are found by `check`"""
    wrong = [('address: "ftp://x"', "expected http://HOST:PORT"), ("certificate: /x", "belong together"),
             ("user: x", "belong together"), ("password: x", "belong together"), ("wait: 1h", "wait"),
             ("user: u, password: p, token: t", "either `token`"), ('prefix: "a\\tb"', "control character"),
             ("prefixx: /x", "prefix")]
    for keys, part in wrong:
        config = configuration().replace('address: "@etcd.url@"', keys)
        code, _, err = run("check", "-c", "-", stdin=config)
        t.equal(code, 78, f"exit code for {keys}")
        t.contains(err, part, f"message for {keys}")


main()
