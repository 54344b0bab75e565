#!/usr/bin/env python3
# tests/flow/tunnel.py - an upgraded connection: bytes both ways, and every way it can end.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

import hashlib
import resource
from kit.tls import Authority, behind

MiB = 1 << 20
RESIDENT_KIB = 64 * 1024
BLOCK = hashlib.sha512(b"block").digest() * (MiB // 64)
ASK = [("Connection", "Upgrade"), ("Upgrade", "chat/1")]
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat/1\r\nConnection: Upgrade\r\n\r\n"
TIMES = """
services: [ { name: web, targets: [ @origin@ ], timeout: { idle_stream: 500ms } } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
DRAIN = "shutdown: { deadline: 500ms }\n" + PLAIN


def upgraded(script):
    """A target's script: agrees, and leaves the connection to `script`."""
    def target(c):
        c.request()
        c.send(SWITCH)
        script(c)
    return target


def open_tunnel(t, outrider, **options):
    client = t.client(outrider, **options)
    client.request("GET", "/", ASK)
    t.equal(client.response().status, 101, "the answer to the upgrade")
    return client


def tunnel(t, script, text=PLAIN, origin=None, **options):
    outrider = t.outrider(text, origin=origin or t.origin(upgraded(script)))
    return outrider, open_tunnel(t, outrider, **options)


def send_blocks(wire, blocks):
    for _ in range(blocks):
        wire.send(BLOCK)
    wire.half_close()


def receive_all(wire, into):
    digest, n = hashlib.sha256(), 0
    while wire.buffer or wire.fill("the rest of the tunnel", MiB):
        digest.update(wire.buffer)
        n += len(wire.take(len(wire.buffer)))
    into.append((n, digest.hexdigest()))


def both_ways(wire, blocks, into):
    sender = threading.Thread(target=send_blocks, args=(wire, blocks), daemon=True)
    sender.start()
    receive_all(wire, into)
    sender.join(remaining())


def expected(blocks):
    digest = hashlib.sha256()
    for _ in range(blocks):
        digest.update(BLOCK)
    return [(blocks * MiB, digest.hexdigest())]


def ended(outrider, *ends):
    """The log's last word on the tunnel."""
    line = outrider.access_log(1)[0]
    if line["status"] != 101 or line["end"] not in ends:
        raise Failure(f"in the log: {line}, expected {ends}")
    return line


def test_large(t):
    """64 MiB both ways at once, whole, with bounded memory"""
    at_target, at_client = [], []
    outrider, client = tunnel(t, lambda c: both_ways(c, 64, at_target))
    both_ways(client, 64, at_client)
    t.wait_until(lambda: at_target, "the target to be done")
    t.equal((at_target, at_client), (expected(64), expected(64)), "bytes and digests")
    if not sanitized():
        t.at_most(outrider.peak_kib(), RESIDENT_KIB, "peak resident size (KiB)")
    line = ended(outrider, "complete")
    t.equal((line["bytes_in"], line["bytes_out"]), (64 * MiB, 64 * MiB), "bytes in the log")


def test_half_close_client(t):
    """the client's half-close is passed on as such: the target goes on sending"""
    def script(c):
        t.equal(c.ending(), ("closed", b"said"), "what the target hears")
        for _ in range(8):
            c.send(BLOCK)
        c.half_close()
    outrider, client = tunnel(t, script)
    client.send(b"said")
    client.half_close()
    got = []
    receive_all(client, got)
    t.equal(got, expected(8), "bytes and digest")
    ended(outrider, "complete")


def test_half_close_target(t):
    """the target's half-close is passed on as such: the client goes on sending"""
    def script(c):
        c.send(b"said")
        c.half_close()
        receive_all(c, got)
    got = []
    outrider, client = tunnel(t, script)
    t.equal(client.ending(), ("closed", b"said"), "what the client hears")
    send_blocks(client, 8)
    t.wait_until(lambda: got, "the target to be done")
    t.equal(got, expected(8), "bytes and digest")
    ended(outrider, "complete")


def test_reset_client(t):
    """a reset of the client is one for the target"""
    how = []
    outrider, client = tunnel(t, lambda c: how.append(c.stall()))
    client.reset()
    t.wait_until(lambda: how, "the target's connection to end")
    t.equal(how, ["reset"], "how the target's connection ends")
    ended(outrider, "client-gone")


def test_reset_target(t):
    """a reset of the target is one for the client"""
    outrider, client = tunnel(t, lambda c: c.reset())
    t.equal(client.ending()[0], "reset", "how the client's connection ends")
    ended(outrider, "upstream-reset")


def test_target_ends_first(t):
    """a target that ends while the client goes on: the client hears the end, and both connections are given back"""
    outrider = t.outrider(PLAIN, origin=t.origin(upgraded(lambda c: c.send(b"bye"))))
    before = outrider.descriptors()
    for n in range(60):
        client = open_tunnel(t, outrider)
        try:
            for _ in range(n % 6):
                client.send(b"x")
            t.equal(client.ending()[1], b"bye", "what the client hears")
            for _ in range(n % 4):
                client.send(b"x")
            if n % 2:
                client.half_close()
                client.sock.recv(1)
        except (Ended, OSError):                    # it went on for too long
            pass
        client.close()
    outrider.access_log(60)
    t.wait_until(lambda: outrider.descriptors() <= before + 1, "the descriptors to be given back")


def test_reset_while_blocked(t):
    """a reset of a client whose bytes the target does not take is noticed all the same"""
    def script(c):
        t.wait_until(lambda: gone, "the client to be gone")
        how.append(c.stall())
    how, gone, sent = [], [], [0]
    outrider, client = tunnel(t, script, origin=t.origin(upgraded(script), receive_buffer=16384))
    fill_up(t, client, sent)
    client.reset()
    t.equal(ended(outrider, "client-gone")["status"], 101, "status")
    gone.append(True)
    t.wait_until(lambda: how, "the target's connection to end")


def fill_up(t, wire, sent):
    """Sends until nothing is taken any more."""
    wire.sock.settimeout(0.3)
    try:
        while sent[0] < 64 * MiB:
            sent[0] += wire.sock.send(BLOCK)
    except socket.timeout:
        return
    t.true(False, "the writer was never stopped")


def test_slow_target(t):
    """a target that reads nothing stops the client, and memory stays bounded"""
    def script(c):
        t.wait_until(lambda: read, "the client to be stopped")
        receive_all(c, got)
    got, read, sent = [], [], [0]
    outrider, client = tunnel(t, script, origin=t.origin(upgraded(script), receive_buffer=16384))
    fill_up(t, client, sent)
    if not sanitized():
        t.at_most(outrider.peak_kib(), RESIDENT_KIB, "peak resident size (KiB)")
    read.append(True)
    client.half_close()
    t.wait_until(lambda: got, "the target to be done")
    t.equal(got[0][0], sent[0], "bytes")


def test_slow_client(t):
    """a client that reads nothing stops the target, and memory stays bounded"""
    def script(c):
        fill_up(t, c, sent)
        stopped.append(True)
        c.half_close()
        c.stall()
    got, stopped, sent = [], [], [0]
    outrider, client = tunnel(t, script, receive_buffer=16384)
    t.wait_until(lambda: stopped, "the target to be stopped")
    if not sanitized():
        t.at_most(outrider.peak_kib(), RESIDENT_KIB, "peak resident size (KiB)")
    receive_all(client, got)
    t.equal(got[0][0], sent[0], "bytes")


def test_one_way_is_stuck(t):
    """while one direction is stuck the other one goes on"""
    def script(c):
        for _ in range(100):
            t.equal(c.exactly(4, "from the client"), b"ping", "from the client")
        done.append(True)
        c.stall()
    done, sent = [], [0]
    wires = []

    def both(c):
        wires.append(c)
        script(c)
    outrider, client = tunnel(t, both, receive_buffer=16384)
    t.wait_until(lambda: wires, "the tunnel")
    fill_up(t, wires[0], sent)
    wires[0].sock.settimeout(remaining())
    for _ in range(100):
        client.send(b"ping")
    t.wait_until(lambda: done, "the bytes of the client")


def test_idle(t):
    """idle_stream: silence in both directions closes both"""
    how = []
    outrider, client = tunnel(t, lambda c: how.append(c.stall()), TIMES)
    began = time.monotonic()
    t.equal(client.ending(), ("closed", b""), "the client's connection")
    t.at_least(time.monotonic() - began, 0.45, "seconds")
    t.wait_until(lambda: how, "the target's connection to end")


def test_not_idle(t):
    """idle_stream: bytes in one direction keep both open, and nothing else is timed"""
    def script(c):
        for _ in range(12):
            began = time.monotonic()
            t.wait_until(lambda: time.monotonic() - began > 0.15, "a short pause")
            c.send(b"tick")
    text = TIMES.replace("500ms", "500ms, total: 300ms, response: 300ms")
    outrider, client = tunnel(t, script, text)
    t.equal(client.ending(), ("closed", b"tick" * 12), "what the client hears")
    t.at_least(ended(outrider, "complete")["duration_ms"], 1500, "duration in the log")


def test_limits(t):
    """a tunnel keeps its place among the requests of its service"""
    text = """
services: [ { name: web, targets: [ @origin@ ], limits: { max_requests: 1, queue_timeout: 100ms } } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
    outrider, client = tunnel(t, lambda c: c.stall(), text)
    problem(t, t.get(outrider), 503, "queue-timeout", "connection_limit_reached")
    client.close()
    t.equal(sorted(line["status"] for line in outrider.access_log(2)), [101, 503], "statuses in the log")
    open_tunnel(t, outrider)


def test_drain(t):
    """a stop leaves a tunnel alone until the deadline; then both sides hear the end of the stream"""
    def script(c):
        t.equal(c.exactly(4, "during the drain"), b"ping", "during the drain")
        c.send(b"pong")
        heard.append(c.ending())
    heard = []
    outrider, client = tunnel(t, script, DRAIN)
    outrider.signal(signal.SIGTERM)
    t.wait_until(lambda: outrider.health("/health/ready").status == 503, "readiness to go")
    client.send(b"ping")
    t.equal(client.ending(), ("closed", b"pong"), "what the client hears")
    t.equal(outrider.wait(), 0, "exit code")
    t.wait_until(lambda: heard, "the end at the target")
    t.equal(heard, [("closed", b"")], "what the target hears")


def test_drain_ends(t):
    """a drain is over when its last tunnel is"""
    outrider, client = tunnel(t, lambda c: c.stall(), PLAIN)
    began = time.monotonic()
    outrider.signal(signal.SIGTERM)
    t.wait_until(lambda: outrider.health("/health/ready").status == 503, "readiness to go")
    t.equal(outrider.process.poll(), None, "exit code while the tunnel is open")
    client.half_close()
    t.equal(client.ending(), ("closed", b""), "what the client hears")
    t.equal(outrider.wait(), 0, "exit code")
    t.at_most(time.monotonic() - began, 10, "seconds to the end")


def test_second_term(t):
    """a second TERM does not wait"""
    outrider, client = tunnel(t, lambda c: c.stall())
    outrider.signal(signal.SIGTERM)
    t.wait_until(lambda: outrider.health("/health/ready").status == 503, "readiness to go")
    began = time.monotonic()
    outrider.signal(signal.SIGTERM)
    t.equal(outrider.wait(), 0, "exit code")
    t.at_most(time.monotonic() - began, 5, "seconds to the end")
    client.expect_gone(t)


def test_reload(t):
    """500 tunnels go on through reloads"""
    count = 500
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4 * count:
        t.skip("too few descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4 * count), hard))
    start_clock(60)

    def echo(c):
        while c.buffer or c.fill("bytes to be echoed"):
            c.send(c.take(len(c.buffer)))
    origin = t.origin(upgraded(echo))
    outrider = t.outrider("workers: 2\n" + PLAIN, origin=origin)
    clients = [open_tunnel(t, outrider) for _ in range(count)]
    for generation in range(3):
        outrider.configure(f"workers: 2\ndefaults: {{ service: {{ timeout: {{ connect: {generation + 2}s }} }} }}\n" + PLAIN)
        outrider.signal(signal.SIGHUP)
        for i, client in enumerate(clients):
            client.send(b"%d" % i)
        for i, client in enumerate(clients):
            t.equal(client.exactly(len(b"%d" % i), "the echo"), b"%d" % i, "the echo")
    for client in clients:
        client.half_close()
        client.expect_closed(t)
    t.equal(len(outrider.access_log(count)), count, "lines in the log")


def test_nothing_leaks(t):
    """after many tunnels, ended in every way, the descriptors are what they were"""
    def script(c):
        try:
            if c.number % 3 == 0:
                c.reset()
            elif c.number % 3 == 1:
                c.send(b"last words")
            else:
                c.stall()
        except Ended:                               # the client was quicker
            pass
    outrider = t.outrider(PLAIN, origin=t.origin(upgraded(script)))
    before = outrider.descriptors()
    for n in range(90):
        client = Client(outrider)
        client.request("GET", "/", ASK)
        try:
            client.response()
            if n % 2 == 0:
                client.half_close()
                client.ending()
        except (Ended, OSError):                    # the target was quicker
            pass
        client.reset()
    outrider.access_log(90)
    t.wait_until(lambda: outrider.descriptors() <= before + 1, "the descriptors to be given back")


def tls_tunnel(t, script):
    authority, seen = Authority(t), []
    origin = t.origin(behind(authority.server(), seen, upgraded(script)))
    text = f"""
services:
  - name: web
    protocol: https
    targets: [ @origin@ ]
    tls: {{ ca: {authority.path("ca.crt")}, server_name: web.internal }}
routes: [ {{ match: {{ paths: ["/**"] }}, service: web }} ]
"""
    return tunnel(t, script, text, origin)


def test_tls(t):
    """a target behind TLS: large both ways"""
    def script(c):
        while c.fill("bytes to be echoed"):
            c.send(c.take(len(c.buffer)))
            if c.received >= 8 * MiB + 300:
                return
    outrider, client = tls_tunnel(t, script)
    sender = threading.Thread(target=lambda: [client.send(BLOCK) for _ in range(8)], daemon=True)
    sender.start()
    for _ in range(8):
        t.true(client.exactly(MiB, "the echo") == BLOCK, "the echo is what was sent")
    sender.join(remaining())


def test_tls_half_close(t):
    """a target behind TLS hears the client's half-close as close_notify, and goes on sending"""
    def script(c):
        t.equal(c.exactly(4, "from the client"), b"said", "from the client")
        heard.append(c.sock.recv(10))               # an end without close_notify would be an error here
        c.sock.send(b"answer")
        c.sock.unwrap()
    heard = []
    outrider, client = tls_tunnel(t, script)
    client.send(b"said")
    client.half_close()
    t.equal(client.ending(), ("closed", b"answer"), "what the client hears")
    t.equal(heard, [b""], "the end at the target")


def test_tls_cut(t):
    """a target behind TLS that is cut off without a close_notify is a reset for the client"""
    def script(c):
        c.send(b"half")
        socket.socket(fileno=os.dup(c.sock.fileno())).shutdown(socket.SHUT_RDWR)
    outrider, client = tls_tunnel(t, script)
    t.equal(client.ending()[0], "reset", "how the client's connection ends")


main()
