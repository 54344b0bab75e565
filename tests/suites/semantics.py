#!/usr/bin/env python3
# tests/suites/semantics.py - the duties that RFC 9110 and RFC 9112 give a proxy, one case each, beside other proxies.
# SPDX-License-Identifier: Apache-2.0
"""usage: semantics.py [--peers] [NAME...]

Every case is a MUST or MUST NOT (or a requirement that follows from one), with its section in front. Without --peers Outrider alone
is judged; with it nginx and HAProxy are, too, and the last lines count. NAME is a part of a case's name."""
import argparse
import os
import sys

os.environ.setdefault("OUTRIDER_TEST_TIMEOUT", "10")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import judge  # noqa: E402
import peers  # noqa: E402
from duties import answers, fields, requests  # noqa: E402
from kit import has_seam, reads_extensions, tap  # noqa: E402


# Without the transport seam the library has read a request before anybody else, and holds an answer back for its body.
HIDDEN = ("requests.folded_line", "requests.nul_in_value", "answers.early_answer")


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("names", nargs="*")
    return parser.parse_args()


def chosen(names):
    cases = [(f"{module.__name__.split('.')[-1]}.{name[5:]}", function)
             for module in (requests, fields, answers) for name, function in judge.cases_of(module)]
    return [case for case in cases if not names or any(name in case[0] for name in names)]


def compare(kinds, cases):
    """What each of the others gets right; a peer's fault is a number, not a failure of this suite."""
    for kind in kinds:
        if kind.missing():
            print(f"# {kind.name}: not compared, {kind.missing()}")
            continue
        wrong = [judge.title_of(*case) for case in cases if judge.one(kind, *case)]
        print(f"# {kind.version()}: {len(cases) - len(wrong)} of {len(cases)} right")
        for title in wrong:
            print(f"#     wrong: {title}")
        sys.stdout.flush()


def main():
    options = arguments()
    cases = chosen(options.names)
    if not cases:
        sys.exit("semantics: no such case")
    if peers.Ours.missing():
        sys.exit(f"semantics: {peers.Ours.missing()}")
    print(f"1..{len(cases)}")
    right = wrong = 0
    for number, case in enumerate(cases, 1):
        title = f"{case[0]}: {judge.title_of(*case)}"
        if case[0] in HIDDEN and not has_seam():
            print(f"ok {number} - {title} # SKIP no transport seam in this build", flush=True)
            continue
        if case[0] == "answers.chunk_extensions_of_a_request" and not reads_extensions():
            print(f"ok {number} - {title} # SKIP this libmicrohttpd refuses them", flush=True)
            continue
        trouble = judge.one(peers.Ours, *case)
        print(f"{'not ok' if trouble else 'ok'} {number} - {title}", flush=True)
        if trouble:
            tap.comment(trouble)
        wrong += bool(trouble)
        right += not trouble
    print(f"# {peers.Ours.version()}: {right} of {len(cases)} right")
    if options.peers:
        compare([peers.Nginx, peers.Haproxy], cases)
    sys.stdout.flush()
    os._exit(1 if wrong else 0)       # a stuck thread of an origin must not hold the program


main()
