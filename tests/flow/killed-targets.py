#!/usr/bin/env python3
# tests/flow/killed-targets.py - target processes that are killed, or stopped, under load.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

import asyncio
import collections
import shutil
import subprocess
import tempfile
from kit import limit, swarm

CONFIG = """
workers: 2
services:
  - name: web
    targets: [ @a@, @b@, @c@ ]
    timeout: { response: 1s }
    more
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
WIDTH = 12
# a program of its own: prints its port, answers each request with its target, and says what it executed
PROGRAM = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from kit import swarm
async def serve():
    def reply(connection, head):
        name = head.split(b" ")[1]
        print(name.decode(), flush=True)
        connection.send(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(name), name))
    target = await swarm.Target(reply).start()
    print(target.port, flush=True)
    await asyncio.Event().wait()
asyncio.run(serve())
"""


class Process:
    def __init__(self, t):
        self.output = os.path.join(t.dir, str(len(os.listdir(t.dir))))
        with open(self.output, "w", encoding="ascii") as out:
            self.process = subprocess.Popen([sys.executable, "-B", "-c", PROGRAM, sys.path[0]], stdout=out,
                                            stdin=subprocess.DEVNULL)
        t.wait_until(lambda: self.lines(), "a target to listen")
        self.host, self.port = "127.0.0.1", int(self.lines()[0])

    def lines(self):
        with open(self.output, encoding="ascii") as file:
            return [line.strip() for line in file if line.endswith("\n")]

    def executed(self):
        return self.lines()[1:]

    def close(self, failed=False):
        self.process.kill()
        self.process.wait()


class Load:
    """GETs and POSTs from clients that each have one request under way; (method, name) -> (status, began, seconds)."""

    def __init__(self, outrider):
        self.outrider = outrider
        self.answers = {}
        self.over = False

    async def client(self, number):
        peer = await swarm.Peer.to(self.outrider)
        for i in range(1 << 30):
            if self.over:
                break
            method, name = ("POST" if i % 4 == 3 else "GET"), f"/{number}-{i}"
            began = time.monotonic()
            answer = await peer.ask(f"{method} {name} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            if answer.status == 200 and answer.body != name.encode():
                raise Failure(f"the answer to {name} is {answer.body!r}")
            self.answers[method, name] = (answer.status, began, time.monotonic() - began)
            await asyncio.sleep(0.001)
        peer.close()

    async def run(self, steps):
        clients = [asyncio.create_task(self.client(n)) for n in range(WIDTH)]
        await asyncio.sleep(0.5)
        for act, seconds in steps:
            if asyncio.iscoroutinefunction(act):
                await act()
            else:
                act()
            await asyncio.sleep(seconds)
        self.over = True
        await asyncio.gather(*clients)

    def failed(self, method):
        return {name: status for (m, name), (status, _, _) in self.answers.items() if m == method and status != 200}


def world(t, more=""):
    t.dir = t.closing(Directory()).path
    targets = [t.closing(Process(t)) for _ in range(3)]
    outrider = t.outrider(CONFIG.replace("    more\n", more), **dict(zip("abc", targets)))
    load = Load(outrider)
    return outrider, targets, load


class Directory:
    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="outrider-flow-")

    def close(self, failed=False):
        shutil.rmtree(self.path, ignore_errors=True)


def twice(load, targets):
    runs = collections.Counter(name for target in targets for name in target.executed())
    return [name for method, name in load.answers if method == "POST" and runs[name] > 1]


def settled(t, outrider):
    t.wait_until(lambda: all(target["inflight"] == 0 for target in outrider.service("web")["targets"]), "nothing in flight")


def test_killed(t):
    """KILL one of three targets under load: no GET fails, POSTs only if they were under way there, none runs twice"""
    start_clock(2 * limit.LIMIT)
    outrider, targets, load = world(t)
    swarm.run(t, load.run([(targets[0].process.kill, 1.0)]))
    t.at_least(len(load.answers), 100, "requests")
    t.equal(load.failed("GET"), {}, "GETs that failed")
    failed = load.failed("POST")
    t.at_most(len(failed), WIDTH, "POSTs that failed")
    t.equal(set(failed.values()) - {502}, set(), "their statuses")
    t.equal(twice(load, targets), [], "POSTs that ran twice")
    settled(t, outrider)


def stopped(t, more):
    outrider, targets, load = world(t, more)
    began = []

    def stop():
        began.append(time.monotonic())
        targets[0].process.send_signal(signal.SIGSTOP)
    start_clock(2 * limit.LIMIT)
    swarm.run(t, load.run([(stop, 3.5), (lambda: targets[0].process.send_signal(signal.SIGCONT), 0.5)]))
    t.equal(load.failed("GET"), {}, "GETs that failed")
    t.equal(set(load.failed("POST").values()) - {504}, set(), "statuses of POSTs that failed")
    settled(t, outrider)
    slow = [at - began[0] for (_, at, seconds) in load.answers.values() if seconds > 0.5 and at > began[0]]
    t.equal(twice(load, targets), [], "POSTs that ran twice")
    t.note(f"{len(load.answers)} requests, {len(slow)} slow ones, the last began {max(slow, default=0):.1f} s after the "
           f"stop; {len(load.failed('POST'))} POSTs were not answered in time")
    return slow


def test_stopped(t):
    """STOP one of three targets under load: no GET fails, each waits for no longer than a response may take"""
    slow = stopped(t, "")
    t.at_least(len(slow), 1, "requests that met the stopped target")


def test_stopped_with_checks(t):
    """STOP one of three targets that are checked: after three seconds no request waits for it any more"""
    slow = stopped(t, "    health_check: { path: /ok, interval: 200ms, timeout: 300ms }\n")
    t.equal([at for at in slow if 3 <= at < 3.5], [], "requests that waited though they came three seconds after the stop")


main()
