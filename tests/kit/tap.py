# tests/kit/tap.py - cases: functions named test_*, run in order, told in TAP.
# SPDX-License-Identifier: Apache-2.0
"""A file of tests/flow holds one behaviour. Each test_NAME(t) in it is a case; its docstring is the line in the report.
What a case opens through t (Outrider, Origin, Client) is closed in reverse order at its end, also when it failed."""
import os
import sys
import traceback

from . import limit


class Failure(Exception):
    """An expectation that did not hold."""


class Skip(Exception):
    """The case cannot run here; the text says why."""


def shorten(value, length=2000):
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= length else f"{text[:length]}... ({len(text)} characters)"


class Case:
    """What a case gets as t: expectations and things to be closed."""

    def __init__(self, name):
        self.name = name
        self.failed = False
        self._closers = []
        self._notes = []
        self._said = []

    # -- expectations ---------------------------------------------------------------------------------------------
    def equal(self, got, want, what):
        if got != want:
            raise Failure(f"{what}: expected {shorten(want)}, got {shorten(got)}")

    def true(self, condition, what):
        if not condition:
            raise Failure(what)

    def contains(self, whole, part, what):
        if part not in whole:
            raise Failure(f"{what}: {shorten(part)} is not in {shorten(whole)}")

    def lacks(self, whole, part, what):
        if part in whole:
            raise Failure(f"{what}: {shorten(part)} is in {shorten(whole)}")

    def at_most(self, got, most, what):
        if got > most:
            raise Failure(f"{what}: expected at most {most}, got {got}")

    def at_least(self, got, least, what):
        if got < least:
            raise Failure(f"{what}: expected at least {least}, got {got}")

    def wait_until(self, predicate, what):
        """Also ends when the case has failed, so that a script that waits lets go."""
        return limit.wait_until(lambda: self.failed or predicate(), what)

    def raises(self, kind, action, what):
        try:
            value = action()
        except kind as error:
            return error
        kinds = kind if isinstance(kind, tuple) else (kind,)
        raise Failure(f"{what}: expected {' or '.join(k.__name__ for k in kinds)}, got {shorten(value)}")

    def skip(self, why):
        raise Skip(why)

    # -- resources ------------------------------------------------------------------------------------------------
    def closing(self, thing):
        """thing.close(failed) is called at the end of the case."""
        self._closers.append(thing)
        return thing

    def note(self, text):
        """Shown when the case fails."""
        self._notes.append(text)

    def say(self, text):
        """Shown with the result, whatever it is: what was measured."""
        self._said.append(text)

    def close(self):
        problems = []
        while self._closers:
            try:
                self._closers.pop().close(self.failed)
            except Exception as error:              # every one of them gets its turn
                problems.append(describe(error))
                self.failed = True
        return problems

    # -- what most cases open -------------------------------------------------------------------------------------
    def origin(self, *scripts, **options):
        from .origin import Origin
        return self.closing(Origin(self, *scripts, **options))

    def outrider(self, config, **things):
        from .outrider import Outrider
        return self.closing(Outrider(self, config, **things)).start()

    def client(self, where, **options):
        from .client import Client
        return self.closing(Client(where, **options))

    def get(self, where, target="/", **options):
        """One GET on a connection of its own."""
        return self.ask(where, "GET", target, **options)

    def ask(self, where, method, target, headers=(), body=None, host="t.example", **options):
        """One request on a connection of its own."""
        from .client import Client
        client = Client(where, **options)
        try:
            return client.ask(method, target, headers=headers, body=body, host=host)
        finally:
            client.close()


def describe(error):
    if isinstance(error, (Failure, limit.TimedOut)):
        where = traceback.extract_tb(error.__traceback__)
        lines = [f"{os.path.basename(f.filename)}:{f.lineno}: {f.line}" for f in where
                 if os.sep + "kit" + os.sep + "tap.py" not in f.filename]
        return f"{type(error).__name__}: {error}\n" + "\n".join(lines)
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def comment(text):
    for line in text.rstrip("\n").split("\n"):
        sys.stdout.write("# " + line.encode("ascii", "backslashreplace").decode() + "\n")


def run_case(number, name, function):
    title = (function.__doc__ or name).strip().split("\n")[0].replace("#", "\\#")
    case = Case(name)
    skipped = None
    problems = []
    limit.start()
    try:
        function(case)
    except Skip as why:
        skipped = str(why)
    except KeyboardInterrupt:
        case.failed = True
        case.close()
        raise
    except BaseException as error:                  # also what a library raises: it is a failed case, not a crash
        problems.append(describe(error))
        case.failed = True
    limit.start()                                   # closing has its own time
    problems += case.close()
    if problems:
        print(f"not ok {number} - {title}", flush=True)
        for problem in problems:
            comment(problem)
        for note in case._notes:
            comment(note)
    elif skipped:
        print(f"ok {number} - {title} # SKIP {skipped}", flush=True)
    else:
        print(f"ok {number} - {title}", flush=True)
    for text in case._said:
        comment(text)
    sys.stdout.flush()
    return not problems


def main():
    """Runs the cases of the calling program. An argument picks those whose name contains it."""
    module = sys.modules["__main__"]
    cases = [(name, function) for name, function in vars(module).items()
             if name.startswith("test_") and callable(function)]
    if len(sys.argv) > 1:
        cases = [(name, function) for name, function in cases if any(a in name for a in sys.argv[1:])]
    if not cases:
        print("Bail out! no such case")
        sys.exit(2)
    print(f"1..{len(cases)}", flush=True)
    results = [run_case(i, name, function) for i, (name, function) in enumerate(cases, 1)]
    sys.stdout.flush()
    os._exit(0 if all(results) else 1)              # a stuck thread of an origin must not hold the program
