#!/usr/bin/env python3
# tests/registries/dns.py - a real name server (dnsmasq) under a steady load: not one request fails, whatever becomes of it.
# SPDX-License-Identifier: Apache-2.0
import glob
import os
import shutil
import subprocess
import sys
import tempfile

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from registries.load import Load, Target

CONFIG = """
registries: { names: { type: dns, server: "127.0.0.1:@server.port@", timeout: 200ms } }
services: [ { name: web, source: { registry: names, @source@ }, shrink_guard: { hold: 2s } } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def program():
    named = os.environ.get("DNSMASQ")
    found = glob.glob(os.path.expanduser("~/.cache/outrider/dnsmasq*/usr/sbin/dnsmasq"))
    return named or shutil.which("dnsmasq", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", "")) or \
        (found[0] if found else None)


class At(Target):
    """A target at an address of loopback."""

    def __init__(self, t, name, host, port=0):
        self.at = host, port
        super().__init__(t, name)

    def start(self):
        if self.at:
            (self.host, self.port), self.at = self.at, None
        super().start()


class Server:
    """dnsmasq for the domain `test`; hosts: name -> addresses, services: (priority, weight, port, host)."""

    def __init__(self, t):
        if program() is None:
            t.skip("there is no dnsmasq here: packaging/check --steps registries gets one, or DNSMASQ names it")
        self.dir = tempfile.mkdtemp(prefix="outrider-dns-")
        self.reserved = t.closing(Port())
        self.host, self.port = "127.0.0.1", self.reserved.port
        self.hosts, self.services, self.process = {}, [], None
        t.closing(self)

    def write(self):
        with open(os.path.join(self.dir, "hosts"), "w", encoding="ascii") as file:
            file.writelines(f"{address} {name}\n" for name, all in self.hosts.items() for address in all)

    def start(self):
        self.write()
        srv = [f"--srv-host=_http._tcp.web.test,{host},{port},{priority},{weight}"
               for priority, weight, port, host in self.services]
        self.process = subprocess.Popen(
            [program(), "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--local=/test/",
             "--bind-interfaces", "--listen-address=127.0.0.1", f"--port={self.port}", "--local-ttl=1", "--user=",
             "--pid-file=", f"--addn-hosts={self.dir}/hosts", "--log-facility=-", *srv],
            stderr=open(os.path.join(self.dir, "log"), "ab"))
        limit_until(lambda: is_listening(self.port), "dnsmasq to listen")
        return self

    def set(self, name, *addresses):
        self.hosts[name] = addresses
        self.write()
        self.process.send_signal(signal.SIGHUP)

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def close(self, failed=False):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


def limit_until(predicate, what):
    from kit import limit
    limit.wait_until(predicate, what)


def is_listening(port):
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
        return True
    except OSError:
        return False


def source(outrider):
    return outrider.service("web")["sources"][0]


def wait_mode(t, outrider, mode):
    t.wait_until(lambda: source(outrider)["mode"] == mode, f"{mode}, not {source(outrider)}")


def started(t, seconds=60):
    """a, b and c on 127.0.0.11 to 13, one port; the name has a and b."""
    server = Server(t)
    start_clock(seconds)
    a = At(t, "a", "127.0.0.11")
    b, c = At(t, "b", "127.0.0.12", a.port), At(t, "c", "127.0.0.13", a.port)
    server.hosts["web.test"] = (a.host, b.host)
    server.start()
    outrider = t.outrider(CONFIG.replace("@source@", f"host: web.test, port: {a.port}"), server=server)
    load = Load(t, outrider)
    load.come_to("ab", "at the start")
    return server, (a, b, c), outrider, load


def test_follow(t):
    """what the name stands for is followed as fast as its records run out"""
    server, (a, b, c), _, load = started(t)
    at = time.monotonic()
    server.set("web.test", b.host, c.host)
    took = load.first("c", at)
    t.say(f"from the change to the first request, with a time to live of 1 s: {took * 1000:.0f} ms")
    t.at_most(took, 2, "seconds")
    load.come_to("bc", "after the change")
    server.set("web.test", a.host)
    load.come_to("a", "one alone")
    load.end(t)


def test_away(t):
    """killed, and frozen: the last answer serves, and changes are followed again afterwards"""
    server, (a, b, c), outrider, load = started(t)
    server.kill()
    wait_mode(t, outrider, "stale")
    t.equal(load.names(), set("ab"), "targets without a server")
    server.hosts["web.test"] = (b.host, c.host)
    server.start()
    load.come_to("bc", "after the restart")
    server.process.send_signal(signal.SIGSTOP)
    wait_mode(t, outrider, "stale")
    t.equal(load.names(), set("bc"), "targets of a frozen server")
    server.process.send_signal(signal.SIGCONT)
    wait_mode(t, outrider, "live")
    load.end(t)


def test_gone(t):
    """the name is gone and comes back within the hold: nothing fails"""
    server, (a, b, _), outrider, load = started(t)
    server.set("web.test")
    wait_mode(t, outrider, "held")
    t.equal(load.names(), set("ab"), "targets while held")
    server.set("web.test", a.host, b.host)
    wait_mode(t, outrider, "live")
    load.end(t)


def test_services(t):
    """SRV: weights, and the second priority when the first one is gone"""
    server = Server(t)
    start_clock(60)
    a, b, c = (Target(t, name) for name in "abc")
    server.hosts["h.test"] = ("127.0.0.1",)
    server.services = [(10, 3, a.port, "h.test"), (10, 1, b.port, "h.test"), (20, 1, c.port, "h.test")]
    server.start()
    outrider = t.outrider(CONFIG.replace("@source@", "host: _http._tcp.web.test, type: SRV"), server=server)
    load = Load(t, outrider)
    load.come_to("ab", "the first priority")
    since = len(load.answers)
    t.wait_until(lambda: len(load.answers) > since + 800, "eight hundred requests")
    got = [text for _, text in load.answers[since:since + 800]]
    t.true(0.74 <= got.count("a") / 800 <= 0.76, f"share of the heavier one: {got.count('a') / 800}")
    server.kill()
    server.services = server.services[2:]
    server.start()
    load.come_to("c", "the second priority")
    load.end(t)


main()
