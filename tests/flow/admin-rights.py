#!/usr/bin/env python3
# tests/flow/admin-rights.py - who may do what on the admin listeners.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

ADMIN = 'admin: { listeners: [ "unix:@dir@/admin.sock", "@tcp@" ] }\n'
TOKENS = """
admin:
  listeners: [ "unix:@dir@/admin.sock", "@tcp@" ]
  tokens:
    - { name: watcher, token: 0123456789abcdef }
    - { name: operator, token: operators-own-token, role: operator }
    - { name: boss, token_file: "@dir@/boss", role: admin }
"""
REST = "services: [ { name: web, targets: [ @origin@ ] } ]\nroutes: [ { match: { paths: ['/**'] }, service: web } ]\n"
BEARERS = {"watcher": "0123456789abcdef", "operator": "operators-own-token", "boss": "token-of-the-boss"}


def started(t, admin):
    port = t.closing(Port())
    outrider = t.outrider(admin + REST, origin=t.origin(), tcp=f"{port.host}:{port.port}", files={"boss": "token-of-the-boss\n"})
    return outrider, port


def ask(t, where, method, path, token=None, headers=(), host="localhost", body=None):
    fields = list(headers) + ([("Authorization", f"Bearer {BEARERS.get(token, token)}")] if token else [])
    return t.ask(where, method, path, host=host, headers=fields, body=body)


def logged(t, outrider, text):
    """The log is written by a thread of its own."""
    t.wait_until(lambda: text in outrider.stderr(), f"{text} in the log")


def generation(outrider):
    return json.loads(outrider.health("/health").body)["generation"]


def test_tcp_without_tokens(t):
    """23: without a token TCP is for looking, and not at /config; nothing changes"""
    outrider, port = started(t, ADMIN)
    for path in ("/health", "/routes", "/services", "/services/web", "/policies", "/version", "/admin/status"):
        t.equal(ask(t, port, "GET", path).status, 200, path)
    t.equal(ask(t, port, "GET", "/config").status, 403, "/config")
    for path in ("/admin/reload", "/admin/drain"):
        t.equal(ask(t, port, "POST", path).status, 403, f"POST {path}")
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            answer = ask(t, port, method, path)
            t.equal((answer.status, answer.get("allow")), (405, "POST"), f"{method} {path}")
    t.equal(ask(t, port, "GET", "/health", token="0123456789abcdef").status, 401, "a token that nobody has")
    t.equal(generation(outrider), 1, "generation")
    t.equal(t.get(outrider).status, 200, "it still serves")


def test_tcp_with_tokens(t):
    """23: a token gives its role, and no more"""
    outrider, port = started(t, TOKENS)
    answer = ask(t, port, "POST", "/admin/reload")
    t.equal(answer.status, 401, "no token")
    t.contains(answer.get("www-authenticate"), "Bearer", "challenge")
    answer = ask(t, port, "GET", "/health", token="0123456789abcdeF")
    t.equal(answer.status, 401, "a wrong token, where none is needed")
    t.contains(answer.get("www-authenticate"), "invalid_token", "challenge")
    logged(t, outrider, "admin: GET /health by 127.0.0.1: refused: the token is not known here")
    t.lacks(outrider.stderr(), "0123456789abcdeF", "the log")
    t.equal([ask(t, port, "GET", "/config", token=who).status for who in BEARERS], [403, 403, 200], "/config")
    t.equal([ask(t, port, "POST", "/admin/reload", token=who).status for who in BEARERS], [403, 200, 200], "reload")
    t.equal(generation(outrider), 3, "generation")
    t.equal(ask(t, port, "GET", "/health", token="watcher", host="any.name").status, 200, "a token makes up for the name")
    t.equal(ask(t, port, "GET", "/health", host="any.name").status, 403, "a strange name without one")
    t.equal(ask(t, port, "POST", "/admin/reload", token="boss", headers=[("Origin", "http://evil.example")]).status, 403,
            "a page of another origin, even with a token")
    logged(t, outrider, "POST /admin/reload by 127.0.0.1 with the token of operator")
    logged(t, outrider, "POST /admin/reload by 127.0.0.1 with the token of watcher: refused")
    for bearer in BEARERS.values():
        t.lacks(outrider.stderr(), bearer, "log")
        t.lacks(ask(t, port, "GET", "/config", token="boss").text(), bearer, "/config")


