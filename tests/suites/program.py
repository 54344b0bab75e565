# tests/suites/program.py - a program of a table: built, started, and what it said; and the lines of a report.
# SPDX-License-Identifier: Apache-2.0
import os
import shlex
import shutil
import subprocess
import tempfile

import table
from kit import tap


class Program:
    """A client, built if it must be, in a directory of its own."""

    def __init__(self, entry):
        self.name = entry.name
        self.dir = tempfile.mkdtemp(prefix=f"outrider-client-{entry.name}-")
        places = {"here": entry.here, "dir": self.dir, "node": table.NODE}
        self.build = entry.build.format(**places) if entry.build else None
        self.run = entry.run.format(**places)
        self.environment = {name: value for name, value in os.environ.items()
                            if name.lower() not in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")}
        self.environment.update(PYTHONDONTWRITEBYTECODE="1", HOME=self.dir, GOCACHE=self.dir + "/go", GOFLAGS="-mod=mod",
                                GO111MODULE="off", NODE_PATH=os.path.join(table.NODE, "node_modules"))

    def make(self):
        """What the compiler said, or None."""
        if not self.build:
            return None
        done = subprocess.run(self.build, shell=True, cwd=self.dir, env=self.environment, capture_output=True, text=True,
                              timeout=600, check=False)
        return None if done.returncode == 0 else f"{self.build}: {done.stdout}{done.stderr}"

    def start(self, address):
        with open(self.path("stdout"), "wb") as out, open(self.path("stderr"), "wb") as err:
            return subprocess.Popen(shlex.split(self.run) + [address], cwd=self.dir, env=self.environment,
                                    stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def start_piped(self):
        """As start, with the standard output to be read as it comes."""
        with open(self.path("stderr"), "wb") as err:
            return subprocess.Popen(shlex.split(self.run), cwd=self.dir, env=self.environment, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=err, text=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def said(self, name):
        with open(self.path(name), encoding="utf-8", errors="backslashreplace") as file:
            return file.read()

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class Report:
    def __init__(self):
        self.count = self.failures = 0

    def line(self, good, title, why=None, skipped=None):
        self.count += 1
        self.failures += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {title}{f' # SKIP {skipped}' if skipped else ''}", flush=True)
        if why:
            tap.comment(why)
