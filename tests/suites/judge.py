# tests/suites/judge.py - the same cases for each of several proxies.
# SPDX-License-Identifier: Apache-2.0
"""A case is a function test_NAME(t) as in tests/flow; its docstring begins with the section that demands it. What stands
in front of the origin is the proxy under test: t.front(origin). Everything a case opened is closed after it."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from kit import limit, tap  # noqa: E402


class Trial(tap.Case):
    """A case, with one of the proxies."""

    def __init__(self, name, kind):
        super().__init__(name)
        self.kind = kind

    def front(self, origin):
        return self.closing(self.kind(origin, self))

    def through(self, *scripts):
        """(client, origin), with the proxy between them."""
        origin = self.origin(*scripts)
        return self.client(self.front(origin)), origin


def cases_of(module):
    return [(name, function) for name, function in vars(module).items()
            if name.startswith("test_") and callable(function)]


def title_of(name, function):
    return (function.__doc__ or name).strip().split("\n")[0]


def one(kind, name, function):
    """None when the case was right, else why not."""
    trial = Trial(name, kind)
    problems = []
    limit.start()
    try:
        function(trial)
    except KeyboardInterrupt:
        trial.close()
        raise
    except BaseException as error:                  # whatever was raised, the case is not right
        trial.failed = True
        problems.append(tap.describe(error))
    limit.start()
    problems += trial.close()
    return "\n".join(problems + (trial._notes if problems else [])) or None
