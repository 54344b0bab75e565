#!/usr/bin/env python3
# tests/flow/dns.py - targets from name servers: addresses, SRV records, how long they hold, and servers that fail or lie.
# SPDX-License-Identifier: Apache-2.0
import os
import struct
import subprocess
import sys
import tempfile

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from kit.dns import REFUSED, SERVFAIL, record, wire_name

CONFIG = """
registries: { names: { type: dns, server: [ @servers@ ], timeout: 100ms @keys@ } }
services:
  - { name: web, source: { registry: names, host: web.test, @source@ }, retry: { max_retries: 0 } @service@ }
  - { name: other, source: { registry: names, host: other.test, port: 1234 } }
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
SRV = "type: SRV"


def configuration(source="port: 9000", keys="", service="", servers='"127.0.0.1:@names.port@"'):
    config = CONFIG.replace("@servers@", servers).replace("@source@", source)
    for name, text in (("keys", keys), ("service", service)):
        config = config.replace(f"@{name}@", f", {text}" if text else "")
    return config


class World:
    def __init__(self, t, *addresses, srv=None, kind="A", ttl=1, prepare=None, things=None, **options):
        self.t = t
        self.names = t.closing(Names(t))
        self.names.set("other.test", "A", "127.0.0.9")
        if addresses:
            self.names.set("web.test", kind, *addresses, ttl=ttl)
        if srv is not None:
            self.names.set("web.test", "SRV", *srv, ttl=ttl)
            options.setdefault("source", SRV)
        if prepare:
            prepare(self.names)
        self.outrider = t.outrider(configuration(**options), names=self.names, **(things or {}))

    def source(self, service="web"):
        return self.outrider.service(service)["sources"][0]

    def come_to(self, *addresses):
        wanted = sorted(addresses)
        self.t.wait_until(lambda: self.outrider.addresses("web") == wanted,
                          f"the targets {wanted}, not {self.outrider.addresses('web')}")

    def wait_mode(self, mode, service="web"):
        self.t.wait_until(lambda: self.source(service)["mode"] == mode, f"{mode}, not {self.source(service)}")


def test_addresses(t):
    """A: every address of the name is a target; changes are there when the records have run out"""
    w = World(t, "127.0.0.1", "127.0.0.2")
    t.equal(w.outrider.addresses("web"), ["127.0.0.1:9000", "127.0.0.2:9000"], "targets")
    t.equal((w.source()["type"], w.source()["mode"]), ("dns", "live"), "source")
    w.names.set("web.test", "A", "127.0.0.2", "127.0.0.3")
    at = time.monotonic()
    w.come_to("127.0.0.2:9000", "127.0.0.3:9000")
    t.at_most(time.monotonic() - at, 2, "seconds with a time to live of one")


def test_ipv6(t):
    """AAAA: likewise"""
    w = World(t, "::1", "2001:db8::1", kind="AAAA", source="type: AAAA, port: 80")
    t.equal(w.outrider.addresses("web"), ["[2001:db8::1]:80", "[::1]:80"], "targets")


def test_requests(t):
    """SRV: host and port, shares by weight, and the hosts are asked for at the same servers"""
    a, b = t.origin(name="a"), t.origin(name="b")
    w = World(t, srv=[(0, 3, a.port, "A.Host.test"), (0, 1, b.port, "b.host.test")],
              prepare=lambda names: (names.set("a.host.test", "A", "127.0.0.1"), names.set("b.host.test", "A", "127.0.0.1")))
    client = t.client(w.outrider)
    got = "".join(client.get().text() for _ in range(40))
    t.equal((got.count("a"), got.count("b")), (30, 10), "requests")
    t.equal(w.names.count("a.host.test", "AAAA"), 0, "questions for IPv6 addresses that nobody wants")


def test_priorities(t):
    """SRV: a higher number serves only when no lower one can"""
    a, b = t.origin(name="a"), t.origin(name="b")
    w = World(t, srv=[(20, 1, b.port, "h.test"), (10, 1, a.port, "h.test")],
              prepare=lambda names: names.set("h.test", "A", "127.0.0.1"), service="shrink_guard: { hold: 0s }")
    client = t.client(w.outrider)
    t.equal({client.get().text() for _ in range(6)}, {"a"}, "who answers")
    w.names.set("web.test", "SRV", (20, 1, b.port, "h.test"))
    t.wait_until(lambda: client.get().text() == "b", "the higher number alone")


def test_srv_addresses(t):
    """SRV: hosts with several addresses divide the weight; family says which addresses are wanted"""
    def prepare(names):
        names.set("h.test", "A", "127.0.0.1", "127.0.0.2")
        names.set("h.test", "AAAA", "::1")
        names.set("i.test", "A", "127.0.0.3")
    w = World(t, srv=[(0, 3, 80, "h.test"), (0, 1, 80, "i.test")], prepare=prepare, source=f"{SRV}, family: both")
    targets = {target["address"]: target["weight"] for target in w.outrider.service("web")["targets"]}
    t.equal(targets, {"127.0.0.1:80": 100, "127.0.0.2:80": 100, "[::1]:80": 100, "127.0.0.3:80": 100}, "weights")


def test_none(t):
    """SRV: a record that says there is no such service here is an answer without targets"""
    w = World(t, srv=[(0, 0, 0, ".")])
    t.equal((w.outrider.addresses("web"), w.source()["mode"]), ([], "live"), "targets and mode")


def test_alias(t):
    """aliases are followed"""
    def prepare(names):
        names.set("web.test", "CNAME", "a.test")
        names.set("a.test", "CNAME", "b.test")
        names.set("b.test", "A", "127.0.0.7")
    w = World(t, prepare=prepare)
    t.equal(w.outrider.addresses("web"), ["127.0.0.7:9000"], "targets")


def test_ttl(t):
    """records hold as long as they say, between min_ttl and max_ttl"""
    for ttl, keys, least, most in ((0, "min_ttl: 300ms", 5, 8), (86400, "min_ttl: 100ms, max_ttl: 300ms", 5, 8),
                                   (1, "min_ttl: 100ms", 1, 3)):
        w = World(t, "127.0.0.1", ttl=ttl, keys=keys)
        begun, before = time.monotonic(), w.names.count("web.test")
        t.wait_until(lambda: time.monotonic() - begun > 2, "two seconds")
        asked = w.names.count("web.test") - before
        t.true(least <= asked <= most, f"asked {asked} times in two seconds with ttl {ttl} and {keys}")


def test_denied_for(t):
    """no such name: asked again when the server's "no" has run out, as the SOA record says"""
    w = World(t, keys="min_ttl: 100ms")
    t.equal(w.source()["last_change"]["cause"], "NXDOMAIN", "cause")
    w.names.set("web.test", "A", "127.0.0.1")
    at = time.monotonic()
    w.come_to("127.0.0.1:9000")
    t.at_most(time.monotonic() - at, 2, "seconds")


