#!/usr/bin/env python3
# tests/suites/probes.py - odd HTTP/1.1 requests, one connection each: what is answered, and what the origin gets to see.
# SPDX-License-Identifier: Apache-2.0
"""usage: probes.py [--peers] [NAME...]

A case is wrong when a request is served that must be refused, refused that must be served, read in another way than the RFC
has it, when bytes of a body or behind a refused request become a request, or when the origin is sent what it must not be.
What a build without the transport seam gets wrong is skipped, each by name: its library reads before anybody else, and it
serves no untrusted listener. Without --peers Outrider alone is judged; with it nginx and HAProxy are, too. NAME is a part of a case's name."""
import argparse
import os
import select
import sys
import time

os.environ.setdefault("OUTRIDER_TEST_TIMEOUT", "10")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402
from oddities import framing, requests  # noqa: E402
from kit import BadMessage, Client, Ended, Truncated, has_seam, http, limit, reads_extensions, tap  # noqa: E402

EXTENSIONS = ("chunk: an extension", "chunk: a quoted extension")
PATIENCE = 1.5                              # seconds for an answer, before a case is called silent
MOMENT = 0.05                               # in which a further answer would come


class Outcome:
    """answers: statuses; ended: the connection; requests: whole ones at the origin; odd: what was wrong with them."""

    def __init__(self):
        self.answers, self.ended, self.requests, self.odd = [], False, [], None


class Bench:
    """One proxy and one origin for all cases; a proxy that has died is started again."""

    def __init__(self, kind):
        self.kind, self.case = kind, tap.Case(kind.name)
        self.origin = self.case.origin()
        self.front = kind(self.origin, self.case)

    def ready(self):
        limit.start()
        if self.front.alive():
            return None
        self.front = self.kind(self.origin, self.case)
        return "the proxy has died"

    def ask(self, case):
        outcome = Outcome()
        seen, problems = len(self.origin.requests), len(self.origin.problems)
        client = Client(self.front)
        try:
            client.send(case.wire)
            read_answers(client, case, outcome)
        except Ended:
            outcome.ended = True
        finally:
            client.close()
        time.sleep(0 if outcome.answers else 0.02)  # without an answer nothing else says that the origin has seen it
        outcome.requests = self.origin.requests[seen:]
        odd = [text for text in self.origin.problems[problems:] if "BadMessage" in text]
        outcome.odd = odd[0].strip().split("\n")[-1] if odd else None
        del self.origin.problems[problems:]
        return outcome

    def close(self):
        """What was wrong at the end."""
        limit.start()
        try:
            self.front.close()
            return self.case.close()
        except limit.TimedOut as error:
            return [str(error)] + self.case.close()


def coming(client, seconds):
    return client.buffer or select.select([client.sock], [], [], seconds)[0]


def read_answers(client, case, outcome):
    """Answers as they come; the first one has PATIENCE, each further one a MOMENT."""
    patience = PATIENCE if not case.quiet else 0.3
    while coming(client, patience):
        if not client.buffer and not client.fill("an answer"):
            outcome.ended = True
            return
        method = case.wire.lstrip().split(b" ")[0].decode("latin-1") if not outcome.answers else "GET"
        try:
            answer = http.read_response(client, method)
        except (BadMessage, Truncated) as error:
            outcome.odd = f"an answer that is none: {error}"
            return
        outcome.answers.append(answer.status)
        patience = MOMENT * 4 if len(outcome.answers) < case.answers else MOMENT


def judged(bench, case):
    """Why the case is wrong, or None."""
    died = bench.ready()
    if died:
        return died
    try:
        return case.wrong(bench.ask(case))
    except Exception as error:              # a proxy that cannot be reached is wrong, too
        return f"{type(error).__name__}: {error}"


def compare(kind, cases):
    if kind.missing():
        print(f"# {kind.name}: not compared, {kind.missing()}")
        return
    bench = Bench(kind)
    wrong = [(case.name, why) for case in cases for why in [judged(bench, case)] if why]
    bench.close()
    print(f"# {kind.version()}: {len(cases) - len(wrong)} of {len(cases)} right")
    for name, why in wrong:
        print(f"#     wrong: {name}: {why[:120]}".encode("ascii", "backslashreplace").decode())


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    cases = [case for module in (requests, framing) for case in module.cases()
             if not options.names or any(name in case.name for name in options.names)]
    if not cases or peers.Ours.missing():
        sys.exit(f"probes: {peers.Ours.missing() or 'no such case'}")
    limit.start()
    bench = Bench(peers.Ours)
    print(f"1..{len(cases) + 1}")
    right = failed = 0
    for number, case in enumerate(cases, 1):
        why = judged(bench, case)
        right += not why
        if why and not has_seam():
            print(f"ok {number} - {case.name} # SKIP no transport seam in this build: {why[:80]}", flush=True)
            continue
        if why and case.name in EXTENSIONS and not reads_extensions():
            print(f"ok {number} - {case.name} # SKIP this libmicrohttpd refuses them", flush=True)
            continue
        print(f"{'not ok' if why else 'ok'} {number} - {case.name}", flush=True)
        failed += bool(why)
        if why:
            tap.comment(why[:400])
    problems = bench.close()
    if problems and not has_seam():
        print(f"ok {len(cases) + 1} - the sidecar ends well # SKIP no transport seam in this build: {problems[0][:80]}")
        problems = []
    else:
        print(f"{'not ok' if problems else 'ok'} {len(cases) + 1} - the sidecar ends well")
    tap.comment("\n".join(problems) or f"{peers.Ours.version()}: {right} of {len(cases)} right")
    for kind in (peers.Nginx, peers.Haproxy) if options.peers else ():
        compare(kind, cases)
    sys.stdout.flush()
    os._exit(1 if failed or problems else 0)


main()
