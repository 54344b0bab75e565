#!/usr/bin/env python3
# tests/flow/file-discovery.py - targets from files, re-read when they change.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
registries: { files: { type: file, path: "@dir@/targets/*.yaml" } }
services:
  - { name: web, source: { registry: files, service: web } }
  - { name: other, source: { registry: files, service: other } }
routes:
  - { match: { paths: ["/other"] }, service: other }
  - { match: { paths: ["/**"] }, service: web }
"""


def listing(*names, service="web"):
    return f"{service}:\n" + "".join(f"  - @{name}@\n" for name in names)


def started(t, **files):
    origins = {name: t.origin(name=name) for name in "abc"}
    return t.outrider(CONFIG, files={f"targets/{name}.yaml": text for name, text in files.items()}, **origins)


def answering(t, outrider, n=12):
    client = t.client(outrider)
    answers = [client.get() for _ in range(n)]
    t.equal({answer.status for answer in answers}, {200}, "statuses")
    return "".join(sorted({answer.text() for answer in answers}))


def test_first(t):
    """the first targets are there when the daemon is ready"""
    t.equal(answering(t, started(t, web=listing("a", "b"))), "ab", "targets")


def test_change(t):
    """a change of the file changes the targets, and no request fails"""
    def ask():
        client = t.client(outrider)
        while not done:
            answer = client.get()
            answers.append(answer.text() if answer.status == 200 else str(answer.status))
    outrider = started(t, web=listing("a"))
    answers, done = [], []
    threads = [threading.Thread(target=ask, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    for names in ("ab", "c", "bc", "a", "abc", "b"):
        outrider.write("targets/web.yaml", listing(*names))
        t.wait_until(lambda: set(answers[-40:]) == set(names), f"answers of {names}, got {set(answers[-40:])}")
    done.append(True)
    for thread in threads:
        thread.join(remaining())
    t.true(set(answers) <= set("abc"), f"answers: {set(answers)}")


def test_in_place(t):
    """a file that is written in place is noticed too"""
    outrider = started(t, web=listing("a"))
    t.equal(answering(t, outrider), "a", "targets before")
    with open(os.path.join(outrider.dir, "targets/web.yaml"), "w", encoding="utf-8") as file:
        file.write(outrider.fill(listing("b")))
    t.wait_until(lambda: answering(t, outrider) == "b", "the new target alone")


def test_broken_file(t):
    """an invalid file keeps its last good content, says so, and a good one takes over again"""
    outrider = started(t, web=listing("a"))
    for broken in ("web: [ {", "web: 3\n", "web:\n  - { host: 127.0.0.1 }\n",
                   "web:\n  - { host: 127.0.0.1, port: 99999 }\n",
                   "web:\n  - { host: 127.0.0.1, prot: 80 }\n", "- a\n", "\0"):
        before = len(outrider.stderr())
        outrider.write("targets/web.yaml", broken)
        t.wait_until(lambda: "web.yaml" in outrider.stderr()[before:], f"a line about the file after {broken!r}")
        t.equal(answering(t, outrider), "a", f"targets after {broken!r}")
    outrider.write("targets/web.yaml", listing("b"))
    t.wait_until(lambda: answering(t, outrider) == "b", "the target of the good file")


def test_broken_at_start(t):
    """an invalid file at the start leaves the other files' services alone"""
    outrider = started(t, bad="web: [ {", good=listing("a", service="other"))
    t.equal(t.get(outrider, "/other").text(), "a", "the service of the good file")
    t.equal(t.get(outrider, "/").status, 503, "the service of the bad file")


def test_files_come_and_go(t):
    """files are merged by service, and a new or removed one is noticed"""
    outrider = started(t, one=listing("a"))
    outrider.write("targets/two.yaml", listing("b"))
    t.wait_until(lambda: answering(t, outrider) == "ab", "the targets of both files")
    os.unlink(os.path.join(outrider.dir, "targets/one.yaml"))
    t.wait_until(lambda: answering(t, outrider) == "b", "the targets of the file that is left")


def test_status(t):
    """/health/services tells targets and source"""
    outrider = started(t, web=listing("a", "b"))
    service = outrider.service("web")
    t.equal(outrider.addresses("web"), sorted(f"127.0.0.1:{outrider.things[n].port}" for n in "ab"), "addresses")
    t.equal([(s["registry"], s["type"], s["mode"]) for s in service["sources"]], [("files", "file", "live")],
            "sources")
    t.equal(service["status"], "healthy", "status")


def test_keep_connections(t):
    """a target that stays keeps its connections"""
    outrider = started(t, web=listing("a"))
    a = outrider.things["a"]
    client = t.client(outrider)
    client.get()
    outrider.write("targets/web.yaml", "# nothing new\n" + listing("a", "b"))
    t.wait_until(lambda: client.get().text() == "b", "the new target")
    for _ in range(4):
        client.get()
    t.equal(len(a.connections), 1, "connections to the target that stayed")


def test_removed_in_flight(t):
    """a request in flight to a target that is taken away ends well"""
    def slow(c, request):
        t.wait_until(lambda: released, "the case to go on")
        c.respond(body=b"slow")
    released = []
    outrider = started(t, web=listing("a"))
    outrider.things["a"].on("/slow", slow)
    client = t.client(outrider)
    client.request("GET", "/slow")
    outrider.things["a"].wait_requests(1)
    outrider.write("targets/web.yaml", listing("b"))
    t.wait_until(lambda: answering(t, outrider) == "b", "the new target alone")
    released.append(True)
    t.equal(client.response().body, b"slow", "answer of the removed target")


def test_json(t):
    """a registry file may be JSON"""
    origin = t.origin(name="j")
    config = CONFIG.replace("*.yaml", "*.json")
    outrider = t.outrider(config, origin=origin, files={
        "targets/web.json": '{ "web": [ { "host": "127.0.0.1", "port": @origin.port@ } ] }'})
    t.equal(t.get(outrider).text(), "j", "answer")


main()
