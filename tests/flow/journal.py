#!/usr/bin/env python3
# tests/flow/journal.py - standard error is the journal, as systemd has it.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

# The descriptor becomes standard error, and is said to be the journal's.
JOURNALED = """import os, sys
os.dup2(int(sys.argv[1]), 2)
stat = os.fstat(2)
os.environ["JOURNAL_STREAM"] = f"{stat.st_dev}:{stat.st_ino}"
os.execvp(sys.argv[2], sys.argv[2:])
"""


def run_once(t, config):
    """Starts and stops a daemon; the lines that the journal got."""
    ours, theirs = socket.socketpair()
    theirs.set_inheritable(True)
    with ours:
        with theirs:
            outrider = t.outrider(config, wrapper=[sys.executable, "-c", JOURNALED, str(theirs.fileno())],
                                  origin=t.origin())
        t.get(outrider)
        outrider.signal(signal.SIGTERM)
        ours.settimeout(remaining("the end of the journal"))
        text = b""
        while piece := ours.recv(65536):
            text += piece
        t.equal(outrider.wait(), 0, "exit code")
    return text.decode().splitlines()


def test_lines(t):
    """each line carries its priority and no time, which the journal has: first that it starts, last that it stopped"""
    lines = run_once(t, PLAIN + "telemetry: { access_log: none }\n")
    t.true(all(re.match(r"<[3467]>(?!\d{4}-)[^ ]", line) for line in lines), f"priorities before all of {lines}")
    t.contains(lines[0], "<6>outrider ", "first line")
    t.equal(lines[-1], "<6>stopped", "last line")
    nothing = run_once(t, "routes: []\ntelemetry: { access_log: none }\n")
    t.true(any(line.startswith("<4>") and "`routes`" in line for line in nothing), f"a warning among {nothing}")


def test_starts(t):
    """the thread that writes the lines meets nothing half made, however early it comes"""
    start_clock(60)
    for _ in range(20):
        t.equal(run_once(t, PLAIN + "telemetry: { access_log: none }\n")[-1], "<6>stopped", "last line")


main()
