#!/usr/bin/env python3
# tests/registries/register-etcd.py - services of this host in a real etcd, under a steady load from those who follow it.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from kit.etcd import coded, plain
from registries.behind import BEFORE, Behind, text_of
from registries.load import Load
from registries.member import Member, with_each_version

PREFIX = "/services/web/"


def found(member):
    """What stands there, by instance."""
    answer = member.call("/v3/kv/range", {"key": coded(PREFIX), "range_end": coded("/services/web0")})
    return {plain(kv["key"]).decode()[len(PREFIX):]: json.loads(plain(kv["value"])) for kv in answer.get("kvs", [])}


def instance(one):
    return f"{one.name}-{one.port}"


def started(t, version, names="ab", keys="", member=None, seconds=90):
    start_clock(seconds)
    member = member or Member(t, version).start()
    behind = [Behind(t, "etcd", member, name, keys) for name in names]
    t.wait_until(lambda: set(found(member)) == {instance(one) for one in behind}, "all to be there")
    outrider = t.outrider(text_of(BEFORE, "etcd", keys), registry=member)
    load = Load(t, outrider)
    load.come_to(names, "at the start")
    return member, behind, outrider, load


def test_restarts(t, version):
    """sidecars that stop and start again one after the other cost those before them no request"""
    member, behind, _, load = started(t, version)
    stops = []
    for one in behind * 3:
        at = time.monotonic()
        one.stop()
        stops.append(time.monotonic() - at)
        t.true(instance(one) not in found(member), "it is not in etcd after its end")
        load.come_to({"a", "b"} - {one.name}, "after the stop")
        one.start()
        load.come_to("ab", "after the start")
    t.say(f"stops under load: {min(stops) * 1000:.0f} to {max(stops) * 1000:.0f} ms")
    load.end(t)


def test_forgotten(t, version):
    """a store that comes back empty is told again, and nobody before the sidecars notices"""
    member, behind, _, load = started(t, version)
    member.kill()
    member.forget()
    time.sleep(1)
    member.start()
    at = time.monotonic()
    t.wait_until(lambda: set(found(member)) == {instance(one) for one in behind}, "all to be there again")
    took = time.monotonic() - at
    t.say(f"from an empty store to all registered: {took * 1000:.0f} ms")
    t.at_most(took, 30, "seconds, the hold of the shrink guard")
    load.come_to("ab", "afterwards")
    load.end(t)


def test_lease(t, version):
    """a lease that somebody revokes comes again; that of a sidecar that is killed ends in time"""
    member, (a, b), _, load = started(t, version)
    for lease in member.call("/v3/lease/leases", {})["leases"]:
        member.call("/v3/lease/revoke", {"ID": lease["ID"]})
    at = time.monotonic()
    t.wait_until(lambda: set(found(member)) == {instance(a), instance(b)}, "both to be there again")
    t.say(f"from the loss of the leases to both being there: {(time.monotonic() - at) * 1000:.0f} ms")
    load.come_to("ab", "afterwards")
    load.end(t)
    a.outrider.process.kill()
    a.outrider.wait()
    at = time.monotonic()
    t.wait_until(lambda: set(found(member)) == {instance(b)}, "the end of the lease")
    t.at_most(time.monotonic() - at, 18, "seconds")


def test_quiet(t, version):
    """what is renewed makes no revision; an application that has ended is critical, and comes back"""
    member, (a, b), _, load = started(t, version)
    revision = member.revision()
    time.sleep(7)
    t.equal(member.revision(), revision, "revision after each was renewed at least once")
    a.app.stop()
    t.wait_until(lambda: found(member)[instance(a)]["state"] == "critical", "the ill one to be critical")
    load.come_to("b", "with one that is ill")
    a.app.start()
    t.wait_until(lambda: found(member)[instance(a)]["state"] == "passing", "it to be passing again")
    load.come_to("ab", "afterwards")


def test_user(t, version):
    """with access control, by a user who may read and write below the service's prefix only"""
    start_clock(60)
    member = Member(t, version).start()
    for path, body in (
            ("role/add", {"name": "root"}), ("user/add", {"name": "root", "password": "r"}),
            ("user/grant", {"user": "root", "role": "root"}), ("role/add", {"name": "web"}),
            ("role/grant", {"name": "web", "perm": {"permType": "READWRITE", "key": coded(PREFIX),
                                                    "range_end": coded("/services/web0")}}),
            ("user/add", {"name": "web", "password": "w"}), ("user/grant", {"user": "web", "role": "web"}), ("enable", {})):
        member.call(f"/v3/auth/{path}", body)
    member.authenticate("root", "r")
    _, (a, b), _, load = started(t, version, keys="user: web, password: w", member=member, seconds=60)
    a.stop()
    t.equal(set(found(member)), {instance(b)}, "what stands there after the stop")
    load.end(t, least=100)


with_each_version(globals())
main()
