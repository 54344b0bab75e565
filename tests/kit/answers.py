# tests/kit/answers.py - answers of targets: those that break HTTP, and odd ones that do not.
# SPDX-License-Identifier: Apache-2.0
"""HOSTILE: what -> (kind, bytes). The kinds say what a client may see instead:

    head     502 upstream-protocol, always
    large    502 response-header-too-large, always
    body     502, or a message that is visibly cut; never a whole one
    behind   the answer is whole and bytes follow it: 502, or that answer, with the connection dropped

Those whose name begins with "HEAD: " answer a HEAD, the others a GET. EVIL stands wherever bytes must go nowhere."""

EVIL = b"HTTP/1.1 200 EVIL\r\nX-Evil: EVIL\r\nContent-Length: 4\r\n\r\nEVIL"
OK = b"HTTP/1.1 200 OK\r\n"
HOSTILE = {}
LEGAL = {}


def hostile(kind, what, data):
    assert what not in HOSTILE, what
    HOSTILE[what] = kind, data


# ---- status lines ----
def status_lines():
    zero = b"Content-Length: 0\r\n\r\n"
    for what, line in {
            "garbage": b"garbage\r\n", "an empty line first": b"\r\n" + OK, "two empty lines first": b"\r\n\r\n" + OK,
            "a bare LF first": b"\n" + OK, "a blank first": b" " + OK, "a NUL first": b"\0" + OK,
            "a byte order mark first": b"\xef\xbb\xbf" + OK, "a request": b"GET / HTTP/1.1\r\nHost: a\r\n",
            "a web page": b"<html><body>EVIL</body></html>\r\n", "one line of text": b"EVIL\n",
            "JSON": b"{\"a\": 1}\r\n",
            "a TLS alert": b"\x15\x03\x03\x00\x02\x02\x28",
            "a TLS hello": b"\x16\x03\x01\x00\x2e\x01\x00\x00\x2a\x03\x03",
            "an SSH banner": b"SSH-2.0-OpenSSH_9.2p1\r\n", "a mail banner": b"220 mail.example ESMTP\r\n",
            "an HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "HTTP/2 settings": b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80",
            "HTTP/0.9": b"HTTP/0.9 200 OK\r\n", "HTTP/2.0": b"HTTP/2.0 200 OK\r\n", "HTTP/3": b"HTTP/3 200 OK\r\n",
            "HTTP/1": b"HTTP/1 200 OK\r\n", "HTTP/1.": b"HTTP/1. 200 OK\r\n", "HTTP/1.x": b"HTTP/1.x 200 OK\r\n",
            "HTTP/1.10": b"HTTP/1.10 200 OK\r\n", "HTTP/01.1": b"HTTP/01.1 200 OK\r\n",
            "HTTP/11.1": b"HTTP/11.1 200 OK\r\n",
            "HTTP/-1.1": b"HTTP/-1.1 200 OK\r\n", "HTTP/+1.1": b"HTTP/+1.1 200 OK\r\n",
            "HTTP /1.1": b"HTTP /1.1 200 OK\r\n",
            "http/1.1": b"http/1.1 200 OK\r\n", "Http/1.1": b"Http/1.1 200 OK\r\n",
            "HTTPS/1.1": b"HTTPS/1.1 200 OK\r\n",
            "HTTP/1,1": b"HTTP/1,1 200 OK\r\n", "ICY": b"ICY 200 OK\r\n", "RTSP/1.0": b"RTSP/1.0 200 OK\r\n",
            "no status": b"HTTP/1.1\r\n", "a blank for a status": b"HTTP/1.1 \r\n",
            "an empty status": b"HTTP/1.1  OK\r\n",
            "status 0": b"HTTP/1.1 0 OK\r\n", "status 20": b"HTTP/1.1 20 OK\r\n",
            "status 2000": b"HTTP/1.1 2000 OK\r\n",
            "status 000": b"HTTP/1.1 000 OK\r\n", "status 099": b"HTTP/1.1 099 OK\r\n",
            "status 0200": b"HTTP/1.1 0200 OK\r\n",
            "status abc": b"HTTP/1.1 abc OK\r\n", "status 2x0": b"HTTP/1.1 2x0 OK\r\n",
            "status -20": b"HTTP/1.1 -20 OK\r\n",
            "status +20": b"HTTP/1.1 +20 OK\r\n", "status 2.0": b"HTTP/1.1 2.0 OK\r\n",
            "status 0x8": b"HTTP/1.1 0x8 OK\r\n",
            "a status in wide digits": "HTTP/1.1 ２００ OK\r\n".encode(), "status 200OK": b"HTTP/1.1 200OK\r\n",
            "status 200/OK": b"HTTP/1.1 200/OK\r\n", "two blanks before the status": b"HTTP/1.1  200 OK\r\n",
            "a tab before the status": b"HTTP/1.1\t200 OK\r\n", "a tab behind the status": b"HTTP/1.1 200\tOK\r\n",
            "a NUL in the reason": b"HTTP/1.1 200 O\0K\r\n", "a control in the reason": b"HTTP/1.1 200 O\x08K\r\n",
            "DEL in the reason": b"HTTP/1.1 200 O\x7fK\r\n", "a bare CR in the reason": b"HTTP/1.1 200 O\rK\r\n",
            "a status line that ends in LF": b"HTTP/1.1 200 OK\n",
            "a status line that ends in CR": b"HTTP/1.1 200 OK\r",
            "a status line that ends in CR CR LF": b"HTTP/1.1 200 OK\r\r\n",
            "a status line that ends in LF CR": b"HTTP/1.1 200 OK\n\r"}.items():
        hostile("head", what, line + zero)


