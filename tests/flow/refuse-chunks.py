#!/usr/bin/env python3
# tests/flow/refuse-chunks.py - 5: chunk framing that is not exactly right.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def bodies(**cases):
    return {what.replace("_", " "): strict.post(b"Transfer-Encoding: chunked", body=body) for what,
            body in cases.items()}


def test_sizes(t):
    """5: sizes that are not plain hexadecimal are 400"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, bodies(
        no_number=b"zz\r\nhello\r\n0\r\n\r\n", signed=b"+5\r\nhello\r\n0\r\n\r\n",
        negative=b"-5\r\nhello\r\n0\r\n\r\n",
        with_0x=b"0x5\r\nhello\r\n0\r\n\r\n", empty=b"\r\nhello\r\n0\r\n\r\n",
        blank_before=b" 5\r\nhello\r\n0\r\n\r\n",
        blank_behind=b"5 \r\nhello\r\n0\r\n\r\n", tab_behind=b"5\t\r\nhello\r\n0\r\n\r\n",
        underscore=b"0_5\r\nhello\r\n0\r\n\r\n",
        overflow_64=b"10000000000000005\r\nhello\r\n0\r\n\r\n", overflow_far=b"f" * 40 + b"\r\nhello\r\n0\r\n\r\n",
        overflow_32_in_64=b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n", nul=b"5\0\r\nhello\r\n0\r\n\r\n"), (400, 413))


def test_line_ends(t):
    """5: bare LF and CR in the framing are 400"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, bodies(
        lf_after_size=b"5\nhello\r\n0\r\n\r\n", cr_after_size=b"5\rhello\r\n0\r\n\r\n",
        lf_after_data=b"5\r\nhello\n0\r\n\r\n",
        cr_after_data=b"5\r\nhello\r0\r\n\r\n", nothing_after_data=b"5\r\nhello0\r\n\r\n",
        more_data_than_said=b"5\r\nhelloX\r\n0\r\n\r\n",
        lf_after_the_last=b"5\r\nhello\r\n0\n\r\n", lf_at_the_end=b"5\r\nhello\r\n0\r\n\n",
        cr_cr_lf=b"5\r\r\nhello\r\n0\r\n\r\n"), (400,))


def test_extensions(t):
    """5: extensions that hide something are 400"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, bodies(
        lf_in_an_extension=b"5;a\nhello\r\n0\r\n\r\n", cr_in_an_extension=b"5;a\rb\r\nhello\r\n0\r\n\r\n",
        nul_in_an_extension=b"5;a\0b\r\nhello\r\n0\r\n\r\n",
        very_long=b"5;" + b"a" * 5000 + b"\r\nhello\r\n0\r\n\r\n",
        very_long_on_the_last=b"5\r\nhello\r\n0;" + b"a" * 5000 + b"\r\n\r\n"), (400, 413))


def test_extensions_that_mean_nothing(t):
    """5: other extensions are read over, and the body is framed anew; a library that refuses them does so"""
    wires = bodies(plain=b"5;a\r\nhello\r\n0\r\n\r\n", valued=b"5;a=b;c=d\r\nhello\r\n0;e\r\n\r\n",
                   quoted=b'5;a="b c;d"\r\nhello\r\n0\r\n\r\n', signed=b"5;chunk-signature=" + b"f" * 64 + b"\r\nhello\r\n0\r\n\r\n")
    if reads_extensions():
        strict.accepted(t, {what: strict.Served(wire, body=b"hello") for what, wire in wires.items()})
    else:
        needs_seam(t, "what its library hides cannot be refused")
        strict.refused(t, wires, (400,))


def test_extension_without_end(t):
    """5: an extension that has no end is 400 and the end of the connection, whether its client stays or goes"""
    wire = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;" + b"a" * 100000
    origin = t.origin()
    outrider = t.outrider(PLAIN, origin=origin)
    before = outrider.descriptors()
    client = t.client(outrider)
    client.send(wire)
    t.equal(client.response().status, 400, "status")
    client.expect_closed(t)
    for _ in range(3):
        gone = t.client(outrider)
        gone.send(wire)
        gone.close()
    origin.wait_idle()
    t.wait_until(lambda: outrider.descriptors() <= before, "the daemon to give everything back")
    used = outrider.cpu_seconds()
    t.equal(t.get(outrider).status, 200, "status of the next one")
    t.at_most(outrider.cpu_seconds() - used, 0.5, "seconds of the CPU for one request")


def test_trailers(t):
    """5: broken trailers are 400"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, bodies(
        space_before_colon=b"5\r\nhello\r\n0\r\nX : y\r\n\r\n", no_name=b"5\r\nhello\r\n0\r\n: y\r\n\r\n",
        folded=b"5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n",
        no_colon=b"5\r\nhello\r\n0\r\nnothing\r\n\r\n", nul=b"5\r\nhello\r\n0\r\nX: \0\r\n\r\n",
        lf=b"5\r\nhello\r\n0\r\nX: y\n\r\n"), (400,))


