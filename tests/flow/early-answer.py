#!/usr/bin/env python3
# tests/flow/early-answer.py - a target that answers while the request is still being sent.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def early(t, framing, parts, then):
    """The target answers after the head; the client goes on sending."""
    def script(c):
        c.request_head()
        c.respond(413, body=b"too much", headers=[("Connection", "close")])
        then(c)
    origin = t.origin(script)
    outrider = t.outrider(PLAIN, origin=origin)
    client = t.client(outrider)
    client.send(client.head("POST", "/up", [framing]))
    origin.wait_requests(1)
    try:
        for part in parts:
            client.send(part)
    except Ended:                               # refused: the answer may still be there to be read
        pass
    answer = client.response("POST")
    t.equal((answer.status, answer.body), (413, b"too much"), "answer")
    return client, outrider


def drain(c):
    c.ending("until the sidecar goes")


def test_small_counted(t):
    """a small counted body: the target's answer is relayed, not an error"""
    early(t, ("Content-Length", "1000"), [b"x" * 100] * 10, drain)


def test_small_chunked(t):
    """a small chunked body: the target's answer is relayed, not an error"""
    early(t, ("Transfer-Encoding", "chunked"), [chunk(b"x" * 100)] * 10 + [b"0\r\n\r\n"], drain)


def test_target_closes(t):
    """the target closes right after its early answer, and the answer still comes"""
    early(t, ("Content-Length", "300000"), [b"x" * 30000] * 10, lambda c: c.half_close() or drain(c))


def refuses(c):
    """Answers after the head, and reads nothing more."""
    c.request_head()
    c.respond(413, body=b"too much", headers=[("Connection", "close")])
    drain(c)