# ---- fields ----
def field_lines():
    for what, line in {
            "a blank before the colon": b"X-A : b", "a tab before the colon": b"X-A\t: b", "no name": b": b",
            "a blank for a name": b" : b", "no colon": b"nothing", "a lone blank": b" ", "a lone tab": b"\t",
            "a folded line": b"X-A: a\r\n b", "a line folded by a tab": b"X-A: a\r\n\tb",
            "a folded empty line": b"X-A: a\r\n ",
            "a folded length": b"Content-Length:\r\n 4", "a folded coding": b"Transfer-Encoding:\r\n chunked",
            "a blank before the first field": b" X-A: a", "a tab before the first field": b"\tX-A: a",
            "NUL in a value": b"X-A: a\0b", "NUL at the end of a value": b"X-A: a\0", "NUL in a name": b"X\0A: a",
            "a bare CR in a value": b"X-A: a\rb", "a bare CR at the end of a value": b"X-A: a\r",
            "CR in a name": b"X\rA: a",
            "a bare LF in a value": b"X-A: a\nb", "a field line that ends in LF": b"X-A: a\nX-B: b",
            "a field smuggled by CR": b"X-A: a\rX-Evil: EVIL", "a field smuggled by LF": b"X-A: a\n\r\nEVIL",
            "a value that begins with CR": b"X-A:\rb", "a value that is a CR": b"X-A: \r",
            "BEL in a value": b"X-A: a\x07b",
            "ESC in a value": b"X-A: a\x1b[31m", "DEL in a value": b"X-A: a\x7fb", "VT in a value": b"X-A: a\x0bb",
            "FF in a value": b"X-A: a\x0cb", "BS in a value": b"X-A: a\x08b"}.items():
        hostile("head", what, OK + line + b"\r\nContent-Length: 4\r\n\r\nbody" + EVIL)
    for byte in b"()<>@,;\\\"/[]?={}\x01\x1f\x7f\x80\xff":
        hostile("head", f"{bytes([byte])!r} in a name", OK + b"X%cA: b\r\nContent-Length: 4\r\n\r\nbody" % byte)
    hostile("head", "an empty line that ends in LF", OK + b"Content-Length: 4\r\n\nbody")
    hostile("head", "an empty line of CR CR LF", OK + b"Content-Length: 4\r\n\r\r\nbody")
    hostile("head", "LF for all line ends", b"HTTP/1.1 200 OK\nContent-Length: 4\n\nbody")
    hostile("head", "CR for all line ends", b"HTTP/1.1 200 OK\rContent-Length: 4\r\rbody\r\n")