def test_any_byte_for_a_size(t):
    """5: no byte but a hexadecimal digit begins a size, and none but CR or a semicolon ends the last one"""
    needs_seam(t, "what its library hides cannot be refused")
    digits = b"0123456789abcdefABCDEF"
    cases = {}
    for byte in range(256):
        one = bytes([byte])
        if byte not in digits:
            cases[f"{one!r} before"] = b"%c5\r\nhello\r\n0\r\n\r\n" % byte
        if byte not in digits + (b"\r;" if reads_extensions() else b"\r"):
            cases[f"{one!r} behind"] = b"5%c\r\nhello\r\n0\r\n\r\n" % byte
        if byte not in digits + b"\r;":
            cases[f"{one!r} behind the last"] = b"5\r\nhello\r\n0%c\r\n\r\n" % byte
        if byte != 13:
            cases[f"{one!r} for the CR behind the data"] = b"5\r\nhello%c\n0\r\n\r\n" % byte
        if byte != 10:
            cases[f"{one!r} for the LF behind the size"] = b"5\r%chello\r\n0\r\n\r\n" % byte
    strict.refused(t, bodies(**cases), (400, 413), step=strict.SWEEP)


def test_more_sizes(t):
    """5: sizes that wrap, end early or say too much are 400 or 413"""
    needs_seam(t, "what its library hides cannot be refused")
    sizes = (b"1000000000000005", b"f000000000000005", b"8000000000000005", b"7fffffffffffffff", b"fffffffffffffffe",
             b"00000000000000005", b"0" * 64 + b"5", b"0x", b"x5", b"0X5", b"\\x5", b"5h", b"h5", b"5.", b"5,", b"5:", b"5=a",
             b"5 ; a", b'5;a="\r\n', b"5 a", b"5\t;a", b"\t5", b"5\x0b", b"\x0c5",
             b"-0", b"+0", b"(5)", b"5%20", b"\xef\xbb\xbf5", b"\xd9\xa5", b"5\r", b"\r5", b"\n5", b"5\n", b"5\0", b"\x005")
    if not reads_extensions():
        sizes += (b"5; a", b"5;", b"5;a", b"5;a=b", b'5;a="b"')
    strict.refused(t, bodies(**{repr(size): size + b"\r\nhello\r\n0\r\n\r\n" for size in sizes}), (400, 413))


def test_line_mixes(t):
    """5: every line end but CR LF, at every line of a chunked body, is 400"""
    needs_seam(t, "what its library hides cannot be refused")
    lines = (b"5", b"hello", b"3", b"abc", b"0", b"X-T: y", b"")
    cases = {}
    for at, _ in enumerate(lines):
        for end in (b"\n", b"\r", b"\r\r\n", b"\n\r", b"\0\n", b"\x0b\n", b"\x85", b"\x1e\n", b"\xe2\x80\xa8"):
            cases[f"{end!r} behind line {at}"] = b"".join(line + (end if i == at else b"\r\n") for i, line in enumerate(lines))
    strict.refused(t, bodies(**cases), (400,))


def test_forbidden_trailers(t):
    """5: trailers that frame, route or name what belongs to one hop are 400"""
    needs_seam(t, "what its library hides cannot be refused")
    fields = (b"Transfer-Encoding: chunked", b"transfer-encoding: gzip", b"Content-Length: 5", b"CONTENT-LENGTH: 0", b"Host: evil.example",
              b"Connection: close", b"Upgrade: websocket", b" X: y", b"\tX: y", b"X\0: y", b"X: a\rb", b"X: a\x0bb", b"X Y: z",
              b"X: a\r\n b", b"X", b"X(Y): z", b"\xff: y", b"X: \x7f")
    strict.refused(t, bodies(**{repr(field): b"5\r\nhello\r\n0\r\n" + field + b"\r\n\r\n" for field in fields}), (400,))


def test_endless_trailers(t):
    """5: trailers above the limit of a head are 400 or 431"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, bodies(one_long=b"5\r\nhello\r\n0\r\nX: " + b"y" * 20000 + b"\r\n\r\n",
                             many=b"5\r\nhello\r\n0\r\n" + b"X: y\r\n" * 3000 + b"\r\n"), (400, 413, 431))


def test_good(t):
    """5: leading zeros, both cases and trailers are served; nothing of it becomes a field"""
    origin = strict.accepted(t, bodies(
        plain=b"5\r\nhello\r\n0\r\n\r\n", zeros=b"0005\r\nhello\r\n000\r\n\r\n",
        upper=b"A\r\nhellohello\r\n0\r\n\r\n",
        lower=b"a\r\nhellohello\r\n0\r\n\r\n", trailers=b"5\r\nhello\r\n0\r\nX-T: v\r\nAuthorization: no\r\n\r\n"))
    for request in origin.requests:
        for name in ("x-t", "authorization"):
            t.lacks(request.names(), name, "fields at the target")


def test_reframed(t):
    """5: the target gets chunk framing of the sidecar's own making"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(strict.post(b"Transfer-Encoding: chunked",
                            body=b"00000001\r\nh\r\n04\r\nello\r\n0000\r\nX-T: v\r\n\r\n"))
    t.equal(client.response().status, 200, "status")
    t.equal((origin.last.body, origin.last.trailers), (b"hello", [("X-T", "v")]), "body and trailers")


main()
