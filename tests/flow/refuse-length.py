#!/usr/bin/env python3
# tests/flow/refuse-length.py - 3: Content-Length that is not one number.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def test_values(t):
    """3: signed, hexadecimal, empty, overflowing or listed lengths are 400, never guessed at"""
    needs_seam(t, "what its library hides cannot be refused")
    values = {
        "plus": b"+5", "minus": b"-5", "minus zero": b"-0", "hex": b"0x5", "hex digits": b"5a", "empty": b"",
        "a list": b"5, 5",
        "a list of two": b"5, 6", "a fraction": b"5.0", "an exponent": b"5e0", "a space within": b"5 5",
        "64 bits": b"18446744073709551621",
        "2 to the 63rd": b"9223372036854775808", "long": b"1" * 200, "a letter": b"x", "quoted": b'"5"',
        "a comma": b"5,",
        "a NUL": b"5\0", "full width digits": "５".encode(), "a tab within": b"5\t5", "a blank behind": b"5 ",
        "32 bits in a list": b"4294967301, 5"}
    strict.refused(t, {what: strict.post(b"Content-Length: " + value, body=b"hello") for what,
                       value in values.items()}, (400,))


def test_fields(t):
    """3: two lengths are 400, also when they are the same; so are fields that look like one"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, {
        "two different": strict.post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!"),
        "two equal": strict.post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"),
        "other case": strict.post(b"Content-Length: 5", b"content-length: 6", body=b"hello!"),
        "space before the colon": strict.post(b"Content-Length : 5", body=b"hello"),
        "tab before the colon": strict.post(b"Content-Length\t: 5", body=b"hello"),
        "folded": strict.post(b"Content-Length:\r\n 5", body=b"hello"),
        "space before the name": strict.post(b"X-A: b", b" Content-Length: 5", body=b"hello")}, (400,))


def test_disguised(t):
    """3: a length in a disguise is 400"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, {repr(line): strict.post(line, body=b"hello") for line in strict.LENGTHS}, (400,))


def test_odd_numbers(t):
    """3: numbers that languages read in ways of their own are 400"""
    needs_seam(t, "what its library hides cannot be refused")
    values = (b"5_0", b"0b101", b"0o5", b"5L", b"5u", b"5f", b"1e1", b"05h", b"$5", b"5%", b"(5)", b"[5]", b"5;5", b"5/5", b"5:5",
              b"5 ,5", b",5", b"5,,5", b"5\n5", b"5\r5", b"\x0b5", b"5\x0b", b"\xa05", b"5\xa0", b"\xc2\xb2", b"\xd9\xa5", b"NaN",
              b"inf", b"-1", b"--5", b"+-5", b"- 5", b"+ 5", b"5-", b"5+", b".5", b"5.", b"5 hello", b"hello 5", b"null", b"true",
              b"4294967296 ", b"9999999999999999999", b"18446744073709551615", b"18446744073709551616", b"340282366920938463463",
              b"0x", b"x5", b"#5", b"'5'", b"&5", b"5*1", b"1" * 19, b"0" * 40 + b"5")
    strict.refused(t, {repr(value): strict.post(b"Content-Length: " + value, body=b"hello") for value in values}, (400,))


def test_two_fields(t):
    """3: two lengths are 400 in every method, order and spelling, near or far apart"""
    needs_seam(t, "there the refusal waits for the body that its library expects")
    far = [b"X-%d: y" % i for i in range(20)]
    cases = {f"{one!r} and {two!r}": strict.post(b"Content-Length: " + one, b"Content-Length: " + two, body=b"hello")
             for one in (b"0", b"5", b"05", b"500") for two in (b"0", b"5", b"05", b"500")}
    cases["far apart"] = strict.post(b"Content-Length: 5", *far, b"Content-Length: 5", body=b"hello")
    for method in (b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"):
        cases[f"in a {method.decode()}"] = strict.get(b"Content-Length: 0", b"Content-Length: 5",
                                                      line=method + b" /bad HTTP/1.1") + b"hello"
    strict.refused(t, cases, (400,))


def test_good(t):
    """3: digits with blanks before them are served"""
    origin = strict.accepted(t, {
        "plain": strict.post(b"Content-Length: 5", body=b"hello"),
        "no blank": strict.post(b"Content-Length:5", body=b"hello"),
        "blanks before it": strict.post(b"Content-Length: \t 5", body=b"hello")})
    t.equal({r.body for r in origin.requests if r.target == "/bad"}, {b"hello"}, "bodies at the target")


main()
