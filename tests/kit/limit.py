# tests/kit/limit.py - the one time limit of a case, and waiting for an event within it.
# SPDX-License-Identifier: Apache-2.0
"""Nothing in a test sleeps for a guessed time: it waits for an event, and OUTRIDER_TEST_TIMEOUT (seconds, default 20)
is the only number that says how long. A slow build (valgrind, sanitizers) raises that one variable."""
import os
import time

LIMIT = float(os.environ.get("OUTRIDER_TEST_TIMEOUT", "20"))
EVERY = int(os.environ.get("OUTRIDER_TEST_EVERY", "1"))      # messages are cut at every n-th byte, each at others
POLL = 0.01

_deadline = time.monotonic() + LIMIT


class TimedOut(Exception):
    """The case's time is over; the text says what was waited for."""


def start(seconds=None):
    """Starts the clock of a case; a case that moves gigabytes asks for more."""
    global _deadline
    _deadline = time.monotonic() + (seconds or LIMIT)


def remaining(what="an event"):
    """Seconds left, for a socket's timeout."""
    left = _deadline - time.monotonic()
    if left <= 0:
        raise TimedOut(f"waited for {what}")
    return left


def wait_until(predicate, what, poll=POLL):
    """Polls until predicate() is true, and returns what it returned."""
    while True:
        value = predicate()
        if value:
            return value
        remaining(what)
        time.sleep(poll)