def test_gone(t):
    """NXDOMAIN is an answer, and one that empties is held; so is a name without such records"""
    origin = t.origin()
    for leave in (lambda names: names.forget("web.test"), lambda names: names.set("web.test", "A")):
        w = World(t, "127.0.0.1", source=f"port: {origin.port}", service="shrink_guard: { hold: 1s }")
        leave(w.names)
        w.wait_mode("held")
        t.equal(t.get(w.outrider).status, 200, "status while held")
        w.come_to()
        t.equal(w.source()["mode"], "live", "mode")


def test_failures(t):
    """servers that fail, refuse or are silent: the last answer stays, the source says why, and recovers"""
    w = World(t, "127.0.0.1")
    for script, error in ((lambda q: q.reply(rcode=SERVFAIL), "SERVFAIL"), (lambda q: q.reply(rcode=REFUSED), "REFUSED"),
                          (lambda q: None, "no server answers in time")):
        w.names.on("web.test", script)
        w.wait_mode("stale")
        t.contains(w.source()["last_error"], error, "error")
        t.contains(w.source()["last_error"], "web.test", "error")
        t.equal(w.outrider.addresses("web"), ["127.0.0.1:9000"], "targets")
        t.equal(w.source("other")["mode"], "live", "the other service")
        w.names.on("web.test", None)
        w.wait_mode("live")


