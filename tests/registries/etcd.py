#!/usr/bin/env python3
# tests/registries/etcd.py - a real etcd under a steady load: not one request fails, whatever becomes of it.
# SPDX-License-Identifier: Apache-2.0
import sys
from http.client import HTTPException

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from kit.etcd import coded
from kit.tls import Authority
from registries.load import Load, Target
from registries.member import Member, client_context, cluster, with_each_version

CONFIG = """
registries: { etcd: { type: etcd, address: "@member.url@" @keys@ } }
services:
  - { name: web, source: { registry: etcd } @service@ }
@more@
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def configuration(keys="", service="", more=""):
    config = CONFIG.replace("@more@", more)
    for name, text in (("keys", keys), ("service", service)):
        config = config.replace(f"@{name}@", f", {text}" if text else "")
    return config


def targets(t, names):
    return [Target(t, name) for name in names]


def source(outrider, service="web"):
    return outrider.service(service)["sources"][0]


def wait_mode(t, outrider, mode, service="web"):
    t.wait_until(lambda: source(outrider, service)["mode"] == mode,
                 f"{service} to be {mode}, not {source(outrider, service)}")


def started(t, version, names="abc", member=None, seconds=60, **options):
    start_clock(seconds)
    member = member or Member(t, version).start()
    all_of_them = targets(t, names)
    for target in all_of_them:
        member.register(target)
    outrider = t.outrider(configuration(**options), member=member)
    load = Load(t, outrider)
    load.come_to(names, "at the start")
    return member, all_of_them, outrider, load


def say(t, what, seconds):
    t.say(f"{what}: {seconds * 1000:.1f} ms")


def end(t, load):
    """Not before it was a load worth the name."""
    t.wait_until(lambda: time.monotonic() - load.began > 2, "two seconds")
    load.end(t)


def test_follow(t, version):
    """what is put and deleted is followed at once, as host:port too; keys below an instance are nothing"""
    member, (a, b, c), outrider, load = started(t, version)
    d = Target(t, "d")
    time.sleep(0.3)                             # nothing was built just now
    at = time.monotonic()
    member.put("/services/web/d", f"{d.host}:{d.port}")
    took = load.first("d", at)
    say(t, "from the put to the first request", took)
    t.at_most(took, 1, "seconds until a new target serves")
    member.put("/services/web/d/weight", "7")
    time.sleep(0.3)
    at = time.monotonic()
    member.deregister(a)
    load.come_to("bcd", "after a delete")
    say(t, "from the delete to the last request", max(0, load.last("a") - at))
    t.at_most(max(0, load.last("a") - at), 1, "seconds until the deleted one serves no more")
    member.register(b, state="maintenance")
    load.come_to("cd", "with one in maintenance")
    t.wait_until(lambda: source(outrider)["index"] == member.revision(), "the index to be the revision")
    t.equal(outrider.service("web")["quarantined_total"], 0, "quarantined records")
    end(t, load)


def test_lease(t, version):
    """a lease that runs out takes its target away, in time; one that is kept alive does not"""
    member, _, outrider, load = started(t, version, "ab")
    lease = member.grant(2)
    c = Target(t, "c")
    member.register(c, lease=lease)
    load.come_to("abc", "with a lease")
    began = time.monotonic()
    while time.monotonic() - began < 4:
        member.call("/v3/lease/keepalive", {"ID": lease})
        time.sleep(0.5)
    t.equal(load.names(), set("abc"), "targets while the lease is kept alive")
    at = time.monotonic()
    load.come_to("ab", "without the lease")
    t.at_most(load.last("c") - at, 4, "seconds until its target served no more")
    say(t, "from the last keep-alive to the last request, of a lease of 2 s", load.last("c") - at)
    end(t, load)


def test_many(t, version):
    """one target of 10 000: a change is there within a second, and others are not touched"""
    start_clock(90)
    member, n = Member(t, version).start(), 10000
    a, b = targets(t, "ab")
    member.register(a)
    for begin in range(0, n, 100):
        member.call("/v3/kv/txn", {"success": [{"request_put": {
            "key": coded(f"/services/web/i{i}"), "value": coded(json.dumps(
                {"host": f"10.{i >> 8}.{i & 255}.1", "port": 80, "weight": 0, "zone": "z", "meta": {"n": str(i)}}))}}
            for i in range(begin, begin + 100)]})
    began = time.monotonic()
    outrider = t.outrider(configuration(more="  - { name: other, source: { registry: etcd, service: web2 } }"), member=member)
    load = Load(t, outrider)
    load.come_to("a", "at the start")
    t.wait_until(lambda: len(outrider.service("web")["targets"]) == n + 1, "all of them")
    say(t, "from the start until all are there", time.monotonic() - began)
    version_of_other = source(outrider, "other")["last_change"]
    took = []
    for _ in range(5):
        time.sleep(0.3)
        at = time.monotonic()
        member.register(b)
        took.append(load.first("b", at))
        member.deregister(b)
        load.come_to("a", "without b")
    say(t, "one of 10 000, from the put to the first request, five times, the slowest", max(took))
    t.at_most(max(took), 1, "seconds until a new target serves")
    t.equal(source(outrider, "other")["last_change"], version_of_other, "the last change of another service")
    end(t, load)


def test_killed(t, version):
    """killed, and started again with its data: nothing fails, and changes come again"""
    member, (a, b), outrider, load = started(t, version, "ab")
    member.kill()
    wait_mode(t, outrider, "stale")
    time.sleep(1)
    t.equal(load.names(), set("ab"), "targets without etcd")
    member.start()
    at = time.monotonic()
    wait_mode(t, outrider, "live")
    say(t, "from the start of etcd until the source was live", time.monotonic() - at)
    c = Target(t, "c")
    at = time.monotonic()
    member.register(c)
    say(t, "from the put to the first request", load.first("c", at))
    end(t, load)


def test_ended(t, version):
    """ended in good order, and started again"""
    member, _, outrider, load = started(t, version, "ab")
    for name in "cd":
        member.end()
        wait_mode(t, outrider, "stale")
        member.start()
        member.register(Target(t, name))
        t.wait_until(lambda: name in load.names(), f"{name} to serve")
    end(t, load)


def test_emptied(t, version):
    """started again without its data: what it had is held while it answers, and is there again when it is put again"""
    member, ours, outrider, load = started(t, version, "abc", keys="wait: 2s", service="shrink_guard: { hold: 20s }")
    for _ in range(30):
        member.put("/elsewhere", "x")           # its revision is far ahead of the one that comes
    member.kill()
    member.forget()
    member.start()
    wait_mode(t, outrider, "held")
    t.equal(load.names(), set("abc"), "targets while they are held")
    for target in ours:
        member.register(target)
    wait_mode(t, outrider, "live")
    t.equal({target["state"] for target in outrider.service("web")["targets"]}, {"active"}, "states")
    end(t, load)


def test_emptied_and_overtaken(t, version):
    """without its data, but with a revision that is past ours by the time we ask: the same"""
    member, _, outrider, load = started(t, version, "abcd", service="shrink_guard: { hold: 20s }")
    known = source(outrider)["index"]
    port = member.port
    member.kill()
    member.forget()
    wait_mode(t, outrider, "stale")
    other = Member(t, version)                  # filled where nobody looks, then moved to the address that is asked
    other.start()
    while other.revision() <= known + 10:
        other.put("/elsewhere", "x")
    e = Target(t, "e")
    other.register(e)
    other.end()
    other.port = port
    other.start()
    t.wait_until(lambda: "e" in load.names(), "the one that is there now")
    wait_mode(t, outrider, "held")
    end(t, load)


def test_deleted_at_once(t, version):
    """all deleted in one revision while they are alive: held, for `hold` at most"""
    member, _, outrider, load = started(t, version, "abcd", service="shrink_guard: { hold: 3s }")
    at = time.monotonic()
    member.delete("/services/web/", "/services/web0")
    wait_mode(t, outrider, "held")
    t.equal(load.names(), set("abcd"), "targets while they are held")
    end(t, load)
    t.wait_until(lambda: outrider.service("web")["targets"] == [], "no target")
    t.true(2.9 <= time.monotonic() - at <= 5, f"seconds until they were let go: {time.monotonic() - at}")


def test_frozen(t, version):
    """frozen for a while (30 s with OUTRIDER_SLOW): nothing fails, and what changed meanwhile is there soon after"""
    member, _, outrider, load = started(t, version, "ab", seconds=120, keys="wait: 2s")
    member.freeze()
    time.sleep(30 if SLOW else 4)
    t.equal(load.names(), set("ab"), "targets while etcd is frozen")
    if SLOW:
        t.equal(source(outrider)["mode"], "stale", "mode while etcd is frozen")
    member.thaw()
    at = time.monotonic()
    c = Target(t, "c")
    member.register(c)
    took = load.first("c", at)
    say(t, "from the thaw to the first request of a new target", took)
    t.at_most(took, 12, "seconds until a new target serves")
    end(t, load)


def test_compacted(t, version):
    """its history compacted again and again: no error, nothing fails, and no change is missed"""
    member, ours, outrider, load = started(t, version, "ab", keys="wait: 1s")
    began, names = time.monotonic(), "cdefgh"
    for name in names:
        member.register(Target(t, name))
        for _ in range(20):
            member.put("/elsewhere", "x")
        member.compact()
        time.sleep(0.7)
    load.come_to("ab" + names, "all of them")
    t.true(time.monotonic() - began > 3, "several watches")
    t.lacks(outrider.stderr(), "warn discovery", "log")
    t.equal(source(outrider)["mode"], "live", "mode")
    end(t, load)


def test_compacted_while_away(t, version):
    """compacted while nobody was looking: the keys are read again"""
    member, _, outrider, load = started(t, version, "ab")
    member.kill()
    wait_mode(t, outrider, "stale")
    member.start()
    member.put("/elsewhere", "x")
    member.compact()
    member.register(Target(t, "c"))
    load.come_to("abc", "after the compaction")
    end(t, load)


def add_user(member, name, password, prefix):
    """One who may read what begins so."""
    for path, body in (("/v3/auth/user/add", {"name": name, "password": password}), ("/v3/auth/role/add", {"name": name}),
                       ("/v3/auth/role/grant", {"name": name, "perm": {
                           "permType": "READ", "key": coded(prefix), "range_end": coded(prefix[:-1] + "0")}}),
                       ("/v3/auth/user/grant", {"user": name, "role": name})):
        member.call(path, body)


def test_rights(t, version):
    """passwords: one who may read, one who may read something else, a wrong one; a password that is changed costs nothing"""
    start_clock(90)
    member = Member(t, version, more=["--bcrypt-cost", "4"]).start()
    add_user(member, "reader", "r3ad", "/services/web/")
    add_user(member, "root", "r00t", "/")
    member.call("/v3/auth/user/grant", {"user": "root", "role": "root"})
    ours = targets(t, "ab")
    for target in ours:
        member.register(target)
        member.register(target, name="other")
    member.call("/v3/auth/enable", {})
    member.authenticate("root", "r00t")
    more = """  - { name: other, source: { registry: etcd } }
  - { name: refused, source: { registry: wrong, service: web } }
  - { name: nobody, source: { registry: nobody, service: web } }"""
    config = configuration(keys='user: reader, password_file: "@dir@/password", wait: 2s', more=more).replace(
        "registries: {", 'registries: { wrong: { type: etcd, address: "@member.url@", user: reader, password: no }, '
        'nobody: { type: etcd, address: "@member.url@" },')
    outrider = t.outrider(config, member=member, files={"password": "r3ad"})
    load = Load(t, outrider)
    load.come_to("ab", "with a user who may")
    for service, part in (("other", "permission denied"), ("refused", "invalid user ID or password"),
                          ("nobody", "user name is empty")):
        t.equal(source(outrider, service)["mode"], "failed", f"mode of {service}")
        t.contains(source(outrider, service)["last_error"], part, f"last error of {service}")
    outrider.write("password", "n3w")
    member.call("/v3/auth/user/changepw", {"name": "reader", "password": "n3w"})
    time.sleep(3)
    wait_mode(t, outrider, "live")
    c = Target(t, "c")
    at = time.monotonic()
    member.register(c)
    say(t, "from the put to the first request, with the new password", load.first("c", at))
    member.call("/v3/auth/user/revoke", {"name": "reader", "role": "reader"})
    t.wait_until(lambda: "permission denied" in (source(outrider)["last_error"] or ""), "the right to be missed")
    t.equal(source(outrider)["mode"], "stale", "mode without the right")
    time.sleep(1)
    t.equal(load.names(), set("abc"), "targets without the right")
    end(t, load)


def test_rights_taken_back(t, version):
    """access control switched on under a watch, off, and on again: tokens are renewed, nothing fails"""
    start_clock(90)
    member, _, outrider, load = started(t, version, "ab", member=Member(t, version, more=["--bcrypt-cost", "4"]).start(),
                                        keys="user: root, password: r00t, wait: 1s")
    add_user(member, "root", "r00t", "/")
    member.call("/v3/auth/user/grant", {"user": "root", "role": "root"})
    for name in "cd":
        member.call("/v3/auth/enable", {})
        member.authenticate("root", "r00t")
        time.sleep(2)
        wait_mode(t, outrider, "live")
        member.register(Target(t, name))
        t.wait_until(lambda: name in load.names(), f"{name} to serve")
        member.call("/v3/auth/disable", {})
        member.token = None
        time.sleep(1)
    end(t, load)


def test_bad_records(t, version):
    """malformed values and a service that is not there touch nobody else"""
    member, _, outrider, load = started(t, version, "ab", more="  - { name: missing, source: { registry: etcd } }")
    member.put("/services/web/word", "here")
    member.put("/services/web/json", '{"host":')
    member.register(Target(t, "c"))
    load.come_to("abc", "beside the bad records")
    t.wait_until(lambda: outrider.service("web")["quarantined_total"] == 2, "two quarantined records")
    t.equal((outrider.service("missing")["targets"], source(outrider, "missing")["mode"]), ([], "live"), "the missing service")
    member.delete("/services/web/word")
    t.wait_until(lambda: outrider.service("web")["quarantined_total"] == 1, "one of them gone")
    end(t, load)


def of_cluster(t, version, **options):
    """Three members, asked in an order of which the leader is the first."""
    start_clock(120)
    members = cluster(t, version)
    members.sort(key=lambda member: not member.is_leader())
    for target in targets(t, "ab"):
        members[0].register(target)
    addresses = ", ".join(f'"{member.url}"' for member in members)
    outrider = t.outrider(configuration(**options).replace('"@member.url@"', f"[{addresses}]"))
    load = Load(t, outrider)
    load.come_to("ab", "at the start")
    return members, outrider, load


def is_registered(member, target):
    try:
        member.register(target)
        return True
    except (OSError, HTTPException, ValueError):
        return False


def test_leader_killed(t, version):
    """three members, the leader killed while we watch it: nothing fails, and changes come from another one"""
    members, outrider, load = of_cluster(t, version)
    members[0].kill()
    at = time.monotonic()
    c = Target(t, "c")
    t.wait_until(lambda: is_registered(members[1], c), "the put to be taken")
    say(t, "until a put was taken, by a new leader", time.monotonic() - at)
    at = time.monotonic()
    say(t, "from the put with the new leader to the first request", load.first("c", at))
    wait_mode(t, outrider, "live")
    members[0].start()
    for i, name in ((1, "d"), (2, "e")):        # and one after the other
        members[i].kill()
        d = Target(t, name)
        t.wait_until(lambda: is_registered(members[0], d), "the put to be taken")
        t.wait_until(lambda: name in load.names(), f"{name} to serve")
        members[i].start()
    end(t, load)


def test_member_frozen(t, version):
    """three members, the one we watch frozen: another one is asked soon after `wait`, and nothing fails"""
    members, outrider, load = of_cluster(t, version, keys="wait: 1s")
    members[0].freeze()
    at = time.monotonic()
    c = Target(t, "c")
    t.wait_until(lambda: is_registered(members[1], c), "the put to be taken")
    t.wait_until(lambda: "c" in load.names(), "c to serve")
    took = load.first("c", at)
    say(t, "from the freeze to the first request of a new target, with a `wait` of 1 s", took)
    t.at_most(took, 16, "seconds: `wait`, and ten for an answer")
    wait_mode(t, outrider, "live")
    members[0].thaw()
    members[0].wait_ready()
    d = Target(t, "d")
    members[0].register(d)
    t.wait_until(lambda: "d" in load.names(), "d to serve")
    end(t, load)


def test_quorum_lost(t, version):
    """two of three gone: the one that is left says so, nobody believes that it is up to date; nothing fails"""
    members, outrider, load = of_cluster(t, version)
    for member in members[1:]:
        member.kill()
    at = time.monotonic()
    wait_mode(t, outrider, "stale")
    say(t, "from the loss of the quorum until it was known", time.monotonic() - at)
    t.at_most(time.monotonic() - at, 10, "seconds until it was known: less than `wait`")
    time.sleep(2)
    t.equal(load.names(), set("ab"), "targets without a quorum")
    members[1].start()
    wait_mode(t, outrider, "live")
    c = Target(t, "c")
    members[0].register(c)
    t.wait_until(lambda: "c" in load.names(), "a change with the quorum back")
    end(t, load)


def test_tls(t, version):
    """over TLS, with a certificate of ours: the right authority is believed, another one is not"""
    start_clock(60)
    authority = Authority(t)
    authority.sign("server", "IP:127.0.0.1,DNS:etcd.internal")
    authority.sign("client", "DNS:client")
    member = Member(t, version, tls=client_context(authority), more=[
        "--cert-file", authority.path("server.crt"), "--key-file", authority.path("server.key"), "--client-cert-auth",
        "--trusted-ca-file", authority.path("ca.crt")])
    member.start()
    member.register(Target(t, "a"))
    ours = f"certificate: {authority.path('client.crt')}, key: {authority.path('client.key')}"
    keys = f"ca: {authority.path('ca.crt')}"
    names = {"strict": f"ca: {authority.path('other.crt')}, {ours}", "named": f"{keys}, server_name: etcd.internal, {ours}",
             "nobody": keys}
    config = configuration(keys=f"{keys}, {ours}", more="\n".join(
        f"  - {{ name: {name}, source: {{ registry: {name}, service: web }} }}" for name in names))
    config = config.replace("registries: {", "registries: {" + "".join(
        f' {name}: {{ type: etcd, address: "@member.url@", {text} }},' for name, text in names.items()))
    outrider = t.outrider(config, member=member)
    t.equal(t.get(outrider).text(), "a", "answer")
    t.equal([source(outrider, name)["mode"] for name in ("web", "named", "strict", "nobody")],
            ["live", "live", "failed", "failed"], "modes")
    t.contains(source(outrider, "strict")["last_error"].lower(), "certificate", "last error with the wrong authority")
    member.tls.check_hostname = False
    b = Target(t, "b")
    member.register(b)
    t.wait_until(lambda: t.get(outrider).text() == "b", "a change, over TLS")


with_each_version(globals())
main()
