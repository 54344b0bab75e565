# tests/suites/duties/requests.py - what a proxy does with a request: its line, its target, its Host, its methods.
# SPDX-License-Identifier: Apache-2.0
from kit import Ended


def only(origin):
    """The one request the origin has seen."""
    return origin.wait_requests(1)[0]


def refused(t, client, origin, statuses):
    answer = client.response()
    t.true(answer.status in statuses, f"status {answer.status}, expected one of {statuses}")
    t.equal(origin.requests, [], "requests at the origin")


def test_target_as_it_came(t):
    """RFC 9110 7.7: path and query go on as they came"""
    client, origin = t.through()
    for target in ("/a%20b/c", "/~x/%E2%82%AC?q=%2F+%20&r=a/b?c", "/p;v=1,2/x?", "/?a=1&a=2&%61=3"):
        t.equal(client.get(target).status, 200, f"status of {target}")
        t.equal(origin.requests[-1].target, target, "target")


def test_absolute_form(t):
    """RFC 9112 3.2.2: a server accepts the absolute form, and the origin gets the origin form"""
    client, origin = t.through()
    t.equal(client.get("http://t.example/x?y=1").status, 200, "status")
    t.true(only(origin).target in ("/x?y=1", "http://t.example/x?y=1"), f"target {only(origin).target!r}")


def test_absolute_form_replaces_host(t):
    """RFC 9112 3.2.2: the authority of an absolute target replaces Host when the request is forwarded"""
    client, origin = t.through()
    client.get("http://right.example/x", host="wrong.example")
    t.equal(only(origin).get("host"), "right.example", "Host")


def test_no_host(t):
    """RFC 9112 3.2: HTTP/1.1 without Host is 400"""
    client, origin = t.through()
    client.send(b"GET / HTTP/1.1\r\n\r\n")
    refused(t, client, origin, (400,))


def test_two_hosts(t):
    """RFC 9112 3.2: more than one Host line is 400"""
    client, origin = t.through()
    client.send(b"GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n")
    refused(t, client, origin, (400,))


def test_invalid_host(t):
    """RFC 9112 3.2: a Host that is none is 400"""
    client, origin = t.through()
    client.send(b"GET / HTTP/1.1\r\nHost: a b.example\r\n\r\n")
    refused(t, client, origin, (400,))


def test_blank_before_colon(t):
    """RFC 9112 5.1: a blank between name and colon is 400"""
    client, origin = t.through()
    client.send(b"GET / HTTP/1.1\r\nHost: t.example\r\nX-A : 1\r\n\r\n")
    refused(t, client, origin, (400,))


def test_folded_line(t):
    """RFC 9112 5.2: a folded line is refused, or becomes one line"""
    client, origin = t.through()
    client.send(b"GET / HTTP/1.1\r\nHost: t.example\r\nX-A: 1\r\n 2\r\n\r\n")
    answer = client.response()
    if answer.status == 200:
        t.equal([v.split() for v in only(origin).all("x-a")], [["1", "2"]], "the value")
    else:
        t.equal((answer.status, origin.requests), (400, []), "status, requests at the origin")


def test_nul_in_value(t):
    """RFC 9110 5.5: NUL in a value is refused, or replaced by a blank"""
    client, origin = t.through()
    client.send(b"GET / HTTP/1.1\r\nHost: t.example\r\nX-A: 1\0002\r\n\r\n")
    answer = client.response()
    if answer.status == 200:
        t.equal(only(origin).get("x-a"), "1 2", "the value")
    else:
        t.equal((answer.status, origin.requests), (400, []), "status, requests at the origin")


def test_bare_cr_in_value(t):
    """RFC 9112 2.2: CR alone in a value is refused, or replaced by a blank"""
    client, origin = t.through()
    client.send(b"GET / HTTP/1.1\r\nHost: t.example\r\nX-A: 1\r2\r\n\r\n")
    answer = client.response()
    if answer.status == 200:
        t.equal(only(origin).get("x-a"), "1 2", "the value")
    else:
        t.equal((answer.status, origin.requests), (400, []), "status, requests at the origin")


