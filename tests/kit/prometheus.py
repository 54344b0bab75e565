# tests/kit/prometheus.py - a real Prometheus that scrapes, and promtool.
# SPDX-License-Identifier: Apache-2.0
"""The programs are $PROMETHEUS and $PROMTOOL, else those of the PATH, else what packaging/check has put into its cache.
Without them a case is skipped, by name."""
import json
import os
import shutil
import subprocess
import urllib.parse

from . import limit
from .client import Client
from .ports import Port
from .tap import Failure
from .wire import Ended

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "outrider/prometheus/usr/bin")


def program(t, name):
    places = [os.environ.get(name.upper()), shutil.which(name), os.path.join(CACHE, name)]
    found = next((place for place in places if place and os.access(place, os.X_OK)), None)
    if found is None:
        t.skip(f"there is no {name} here: packaging/check --steps scraped gets one, or {name.upper()} names it")
    return found


def promtool(t, *arguments, stdin=b""):
    """Its exit code and all that it says."""
    done = subprocess.run([program(t, "promtool"), *arguments], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=limit.remaining("promtool"), check=False)
    return done.returncode, done.stdout.decode()


class Prometheus:
    """Scrapes what its configuration, a file's path, says. `dir`: for what it keeps."""

    def __init__(self, t, config, directory):
        self.port = t.closing(Port())
        self.log = os.path.join(directory, "prometheus.log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [program(t, "prometheus"), f"--config.file={config}", f"--storage.tsdb.path={directory}/prometheus",
                 f"--web.listen-address={self.port.host}:{self.port.port}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        t.closing(self)

    def _ask(self, path):
        client = Client(self.port)
        try:
            return client.get(path, host=f"{self.port.host}:{self.port.port}")
        finally:
            client.close()

    def query(self, expression):
        """{labels: value}, labels a frozenset of pairs, __name__ among them; None while it does not answer."""
        try:
            answer = self._ask("/api/v1/query?query=" + urllib.parse.quote(expression))
        except (OSError, Ended):
            if self.process.poll() is not None:
                with open(self.log, encoding="utf-8", errors="replace") as log:
                    raise Failure(f"Prometheus ended with {self.process.returncode}: {log.read()[-1000:]}") from None
            return None
        if answer.status == 503:                        # until it has read what it keeps
            return None
        if answer.status != 200:
            raise Failure(f"{expression}: {answer.status} {answer.text()}")
        result = json.loads(answer.body)["data"]["result"]
        return {frozenset(one["metric"].items()): float(one["value"][1]) for one in result}

    def number(self, expression):
        """The one value of an expression that has one, else None."""
        values = self.query(expression)
        return next(iter(values.values())) if values and len(values) == 1 else None

    def close(self, failed=False):
        self.process.kill()
        self.process.wait()
