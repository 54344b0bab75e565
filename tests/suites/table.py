# tests/suites/table.py - clients/table, sockets/table: which programs there are, what each needs, how it is built and run.
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "outrider", "suites")
NODE = os.path.join(CACHE, "node")


class Entry:
    """One client. cost: quick (installed and run by default) or heavy (--all)."""

    def __init__(self, fields, here):
        self.here = here
        self.name, self.cost, self.packages, self.check, self.build, self.run = fields
        self.packages = [p for p in self.packages.split() if p != "-"]
        self.build = None if self.build == "-" else self.build

    @property
    def debs(self):
        return [p for p in self.packages if not p.startswith("npm:")]

    @property
    def modules(self):
        return [p[4:] for p in self.packages if p.startswith("npm:")]

    def missing(self):
        """Why it cannot run here, or None."""
        command = self.check.format(node=NODE, here=self.here)
        try:
            done = subprocess.run(command, shell=True, capture_output=True, timeout=60, check=False, cwd="/",
                                  env={**os.environ, "NODE_PATH": os.path.join(NODE, "node_modules")})
        except subprocess.TimeoutExpired:
            return f"`{command}` does not come to its end"
        if done.returncode == 0:
            return None
        return f"not installed: {' '.join(self.packages) or command} (tests/suites/run --install)"


def read(path):
    """The entries of a table: fields with a bar between them, comments with #, a line that ends in \\ goes on."""
    with open(path, encoding="utf-8") as file:
        text = file.read().replace("\\\n", " ")
    for line in text.split("\n"):
        if line.strip() and not line.startswith("#"):
            fields = [field.strip() for field in line.split("|")]
            if len(fields) != 6:
                sys.exit(f"{path}: {len(fields)} fields instead of 6: {line}")
            yield Entry(fields, os.path.dirname(path))


def entries(directory, names=()):
    """Those of DIRECTORY/table, all of them or those with one of these in their name."""
    every = list(read(os.path.join(HERE, directory, "table")))
    unknown = [name for name in names if not any(name in entry.name for entry in every)]
    if unknown:
        sys.exit(f"{directory}: there is no {unknown[0]!r}")
    return [entry for entry in every if not names or any(name in entry.name for name in names)]