def test_unknown_fields(t):
    """RFC 9110 5.1: fields the proxy does not know go on"""
    client, origin = t.through()
    fields = [("X-Unheard-Of", "1"), ("Sec-Whatever", "a;b=\"c, d\""), ("Priority", "u=1"), ("x.!#$%&'*+-^_`|~0", "z")]
    client.get(headers=fields)
    for name, value in fields:
        t.equal(only(origin).get(name), value, name)


def test_order_of_lines(t):
    """RFC 9110 5.3: lines of the same name keep their order"""
    client, origin = t.through()
    client.get(headers=[("X-A", "1"), ("X-B", "x"), ("X-A", "2, 3"), ("x-a", "4")])
    t.equal([v.strip() for line in only(origin).all("x-a") for v in line.split(",")], ["1", "2", "3", "4"], "X-A")


def test_methods(t):
    """RFC 9110 9.1: methods are passed on as they are, letter case and all, or refused"""
    client, origin = t.through()
    for method in ("PATCH", "PROPFIND", "get", "M-SEARCH"):
        answer = client.ask(method, "/m")
        if answer.status == 200:
            t.equal(origin.requests[-1].method, method, "method")
        else:
            t.true(answer.status in (400, 405, 501), f"status {answer.status} of {method}")
            client = t.client((client.sock.getpeername()))


def test_own_version(t):
    """RFC 9110 6.2: the version that goes on is the proxy's own"""
    client, origin = t.through()
    client.send(b"GET / HTTP/1.0\r\nHost: t.example\r\n\r\n")
    t.equal(client.response().status, 200, "status")
    t.equal(only(origin).minor, 1, "minor version at the origin")


def test_minor_version(t):
    """RFC 9110 2.5: a higher minor version is HTTP/1.1, or 505"""
    client, origin = t.through()
    client.send(b"GET / HTTP/1.7\r\nHost: t.example\r\n\r\n")
    answer = client.response()
    if answer.status == 200:
        t.equal(only(origin).minor, 1, "minor version at the origin")
    else:
        t.true(answer.status in (400, 505), f"status {answer.status}")


def test_authorization(t):
    """RFC 9110 11.6.2: Authorization is not changed"""
    client, origin = t.through()
    client.get(headers=[("Authorization", 'Digest username="a", realm="x",  nonce="1"')])
    t.equal(only(origin).get("authorization"), 'Digest username="a", realm="x",  nonce="1"', "Authorization")


