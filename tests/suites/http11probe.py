#!/usr/bin/env python3
# tests/suites/http11probe.py - the cases of Http11Probe, read out of a checkout of it, sent and judged by its rules.
# SPDX-License-Identifier: Apache-2.0
"""usage: http11probe.py [--cases DIR] [--peers] [--write] [NAME...]

DIR is a checkout of Http11Probe (README.md here says how to get one); nothing of it is part of this tree, and without it
the suite is skipped. Its cases are C# and are run by csharp/. What Outrider is expected to do with each stands in
http11probe.table: a case that does worse fails, and so does one that the table does not know unless it passes.
A case that differs is asked once more, alone. --peers judges nginx and HAProxy, too; --write prints a new table."""
import argparse
import collections
import concurrent.futures
import glob
import os
import re
import select
import socket
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import csharp  # noqa: E402
import mirror  # noqa: E402
import peers  # noqa: E402
from kit import has_seam, limit, reads_extensions, tap  # noqa: E402

SUITES = "src/Http11Probe/TestCases/Suites/*.cs"
TABLE = os.path.join(HERE, "http11probe.table")
RANKS = ("pass", "warn", "fail", "error")           # the better first
READ, DRAIN, AFTER = 5, 0.1, 0.05                   # seconds, as its own client has them
ROOM, BODY, RAW = 65536, 4096, 8192                 # bytes of an answer that it looks at
CONFIG = peers.OURS.replace("services:", 'listeners: [ { name: main, address: "@main@", peers: untrusted } ]\nservices:', 1)

CASE = {"Id": None, "Description": None, "Category": None, "RfcReference": None, "Expected": None, "Scored": True,
        "RfcLevel": "Must", "BehavioralAnalyzer": None}
MODEL = {                                           # what its classes have, and what they have when nothing is said
    "TestCase": {**CASE, "PayloadFactory": None},
    "SequenceTestCase": {**CASE, "Steps": None, "Validator": None},
    "SequenceStep": dict.fromkeys(("PayloadFactory", "DynamicPayloadFactory", "SendPartsFactory", "Label")),
    "SequenceSendPart": {"PayloadFactory": None, "DelayAfter": 0, "Label": None},
    "ExpectedBehavior": {"ExpectedStatus": None, "ExpectedConnectionState": None, "AllowConnectionClose": False,
                         "CustomValidator": None, "Description": None},
}
TYPES = {name: csharp.Namespace(name, enumeration=True)
         for name in ("TestVerdict", "ConnectionState", "TestCategory", "RfcLevel")}
TYPES["StatusCodeRange"] = csharp.Namespace("StatusCodeRange", {
    "Exact": lambda code: (code, code), "Range": lambda low, high: (low, high),
    "Range2xx": (200, 299), "Range4xx": (400, 499), "Range4xxOr5xx": (400, 599)})


# -- the cases ---------------------------------------------------------------------------------------------------------
def read(directory):
    """All cases of the checkout."""
    found = []
    for path in sorted(glob.glob(os.path.join(directory, SUITES))):
        with open(path, encoding="utf-8-sig") as file:
            members = csharp.load(file.read(), os.path.basename(path), TYPES, MODEL)
        for name in ("GetTestCases", "GetSequenceTestCases"):
            found += members[name]() if name in members else []
    return found