# ---- framing ----
def lengths():
    for what, value in {
            "+4": b"+4", "-4": b"-4", "-0": b"-0", "nothing": b"", "a blank": b" ", "0x4": b"0x4", "4h": b"4h",
            "hex": b"a",
            "4.0": b"4.0", "4e0": b"4e0", "4,4": b"4,4", "4, 4": b"4, 4", "4, 5": b"4, 5", ",4": b",4", "4,": b"4,",
            "4;4": b"4;4", "4 4": b"4 4", "4 and a tab and 4": b"4\t4", "quoted": b'"4"', "a word": b"four",
            "1_000": b"1_000",
            "wide digits": "４".encode(), "a sign alone": b"-", "4 with a high byte": b"4\xa0",
            "2^64": b"18446744073709551616",
            "2^64 + 4": b"18446744073709551620", "2^63": b"9223372036854775808", "2^128 + 4": b"%d" % (2 ** 128 + 4),
            "100 digits": b"9" * 100, "1000 zeros and 4": b"0" * 1000 + b"4"}.items():
        hostile("head", f"Content-Length: {what}", OK + b"Content-Length: " + value + b"\r\n\r\nbody" + EVIL)
    for what, fields in {
            "two lengths": [b"Content-Length: 4", b"Content-Length: 5"],
            "two lengths, the first larger": [b"Content-Length: 40", b"Content-Length: 4"],
            "the same length twice": [b"Content-Length: 4", b"Content-Length: 4"],
            "a length and an empty one": [b"Content-Length: 4", b"Content-Length:"],
            "two lengths of unlike letters": [b"Content-Length: 4", b"content-LENGTH: 5"],
            "two lengths far from each other": [b"Content-Length: 4"] + [b"X-%d: x" % i for i in range(50)] +
                                               [b"Content-Length: 4"],
            "three lengths": [b"Content-Length: 4"] * 3}.items():
        hostile("head", what, OK + b"\r\n".join(fields) + b"\r\n\r\nbody" + EVIL)