def test_connect(t):
    """RFC 9110 9.3.6: CONNECT opens no tunnel where none is offered"""
    client, origin = t.through()
    client.send(b"CONNECT t.example:443 HTTP/1.1\r\nHost: t.example:443\r\n\r\nGET /inside HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = client.response()
    t.true(answer.status >= 400, f"status {answer.status}")
    t.lacks([r.target for r in origin.requests], "/inside", "targets at the origin")


def test_max_forwards_zero(t):
    """RFC 9110 7.6.2: OPTIONS with Max-Forwards: 0 is answered, not forwarded"""
    client, origin = t.through()
    answer = client.ask("OPTIONS", "/x", headers=[("Max-Forwards", "0")])
    t.true(answer.status < 500, f"status {answer.status}")
    t.equal(origin.requests, [], "requests at the origin")


def test_max_forwards_counts(t):
    """RFC 9110 7.6.2: OPTIONS with Max-Forwards: 5 goes on with 4"""
    client, origin = t.through()
    client.ask("OPTIONS", "/x", headers=[("Max-Forwards", "5")])
    t.equal(only(origin).get("max-forwards"), "4", "Max-Forwards")


def test_trace_max_forwards_zero(t):
    """RFC 9110 7.6.2: TRACE with Max-Forwards: 0 is not forwarded"""
    client, origin = t.through()
    client.ask("TRACE", "/x", headers=[("Max-Forwards", "0")])
    t.equal(origin.requests, [], "requests at the origin")


def test_options_asterisk(t):
    """RFC 9112 3.2.4: OPTIONS * goes on as OPTIONS *, or is answered"""
    client, origin = t.through()
    answer = client.ask("OPTIONS", "*")
    t.true(answer.status < 300, f"status {answer.status}")
    t.true([r.target for r in origin.requests] in ([], ["*"]), f"targets {[r.target for r in origin.requests]}")


def test_options_without_path(t):
    """RFC 9112 3.2.4: OPTIONS of an authority alone goes on as OPTIONS *, or is answered"""
    client, origin = t.through()
    answer = client.ask("OPTIONS", "http://t.example")
    t.true(answer.status < 300, f"status {answer.status}")
    t.true([r.target for r in origin.requests] in ([], ["*"]), f"targets {[r.target for r in origin.requests]}")


def test_connection_close(t):
    """RFC 9112 9.6: after a request with close, the answer says close and the connection ends"""
    client, _ = t.through()
    answer = client.get(headers=[("Connection", "close")])
    t.contains([v.lower() for v in answer.all("connection")], "close", "Connection")
    client.expect_closed(t)


def test_nothing_after_close(t):
    """RFC 9112 9.6: no request after one with close is processed"""
    client, origin = t.through()
    client.send(client.head("GET", "/1", [("Connection", "close")]) + client.head("GET", "/2"))
    t.equal(client.response().status, 200, "status")
    client.expect_gone(t)
    t.equal([r.target for r in origin.requests], ["/1"], "targets at the origin")


def test_pipelined_in_order(t):
    """RFC 9112 9.3.2: answers come in the order of the requests"""
    client, origin = t.through()
    for i in range(5):
        origin.answer(f"/{i}", b"answer %d" % i)
    client.send(b"".join(client.head("GET", f"/{i}") for i in range(5)))
    t.equal([client.response().body for _ in range(5)], [b"answer %d" % i for i in range(5)], "answers")


def test_http10_ends(t):
    """RFC 9112 9.3: HTTP/1.0 without keep-alive: the connection ends after the answer"""
    client, _ = t.through()
    client.send(b"GET / HTTP/1.0\r\nHost: t.example\r\n\r\n")
    t.equal(client.response().body, b"hello", "body")
    client.expect_closed(t)


def test_http10_is_not_chunked(t):
    """RFC 9112 6.1: an HTTP/1.0 client never gets Transfer-Encoding"""
    client, origin = t.through()
    origin.answer("/", [b"one", b"two"])
    client.send(b"GET / HTTP/1.0\r\nHost: t.example\r\n\r\n")
    answer = client.response()
    t.equal((answer.all("transfer-encoding"), answer.body), ([], b"onetwo"), "Transfer-Encoding, body")


def test_no_body_without_framing(t):
    """RFC 9112 6.3: a request with neither length nor coding has no body: what follows is the next request"""
    client, origin = t.through()
    client.send(client.head("POST", "/1") + client.head("GET", "/2"))
    try:
        first = client.response("POST")
    except Ended as end:
        t.true(False, str(end))
    if first.status == 411:
        return
    t.equal(client.response().status, 200, "the second answer")
    t.equal([(r.target, r.body) for r in origin.requests], [("/1", b""), ("/2", b"")], "requests")


def test_bodies_of_any_method(t):
    """RFC 9110 9.3: a body of GET or DELETE keeps its framing"""
    client, origin = t.through()
    for method in ("GET", "DELETE"):
        answer = client.ask(method, "/b", body=b"GET /inside HTTP/1.1\r\n\r\n")
        t.true(answer.status == 200 or answer.status in (400, 413), f"status {answer.status}")
    t.lacks([r.target for r in origin.requests], "/inside", "targets at the origin")
    t.equal({r.body for r in origin.requests}, {b"GET /inside HTTP/1.1\r\n\r\n"}, "bodies")


def test_unsafe_is_not_sent_twice(t):
    """RFC 9110 9.2.2: a POST whose connection dies is never sent a second time by the proxy"""
    def script(c):
        c.request()
        c.respond(200, body=b"first")
        c.request()
        c.close()
    client, origin = t.through(script)
    client.get()
    client.request("POST", "/pay", body=b"1")
    try:
        answer = client.response("POST")
        t.true(answer.status >= 500, f"status {answer.status}")
    except Ended:
        pass
    t.equal([r.method for r in origin.requests].count("POST"), 1, "times the POST was sent")


