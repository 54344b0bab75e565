#!/usr/bin/env python3
# tests/suites/websocket.py - WebSocket libraries at both ends of a tunnel: what works without the sidecar works with it.
# SPDX-License-Identifier: Apache-2.0
"""usage: websocket.py [--all] [NAME...]

Every client with the first server, and every server with the first client that are there; with --all every client with
every server. NAME is a part of a client's or a server's name (sockets/table): then all pairs in which it is."""
import argparse
import os
import subprocess
import sys

os.environ.setdefault("OUTRIDER_TEST_TIMEOUT", "120")
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import peers  # noqa: E402
import table  # noqa: E402
from program import Program, Report  # noqa: E402
from websocket_servers import Server  # noqa: E402
from kit import limit, tap  # noqa: E402

STEPS = {
    "text": "ok", "sizes": "ok", "large": "ok", "fragments": "ok", "ping": "ok", "server-ping": "pong",
    "path": "/echo?q=%E2%82%AC", "server-close": "4001 over", "client-close": "3001", "deflate": "ok", "subprotocol": "chat",
    "refused": "403",
}
MANY = "500 tunnels at once, each used, each closed with 1000"


def lines_of(program, address):
    """What the client printed, by step; "" is what went wrong with the client as a whole."""
    limit.start()
    process = program.start(address)
    try:
        code = process.wait(timeout=limit.remaining("the client to end"))
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    said = dict(line.partition(" ")[::2] for line in program.said("stdout").splitlines() if " " in line)
    said[""] = f"ended with {code}: {program.said('stderr')[-1500:]}"
    return said


def wrong(said, name):
    got = said.get(name, said[""])
    return None if got == STEPS[name] else f"{name}: expected {STEPS[name]!r}, got {got[:300]!r}"


def pair(report, client, server):
    """One client with one server: alone, then through the sidecar."""
    name = f"{client.name[7:]} with {server.name[7:]}"
    case = tap.Case(name)
    limit.start()
    try:
        origin = case.closing(Server(server))
        alone = lines_of(client, f"ws://127.0.0.1:{origin.port}")
        limit.start()
        daemon = case.closing(peers.Ours(origin, case))
        said = lines_of(client, f"ws://127.0.0.1:{daemon.port}")
        for step in STEPS:
            if alone.get(step, "").startswith("skip "):
                report.line(True, f"{name}: {step}", skipped=alone[step][5:])
            elif wrong(alone, step):        # two libraries that do not agree: nothing to be learned of the sidecar
                report.line(True, f"{name}: {step}", skipped=f"not without the sidecar either: {alone.get(step, alone[''])[:100]}")
            else:
                report.line(not wrong(said, step), f"{name}: {step}", wrong(said, step))
    except Exception as error:
        report.line(False, f"{name}: runs to its end", tap.describe(error))
    limit.start()
    problems = case.close()
    report.line(not problems, f"{name}: the sidecar ends well", "\n".join(problems + case._notes) if problems else None)


def many(report, server):
    entry = table.Entry(["many", "quick", "", "true", "-", "/usr/bin/python3 {here}/many-python-websockets.py"],
                        os.path.join(HERE, "sockets"))
    program, case = Program(entry), tap.Case("many")
    limit.start()
    try:
        origin = case.closing(Server(server))
        daemon = case.closing(peers.Ours(origin, case))
        said = lines_of(program, f"ws://127.0.0.1:{daemon.port}")
        got = said.get("many", said[""])
        report.line(got.strip() == "500", MANY, None if got.strip() == "500" else got)
    except Exception as error:
        report.line(False, MANY, tap.describe(error))
    limit.start()
    problems = case.close()
    report.line(not problems, "500 tunnels: the sidecar ends well", "\n".join(problems) or None)
    program.remove()


def pairs(clients, servers, options):
    if options.all or options.names:
        return [(c, s) for c in clients for s in servers
                if not options.names or any(name in c.name or name in s.name for name in options.names)]
    return [(c, servers[0]) for c in clients] + [(clients[0], s) for s in servers[1:]]


def present(report, entries, kind):
    """The programs of a kind that are there; the others are skipped by name."""
    programs = []
    for entry in entries:
        if not entry.name.startswith(kind):
            continue
        missing = entry.missing()
        if missing:
            report.line(True, entry.name, skipped=missing)
        else:
            programs.append(Program(entry))
    return programs


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    report = Report()
    entries = table.entries("sockets")
    clients, servers = present(report, entries, "client"), present(report, entries, "server")
    if clients and servers:
        for client, server in pairs(clients, servers, options):
            pair(report, client, server)
        named = {program.name: program for program in clients + servers}
        if "client-python-websockets" in named and not options.names:
            many(report, servers[0])
    for program in clients + servers:
        program.remove()
    print(f"1..{report.count}", flush=True)
    os._exit(1 if report.failures else 0)


main()
