# tests/suites/duties/answers.py - what a proxy does with an answer: its framing, its fields, its end.
# SPDX-License-Identifier: Apache-2.0
import re

from kit import BadMessage, Ended, Truncated


def said(raw, end=True):
    """A script that answers every request with these bytes."""
    def script(c):
        for _ in c.requests():
            c.send(raw)
            if end:
                return
    return script


def incomplete(t, client, what):
    """The client sees an error, or a message that does not come to its end."""
    try:
        answer = client.response()
    except (Ended, Truncated):
        return
    t.true(answer.status >= 500, f"{what}: a whole answer, {answer.status} {answer.body[:60]!r}")


def bad_gateway(t, client, what):
    """502, or the end of the connection; not one byte of a good answer."""
    try:
        answer = client.response()
    except (Ended, Truncated):
        return
    except BadMessage as error:
        t.true(False, f"{what}: passed on as it is: {error}")
    t.true(answer.status >= 500, f"{what}: {answer.status} {answer.body[:60]!r}")


def test_cut_counted(t):
    """RFC 9112 8: a counted body that is cut does not look whole to the client"""
    client, _ = t.through(said(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"))
    client.request("GET", "/")
    incomplete(t, client, "counted")


def test_cut_chunked(t):
    """RFC 9112 8: a chunked body that is cut does not look whole to the client"""
    client, _ = t.through(said(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"))
    client.request("GET", "/")
    incomplete(t, client, "chunked")


def test_cut_chunked_http10(t):
    """RFC 9112 8: nor to an HTTP/1.0 client, which gets a reset"""
    client, _ = t.through(said(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"))
    client.send(b"GET / HTTP/1.0\r\nHost: t.example\r\n\r\n")
    incomplete(t, client, "chunked, HTTP/1.0")


def test_cut_head(t):
    """RFC 9112 8: a head that is cut is an error"""
    client, _ = t.through(said(b"HTTP/1.1 200 OK\r\nContent-Le"))
    client.request("GET", "/")
    bad_gateway(t, client, "half a head")


def test_until_close(t):
    """RFC 9112 6.3: a body that ends with the connection comes whole, and its end can be told"""
    client, _ = t.through(said(b"HTTP/1.1 200 OK\r\n\r\nall of it"))
    answer = client.get()
    t.equal((answer.status, answer.body), (200, b"all of it"), "answer")


def test_until_close_http10(t):
    """RFC 9112 6.3: the same from an HTTP/1.0 target"""
    client, _ = t.through(said(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it"))
    answer = client.get()
    t.equal((answer.status, answer.body), (200, b"all of it"), "answer")


def test_own_version(t):
    """RFC 9110 6.2: an answer of HTTP/1.0 goes on in the proxy's own version"""
    client, _ = t.through(said(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    t.equal(client.get().minor, 1, "minor version")


def test_two_lengths(t):
    """RFC 9112 6.3: two different lengths are 502"""
    client, _ = t.through(said(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\nokok"))
    client.request("GET", "/")
    bad_gateway(t, client, "two lengths")


def test_list_of_lengths(t):
    """RFC 9112 6.3: a list of different lengths is 502"""
    client, _ = t.through(said(b"HTTP/1.1 200 OK\r\nContent-Length: 2, 4\r\n\r\nokok"))
    client.request("GET", "/")
    bad_gateway(t, client, "a list of lengths")


def test_no_number(t):
    """RFC 9112 6.3: a length that is no number is 502"""
    for value in (b"+2", b"0x2", b"2 2", b"-1", b"two", b"99999999999999999999"):
        client, _ = t.through(said(b"HTTP/1.1 200 OK\r\nContent-Length: " + value + b"\r\n\r\nok"))
        client.request("GET", "/")
        bad_gateway(t, client, value.decode())


def test_length_and_coding(t):
    """RFC 9112 6.3: with both, the coding is followed and the length taken away, or it is 502"""
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    client, _ = t.through(said(raw))
    answer = client.get()
    t.true(answer.status >= 500 or answer.body == b"hello", f"{answer.status} {answer.body!r}")


def test_unknown_coding(t):
    """RFC 9112 6.1: a transfer coding nobody knows is not passed on as if it were the body"""
    client, _ = t.through(said(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: whatever\r\n\r\n@@@@"))
    client.request("GET", "/")
    bad_gateway(t, client, "an unknown coding")


def test_bad_chunk(t):
    """RFC 9112 7.1: a chunk size that is none does not make a whole answer"""
    for size in (b"5g", b"0x5", b"-5", b"11111111111111111", b""):
        raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + size + b"\r\nhello\r\n0\r\n\r\n"
        client, _ = t.through(said(raw))
        client.request("GET", "/")
        incomplete(t, client, repr(size))


def test_chunk_extensions(t):
    """RFC 9112 7.1.1: chunk extensions are ignored"""
    raw = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
           b"5;a=1;b=\"x;y\"\r\nhello\r\n00A;z\r\n0123456789\r\n0;last\r\n\r\n")
    client, _ = t.through(said(raw))
    t.equal(client.get().body, b"hello0123456789", "body")


def test_coding_name_without_case(t):
    """RFC 9112 7: names of codings know no letter case"""
    client, _ = t.through(said(b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"))
    t.equal(client.get().body, b"hello", "body")


def test_blank_before_colon(t):
    """RFC 9112 5.1: a blank between name and colon of an answer is taken away, or it is 502"""
    client, _ = t.through(said(b"HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length: 2\r\n\r\nok"))
    client.request("GET", "/")
    try:
        answer = client.response()
    except Ended:
        return
    t.true(answer.status >= 500 or answer.get("x-a") in ("1", None), f"{answer.status} {answer.fields}")


def test_folded_line(t):
    """RFC 9112 5.2: a folded line of an answer becomes one line, or it is 502"""
    client, _ = t.through(said(b"HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 2\r\n\r\nok"))
    client.request("GET", "/")
    try:
        answer = client.response()
    except Ended:
        return
    t.true(answer.status >= 500 or [v.split() for v in answer.all("x-a")] == [["1", "2"]],
           f"{answer.status} {answer.fields}")


def test_nul_in_value(t):
    """RFC 9110 5.5: NUL or CR in a value of an answer is replaced, or it is 502"""
    for raw in (b"1\0002", b"1\r2"):
        client, _ = t.through(said(b"HTTP/1.1 200 OK\r\nX-A: " + raw + b"\r\nContent-Length: 2\r\n\r\nok"))
        client.request("GET", "/")
        try:
            answer = client.response()
        except Ended:
            continue
        t.true(answer.status >= 500 or answer.get("x-a") == "1 2", f"{raw!r}: {answer.status} {answer.fields}")


def test_bytes_behind_an_answer(t):
    """RFC 9112 9.2: bytes that follow an answer are never taken for the next one"""
    def script(c):
        for _ in c.requests():
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                   b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
    client, _ = t.through(script)
    for i in range(4):
        client.request("GET", f"/{i}")
        try:
            answer = client.response()
        except Ended:
            client = t.client(client.sock.getpeername())
            continue
        t.true(answer.status >= 500 or answer.body == b"ok", f"answer {i}: {answer.body!r}")


def test_head(t):
    """RFC 9110 9.3.2: HEAD has no body, and keeps the length that GET would have"""
    client, origin = t.through()
    origin.answer("/", b"x" * 1234)
    answer = client.ask("HEAD", "/")
    t.equal((answer.status, answer.get("content-length")), (200, "1234"), "status, Content-Length")
    t.equal(client.get("/").status, 200, "the next request")


def test_head_with_a_body(t):
    """RFC 9110 9.3.2: a target that sends a body for HEAD poisons nothing"""
    client, origin = t.through(said(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", end=False))
    answer = client.ask("HEAD", "/")
    if answer.status == 200:
        client.expect_quiet(t, "after the answer to HEAD")
    client = t.client(client.sock.getpeername())
    answer = client.get("/two")
    t.true(answer.status >= 500 or answer.body == b"poison", f"{answer.status} {answer.body!r}")


def test_head_of_chunked(t):
    """RFC 9112 6.1: HEAD of a chunked resource has no body"""
    client, origin = t.through()
    origin.on("/", lambda c, r: c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                       + (b"" if r.method == "HEAD" else b"2\r\nok\r\n0\r\n\r\n")))
    answer = client.ask("HEAD", "/")
    t.equal(answer.status, 200, "status of HEAD")
    if "close" in answer.all("connection"):
        client.expect_closed(t)
        client = t.client(client.sock.getpeername())
    t.equal(client.get("/").body, b"ok", "the next request")


def test_204(t):
    """RFC 9110 8.6: 204 has neither body, length nor coding; the connection goes on"""
    client, _ = t.through(said(b"HTTP/1.1 204 No Content\r\n\r\n", end=False))
    for _ in range(2):
        answer = client.get()
        t.equal((answer.status, answer.raw_head.lower().count(b"content-length")), (204, 0), "status, lengths")


def test_204_with_length(t):
    """RFC 9110 8.6: a target's Content-Length in 204 does not go on"""
    client, _ = t.through(said(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", end=False))
    answer = client.get()
    t.true(answer.status in (204, 502), f"status {answer.status}")


def test_304(t):
    """RFC 9110 15.4.5: 304 has no body, whatever its length says, and its fields go on"""
    client, _ = t.through(said(b"HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\nContent-Length: 1234\r\n\r\n", end=False))
    for _ in range(2):
        answer = client.get(headers=[("If-None-Match", '"v1"')])
        t.equal((answer.status, answer.get("etag")), (304, '"v1"'), "status, ETag")
        t.true(answer.get("content-length") in (None, "1234"), f"Content-Length {answer.all('content-length')}")


def test_205(t):
    """RFC 9110 15.3.6: 205 has no content, and the connection goes on"""
    client, _ = t.through(said(b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", end=False))
    for _ in range(2):
        answer = client.get()
        t.equal((answer.status, answer.body), (205, b""), "answer")


def test_unknown_status(t):
    """RFC 9110 15: statuses that nobody knows go on"""
    for status in (299, 399, 499, 599):
        client, _ = t.through(said(b"HTTP/1.1 %d Whatever it is\r\nContent-Length: 2\r\n\r\nok" % status))
        answer = client.get()
        t.equal((answer.status, answer.body), (status, b"ok"), "answer")


def test_no_status(t):
    """RFC 9112 4: a status line that is none is 502"""
    for line in (b"HTTP/1.1 2000 OK", b"HTTP/1.1 20 OK", b"HTTX/1.1 200 OK", b"HTTP/1.1 -20 OK", b"200 OK"):
        client, _ = t.through(said(line + b"\r\nContent-Length: 2\r\n\r\nok"))
        client.request("GET", "/")
        bad_gateway(t, client, line.decode())


def test_empty_reason(t):
    """RFC 9112 4: an empty reason is an answer like others"""
    client, _ = t.through(said(b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok"))
    t.equal(client.get().body, b"ok", "body")


def test_trailers_are_no_fields(t):
    """RFC 9110 6.5.1: trailers of an answer are not made fields of its head"""
    raw = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
           b"2\r\nok\r\n0\r\nX-Sum: 1\r\nSet-Cookie: t=1\r\n\r\n")
    client, _ = t.through(said(raw))
    answer = client.get(headers=[("TE", "trailers"), ("Connection", "TE")])
    t.equal(answer.body, b"ok", "body")
    t.true("x-sum" not in answer.names() and "set-cookie" not in answer.names(), f"fields {answer.names()}")


def test_request_trailers_are_no_fields(t):
    """RFC 9110 6.5.1: trailers of a request are not made fields of its head"""
    client, origin = t.through()
    client.send(client.head("POST", "/", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")])
                + b"2\r\nok\r\n0\r\nX-Sum: 1\r\nAuthorization: Basic eA==\r\n\r\n")
    t.equal(client.response("POST").status, 200, "status")
    request = origin.wait_requests(1)[0]
    t.equal(request.body, b"ok", "body")
    t.true("x-sum" not in request.names() and "authorization" not in request.names(), f"fields {request.names()}")


def test_set_cookie_lines(t):
    """RFC 9110 5.3: lines of Set-Cookie stay lines, in order"""
    client, origin = t.through()
    cookies = ["a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "b=2", "c=3"]
    origin.answer("/", b"x", headers=[("Set-Cookie", c) for c in cookies])
    t.equal(client.get().all("set-cookie"), cookies, "Set-Cookie")


def test_order_of_lines(t):
    """RFC 9110 5.3: lines of the same name keep their order"""
    client, origin = t.through()
    origin.answer("/", b"x", headers=[("X-A", "1"), ("X-B", "x"), ("X-A", "2, 3"), ("x-a", "4")])
    t.equal([v.strip() for line in client.get().all("x-a") for v in line.split(",")], ["1", "2", "3", "4"], "X-A")


def test_date_added(t):
    """RFC 9110 6.6.1: an answer without Date gets one before it goes on"""
    client, _ = t.through(said(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    t.true(re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", client.get().get("date") or ""),
           "a Date in the form of the RFC")


def test_date_kept(t):
    """RFC 9110 6.6.1: a Date that is there is the origin's"""
    when = "Tue, 15 Nov 1994 08:12:31 GMT"
    client, _ = t.through(said(b"HTTP/1.1 200 OK\r\nDate: " + when.encode() + b"\r\nContent-Length: 2\r\n\r\nok"))
    t.equal(client.get().all("date"), [when], "Date")


def test_content_is_not_transformed(t):
    """RFC 9110 7.7: with no-transform, content and its fields stay as they are"""
    body = bytes(range(256)) * 40
    fields = [("Cache-Control", "no-transform"), ("Content-Encoding", "gzip"), ("Content-Type", "text/plain"),
              ("ETag", '"strong"'), ("Content-Range", "bytes 0-10239/99999"), ("Content-Location", "/elsewhere")]
    client, origin = t.through()
    origin.answer("/", body, status=206, headers=fields)
    answer = client.get(headers=[("Accept-Encoding", "gzip, br"), ("Range", "bytes=0-10239")])
    t.equal((answer.status, answer.body), (206, body), "answer")
    for name, value in fields:
        t.equal(answer.get(name), value, name)


def test_redirects_go_on(t):
    """RFC 9110 15.4: a proxy does not follow redirects"""
    client, origin = t.through()
    origin.answer("/", b"", status=302, headers=[("Location", "/elsewhere")])
    answer = client.get()
    t.equal((answer.status, answer.get("location")), (302, "/elsewhere"), "status, Location")
    t.equal(len(origin.requests), 1, "requests at the origin")


def test_coded_request_is_framed_anew(t):
    """RFC 9112 7.1: a chunked request reaches the target whole, whatever its chunks and the spelling of the coding were"""
    client, origin = t.through()
    client.send(client.head("POST", "/", [("transfer-encoding", "CHUNKED")])
                + b"00005\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n")
    t.equal(client.response("POST").status, 200, "status")
    t.equal(origin.wait_requests(1)[0].body, b"hello0123456789", "body")


def test_chunk_extensions_of_a_request(t):
    """RFC 9112 7.1.1: chunk extensions of a request that mean nothing to the proxy are ignored"""
    client, origin = t.through()
    client.send(client.head("POST", "/", [("Transfer-Encoding", "chunked")])
                + b"5;x=y\r\nhello\r\na;n=\"q;r\"\r\n0123456789\r\n0;last\r\n\r\n")
    t.equal(client.response("POST").status, 200, "status")
    t.equal(origin.wait_requests(1)[0].body, b"hello0123456789", "body")


def test_last_coding_of_a_request(t):
    """RFC 9112 6.3: a request whose last transfer coding is not chunked is 400, and the connection ends"""
    for codings in (b"gzip", b"chunked, gzip", b"identity"):
        client, origin = t.through()
        client.send(b"POST / HTTP/1.1\r\nHost: t.example\r\nTransfer-Encoding: " + codings + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        t.equal(client.response().status, 400, f"status of {codings.decode()}")
        client.expect_gone(t)
        t.equal(origin.requests, [], f"requests at the origin with {codings.decode()}")


def test_length_and_coding_of_a_request(t):
    """RFC 9112 6.3: a request with length and coding is refused, or the length goes; the connection ends"""
    client, origin = t.through()
    client.send(client.head("POST", "/", [("Content-Length", "3"), ("Transfer-Encoding", "chunked")])
                + b"5\r\nhello\r\n0\r\n\r\n")
    answer = client.response("POST")
    if answer.status == 200:
        t.equal(origin.wait_requests(1)[0].body, b"hello", "body")
    else:
        t.equal((answer.status, origin.requests), (400, []), "status, requests at the origin")
    client.expect_gone(t)


def test_cut_request(t):
    """RFC 9112 8: a request that is cut does not look whole to the target"""
    for framing, part in ((("Content-Length", "100"), b"half"), (("Transfer-Encoding", "chunked"), b"4\r\nhalf\r\n")):
        origin = t.origin()
        client = t.client(t.front(origin))
        client.send(client.head("POST", "/", [framing]) + part)
        client.reset()
        t.equal(t.get(t.front(origin), "/after").status, 200, "another client")
        t.equal([r.target for r in origin.requests], ["/after"], f"whole requests, {framing}")


def test_early_answer(t):
    """RFC 9112 9.3: an answer before the body is read does not make the rest of the body a request"""
    def script(c):
        c.request_head()
        c.respond(413, [("Connection", "close")], b"no")
        c.ending()
    origin = t.origin(script)
    client = t.client(t.front(origin))
    client.send(client.head("POST", "/", [("Content-Length", "60")]) + b"x" * 10)
    t.equal(client.response("POST").status, 413, "status")
    try:
        client.send(b"GET /inside HTTP/1.1\r\nHost: t.example\r\n\r\n" + b"x" * 9)
        client.half_close()                     # or the connection is kept: that is as good
        client.ending()
    except Ended:
        pass
    t.lacks([r.target for r in origin.requests], "/inside", "targets at the origin")
