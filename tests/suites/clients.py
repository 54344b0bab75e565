#!/usr/bin/env python3
# tests/suites/clients.py - HTTP clients of many languages, with the origin itself and through the sidecar.
# SPDX-License-Identifier: Apache-2.0
"""usage: clients.py [--all] [--direct] [NAME...]

NAME is a client of clients/table; without one all of them run that are quick to install, with --all also the others.
--direct only runs them against the origin, which tests the programs themselves."""
import argparse
import os
import sys

os.environ.setdefault("OUTRIDER_TEST_TIMEOUT", "60")
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import desk  # noqa: E402
import peers  # noqa: E402
import relay  # noqa: E402
import table  # noqa: E402
from program import Program, Report  # noqa: E402
from kit import Client, limit, tap  # noqa: E402

CONFIG = """
services: [ { name: web, targets: [ @origin@ ] } ]
routes: [ { name: all, match: { paths: ["/o/**"] }, service: web } ]
"""


class Run:
    """One run of a client: what it printed, step by step."""

    def __init__(self, program, address, meanwhile=None):
        limit.start()
        process = program.start(address)
        try:
            if meanwhile:
                meanwhile(process)
            self.code = process.wait(timeout=limit.remaining("the client to end"))
        except BaseException:
            process.kill()
            process.wait()
            raise
        out, self.err = program.said("stdout"), program.said("stderr")
        self.lines = {}
        for line in out.splitlines():
            name, _, rest = line.partition(" ")
            if name in desk.STEPS:
                self.lines[name] = rest

    def verdict(self, name):
        if name not in self.lines:
            return f"no line; the client ended with {self.code}: {self.err[-2000:]}"
        return desk.verdict(name, self.lines[name])


def judge(report, entry, run, steps, before=""):
    for name in steps:
        line = run.lines.get(name, "")
        if line.startswith("skip "):
            report.line(True, f"{entry.name}: {before}{name}", skipped=line[5:])
            continue
        why = run.verdict(name)
        report.line(why is None, f"{entry.name}: {before}{name}", why)


def direct(program):
    """(Run, connections) with the origin alone."""
    script = desk.Desk()
    script.release.set()
    case = tap.Case(program.name)
    try:
        origin = case.origin(script)
        run = Run(program, f"http://127.0.0.1:{origin.port}")
        return run, len(origin.connections)
    finally:
        case.close()


def through(program):
    """(Run, connections, problems) with the sidecar between. It is told to stop while the last request waits."""
    script = desk.Desk()
    case = tap.Case(program.name)
    try:
        origin = case.origin(script)
        daemon = case.closing(peers.Ours(origin, case, CONFIG))

        def drain(process):
            limit.wait_until(lambda: script.held.is_set() or process.poll() is not None, "the last request")
            daemon.signal(15)
            limit.wait_until(lambda: refuses(daemon), "the drain to begin")
            script.release.set()
        counter = case.closing(relay.Relay(daemon))
        run = Run(program, f"http://127.0.0.1:{counter.port}", drain)
        daemon.wait()
        return run, counter.connections, case.close()
    finally:
        script.release.set()
        case.close()


def refuses(daemon):
    """It has stopped to accept: whoever is answered now is told that the connection ends."""
    try:
        Client(daemon).close()
        return False
    except OSError:
        return True


def one(report, entry, only_direct):
    missing = entry.missing()
    if missing:
        report.line(True, entry.name, skipped=missing)
        return
    program = Program(entry)
    try:
        trouble = program.make()
        if trouble:
            report.line(False, f"{entry.name}: builds", trouble)
            return
        alone, connections = direct(program)
        wrong = {name: alone.verdict(name) for name in desk.STEPS
                 if name not in desk.OURS and not alone.lines.get(name, "").startswith("skip ")}
        wrong = {name: why for name, why in wrong.items() if why}
        report.line(not wrong, f"{entry.name}: the program itself, with the origin", "\n".join(
            f"{name}: {why}" for name, why in wrong.items()) or None)
        if only_direct:
            return
        run, used, problems = through(program)
        judge(report, entry, run, desk.STEPS)
        report.line(used <= connections + 1, f"{entry.name}: no more connections than with the origin itself",
                    f"{used} through the sidecar, {connections} without" if used > connections + 1 else None)
        report.line(not problems, f"{entry.name}: the sidecar ends well, and the origin saw nothing odd", "\n".join(problems) or None)
    except Exception as error:                      # one client's trouble does not end the others' turns
        report.line(False, f"{entry.name}: runs to its end", tap.describe(error))
    finally:
        program.remove()


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--direct", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    report = Report()
    for entry in table.entries("clients", options.names):
        if entry.cost == "heavy" and not options.all and not options.names:
            report.line(True, entry.name, skipped="heavy to install: --all")
        else:
            one(report, entry, options.direct)
    print(f"1..{report.count}", flush=True)
    os._exit(1 if report.failures else 0)


main()