def codings():
    for what, value in {
            "gzip": b"gzip", "identity": b"identity", "gzip, chunked": b"gzip, chunked",
            "chunked, gzip": b"chunked, gzip",
            "chunked, chunked": b"chunked, chunked", "chunked, identity": b"chunked, identity", "chunked,": b"chunked,",
            ",chunked": b",chunked", "chunked;q=1": b"chunked;q=1", "chunked;": b"chunked;", "quoted": b'"chunked"',
            "quoted once": b"'chunked'", "xchunked": b"xchunked", "chunkedx": b"chunkedx", "chunke": b"chunke",
            "nothing": b"", "a blank": b" ", "chunked with a control": b"\x0bchunked", "chunked and NUL": b"chunked\0",
            "chunked with a high byte": b"chunked\xa0", "deflate": b"deflate", "x-chunked": b"x-chunked",
            "chunked folded": b"\r\n chunked", "chunked behind a CR": b"\rchunked", "chunked, and a space":
            b"chunk ed", "1": b"1"}.items():
        hostile("head", f"Transfer-Encoding: {what}", OK + b"Transfer-Encoding: " + value + b"\r\n\r\n4\r\nbody\r\n0\r\n\r\n")
    body = b"\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
    both = [b"Content-Length: 4", b"Transfer-Encoding: chunked"]
    hostile("head", "length and coding", OK + b"\r\n".join(both) + body + EVIL)
    hostile("head", "coding and length", OK + b"\r\n".join(both[::-1]) + body + EVIL)
    hostile("head", "length 0 and coding", OK + b"Content-Length: 0\r\nTransfer-Encoding: chunked" + body)
    hostile("head", "length and a coding unknown", OK + b"Content-Length: 4\r\nTransfer-Encoding: x\r\n\r\nbody")
    hostile("head", "a coding with a blank before its colon", OK + b"Transfer-Encoding : chunked" + body)
    hostile("head", "a length with a blank before its colon", OK + b"Content-Length : 4\r\n\r\nbody")
    hostile("head", "chunked in two fields", OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" + body)
    hostile("head",
        "gzip and chunked in two fields", OK + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked" + body)
    hostile("head", "chunked in HTTP/1.0", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked" + body)
    hostile("head", "chunked with a length in HTTP/1.0", b"HTTP/1.0 200 OK\r\n" + b"\r\n".join(both) + body)


# ---- size ----
def oversized():
    hostile("large", "a value of 9000 bytes", OK + b"X-A: " + b"a" * 9000 + b"\r\nContent-Length: 0\r\n\r\n")
    hostile("large", "a name of 9000 bytes", OK + b"X" * 9000 + b": a\r\nContent-Length: 0\r\n\r\n")
    hostile("large", "a reason of 9000 bytes", b"HTTP/1.1 200 " + b"a" * 9000 + b"\r\nContent-Length: 0\r\n\r\n")
    hostile("large", "201 fields", OK + b"".join(b"X-%d: x\r\n" % i for i in range(201)) + b"\r\n")
    hostile("large", "5000 fields", OK + b"a:\r\n" * 5000 + b"\r\n")
    hostile("large", "a head without an end", OK + b"X-A: a\r\n" * 4000)
    hostile("large", "a value without an end", OK + b"X-A: " + b"a" * 60000)
    hostile("large", "a name without an end", OK + b"a" * 60000)
    hostile("large", "a reason without an end", b"HTTP/1.1 200 " + b"a" * 60000)
    hostile("large",
        "a second head too large", b"HTTP/1.1 103 Early\r\n\r\n" + OK + b"X-A: " + b"a" * 9000 + b"\r\n\r\n")
    hostile("large",
        "an interim head too large", b"HTTP/1.1 103 Early\r\nX-A: " + b"a" * 9000 + b"\r\n\r\n" + OK + b"\r\n")


# ---- interim answers ----
def interim():
    def ok(n):
        return OK + b"Content-Length: %d\r\n\r\n" % n + b"x" * n
    hostile("head", "101 unasked", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nEVIL")
    hostile("head", "101 unasked, and an answer", b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + ok(4))
    hostile("head", "101 behind a 103", b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n")
    hostile("head", "17 interim answers", b"HTTP/1.1 100 Continue\r\n\r\n" * 17 + ok(4))
    hostile("head", "a thousand interim answers", b"HTTP/1.1 102 Processing\r\n\r\n" * 1000 + ok(4))
    hostile("head", "an interim answer with a body", b"HTTP/1.1 103 Early\r\nContent-Length: 4\r\n\r\nEVIL" + ok(4))
    hostile("head", "an interim answer with chunks",
            b"HTTP/1.1 103 Early\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nEVIL\r\n0\r\n\r\n" + ok(4))
    hostile("head", "100 and text", b"HTTP/1.1 100 Continue\r\n\r\nEVIL\r\n\r\n" + ok(4))
    hostile("head", "100 and an empty line", b"HTTP/1.1 100 Continue\r\n\r\n\r\n" + ok(4))
    hostile("head", "100 with a folded field", b"HTTP/1.1 100 Continue\r\nX: a\r\n b\r\n\r\n" + ok(4))
    hostile("head",
        "100 with two lengths", b"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n" + ok(4))
    hostile("head", "100 and HTTP/2", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/2 200\r\n\r\n")
    hostile("head", "100 and a broken head", b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: -1\r\n\r\n")


# ---- chunks ----
def chunks():
    first = OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n"
    for what, rest in {
            "size zz": b"zz\r\nbody\r\n0\r\n\r\n", "size -4": b"-4\r\nbody\r\n0\r\n\r\n",
            "size +4": b"+4\r\nbody\r\n0\r\n\r\n",
            "size 0x4": b"0x4\r\nbody\r\n0\r\n\r\n", "size 4x": b"4x\r\nbody\r\n0\r\n\r\n",
            "size 4.0": b"4.0\r\nbody\r\n0\r\n\r\n",
            "size 4,4": b"4,4\r\nbody\r\n0\r\n\r\n", "size 4 4": b"4 4\r\nbody\r\n0\r\n\r\n",
            "size 4_": b"4_\r\nbody\r\n0\r\n\r\n",
            "no size": b"\r\nbody\r\n0\r\n\r\n", "a blank for a size": b" \r\nbody\r\n0\r\n\r\n",
            "a blank before the size": b" 4\r\nbody\r\n0\r\n\r\n",
            "a blank behind the size": b"4 \r\nbody\r\n0\r\n\r\n",
            "a tab behind the size": b"4\t\r\nbody\r\n0\r\n\r\n", "NUL behind the size": b"4\0\r\nbody\r\n0\r\n\r\n",
            "an extension without a size": b";a=b\r\nbody\r\n0\r\n\r\n",
            "a size of 17 digits": b"10000000000000004\r\nbody\r\n0\r\n\r\n",
            "17 zeros and 4": b"0" * 17 + b"4\r\nbody\r\n0\r\n\r\n", "a size of 1000 digits": b"f" * 1000 + b"\r\nbody",
            "LF behind the size": b"4\nbody\r\n0\r\n\r\n", "CR behind the size": b"4\rbody\r\n0\r\n\r\n",
            "CR CR LF behind the size": b"4\r\r\nbody\r\n0\r\n\r\n", "LF CR behind the size": b"4\n\rbody\r\n0\r\n\r\n",
            "NUL in an extension": b"4;a\0b\r\nbody\r\n0\r\n\r\n",
            "a control in an extension": b"4;a\x01b\r\nbody\r\n0\r\n\r\n",
            "a bare CR in an extension": b"4;a\rb\r\nbody\r\n0\r\n\r\n",
            "LF in an extension": b"4;a\nb\r\nbody\r\n0\r\n\r\n",
            "an extension that ends in LF": b"4;a=b\nbody\r\n0\r\n\r\n",
            "an extension of 2000 bytes": b"4;" + b"a" * 2000 + b"\r\nbody\r\n0\r\n\r\n",
            "an extension without an end": b"4;" + b"a" * 30000,
            "more data than the size": b"4\r\nbodyEVIL\r\n0\r\n\r\n",
            "less data than the size": b"5\r\nbody\r\n0\r\n\r\n",
            "no CRLF behind the data": b"4\r\nbody0\r\n\r\n", "LF behind the data": b"4\r\nbody\n0\r\n\r\n",
            "CR behind the data": b"4\r\nbody\r0\r\n\r\n", "CR CR LF behind the data": b"4\r\nbody\r\r\n0\r\n\r\n",
            "LF behind the last size": b"4\r\nbody\r\n0\n\r\n", "CR behind the last size": b"4\r\nbody\r\n0\r\r\n",
            "LF for the end": b"4\r\nbody\r\n0\r\n\n", "CR CR LF for the end": b"4\r\nbody\r\n0\r\n\r\r\n",
            "text for the end": b"4\r\nbody\r\n0\r\nEVIL\r\n\r\n",
            "an answer instead of an end": b"4\r\nbody\r\n0\r\n" + EVIL,
            "a trailer with a blank before the colon": b"0\r\nX : y\r\n\r\n",
            "a trailer without a name": b"0\r\n: y\r\n\r\n",
            "a folded trailer": b"0\r\nX: y\r\n z\r\n\r\n", "a trailer with NUL": b"0\r\nX: y\0\r\n\r\n",
            "a trailer with CR": b"0\r\nX: y\rz\r\n\r\n", "a trailer that ends in LF": b"0\r\nX: y\n\r\n",
            "a trailer with a bad name": b"0\r\nX(: y\r\n\r\n",
            "a trailer that begins with a blank": b"0\r\n X: y\r\n\r\n",
            "a trailer of 9000 bytes": b"0\r\nX: " + b"y" * 9000 + b"\r\n\r\n",
            "101 trailers": b"0\r\n" + b"X: y\r\n" * 101 + b"\r\n",
            "trailers without an end": b"0\r\n" + b"X: y\r\n" * 5000,
            "a trailer without an end": b"0\r\nX: " + b"y" * 30000}.items():
        hostile("body", f"chunk: {what}", first + rest)
    hostile("body",
        "a chunked body that begins with text", OK + b"Transfer-Encoding: chunked\r\n\r\nbody of no chunks at all")
    hostile("body",
        "a chunked body that begins with CRLF", OK + b"Transfer-Encoding: chunked\r\n\r\n\r\n4\r\nbody\r\n0\r\n\r\n")


# ---- bytes behind a whole answer ----
def behind():
    for what, tail in {"an answer": EVIL, "a byte": b"E", "CRLF": b"\r\n", "an empty line": b"\r\n\r\n", "NUL": b"\0",
                       "text": b"EVIL" * 100, "half a head": b"HTTP/1.1 200 EVIL\r\nX-Evil: ",
                       "100": b"HTTP/1.1 100 Continue\r\n\r\n",
                       "408": b"HTTP/1.1 408 EVIL\r\nConnection: close\r\n\r\n"}.items():
        hostile("behind", f"{what} behind a counted body", OK + b"Content-Length: 4\r\n\r\ngood" + tail)
        hostile("behind", f"{what} behind a chunked body",
                OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n" + tail)
        hostile("behind", f"{what} behind an empty body", OK + b"Content-Length: 0\r\n\r\n" + tail)
        hostile("behind", f"{what} behind 204", b"HTTP/1.1 204 No Content\r\n\r\n" + tail)
        hostile("behind", f"{what} behind 304", b"HTTP/1.1 304 Not Modified\r\n\r\n" + tail)
        hostile("behind", f"HEAD: {what} behind HEAD", OK + b"Content-Length: 4\r\n\r\n" + tail)
    hostile("behind", "204 with a body", b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nEVIL")
    hostile("behind",
        "204 with chunks", b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nEVIL\r\n0\r\n\r\n")
    hostile("behind",
        "304 with the body that its length is of", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nEVIL")
    hostile("behind", "HEAD: a body for HEAD", OK + b"Content-Length: 4\r\n\r\nEVIL")
    hostile("behind", "HEAD: chunks for HEAD", OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nEVIL\r\n0\r\n\r\n")
    hostile("behind", "HEAD: a body of no length for HEAD", OK + b"\r\nEVIL")


# ---- odd, and right ----
def legal():
    """what -> (bytes, status, body, ends); ends: the target closes behind it."""
    def add(what, data, status=200, body=b"", ends=False):
        assert what not in LEGAL, what
        LEGAL[what] = data, status, body, ends
    zero = b"Content-Length: 0\r\n\r\n"
    for what, line in {
            "no reason": b"HTTP/1.1 200 ", "no reason and no blank": b"HTTP/1.1 200",
            "a reason of blanks": b"HTTP/1.1 200    ",
            "a reason with a tab": b"HTTP/1.1 200 O\tK", "a reason in UTF-8": "HTTP/1.1 200 Grüße".encode(),
            "a reason of high bytes": b"HTTP/1.1 200 \x80\xff\xa0", "a long reason": b"HTTP/1.1 200 " + b"r" * 4000,
            "a reason like a status": b"HTTP/1.1 200 404 Not Found", "HTTP/1.0": b"HTTP/1.0 200 OK",
            "HTTP/1.2": b"HTTP/1.2 200 OK",
            "HTTP/1.9": b"HTTP/1.9 200 OK"}.items():
        add(what, line + b"\r\n" + zero)
    for status in (201, 202, 203, 226, 299, 300, 302, 308, 399, 400, 401, 404, 418, 451, 499, 500, 503, 511, 599):
        add(f"status {status}", b"HTTP/1.1 %d X\r\n" % status + b"Content-Length: 4\r\n\r\nbody", status, b"body")
    for what, line in {
            "an empty value": b"X-A:", "a value of blanks": b"X-A: \t \t ", "no blank behind the colon": b"X-A:b",
            "tabs around a value": b"X-A:\t\tb\t\t", "a tab in a value": b"X-A: a\tb",
            "high bytes in a value": b"X-A: \x80\xff",
            "UTF-8 in a value": "X-A: grün".encode(), "every token character in a name": b"!#$%&'*+-.^_`|~09AZaz: b",
            "a name of one byte": b"a: b", "a name of digits": b"123: b", "colons in a value": b"X-A: b: c:: d",
            "the same field three times": b"X-A: 1\r\nX-A: 2\r\nX-A: 3",
            "cookies": b"Set-Cookie: a=b\r\nSet-Cookie: c=d",
            "199 fields": b"\r\n".join(b"X-%d: x" % i for i in range(199)),
            "a value of 7000 bytes": b"X-A: " + b"a" * 7000,
            "Connection with names": b"Connection: X-Hop, , x-hop\r\nX-Hop: a", "an empty Connection": b"Connection:",
            "Keep-Alive": b"Keep-Alive: timeout=5\r\nConnection: keep-alive",
            "Upgrade offered": b"Upgrade: h2c\r\nConnection: Upgrade",
            "Trailer announced for nothing": b"Trailer: X-T",
            "a value in angle brackets": b"Link: <a>; rel=\"b\""}.items():
        add(what, OK + line + b"\r\nContent-Length: 4\r\n\r\nbody", 200, b"body")
    for what, value in {"zeros before it": b"0004", "16 zeros before it": b"0" * 16 + b"4",
        "blanks around it": b"  4  ",
                        "a tab before it": b"\t4", "no blank": b"4"}.items():
        add(f"a length with {what}", OK + b"Content-Length:" + value + b"\r\n\r\nbody", 200, b"body")
    for what, value in {"chunked": b"chunked", "CHUNKED": b"CHUNKED", "blanks around chunked": b"  chunked  "}.items():
        add(what, OK + b"Transfer-Encoding: " + value + b"\r\n\r\n4\r\nbody\r\n0\r\n\r\n", 200, b"body")
    for what, chunked in {
            "no chunk": b"0\r\n\r\n", "a chunk of one byte": b"1\r\nb\r\n0\r\n\r\n",
            "upper-case sizes": b"A\r\n0123456789\r\n0\r\n\r\n",
            "zeros before a size": b"0004\r\nbody\r\n0\r\n\r\n", "16 digits": b"0000000000000004\r\nbody\r\n0\r\n\r\n",
            "many zeros at the end": b"4\r\nbody\r\n0000000000\r\n\r\n", "an extension": b"4;a=b\r\nbody\r\n0\r\n\r\n",
            "a quoted extension": b"4;a=\"b;c\"\r\nbody\r\n0\r\n\r\n", "an empty extension": b"4;\r\nbody\r\n0\r\n\r\n",
            "extensions": b"4;a;b=c;d=\"e\"\r\nbody\r\n0;f\r\n\r\n",
            "an extension of 1000 bytes": b"4;" + b"a" * 1000 + b"\r\nbody\r\n0\r\n\r\n",
            "a trailer": b"4\r\nbody\r\n0\r\nX-T: a\r\n\r\n",
            "100 trailers": b"4\r\nbody\r\n0\r\n" + b"X-T: a\r\n" * 100 + b"\r\n",
            "an empty trailer": b"4\r\nbody\r\n0\r\nX-T:\r\n\r\n",
            "framing in a trailer": b"4\r\nbody\r\n0\r\nContent-Length: 9\r\n\r\n",
            "CRLF as data": b"2\r\n\r\n\r\n0\r\n\r\n", "an end as data": b"5\r\n0\r\n\r\n\r\n0\r\n\r\n",
            "100 chunks": b"1\r\nb\r\n" * 100 + b"0\r\n\r\n"}.items():
        body = {"no chunk": b"", "a chunk of one byte": b"b", "upper-case sizes": b"0123456789",
            "CRLF as data": b"\r\n",
                "an end as data": b"0\r\n\r\n", "100 chunks": b"b" * 100}.get(what, b"body")
        add(f"chunks with {what}", OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunked, 200, body)
    for what, data in {"100": b"HTTP/1.1 100 Continue\r\n\r\n", "102": b"HTTP/1.1 102 Processing\r\n\r\n",
                       "103": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
                       "199": b"HTTP/1.1 199 Own\r\nX-A: b\r\n\r\n",
                       "16 interim answers": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 16,
                       "an interim answer with Connection: close": b"HTTP/1.1 103 Early\r\nConnection: close\r\n\r\n",
                       "an interim answer that is told a length":
                           b"HTTP/1.1 103 Early\r\nContent-Length: 4\r\n\r\n"}.items():
        add(f"{what} first", data + OK + b"Content-Length: 4\r\n\r\nbody", 200, b"body")
    add("204", b"HTTP/1.1 204 No Content\r\n\r\n", 204)
    add("204 with a length of 0", b"HTTP/1.1 204 No Content\r\n" + zero, 204)
    add("304 with a length", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 400\r\n\r\n", 304)
    add("304 without one", b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n", 304)
    add("HEAD: a length", OK + b"Content-Length: 400\r\n\r\n")
    add("HEAD: chunked", OK + b"Transfer-Encoding: chunked\r\n\r\n")
    add("HEAD: neither", OK + b"X-A: b\r\n\r\n")
    add("205", b"HTTP/1.1 205 Reset Content\r\n" + zero, 205)
    add("a body to the end", OK + b"\r\nbody", 200, b"body", True)
    add("an empty body to the end", OK + b"\r\n", 200, b"", True)
    add("HTTP/1.0 to the end", b"HTTP/1.0 200 OK\r\n\r\nbody", 200, b"body", True)
    add("keep-alive to the end", OK + b"Connection: keep-alive\r\n\r\nbody", 200, b"body", True)
    add("a counted body and the end", OK + b"Connection: close\r\nContent-Length: 4\r\n\r\nbody", 200, b"body", True)
    add("a counted body and the end unannounced", OK + b"Content-Length: 4\r\n\r\nbody", 200, b"body", True)
    add("chunks and the end unannounced", OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", 200,
        b"body", True)
    add("HTTP/1.0 kept", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nbody", 200, b"body")


for fill in (status_lines, field_lines, lengths, codings, oversized, interim, chunks, behind, legal):
    fill()
