# tests/kit/exposition.py - the text of /metrics, read strictly.
# SPDX-License-Identifier: Apache-2.0
"""Prometheus 0.0.4 and OpenMetrics 1.0, as far as the two are used here. A page that a scraper might not take, or read in
another way, is an error: a family twice, samples apart from their family, a series twice, buckets that go down."""
import re

from .tap import Failure

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
TYPES = {"counter", "gauge", "histogram", "untyped", "unknown"}
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def labels_of(text, line):
    labels, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        if not match or match.group(1) in labels:
            raise Failure(f"labels of {line!r}")
        labels[match.group(1)] = re.sub(r'\\["\\n]', lambda m: ESCAPES[m.group()], match.group(2))
        at = match.end()
    return labels


class Exposition:
    """types: by family; values: by (name, sorted labels)."""

    def __init__(self, text, openmetrics=False):
        self.openmetrics = openmetrics
        self.types, self.helps, self.values = {}, {}, {}
        self.family = None
        if not text.endswith("\n"):
            raise Failure("the page does not end with a line feed")
        lines = text[:-1].split("\n")
        if openmetrics and lines.pop() != "# EOF":
            raise Failure("the page does not end with # EOF")
        for line in lines:
            self._line(line)
        for family, kind in self.types.items():
            if kind == "histogram":
                self._check_histogram(family)

    def _line(self, line):
        if line.startswith("# HELP "):
            family, _, text = line[7:].partition(" ")
            if family in self.helps or not text:
                raise Failure(f"again, or without a text: {line}")
            self.helps[family], self.family = text, family
        elif line.startswith("# TYPE "):
            family, _, kind = line[7:].partition(" ")
            if family != self.family or family in self.types or kind not in TYPES:
                raise Failure(f"at the wrong place, or of no kind: {line}")
            self.types[family] = kind
        else:
            self._sample(line)

    def _sample(self, line):
        match = SAMPLE.match(line)
        if not match or match.group(1) not in self._names():
            raise Failure(f"no sample of {self.family}: {line!r}")
        key = match.group(1), tuple(sorted(labels_of(match.group(2) or "", line).items()))
        if key in self.values:
            raise Failure(f"twice: {line}")
        self.values[key] = float(match.group(3))

    def _names(self):
        kind = self.types.get(self.family)
        if kind == "histogram":
            return {self.family + suffix for suffix in ("_bucket", "_sum", "_count")}
        return {self.family + "_total" if kind == "counter" and self.openmetrics else self.family}

    def _check_histogram(self, family):
        series = {}
        for (name, labels), value in self.values.items():
            if name == family + "_bucket":
                rest = tuple(label for label in labels if label[0] != "le")
                series.setdefault(rest, []).append((float(dict(labels)["le"]), value))
        for labels, buckets in series.items():
            counts = [count for _, count in buckets]
            if sorted(buckets) != buckets or sorted(counts) != counts or buckets[-1][0] != float("inf"):
                raise Failure(f"buckets of {family}{labels}: {buckets}")
            if self.values[family + "_count", labels] != counts[-1]:
                raise Failure(f"count of {family}{labels}")

    def get(self, name, **labels):
        """The sample with just these labels, or None."""
        return self.values.get((name, tuple(sorted(labels.items()))))

    def all(self, name, **labels):
        """Those that have at least these labels: {the other labels: value}, for one other label by its value alone."""
        found = {}
        for (sample, has), value in self.values.items():
            if sample == name and labels.items() <= dict(has).items():
                others = tuple(v for k, v in has if k not in labels)
                found[others[0] if len(others) == 1 else others] = value
        return found

    def sum(self, name, **labels):
        return sum(self.all(name, **labels).values())


def scrape(outrider, *headers):
    """The page of a sidecar that runs."""
    answer = outrider.health("/metrics", headers=headers)
    if answer.status != 200:
        raise Failure(f"/metrics: {answer.status} {answer.text()}")
    return Exposition(answer.text(), "openmetrics" in answer.get("content-type"))