def lies():
    """Answers that are none, by name."""
    def good(q):
        return record(q.name, "A", "127.0.0.66", 1)

    def renamed(q, name):
        return name + good(q)[len(wire_name(q.name)):]
    yield "nothing", lambda q: q.send(b"")
    yield "the id alone", lambda q: q.send(q.id)
    yield "garbage", lambda q: q.send(q.id + b"\x81\x80" + bytes(range(200)))
    yield "zeros", lambda q: q.send(q.id + bytes(300))
    yield "a question", lambda q: q.send(q.message)
    yield "cut in a record", lambda q: q.send(q.build([good(q)])[:-3])
    yield "more records than there are", lambda q: q.send(q.build([good(q)], counts=(1, 9, 0, 0)))
    yield "65535 records", lambda q: q.send(q.build([good(q)], counts=(1, 65535, 65535, 65535)))
    yield "no question", lambda q: q.send(q.build([good(q)], question=b"", counts=(0, 1, 0, 0)))
    yield "another question", lambda q: q.send(q.build([good(q)], question=wire_name("evil.test") + b"\0\1\0\1"))
    yield "another id", lambda q: q.send(q.build([good(q)], id=bytes([q.id[0] ^ 1, q.id[1]])))
    yield "an address of three bytes", lambda q: q.send(q.build([good(q)[:-6] + struct.pack("!H", 3) + bytes(3)]))
    yield "a name that points to itself", lambda q: q.send(q.build([renamed(q, bytes([0xc0, 12 + len(q.question)]))]))
    yield "a name that points ahead", lambda q: q.send(q.build([renamed(q, b"\xc0\xff")]))
    yield "a label of 64 bytes", lambda q: q.send(q.build([renamed(q, b"\x40" + b"a" * 64 + b"\0")]))
    yield "a label of another kind", lambda q: q.send(q.build([renamed(q, b"\x80a\0")]))
    yield "aliases in a ring", lambda q: q.send(q.build(
        [record(q.name, "CNAME", "b.test"), record("b.test", "CNAME", q.name)]))
    yield "an alias that is cut", lambda q: q.send(q.build(
        [wire_name(q.name) + struct.pack("!HHIH", 5, 1, 60, 2) + b"\xc0\x40"]))


def test_lies(t):
    """whatever a server says that is no answer: the last answer stays, and the source is stale"""
    names, scripts = t.closing(Names(t)), dict(lies())
    hosts = {name: f"lie-{i}.test" for i, name in enumerate(scripts)}
    for host in (*hosts.values(), "web.test", "other.test"):
        names.set(host, "A", "127.0.0.1")
    services = "".join(f"  - {{ name: {host}, source: {{ registry: names, port: 80 }} }}\n" for host in hosts.values())
    outrider = t.outrider(configuration().replace("routes:", services + "routes:"), names=names)
    for name, host in hosts.items():
        names.on(host, scripts[name])

    def state(host):
        service = outrider.service(host)
        return service["sources"][0]["mode"], [target["address"] for target in service["targets"]]
    for name, host in hosts.items():
        t.wait_until(lambda: state(host)[0] == "stale", f"{name}: stale, not {state(host)}")
        t.equal(state(host)[1], ["127.0.0.1:80"], f"targets after {name}")
    t.equal(state("web")[0], "live", "another service")
    for host in hosts.values():
        names.on(host, None)
    for name, host in hosts.items():
        t.wait_until(lambda: state(host)[0] == "live", f"{name}: live again, not {state(host)}")


def test_unreachable(t):
    """where nobody listens: the source says so"""
    w = World(t, servers=f'"127.0.0.1:{t.closing(Port()).port}"')
    t.wait_until(lambda: "no server can be reached" in (w.source()["last_error"] or ""), f"the error, not {w.source()}")
    t.equal(w.source()["mode"], "failed", "mode")


