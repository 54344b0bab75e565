# tests/lint/tree.py - what the lint tests share: the files of the tree, and a verdict per rule.
# SPDX-License-Identifier: Apache-2.0
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOPS = ["sidecar", "discovery", "policy", "admin", "packaging", "tests"]
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)


def files(*endings, tops=TOPS):
    """Paths relative to the root, sorted; those that end as asked (all of them without an ending)."""
    found = []
    for top in tops:
        for where, names, leaves in os.walk(os.path.join(ROOT, top)):
            names[:] = sorted(n for n in names if not n.startswith((".", "__")))
            found += [os.path.relpath(os.path.join(where, leaf), ROOT) for leaf in leaves]
    return sorted(f for f in found if not endings or f.endswith(endings))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def includes(path, text=None):
    """(line, quote, name) of every #include; quote is '"' or '<'."""
    text = read(path) if text is None else text
    return [(text.count("\n", 0, m.start()) + 1, m.group(1), m.group(2)) for m in INCLUDE.finditer(text)]


class Verdicts:
    """One line of TAP per rule; what broke it above that line."""

    def __init__(self):
        self.done = self.failed = 0

    def rule(self, name, broken):
        self.done += 1
        self.failed += bool(broken)
        for line in broken:
            print("# " + line)
        print("%sok %d - %s" % ("not " if broken else "", self.done, name))

    def skip(self, name, why):
        self.done += 1
        print("ok %d - %s # SKIP %s" % (self.done, name, why))

    def end(self):
        print("1..%d" % self.done)
        sys.exit(1 if self.failed else 0)
