#!/usr/bin/python3
# tests/bench/gate.py - ceilings that do not depend on the machine's mood: system calls, instructions, memory.
# SPDX-License-Identifier: Apache-2.0
"""Prints TAP. Each ceiling stands in ceilings.json with the reason for its value. What this machine cannot measure is
skipped by name; exit 77 when that is everything."""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the sources may be read-only
import cases
import procs
import proxies

HERE = os.path.dirname(os.path.abspath(__file__))
WARM_REQUESTS = 200


def read_options():
    p = argparse.ArgumentParser(description="Holds the daemon against tests/bench/ceilings.json.")
    p.add_argument("--build", default=os.environ.get("top_builddir", "."), help="where make ran")
    p.add_argument("--outrider", help="its command line ($OUTRIDER, or BUILD/outrider)")
    p.add_argument("--only", metavar="PREFIX", help="only ceilings whose name begins like this")
    p.add_argument("--ceilings", default=os.path.join(HERE, "ceilings.json"))
    options = p.parse_args()
    options.outrider = options.outrider or os.environ.get("OUTRIDER") or os.path.join(options.build, "outrider")
    options.run_in = None
    return options


class Skip(Exception):
    """This machine cannot measure that."""


class Gate:
    def __init__(self, options):
        self.options = options
        self.tools = procs.Tools(options.build, set(os.sched_getaffinity(0)), set(os.sched_getaffinity(0)))
        self.where = tempfile.mkdtemp(prefix="gate-")
        self.origin = procs.Origin(self.tools)
        self.cache = {}

    def close(self):
        self.origin.stop()
        shutil.rmtree(self.where, ignore_errors=True)

    def daemon(self, prefix=()):
        proxy = proxies.make("outrider", self.options)
        if proxy is None:
            raise procs.Failure(self.options.outrider + " is missing: run make")
        proxy.command = list(prefix) + proxy.command
        proxy.start(self.tools, self.origin.port, proxies.Setup(workers=1), self.where)
        return proxy

    def requests(self, proxy, script, count):
        """The requests of a script, each answered before the next is sent on that connection; all must be good."""
        with procs.Load(self.tools, proxy.port, SCRIPTS[script] + ["-n", count]) as load:
            load.ready()
            load.go()
            result = load.report()
        self.judge(proxy, result, count)

    def judge(self, proxy, result, count):
        """All must have been answered; else how many were, and what became of the daemon."""
        if result["errors"] or result["done"] != count:
            proxy.check()
            raise procs.Failure("%d of %d requests, errors %s; the daemon runs: %s" % (
                result["done"], count, result["error"], procs.tail(proxy.log)))

    # ---- system calls

    def calls(self, script, count):
        why_not = procs.can_strace()
        if why_not:
            raise Skip(why_not)
        proxy = self.daemon()
        try:
            self.requests(proxy, script, WARM_REQUESTS)
            with procs.Load(self.tools, proxy.port, SCRIPTS[script] + ["-n", count, "--timeout", 60]) as load:
                load.ready()
                with procs.Strace(proxy.pid, os.path.join(self.where, "strace")) as strace:
                    load.go()
                    result = load.report()
            self.judge(proxy, result, count)
        finally:
            proxy.stop()
        self.note = ", ".join("%s %.2f" % (n, c / count) for n, c in sorted(strace.calls.items(), key=lambda x: -x[1])[:8])
        return sum(strace.calls.values()) / count

    # ---- instructions

    def instructions(self, script, few, many):
        if shutil.which("valgrind") is None:
            raise Skip("valgrind is not installed")
        used = [self.instructions_of(script, n) for n in (few, many)]
        self.note = "%d instructions for %d requests, %d for %d" % (used[0], few, used[1], many)
        if used[1] <= used[0]:
            raise procs.Failure("%s: what was counted is not the daemon" % self.note)
        return (used[1] - used[0]) / (many - few)

    def instructions_of(self, script, count):
        """All instructions of one life of the daemon in user mode."""
        out = os.path.join(self.where, "callgrind-%s-%d" % (script, count))
        proxy = self.daemon(["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out])
        try:
            self.requests(proxy, script, count)
        finally:
            log = proxy.log
            proxy.stop()
        try:
            with open(out) as f:
                return int(re.search(r"^(?:summary|totals): (\d+)", f.read(), re.M).group(1))
        except (OSError, AttributeError):
            raise procs.Failure("callgrind left no result: " + procs.tail(log))

    # ---- memory

    def footprint(self, what, crowd=0):
        """KiB: private or rss with nothing to do, or private for each idle connection that has asked once."""
        if (what, crowd) not in self.cache:
            self.cache.update(self.measure_footprint(crowd))
        return self.cache[(what, crowd)]

    def measure_footprint(self, crowd):
        proxy = self.daemon()
        try:
            before = procs.memory_of(proxy.pid)
            found = {("private", 0): before["private"], ("rss", 0): before["rss"]}
            if crowd:
                with procs.Load(self.tools, proxy.port, ["-c", 0, "--idle", crowd]) as load:
                    load.ready()
                    after = procs.memory_of(proxy.pid)
                    load.go()
                    if load.report()["crowd"] != crowd:
                        raise procs.Failure("not all %d connections stayed open" % crowd)
                found[("connection", crowd)] = (after["private"] - before["private"]) / crowd
        finally:
            proxy.stop()
        return found

    def measure(self, ceiling):
        self.note = ""
        return getattr(self, ceiling["measure"])(**ceiling["with"])

    def least(self, ceiling):
        """What stands in the way of a measurement only adds to it: above the ceiling it is taken once more."""
        first = self.measure(ceiling)
        if first <= ceiling["ceiling"]:
            return first
        note, self.cache = self.note, {}
        second = self.measure(ceiling)
        self.note = "first %.2f%s, then %.2f%s" % (first, note and " (%s)" % note, second, self.note and " (%s)" % self.note)
        return min(first, second)


# Arguments of the load generator. One connection makes every wait of the daemon a wait for one thing, so that its
# system calls do not depend on who is faster; lockstep makes eight of them start together.
SCRIPTS = {
    "one": ["-c", 1],
    "eight": ["-c", 8, "--lockstep"],
    "headers": ["-c", 1, "-u", "/headers"] + cases.with_headers(),
    "post": ["-c", 1, "-u", "/sink", "-b", 4096],
    "chunked": ["-c", 1, "-u", "/sink", "-b", 4096, "--chunked"],
    "10k": ["-c", 1, "-u", "/10k", "-l", 10240],
    "new": ["-c", 1, "-f"],
}


def judge(gate, number, ceiling):
    """One line of TAP; True, False, or None when it was skipped."""
    name = "%s <= %g %s" % (ceiling["name"], ceiling["ceiling"], ceiling["unit"])
    try:
        value = gate.least(ceiling)
    except Skip as e:
        print("ok %d - %s # SKIP %s" % (number, name, e), flush=True)
        return None
    except (procs.Failure, OSError, subprocess.SubprocessError) as e:
        first, *rest = str(e).splitlines() or [type(e).__name__]
        print("\n# ".join(["not ok %d - %s: %s" % (number, name, first)] + rest), flush=True)
        return False
    good = value <= ceiling["ceiling"]
    print("%s %d - %s: %.2f" % ("ok" if good else "not ok", number, name, value))
    if gate.note:
        print("# " + gate.note)
    sys.stdout.flush()
    return good


def main():
    options = read_options()
    with open(options.ceilings) as f:
        ceilings = [c for c in json.load(f)["ceilings"] if c["name"].startswith(options.only or "")]
    procs.raise_file_limit()
    print("1..%d" % len(ceilings), flush=True)
    try:
        gate = Gate(options)
    except procs.Failure as e:
        print("Bail out! %s" % e)
        return 99
    try:
        verdicts = [judge(gate, n, c) for n, c in enumerate(ceilings, 1)]
    finally:
        gate.close()
    if False in verdicts or not verdicts:
        return 1
    return 77 if all(v is None for v in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
