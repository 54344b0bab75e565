#!/usr/bin/env python3
# tests/flow/identity.py - fields that say who asks: strangers may not send them, whatever the spelling.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

ROUTES = """
services: [ { name: web, targets: [ @origin@ ] }, { name: inner, targets: [ @inner@ ] } ]
routes:
  - { name: all, match: { paths: ["/**"] }, service: web }
  - { name: inner, match: { paths: ["/**"], headers: { x-real-ip: "10.0.0.1" } }, service: inner }
  - { name: user, match: { paths: ["/**"], headers: { x-remote-user: null } }, service: inner }
"""
PEERS = {
    "untrusted": 'listeners: [ { name: main, address: "@main@", peers: untrusted } ]\n',
    "trusted": 'listeners: [ { name: main, address: "@main@" } ]\n',
    "proxy": 'listeners: [ { name: main, address: "@main@", peers: untrusted, trusted_proxies: [127.0.0.0/8] } ]\n',
}
# what only proxies in trusted_proxies may say
PROXIES = ["X-Forwarded-User", "X-Forwarded-Groups", "X-Forwarded-Email", "X-Forwarded-Prefix", "X-Forwarded-Client-Cert",
           "X-Forwarded-Access-Token", "X-Forwarded", "X-Real-IP", "X-Client-IP", "Client-IP", "True-Client-IP",
           "X-Cluster-Client-IP", "CF-Connecting-IP", "Fastly-Client-IP", "X-Original-URL", "X-Rewrite-URL",
           "X-Original-URI", "X-Original-Host", "X-Host", "X-URL-Scheme", "Front-End-Https"]
# what trusted peers may say
USERS = ["Remote-User", "X-Remote-User", "X-Remote-Group", "X-WebAuth-User", "X-SSL-Client-Cert", "X-SSL-Client-S-DN",
         "X-Client-Cert", "X-Client-Cert-Chain", "Client-Cert", "X-Auth-Request-Email", "X-Envoy-Original-Path",
         "X-Amzn-Oidc-Identity", "X-MS-Client-Principal-Name", "X-Goog-Authenticated-User-Email"]
# what our own policies say
OURS = ["X-Consumer-Username", "X-Consumer-ID", "X-Consumer-Groups", "X-Credential-Identifier", "X-Anonymous-Consumer",
        "X-Authenticated-Userid", "X-Authenticated-Scope"]
ORDINARY = ["X-User", "X-Consumer", "X-Requested-With", "X-HTTP-Method-Override", "X-Amzn-Trace-Id", "X-Custom_One"]


def told(t, peers, names):
    """Which of the names reach the target."""
    origin = t.origin()
    t.get(t.outrider(PEERS[peers] + PLAIN, origin=origin), headers=[(name, "6.6.6.6") for name in names])
    got = origin.last.names()
    return [name for name in names if name.lower() in got]


def test_untrusted(t):
    """10: of strangers' fields of identity none arrives; ordinary fields do"""
    needs_seam(t, "it takes no untrusted peers")
    t.equal(told(t, "untrusted", PROXIES + USERS + OURS + ORDINARY), ORDINARY, "fields at the target")


def test_trusted(t):
    """10: applications of this host may say who their user is, not where they come from"""
    t.equal(told(t, "trusted", PROXIES + USERS + OURS + ORDINARY), USERS + ORDINARY, "fields at the target")


def test_proxy(t):
    """10: a trusted proxy may say both, not what our own policies say"""
    needs_seam(t, "it takes no untrusted peers")
    t.equal(told(t, "proxy", PROXIES + USERS + OURS + ORDINARY), PROXIES + USERS + ORDINARY, "fields at the target")


def test_spellings(t):
    """10: with underscores, dots and other marks in their place nobody may say them"""
    names = ["X-Forwarded-For", "X-Forwarded-Proto"] + PROXIES + USERS + OURS
    marked = [name.replace("-", mark) for mark in "_.~!#$%&'*+^`|" for name in names if "-" in name]
    marked += [name.replace("-", "_", 1) for name in names if name.count("-") > 1]
    for peers in PEERS if has_seam() else ["trusted"]:
        for i in range(0, len(marked), 100):
            t.equal(told(t, peers, marked[i:i + 100]), [], f"fields of a peer that is {peers}")


def test_case_does_not_matter(t):
    """10: nor does the case of their letters"""
    names = [name.upper() for name in PROXIES + OURS] + [name.lower() for name in PROXIES + OURS]
    t.equal(told(t, "trusted", names), [], "fields at the target")


def test_routes_do_not_believe(t):
    """10: no route is taken by what a stranger may not say"""
    def service(peers, header):
        origin, inner = t.origin(), t.origin(name="inner")
        return t.get(t.outrider(PEERS[peers] + ROUTES, origin=origin, inner=inner), headers=[header]).text()
    t.equal(service("trusted", ("X-Real-IP", "10.0.0.1")), "hello", "a trusted peer's X-Real-IP")
    t.equal(service("trusted", ("X-Remote-User", "joe")), "inner", "a trusted peer's user")
    needs_seam(t, "it takes no untrusted peers")
    t.equal(service("untrusted", ("X-Remote-User", "joe")), "hello", "a stranger's user")
    t.equal(service("proxy", ("X-Real-IP", "10.0.0.1")), "inner", "a trusted proxy's X-Real-IP")


def test_connection_cannot_name_them(t):
    """9: Connection cannot take away what says who asked, in any spelling"""
    origin = t.origin()
    names = ["X-Forwarded-For", "x_forwarded_for", "X-FORWARDED-PROTO", "X-Forwarded-Host", "X-Forwarded-Port", "Forwarded",
             "via", "Host "]
    answer = t.get(t.outrider(PLAIN, origin=origin), headers=[("Connection", ", ".join(names[:-1]))])
    t.equal(answer.status, 200, "status")
    for name in ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "forwarded", "via", "host"):
        t.contains(origin.last.names(), name, "fields at the target")


main()