def test_tokens_change(t):
    """tokens are those of the configuration in force: a reload changes them"""
    outrider, port = started(t, TOKENS)
    outrider.write("boss", "another-token-of-the-boss\n")
    t.equal(outrider.health("/admin/reload", "POST").status, 200, "reload")
    t.equal(ask(t, port, "GET", "/config", token="boss").status, 401, "the old one")
    t.equal(ask(t, port, "GET", "/config", token="another-token-of-the-boss").status, 200, "the new one")


def test_unix_root(t):
    """who runs the sidecar may do everything on its unix socket, and the log says who it was"""
    outrider, _ = started(t, ADMIN)
    t.equal(outrider.health("/config").status, 200, "/config")
    t.equal(outrider.health("/admin/reload", "POST").status, 200, "reload")
    logged(t, outrider, f"POST /admin/reload by uid {os.geteuid()} (pid {os.getpid()})")
    t.equal(outrider.health("/admin/reload", "POST", [("Origin", "http://evil.example")]).status, 403, "a web page")


def as_nobody(action):
    """The kernel tells the other side who we were when we connected."""
    os.setegid(65534)
    os.seteuid(65534)
    try:
        return action()
    finally:
        os.seteuid(0)
        os.setegid(0)


def test_unix_others(t):
    """23: whoever else gets at the unix socket may look, not at /config, and change nothing"""
    if os.geteuid() != 0:
        t.skip("only root can be somebody else")
    outrider, _ = started(t, ADMIN)
    os.chmod(outrider.dir, 0o755)
    os.chmod(outrider.admin, 0o666)
    for method, path, status in (("GET", "/health", 200), ("GET", "/config", 403), ("POST", "/admin/reload", 403),
                                 ("POST", "/admin/drain", 403)):
        t.equal(as_nobody(lambda: t.client(outrider.admin)).ask(method, path).status, status, f"{method} {path}")
    logged(t, outrider, "POST /admin/reload by uid 65534 (pid ")
    t.equal(generation(outrider), 1, "generation")


def test_large_bodies(t):
    """23: a body of more than 64 KiB is 413, and one of a megabyte is not even read"""
    outrider, _ = started(t, ADMIN)
    t.equal(outrider.health("/admin/reload", "POST", body=b"x" * 60000).status, 200, "60 KB")
    t.equal(outrider.health("/admin/reload", "POST", body=b"x" * 70000).status, 413, "70 KB")
    t.equal(outrider.health("/admin/reload", "POST", body=[b"x" * 7000] * 10).status, 413, "70 KB in chunks")
    client = t.client(outrider.admin)
    client.send(b"POST /admin/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 1100000\r\n\r\n")
    t.equal(client.response("POST").status, 413, "more than a megabyte is announced")
    t.equal(generation(outrider), 2, "generation")


def test_bad_tokens(t):
    """a token that is too short, or not visible, or without a name, or there twice is a mistake"""
    for tokens, words in (("{ name: a, token: short }", "16"), ("{ name: a, token: 'has a blank in its middle' }", "visible"),
                          ("{ token: 0123456789abcdef }", "name"), ("{ name: a }", "token"),
                          ("{ name: a, token: 0123456789abcdef }, { name: a, token: 0123456789abcdeg }", "already"),
                          ("{ name: a, token: 0123456789abcdef, role: king }", "king")):
        text = ("admin: { tokens: [ %s ] }\nservices: [ { name: web, targets: [ { host: 127.0.0.1, port: 1 } ] } ]\n"
                "routes: [ { match: { paths: ['/**'] }, service: web } ]\n" % tokens)
        code, _, err = run("check", "-c", "-", stdin=text)
        t.equal(code, 78, f"exit code for {tokens}")
        t.contains(err, words, tokens)
        t.contains(err, "admin.tokens[", tokens)


main()