def upload(client, size, chunks, block=65536):
    """Sends all of it, as far as the connection takes it."""
    try:
        for _ in range(size // block):
            client.send(chunk(bytes(block)) if chunks else bytes(block))
        if chunks:
            client.send(b"0\r\n\r\n")
    except Ended:                               # refused: the answer is there to be read
        pass


def post_head(client, size, chunks, target="/up", headers=()):
    framing = ("Transfer-Encoding", "chunked") if chunks else ("Content-Length", size)
    return client.head("POST", target, [framing] + list(headers))


def large(t, chunks):
    needs_seam(t, "an answer in the middle of a long body")
    size = 64 << 20
    outrider = t.outrider(PLAIN, origin=t.origin(refuses))
    client = t.client(outrider)
    client.send(post_head(client, size, chunks))
    upload(client, size, chunks)
    answer = client.response("POST")
    t.equal((answer.status, answer.body), (413, b"too much"), "answer")
    client.expect_closed(t)
    line = outrider.access_log(1)[0]
    t.equal((line["status"], line["end"], line["bytes_out"]), (413, "complete", 8), "in the log")


def test_large_counted(t):
    """a counted body of 64 MiB: the answer always arrives, whole"""
    large(t, False)


def test_large_chunked(t):
    """a chunked body of 64 MiB: the answer always arrives, whole"""
    large(t, True)


def test_at_once(t):
    """the answer does not wait for a client that sends no more of its body"""
    needs_seam(t, "an answer in the middle of a body")
    outrider = t.outrider(PLAIN, origin=t.origin(refuses))
    for chunks in (False, True):
        client = t.client(outrider)
        client.send(post_head(client, 10 << 20, chunks) + (chunk(b"first") if chunks else b"first"))
        began = time.monotonic()
        answer = client.response("POST")
        t.equal((answer.status, answer.body), (413, b"too much"), "answer")
        t.at_most(time.monotonic() - began, 5, "seconds to the answer")
        t.equal(answer.all("connection"), [] if chunks else ["close"], "Connection")
        client.expect_closed(t)


def test_short_rest(t):
    """with little left of the body the connection is kept"""
    needs_seam(t, "an answer in the middle of a body")

    def script(c):
        while c.buffer or c.more():
            request = c.request_head()
            c.respond(200, body=request.target.encode())
            if request.method == "POST":
                c.stall()
                return
    outrider = t.outrider(PLAIN, origin=t.origin(script))
    for chunks in (False, True):
        client = t.client(outrider)
        for n in range(3):
            client.send(post_head(client, 1000, chunks, f"/{n}") + (chunk(bytes(500)) if chunks else bytes(500)))
            t.equal(client.response("POST").body, b"/%d" % n, "answer before the end of the body")
            client.send(chunk(bytes(500)) + b"0\r\n\r\n" if chunks else bytes(500))
            t.equal(client.get("/next").body, b"/next", "the next request on the connection")


def streamed(t, answer, pieces, receive_buffer=None, then=None):
    """The target's answer streams while the client goes on sending; what the client gets of it."""
    needs_seam(t, "an answer in the middle of a body")

    def script(c):
        c.request_head()
        c.send(answer)
        for piece in pieces:
            c.send(piece)
        (then or drain)(c)
    outrider = t.outrider(PLAIN, origin=t.origin(script))
    client = t.client(outrider, receive_buffer=receive_buffer)
    client.send(post_head(client, 32 << 20, True))
    sender = threading.Thread(target=upload, args=(client, 32 << 20, True), daemon=True)
    sender.start()
    return outrider, client, sender


def test_streamed_chunked(t):
    """a chunked answer streams while the body is still coming, its trailers behind it"""
    pieces = [chunk(bytes([n]) * 70000) for n in range(100)] + [b"0\r\nX-Sum: 1\r\n\r\n"]
    outrider, client, sender = streamed(t, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", pieces)
    answer = client.response("POST")
    t.true(answer.body == b"".join(bytes([n]) * 70000 for n in range(100)), "the body is whole")
    t.equal((answer.framing, answer.trailers), ("chunked", [("X-Sum", "1")]), "framing and trailers")
    sender.join(remaining())


def test_refused_long_slow(t):
    """a long refusal to a client that sends everything before it reads anything"""
    body = os.urandom(1 << 20) * 16
    outrider, client, sender = streamed(t, b"HTTP/1.1 413 No\r\nContent-Length: %d\r\n\r\n" % len(body), [body],
                                        receive_buffer=8192)
    sender.join(remaining())
    answer = client.response("POST")
    t.true(answer.body == body, "the body is whole")
    if not sanitized():
        t.at_most(outrider.peak_kib(), 64 * 1024, "peak resident size (KiB)")


def test_streamed_counted_slow(t):
    """a long counted answer to a client with a narrow socket, while the target reads nothing"""
    body = os.urandom(1 << 20) * 16
    outrider, client, sender = streamed(t, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), [body],
                                        receive_buffer=8192)
    answer = client.response("POST")
    t.true(answer.body == body, "the body is whole")
    sender.join(remaining())
    if not sanitized():
        t.at_most(outrider.peak_kib(), 64 * 1024, "peak resident size (KiB)")


def test_streamed_to_the_end(t):
    """an answer that ends with the target's connection"""
    outrider, client, sender = streamed(t, b"HTTP/1.1 200 OK\r\n\r\n", [b"x" * 500000],
                                        then=lambda c: c.half_close() or drain(c))
    answer = client.response("POST")
    t.equal((answer.framing, len(answer.body)), ("chunked", 500000), "framing and size")
    sender.join(remaining())


def test_streamed_cut(t):
    """an early answer that the target cuts never looks whole"""
    outrider, client, sender = streamed(t, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", [chunk(b"x" * 9000)],
                                        then=lambda c: c.reset())
    t.raises((Truncated, Ended), lambda: client.response("POST"), "a cut answer")
    sender.join(remaining())


def test_http10(t):
    """an early answer to HTTP/1.0 that has no length ends with the connection"""
    needs_seam(t, "an answer in the middle of a body")

    def script(c):
        c.request_head()
        c.respond(200, body=[b"a" * 1000, b"b" * 1000])
        drain(c)
    client = t.client(t.outrider(PLAIN, origin=t.origin(script)))
    client.send(client.head("POST", "/", [("Content-Length", 1 << 20)], version="HTTP/1.0") + bytes(1000))
    answer = client.response("POST")
    t.equal((answer.framing, answer.body), ("close", b"a" * 1000 + b"b" * 1000), "answer")


def echoes(c):
    """Answers each piece of the body as it comes."""
    request = c.request_head()
    c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    c.body(request, lambda piece: c.send(chunk(piece)))
    c.send(b"0\r\n\r\n")


def test_both_ways(t):
    """a target that answers piece by piece gets the rest of the body, and the client each answer before its next piece"""
    needs_seam(t, "an answer in the middle of a body")

    def script(c):
        while c.buffer or c.more():
            echoes(c)
    outrider = t.outrider(PLAIN, origin=t.origin(script))
    client = t.client(outrider)
    for chunks in (True, False):
        client.send(post_head(client, 5 * 200, chunks))
        t.equal(client.response_head("POST").framing, "chunked", "framing")
        for n in range(200):
            piece = b"%05d" % n
            client.send(chunk(piece) if chunks else piece)
            t.equal(client.until(piece + b"\r\n", 100, "the echo"), chunk(piece), "the echo")
        if chunks:
            client.send(b"0\r\n\r\n")
        t.equal(client.exactly(5, "the end"), b"0\r\n\r\n", "the end")
    t.equal([(line["bytes_in"], line["bytes_out"], line["end"]) for line in outrider.access_log(2)],
            [(1000, 1000, "complete")] * 2, "bytes in the log")
    t.equal(outrider.access_log(2)[1]["reused"], True, "the target's connection is kept")


def test_both_ways_large(t):
    """an echo of 16 MiB through narrow sockets, whole"""
    needs_seam(t, "an answer in the middle of a body")
    body = os.urandom(1 << 20) * 16
    outrider = t.outrider(PLAIN, origin=t.origin(echoes, receive_buffer=16384))
    for chunks in (False, True):
        client = t.client(outrider, receive_buffer=16384)
        client.send(post_head(client, len(body), chunks))
        pieces = [body[i:i + 65536] for i in range(0, len(body), 65536)]
        wire = b"".join(chunk(piece) for piece in pieces) + b"0\r\n\r\n" if chunks else body
        sender = threading.Thread(target=client.send, args=(wire,), daemon=True)
        sender.start()
        t.true(client.response("POST").body == body, "the echo is what was sent")
        sender.join(remaining())


def test_answer_ends_first(t):
    """a target whose answer ends before it has read the body: the rest is dropped, the answer is whole"""
    needs_seam(t, "an answer in the middle of a body")

    def script(c):
        c.request_head()
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"a"))
        t.wait_until(lambda: sent, "some of the body")
        c.send(chunk(b"b") + b"0\r\n\r\n")
        drain(c)
    sent = []
    outrider = t.outrider(PLAIN, origin=t.origin(script))
    client = t.client(outrider)
    client.send(post_head(client, 32 << 20, False) + bytes(100000))
    client.until(chunk(b"a"), 1000, "the first piece")
    sent.append(True)
    t.equal(client.until(b"0\r\n\r\n", 1000, "the rest"), chunk(b"b") + b"0\r\n\r\n", "the rest")
    upload(client, 16 << 20, False)
    client.expect_closed(t)


