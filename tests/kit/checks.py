# tests/kit/checks.py - what several files of tests/flow expect in the same words.
# SPDX-License-Identifier: Apache-2.0
import json
import re

# one target, one route for everything
PLAIN = """
services: [ { name: web, targets: [ @origin@ ] } ]
routes: [ { name: all, match: { paths: ["/**"] }, service: web } ]
"""


def problem(t, response, status, code, error):
    """An error of the sidecar's own: RFC 9457 body, RFC 9209 field, one code in both."""
    t.equal(response.status, status, "status")
    t.equal(response.get("content-type"), "application/problem+json", "Content-Type")
    document = json.loads(response.body)
    t.equal(document.get("code"), code, f"code in {document}")
    t.equal(document.get("type"), f"urn:outrider:error:{code}", "type")
    t.equal(document.get("status"), status, "status in the document")
    for key in ("title", "detail"):
        t.true(isinstance(document.get(key), str) and document[key], f"{key} in {document}")
    t.equal(document.get("instance"), response.get("x-request-id"),
            "instance: the id of the request, when it has one")
    proxy_status(t, response, error)
    return document


def proxy_status(t, response, error):
    value = response.get("proxy-status")
    t.true(value is not None, "Proxy-Status is there")
    match = re.fullmatch(r'("[^"]*"|[A-Za-z*][^\s;,"]*)((?:\s*;\s*[a-z*][a-z0-9_.*-]*(?:=(?:"[^"]*"|[^\s;,"]+))?)*)',
                         value)
    t.true(match, f"Proxy-Status is one list member: {value!r}")
    t.contains([p.strip() for p in match.group(2).split(";")], f"error={error}", "Proxy-Status")
