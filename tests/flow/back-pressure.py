#!/usr/bin/env python3
# tests/flow/back-pressure.py - a slow reader slows its writer, and memory stays bounded.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

import hashlib
import tempfile

MiB = 1 << 20
RESIDENT_KIB = 64 * 1024
BLOCK = hashlib.sha512(b"block").digest() * (MiB // 64)


def bounded(t, outrider, what):
    if sanitized():
        t.note("resident size is not judged: the program's memory is a sanitizer's")
    else:
        t.at_most(outrider.peak_kib(), RESIDENT_KIB, f"peak resident size (KiB) {what}")


def digest_of(blocks):
    digest = hashlib.sha256()
    for _ in range(blocks):
        digest.update(BLOCK)
    return digest.hexdigest()


def sender(t, blocks, sent, chunks):
    """A target's script: a long answer; sent[0] counts the bytes that went out."""
    def script(c):
        c.request()
        framing = ("Transfer-Encoding", "chunked") if chunks else ("Content-Length", blocks * MiB)
        c.send(head("HTTP/1.1 200 OK", [framing]))
        try:
            for _ in range(blocks):
                c.send(chunk(BLOCK) if chunks else BLOCK)
                sent[0] += MiB
            if chunks:
                c.send(b"0\r\n\r\n")
        except Ended:                               # the client has gone: so has the sidecar
            pass
    return script


def kernel_holds():
    """What the sockets of one request may keep on their way: two that write, and one that reads and is not the slow end."""
    def most(name):
        with open(f"/proc/sys/net/ipv4/{name}", encoding="ascii") as file:
            return int(file.read().split()[2])
    return most("tcp_rmem") + 2 * most("tcp_wmem")


def settle(t, count, what):
    """Waits until count() has stood still for 30 polls in a row: back-pressure has reached the writer."""
    history = []

    def still():
        history.append(count())
        return len(history) > 30 and history[-1] > 0 and len(set(history[-30:])) == 1
    t.wait_until(still, what)


def download(t, chunks, blocks=64):
    sent = [0]
    outrider = t.outrider(PLAIN, origin=t.origin(sender(t, blocks, sent, chunks)))
    client = t.client(outrider, receive_buffer=16384)
    client.request("GET", "/big")
    settle(t, lambda: sent[0] + 1, "the target to be stopped")
    t.at_most(sent[0], kernel_holds() + MiB, "bytes that left the target while the client read nothing")
    bounded(t, outrider, "while the client reads nothing")
    digest = hashlib.sha256()
    answer = client.response(sink=digest.update)
    t.equal((answer.status, digest.hexdigest()), (200, digest_of(blocks)), "answer")
    bounded(t, outrider, "after the download")


def test_slow_reader_counted(t):
    """a client that does not read stops the target: counted, 64 MiB"""
    download(t, False)


def test_slow_reader_chunked(t):
    """a client that does not read stops the target: chunked, 64 MiB"""
    download(t, True)


def upload(t, chunks, blocks=64):
    """The target reads nothing until the client has been stopped."""
    def script(c):
        request = c.request_head()
        t.wait_until(lambda: stopped, "the client to be stopped")
        c.body(request, digest.update)
        c.respond()

    def send():
        framing = ("Transfer-Encoding", "chunked") if chunks else ("Content-Length", blocks * MiB)
        client.send(client.head("POST", "/big", [framing]))
        try:
            for _ in range(blocks):
                client.send(chunk(BLOCK) if chunks else BLOCK)
                sent[0] += MiB
            if chunks:
                client.send(b"0\r\n\r\n")
        except (Ended, TimedOut, OSError) as error:
            t.note(f"the client's writer: {error!r}")
    sent, stopped, digest = [0], [], hashlib.sha256()
    outrider = t.outrider(PLAIN, origin=t.origin(script, receive_buffer=16384))
    client = t.client(outrider)
    writer = threading.Thread(target=send, daemon=True)
    writer.start()
    settle(t, lambda: sent[0] + 1, "the client to be stopped")
    t.at_most(sent[0], kernel_holds() + MiB, "bytes that left the client while the target read nothing")
    bounded(t, outrider, "while the target reads nothing")
    stopped.append(True)
    answer = client.response()
    writer.join(remaining())
    t.equal((answer.status, digest.hexdigest()), (200, digest_of(blocks)), "answer and body")
    bounded(t, outrider, "after the upload")


def test_slow_origin_counted(t):
    """a target that does not read stops the client: counted, 64 MiB"""
    upload(t, False)


def test_slow_origin_chunked(t):
    """a target that does not read stops the client: chunked, 64 MiB"""
    upload(t, True)


def test_many_slow_readers(t):
    """fifty clients that do not read cost what fifty buffers cost"""
    sent = [0]
    outrider = t.outrider(PLAIN, origin=t.origin(sender(t, 8, sent, False)))
    clients = [t.client(outrider, receive_buffer=16384) for _ in range(50)]
    for client in clients:
        client.request("GET", "/big")
    for client in clients:
        t.equal(client.response_head().status, 200, "status")
    settle(t, lambda: sent[0] + 1, "the targets to be stopped")
    bounded(t, outrider, "with fifty stopped downloads")
    for client in clients:
        client.close()


def large(t, direction):
    """2 GiB of a sparse file, moved by the kernel where it can."""
    if not SLOW:
        t.skip("moves 2 GiB: OUTRIDER_SLOW=1")
    start_clock(600)
    size = 2 << 30
    with tempfile.TemporaryFile() as sparse:
        sparse.truncate(size)
        if direction == "down":
            def script(c):
                c.request()
                c.send(head("HTTP/1.1 200 OK", [("Content-Length", size)]))
                send_all(c, sparse, size)
        else:
            def script(c):
                request = c.request_head()
                c.body(request, count)
                c.respond()
        total = [0]

        def count(piece):
            total[0] += len(piece)
        outrider = t.outrider(PLAIN, origin=t.origin(script))
        client = t.client(outrider)
        if direction == "down":
            client.request("GET", "/")
            t.equal(client.response(sink=count).status, 200, "status")
        else:
            client.send(client.head("POST", "/", [("Content-Length", size)]))
            send_all(client, sparse, size)
            t.equal(client.response().status, 200, "status")
        t.equal(total[0], size, "bytes")
        bounded(t, outrider, "after 2 GiB")


def send_all(wire, file, size):
    at = 0
    while at < size:
        wire.sock.settimeout(remaining("the peer to read"))
        at += wire.sock.sendfile(file, at, min(size - at, 64 * MiB))


def test_two_gigabytes_down(t):
    """a download of 2 GiB passes through less than 64 MiB"""
    large(t, "down")


def test_two_gigabytes_up(t):
    """an upload of 2 GiB passes through less than 64 MiB"""
    large(t, "up")


main()
