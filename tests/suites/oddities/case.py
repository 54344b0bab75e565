# tests/suites/oddities/case.py - a case: bytes, and what may come of them.
# SPDX-License-Identifier: Apache-2.0
"""A request of a case is for a path of its own choice; SMUGGLED is what nobody may ever see at the origin."""

BAD = (400, 422, 501)
SMUGGLED = "/smuggled"


class Case:
    """statuses: how it may be refused (the end of the connection without an answer is a refusal, too), empty: not at all.
    seen: (method, target, body) that may reach the origin, None: nothing may; paths: any of these may, whatever the body.
    answers: how many answers may come at most. quiet: that no answer comes at all is right."""

    def __init__(self, name, wire, statuses=(), seen=None, paths=(), answers=1, quiet=False):
        self.name, self.wire, self.statuses, self.seen, self.paths = name, wire, tuple(statuses), seen, tuple(paths)
        self.answers, self.quiet = answers, quiet

    def wrong(self, outcome):
        """Why the outcome is wrong, or None."""
        whole = [(request.method, request.target, request.body) for request in outcome.requests]
        if any(target.startswith(SMUGGLED) for _, target, _ in whole):
            return f"smuggled: {whole}"
        if outcome.odd:
            return f"at the origin: {outcome.odd}"
        if len(outcome.answers) > self.answers:
            return f"{len(outcome.answers)} answers: {outcome.answers}"
        status = outcome.answers[0] if outcome.answers else None
        if status is not None and 200 <= status < 300:
            return self._wrongly_served(whole)
        if self.quiet and status is None:
            return None
        if status is None and not outcome.ended:
            return "no answer, and the connection stays"
        if status is not None and status not in self.statuses:
            return f"status {status}, expected {self._wanted()}"
        if not self.statuses:
            return f"the connection ended, expected {self._wanted()}"
        if whole and not self.seen:
            return f"refused, and yet at the origin: {whole}"
        return None

    def _wrongly_served(self, whole):
        if self.paths:
            return None if all(target in self.paths for _, target, _ in whole) else f"at the origin {whole}, expected {self.paths}"
        if self.seen is None:
            return f"served as {whole}"
        return None if whole[:1] == [self.seen] else f"at the origin {str(whole)[:200]}, expected {str(self.seen)[:100]}"

    def _wanted(self):
        return f"one of {str(self.statuses)[:60]}" if self.statuses else "200"


def refuse(name, wire, statuses=BAD):
    return Case(name, wire, statuses)


def accept(name, wire, seen, statuses=()):
    return Case(name, wire, statuses, seen)


def either(name, wire, seen=None, statuses=BAD):
    """Refused, or served as just this (None: the first path of the wire)."""
    return Case(name, wire, statuses, seen) if seen else Case(name, wire, statuses, None, (wire.split(b" ")[1].decode("latin-1"), "/%C3%A4", "/%c3%a4"))


def only(name, wire, paths, statuses=BAD):
    return Case(name, wire, statuses, None, paths)


def head(*lines, start=b"GET / HTTP/1.1"):
    return start + b"\r\nHost: t.example\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def post(*lines, body=b"", start=b"POST / HTTP/1.1"):
    return head(*lines, start=start) + body