def test_foreign(t):
    """records of other names, classes and types in an answer are nobody's targets"""
    def script(q):
        chaos = wire_name("web.test") + struct.pack("!HHIH", 1, 3, 1, 4) + bytes(4)
        q.send(q.build([record("evil.test", "A", "127.0.0.66", 1), chaos, record("web.test", "A", "127.0.0.1", 1),
                        record("web.test", "AAAA", "::66", 1)]))
    w = World(t, prepare=lambda names: names.on("web.test", script))
    t.equal(w.outrider.addresses("web"), ["127.0.0.1:9000"], "targets")


def test_failing_at_start(t):
    """with a server that does not answer the daemon starts all the same, and has the targets when it recovers"""
    w = World(t, "127.0.0.1", prepare=lambda names: names.on("web.test", lambda q: q.reply(rcode=SERVFAIL)))
    t.equal(w.source()["mode"], "failed", "mode")
    w.names.on("web.test", None)
    w.come_to("127.0.0.1:9000")


def test_hosts_fail(t):
    """SRV: a host that cannot be asked for keeps its addresses, one that is gone brings no target and says so"""
    def prepare(names):
        names.set("a.test", "A", "127.0.0.1")
        names.set("b.test", "A", "127.0.0.2")
    w = World(t, srv=[(0, 1, 80, "a.test"), (0, 1, 80, "b.test"), (0, 1, 80, "c.test")], prepare=prepare,
              service="shrink_guard: { hold: 0s }")
    w.come_to("127.0.0.1:80", "127.0.0.2:80")
    quarantined = w.outrider.service("web")["quarantined"]
    t.equal([q["record"] for q in quarantined], ["c.test:80"], "quarantined")
    t.contains(quarantined[0]["reason"], "NXDOMAIN", "reason")
    w.names.on("a.test", lambda q: q.reply(rcode=SERVFAIL))
    w.wait_mode("stale")
    t.contains(w.source()["last_error"], "a.test: the server fails", "error")
    w.names.set("b.test", "A", "127.0.0.3")
    w.come_to("127.0.0.1:80", "127.0.0.3:80")
    w.names.on("a.test", None)
    w.wait_mode("live")


def test_large(t):
    """what does not fit into a datagram is asked for by TCP"""
    addresses = [f"127.1.{i}.1" for i in range(200)]
    w = World(t, *addresses)
    t.equal(len(w.outrider.addresses("web")), 200, "targets")
    t.true(any(q.via == "tcp" for q in w.names.asked), "questions by TCP")


def test_many(t):
    """SRV: 500 hosts, at most sixteen questions at once"""
    open_now, most, lock = [0], [0], threading.Lock()

    def slow(q):
        def later():
            with lock:
                open_now[0] -= 1
            q.server.answer(q)
        with lock:
            open_now[0] += 1
            most[0] = max(most[0], open_now[0])
        threading.Timer(0.01, later).start()

    def prepare(names):
        for i in range(500):
            names.set(f"h{i}.test", "A", f"127.1.{i // 250}.{i % 250 + 1}", ttl=60)
            names.on(f"h{i}.test", slow)
    w = World(t, srv=[(0, 1, 80, f"h{i}.test") for i in range(500)], prepare=prepare, ttl=60)
    t.wait_until(lambda: len(w.outrider.addresses("web")) == 500, "500 targets")
    t.true(2 <= most[0] <= 16, f"questions at once: {most[0]}")


def test_second_server(t):
    """servers are asked in turn: one that is silent or fails does not matter while another one answers"""
    silent = t.closing(Names(t))
    for script in (lambda q: None, lambda q: q.reply(rcode=SERVFAIL)):
        silent.on("web.test", script)
        silent.on("other.test", script)
        w = World(t, "127.0.0.1", servers='"127.0.0.1:@silent.port@", "127.0.0.1:@names.port@"', things={"silent": silent})
        w.come_to("127.0.0.1:9000")
        t.equal(w.source()["mode"], "live", "mode")


def test_as_written(t):
    """a name is what it says: no search domain is tried"""
    w = World(t)
    t.equal({q.name for q in w.names.asked}, {"web.test", "other.test"}, "names asked for")