# -- its client --------------------------------------------------------------------------------------------------------
class Caller:
    """One connection, which reads as its client does: to the end of a head, and what comes within a moment."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), READ)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, octets):
        try:
            self.sock.sendall(octets)
        except OSError:                             # what was answered is still to be read
            pass

    def read(self):
        """(bytes, state)"""
        got, until = b"", time.monotonic() + READ
        while b"\r\n\r\n" not in got and len(got) < ROOM:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return got, "TimedOut"
            more = self.some(len(got))
            if not more:
                return got, "ClosedByServer"
            got += more
        time.sleep(DRAIN)
        while len(got) < ROOM and select.select([self.sock], [], [], 0)[0]:
            more = self.some(len(got))
            if not more:
                break
            got += more
        time.sleep(AFTER)
        return got, self.state()

    def some(self, have):
        try:
            return self.sock.recv(ROOM - have)
        except OSError:
            return b""

    def state(self):
        try:
            ended = select.select([self.sock], [], [], 0)[0] and not self.sock.recv(1, socket.MSG_PEEK)
        except OSError:
            ended = True
        return "ClosedByServer" if ended else "Open"


def response(octets):
    """The first answer in there as a record, None when there is none."""
    text = "".join(chr(octet) if octet < 128 else "?" for octet in octets)
    line, end, rest = text.partition("\n")
    match = re.fullmatch(r"([^ ]*) ([^ ]*)(?: (.*))?", line.rstrip("\r"), re.S)
    if not end or not match or not re.fullmatch(r"\s*[+-]?\d+\s*", match.group(2)):
        return None
    fields = csharp.Table()
    fields.folds = True
    for line in rest.split("\n"):
        name, colon, value = line.rstrip("\r").partition(":")
        if not line.rstrip("\r"):
            break
        if colon and name:
            key = next((known for known in fields if known.lower() == name.strip().lower()), name.strip())
            fields[key] = f"{fields[key]}, {value.strip()}" if key in fields else value.strip()
    body = text.partition("\r\n\r\n")[2][:BODY] or None
    return csharp.Record("HttpResponse", {
        "StatusCode": int(match.group(2)), "ReasonPhrase": match.group(3) or "", "HttpVersion": match.group(1),
        "Headers": fields, "Body": body, "RawResponse": text[:RAW], "IsEmpty": False}, {})


# -- its judge ---------------------------------------------------------------------------------------------------------
def judged(expected, answer, state):
    if expected.get("CustomValidator"):
        return expected.get("CustomValidator")(answer, state)
    close = expected.get("AllowConnectionClose")
    if state == expected.get("ExpectedConnectionState") or (close and answer is None):
        return "Pass"
    status = expected.get("ExpectedStatus")
    return "Pass" if answer and status and status[0] <= answer.get("StatusCode") <= status[1] else "Fail"


def parts_of(step, context, done):
    """(bytes, pause) of what a step sends."""
    if step.get("SendPartsFactory"):
        return [(part.get("PayloadFactory")(context), part.get("DelayAfter")) for part in step.get("SendPartsFactory")(context)]
    if step.get("DynamicPayloadFactory"):
        return [(step.get("DynamicPayloadFactory")(context, done), 0)]
    return [(step.get("PayloadFactory")(context), 0)]


def ask(port, case):
    """(verdict, what was answered)."""
    context = csharp.Record("TestContext", {"Host": "localhost", "Port": port, "HostHeader": f"localhost:{port}"}, {})
    caller, state, done = Caller(port), "Open", []
    with caller.sock:
        for step in case.get("Steps") or [case]:
            answer, executed = None, state == "Open"
            if executed:
                for octets, pause in parts_of(step, context, done):
                    caller.send(bytes(octets))
                    time.sleep(pause)
                octets, state = caller.read()
                answer = response(octets)
            done.append(csharp.Record("StepResult", {"Label": step.get("Label"), "Executed": executed, "Response": answer,
                                                     "ConnectionState": state}, {"RawRequest": None}))
    validator = case.get("Validator")
    first = done[0]
    verdict = validator(done) if validator else judged(case.get("Expected"), first.get("Response"), first.get("ConnectionState"))
    said = [f"{step.get('Response').get('StatusCode') if step.get('Response') else '-'} {step.get('ConnectionState')}"
            for step in done if step.get("Executed")]
    return verdict.lower(), ", ".join(said)


# -- one proxy ---------------------------------------------------------------------------------------------------------
class Bench:
    """A proxy before the mirror."""

    def __init__(self, kind):
        limit.start()
        self.origin, self.case = mirror.Mirror(), tap.Case(kind.name)
        more = {"config": CONFIG} if kind is peers.Ours else {}
        self.front = kind(self.origin, self.case, **more)

    def ask(self, case):
        try:
            return ask(self.front.port, case)
        except Exception as error:                  # the proxy cannot be reached, or the case has what the reader does not know
            return "error", f"{type(error).__name__}: {error}"

    def all(self, cases):
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            return list(pool.map(self.ask, cases))

    def close(self):
        """What was wrong at the end."""
        limit.start()
        alive = self.front.alive()
        self.front.close()
        self.origin.close()
        return ([] if alive else ["the proxy has died"]) + self.case.close()


def expectations():
    """{id: verdict} of the table: a verdict and ids on a line, why behind a #."""
    found = {}
    with open(TABLE, encoding="utf-8") as file:
        for line in file:
            words = line.split("#")[0].split()
            for name in words[1:]:
                if name in found or words[0] not in RANKS:
                    sys.exit(f"{TABLE}: {line.strip()}")
                found[name] = words[0]
    return found


