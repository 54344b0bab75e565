# tests/suites/clients/steps.py - the steps of README.md for clients in Python: a client is one function.
# SPDX-License-Identifier: Apache-2.0
import json


class Got:
    """An answer. header(name) is a value or None."""

    def __init__(self, status, body, header, cookies=None, trailer=None):
        self.status, self.body, self.header = status, body, header
        self.cookies, self.trailer = cookies, trailer


def text(got):
    return got.body.decode()


def events(got):
    return ",".join(line[6:] for line in text(got).split("\n") if line.startswith("data: "))


def plan(kept):
    """name: (method, path, headers, body, chunked, extra)."""
    small = kept[:10000]
    return {
        "get-small": ("GET", "/o/bytes/5", {}, None, False, None),
        "get-10k": ("GET", "/o/bytes/10000", {}, None, False, None),
        "get-1m": ("GET", "/o/chunked/1000000", {}, None, False, None),
        "head": ("HEAD", "/o/bytes/10000", {}, None, False, lambda g: g.header("Content-Length")),
        "post": ("POST", "/o/same/10000", {}, small, False, text),
        "post-chunked": ("POST", "/o/framing/10000", {}, small, True, text),
        "put-1m": ("PUT", "/o/same/1000000", {}, kept, False, text),
        "delete": ("DELETE", "/o/thing", {}, None, False, None),
        "options": ("OPTIONS", "/o/thing", {}, None, False, lambda g: g.header("Allow")),
        "not-modified": ("GET", "/o/etag", {"If-None-Match": '"v1"'}, None, False, lambda g: g.header("ETag")),
        "redirect": ("GET", "/o/redirect", {}, None, False, lambda g: g.header("Location")),
        "gzip": ("GET", "/o/gzip", {"Accept-Encoding": "gzip"}, None, False, None),
        "cookies": ("GET", "/o/cookies", {}, None, False, lambda g: "|".join(g.cookies)),
        "unicode": ("GET", "/o/echo/%C3%A4%20%2B;x=1?q=%E2%82%AC&r=a+b&r=%2F", {}, None, False, text),
        "large-request-header": ("GET", "/o/header", {"X-Large": "y" * 6000}, None, False, text),
        "large-answer-header": ("GET", "/o/header/answer", {}, None, False, lambda g: len(g.header("X-Large"))),
        "slow": ("GET", "/o/slow", {}, None, False, None),
        "events": ("GET", "/o/events", {}, None, False, events),
        "expect": ("POST", "/o/same/10000", {"Expect": "100-continue"}, small, False, text),
        "trailers": ("GET", "/o/trailers", {}, None, False, lambda g: g.trailer),
        "problem": ("GET", "/nowhere", {}, None, False, lambda g: json.loads(g.body)["code"]),
        "hold": ("GET", "/o/hold", {}, None, False, lambda g: g.header("Connection")),
    }


def step(ask, name, method, path, headers, body, chunked, extra):
    """Prints the line, and returns the body."""
    try:
        got = ask(method, path, headers, body, chunked)
        line = f"{name} {got.status} {len(got.body)}"
        if extra:
            line += f" {extra(got)}"
        print(line, flush=True)
        return got.body
    except Exception as error:                      # whatever it was, it is this step's line
        print(f"{name} error {type(error).__name__}: {error}".replace("\n", " "), flush=True)
        return b""


def do(ask, **skipped):
    """ask(method, path, headers, body, chunked) returns a Got. skipped: step (with _ for -) = why."""
    kept = b""
    for name in plan(b""):
        if name.replace("-", "_") in skipped:
            print(f"{name} skip {skipped[name.replace('-', '_')]}", flush=True)
            continue
        body = step(ask, name, *plan(kept)[name])
        if name == "get-1m":
            kept = body