def test_half_closed(t):
    """a client that stops sending in the middle of its body, and half-closes, still gets the answer that is under way"""
    needs_seam(t, "an answer in the middle of a body")

    def script(c):
        c.request_head()
        c.send(b"HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"a"))
        t.wait_until(lambda: ended, "the end of the client's side")
        c.send(chunk(b"b" * 100000) + b"0\r\n\r\n")
        drain(c)
    outrider = t.outrider(PLAIN, origin=t.origin(script))
    before = outrider.descriptors()
    for chunks in (False, True):
        ended = []
        client = t.client(outrider)
        client.send(post_head(client, 1 << 20, chunks) + (chunk(bytes(100)) if chunks else bytes(100)))
        client.until(chunk(b"a"), 1000, "the first piece")
        client.half_close()
        ended.append(True)
        t.equal(client.until(b"0\r\n\r\n", 200000, "the rest").count(b"b"), 100000, "bytes of the rest")
        client.expect_closed(t)
    t.wait_until(lambda: outrider.descriptors() <= before, "the connections to be closed")


def test_refused_at_the_head(t):
    """a refusal that is known at the head arrives, however long the body is"""
    needs_seam(t, "an answer in the middle of a long body")
    text = PLAIN.replace('["/**"]', '["/only"]')
    outrider = t.outrider(text, origin=t.origin())
    for chunks in (False, True):
        client = t.client(outrider)
        client.send(post_head(client, 64 << 20, chunks))
        upload(client, 64 << 20, chunks)
        problem(t, client.response("POST"), 404, "no-route", "destination_not_found")
        client.expect_closed(t)


def test_expect(t):
    """somebody who waits for 100 Continue gets the refusal instead, and the end of the connection"""
    needs_seam(t, "an answer in the middle of a body")
    outrider = t.outrider(PLAIN.replace('["/**"]', '["/only"]'), origin=t.origin())
    client = t.client(outrider)
    client.send(post_head(client, 1000, False, headers=[("Expect", "100-continue")]))
    answer = client.response("POST")
    t.equal((answer.status, answer.interim, answer.get("connection")), (404, [], "close"), "answer")
    client.expect_closed(t)


def test_silent_client(t):
    """a client that neither sends nor closes after the answer is let go soon"""
    needs_seam(t, "an answer in the middle of a body")
    outrider = t.outrider(PLAIN, origin=t.origin(refuses))
    before = outrider.descriptors()
    client = t.client(outrider)
    client.send(post_head(client, 10 << 20, False))
    t.equal(client.response("POST").status, 413, "status")
    t.wait_until(lambda: outrider.descriptors() <= before, "the connection to be closed")
    t.equal(outrider.access_log(1)[0]["end"], "complete", "end in the log")


def test_broken_rest(t):
    """6: a body that turns out malformed behind the answer brings no second one, and nothing behind it is a request"""
    origin = t.origin(refuses)
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(post_head(client, 0, True) + chunk(b"first"))
    origin.wait_requests(1)
    needs_seam(t, "an answer in the middle of a body")
    t.equal(client.response("POST").body, b"too much", "answer")
    client.send(b"zz\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
    client.expect_gone(t)
    t.equal([r.target for r in origin.requests], ["/up"], "requests at the target")


def test_stop(t):
    """a stop does not wait for the rest of a body"""
    needs_seam(t, "an answer in the middle of a body")
    outrider = t.outrider("shutdown: { deadline: 300ms }\n" + PLAIN, origin=t.origin(refuses))
    client = t.client(outrider)
    client.send(post_head(client, 10 << 20, False))
    t.equal(client.response("POST").status, 413, "status")
    began = time.monotonic()
    outrider.signal(signal.SIGTERM)
    t.equal(outrider.wait(), 0, "exit code")
    t.at_most(time.monotonic() - began, 5, "seconds to the end")


def test_sidecar_goes_on(t):
    """after early answers other requests are served, and nothing leaks"""
    def script(c):
        while c.buffer or c.more():
            if c.request_head().method == "POST":
                c.respond(400, body=b"no", headers=[("Connection", "close")])
                drain(c)
                return
            c.respond(body=b"yes")
    outrider = t.outrider(PLAIN, origin=t.origin(script))
    for _ in range(20):
        t.equal(t.ask(outrider, "POST", "/", body=b"x" * 50000).status, 400, "status of POST")
        t.equal(t.get(outrider).body, b"yes", "answer of GET")


main()