def score(cases, results):
    """A line with the numbers."""
    lines = []
    for scored in (True, False):
        count = collections.Counter(verdict for case, (verdict, _) in zip(cases, results) if case.get("Scored") == scored)
        lines.append(f"{'' if scored else 'not '}scored {sum(count.values())}: " +
                     ", ".join(f"{count[rank]} {rank}" for rank in RANKS if count[rank]))
    return "; ".join(lines)


def excuse(name):
    """Why a build cannot do what the table says, or None."""
    return "this libmicrohttpd refuses chunk extensions" if "EXT" in name and not reads_extensions() else None


def report(bench, cases, results):
    """Tells each case; the number of those that failed."""
    table, failed = expectations(), 0
    for number, (case, (verdict, said)) in enumerate(zip(cases, results), 1):
        name = case.get("Id")
        want = table.get(name, "pass")
        if RANKS.index(verdict) > RANKS.index(want):
            verdict, said = bench.ask(case)
        worse = RANKS.index(verdict) > RANKS.index(want)
        why = excuse(name) if worse else None
        failed += worse and not why
        print(f"{'not ok' if worse and not why else 'ok'} {number} - {name}: {verdict}" + (f" # SKIP {why}" if why else ""))
        if worse:
            tap.comment(f"expected {want}, got {said}" + ("" if name in table else f"; {TABLE} does not know this case"))
        elif verdict != want:
            tap.comment(f"better than the table, which has {want}")
    return failed


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--cases")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if not options.cases or not has_seam():
        why = ("no transport seam in this build: it serves no untrusted listener" if options.cases else
               "no checkout of Http11Probe was named: --cases DIR (tests/suites/README.md)")
        print(f"1..1\nok 1 - http11probe # SKIP {why}")
        return 0
    try:
        every = read(options.cases)
    except csharp.NotUnderstood as error:
        sys.exit(f"http11probe: {error}")
    cases = [case for case in every if not options.names or any(name in case.get("Id") for name in options.names)]
    if not cases or peers.Ours.missing():
        sys.exit(f"http11probe: {peers.Ours.missing() or 'no such case in ' + os.path.join(options.cases, SUITES)}")
    bench = Bench(peers.Ours)
    results = bench.all(cases)
    if options.write:
        for rank in RANKS:
            print("\n".join(f"{rank} {case.get('Id')}" for case, (verdict, _) in zip(cases, results) if verdict == rank))
        return bool(bench.close())
    failed = report(bench, cases, results)
    for name in sorted(set(expectations()) - {case.get("Id") for case in every}):
        tap.comment(f"in the table and not in this checkout: {name}")
    problems = bench.close()
    print(f"{'not ok' if problems else 'ok'} {len(cases) + 1} - the sidecar ends well\n1..{len(cases) + 1}")
    tap.comment("\n".join(problems) or f"{peers.Ours.version()}: {score(cases, results)}")
    for kind in (peers.Nginx, peers.Haproxy) if options.peers else ():
        if kind.missing():
            tap.comment(f"{kind.name}: not compared, {kind.missing()}")
            continue
        bench = Bench(kind)
        tap.comment(f"{kind.version()}: {score(cases, bench.all(cases))}")
        bench.close()
    return 1 if failed or problems else 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)                                # not for the threads that still wait for a byte