def test_resolv_conf(t):
    """without `server`: those of /etc/resolv.conf, read again when it changes, and its search domains if that is wanted"""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False).returncode != 0:
        t.skip("needs a mount of its own over /etc/resolv.conf, and port 53")
    try:
        one, two = (t.closing(Names(t, f"127.0.53.{i}", 53)) for i in (1, 2))
    except OSError as error:
        t.skip(f"needs port 53: {error}")
    for names in (one, two):
        names.set("web.corp.test", "A", "127.0.0.1" if names is one else "127.0.0.2")
        names.set("other.test", "A", "127.0.0.9")

    def write(names):
        with open(path, "w", encoding="ascii") as file:             # in place: a mount stays with the file
            file.write(f"nameserver {names.host}\nsearch corp.test\n")
    config = configuration().replace("server: [ \"127.0.0.1:@names.port@\" ], ", "")
    config = config.replace("{ names:", "{ searching: { type: dns, search: true, timeout: 100ms }, names:")
    config = config.replace("registry: names, host: web.test", "registry: searching, host: web")
    with tempfile.NamedTemporaryFile("w", prefix="resolv-") as file:
        path = file.name
        write(one)
        w = World.__new__(World)
        w.t, w.names = t, one
        mounted = f'mount --bind {path} /etc/resolv.conf && exec "$@"'
        w.outrider = t.outrider(config, wrapper=["unshare", "-m", "sh", "-c", mounted, "sh"])
        t.equal(w.outrider.addresses("web"), ["127.0.0.1:9000"], "targets")
        t.equal({q.name for q in one.asked if "corp" not in q.name}, {"other.test"}, "names asked for as they are")
        write(two)
        w.come_to("127.0.0.2:9000")


def test_order(t):
    """servers that turn their answers round, or spell names in other ways, change nothing"""
    turn = [0]

    def script(q):
        turn[0] += 1
        some = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
        some = some[turn[0] % 3:] + some[:turn[0] % 3]
        q.send(q.build([record("WEB.test" if turn[0] % 2 else "web.TEST", "A", one, 0) for one in some]))
    w = World(t, keys="min_ttl: 100ms", prepare=lambda names: names.on("web.test", script))
    w.come_to("127.0.0.1:9000", "127.0.0.2:9000", "127.0.0.3:9000")
    changed, before = w.source()["last_change"], turn[0]
    t.wait_until(lambda: turn[0] > before + 5, "some more answers")
    t.equal(w.source()["last_change"], changed, "the last change")


def test_reload(t):
    """a reload that changes the registry asks the new server, and the last answer serves until it has answered"""
    w = World(t, "127.0.0.1")
    other = w.outrider.things["later"] = t.closing(Names(t))
    other.on("web.test", lambda q: None)
    w.outrider.configure(configuration(servers='"127.0.0.1:@later.port@"'))
    w.outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: other.count("web.test") > 0, "a question to the new server")
    t.equal(w.outrider.addresses("web"), ["127.0.0.1:9000"], "targets")
    other.set("web.test", "A", "127.0.0.2")
    other.on("web.test", None)
    w.come_to("127.0.0.2:9000")


def test_mistakes(t):
    """what the configuration may not say"""
    for text, message in ((configuration(servers="localhost"), "no numeric address"),
                          (configuration(servers='"127.0.0.1:0"'), "no numeric address"),
                          (configuration(keys="min_ttl: 2s, max_ttl: 1s"), "`min_ttl` is more than `max_ttl`"),
                          (configuration(source="type: SRV, port: 80"), "SRV records state the ports"),
                          (configuration(source="type: A"), "`port` is missing"),
                          (configuration(source="type: MX, port: 80"), "type"),
                          (configuration().replace("web.test", "a..b"), "not a name that can be asked for"),
                          (configuration().replace("web.test", "a b"), "not a name that can be asked for"),
                          (configuration().replace("web.test", "a" * 64 + ".b"), "not a name that can be asked for")):
        code, out, err = check(t, text.replace("@names.port@", "53"))
        t.equal(code, 78, f"exit code of {text}")
        t.contains(out + err, message, "message")


def check(t, text):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        return run("check", "-c", file.name)


main()
