#!/usr/bin/env python3
# tests/flow/workers.py - several workers.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
workers: 4
services: [ { name: web, targets: [ @origin@ ] } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def test_load(t):
    """thirty clients at once over four workers: every answer is right"""
    def ask(number):
        client = t.client(outrider)
        for i in range(40):
            body = f"{number}:{i}".encode() * 50
            answer = client.ask("POST", f"/{number}/{i}", body=body)
            if (answer.status, answer.body) != (200, body):
                wrong.append((number, i, answer.status))
        done.append(number)

    def echo(c):
        for request in c.requests():
            c.respond(body=request.body)
    wrong, done = [], []
    outrider = t.outrider(CONFIG, origin=t.origin(echo))
    threads = [threading.Thread(target=ask, args=(n,), daemon=True) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(remaining())
    t.equal((len(done), wrong), (30, []), "clients that are done, wrong answers")


def test_number(t):
    """as many workers as stated, by the names of their threads"""
    for workers in (1, 3):
        outrider = t.outrider(CONFIG.replace("workers: 4", f"workers: {workers}"), origin=t.origin())
        names = outrider.threads()
        t.equal(sum("worker" in name for name in names), workers, f"threads: {names}")


def test_all_work(t):
    """clients that come at once are spread: no worker holds them all"""
    def park(c, request):
        t.wait_until(lambda: released, "the case to go on")
        c.respond()
    released = []
    origin = t.origin().on("/park", park)
    outrider = t.outrider(CONFIG, origin=origin)
    clients = [t.client(outrider) for _ in range(64)]
    for client in clients:
        client.request("GET", "/park")
    origin.wait_requests(64)
    released.append(True)
    for client in clients:
        t.equal(client.response().status, 200, "status")
    t.equal(t.get(outrider).status, 200, "a request afterwards")


main()
