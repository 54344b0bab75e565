# tests/bench/report.py - medians, ratios and bars; as a table, Markdown, JSON and a plot.
# SPDX-License-Identifier: Apache-2.0
import json
import os
import statistics

import cases
import plot

PEERS = ("nginx", "haproxy")
UNITS = {"cpu_us": "CPU µs/request", "cpu_s_per_gb": "CPU s/GB", "p99_us": "p99 µs", "times": "x the cost alone",
         "private_kib": "private KiB idle", "rss_kib": "resident KiB idle", "conn_kib": "private KiB per idle connection"}


def values(result, proxy, metric):
    return [row[metric] for row in result["rounds"].get(proxy, []) if row.get(metric) is not None]


def median(result, proxy, metric):
    found = values(result, proxy, metric)
    return statistics.median(found) if found else None


def best_peer(result, metric):
    """The better of nginx and HAProxy: the lower median. None when neither was measured."""
    found = [(median(result, p, metric), p) for p in PEERS if median(result, p, metric) is not None]
    return min(found)[1] if found else None


def paired(result, metric, peer):
    """The values of Outrider and of the peer, round by round."""
    return list(zip(values(result, "outrider", metric), values(result, peer, metric)))


class Verdict:
    """A bar, held against what was measured: state is ok, MISS or not measured."""

    def __init__(self, bar, result, cpu_bar=None):
        self.bar, self.peer, self.numbers = bar, None, []
        self.limit = bar.limit
        if cpu_bar is not None and bar.metric == "cpu_us":
            self.limit = max(self.limit, cpu_bar)
        self.measure(result)

    def measure(self, result):
        bar = self.bar
        if bar.against is None:
            self.numbers = values(result, "outrider", bar.metric)
            return
        self.peer = best_peer(result, bar.metric) if bar.against == "best" else bar.against
        if self.peer is None or not values(result, self.peer, bar.metric):
            return
        for ours, theirs in paired(result, bar.metric, self.peer):
            self.numbers.append(ours - theirs if self.peer == "direct" else ours / theirs)

    @property
    def number(self):
        return statistics.median(self.numbers) if self.numbers else None

    @property
    def state(self):
        if self.number is None:
            return "not measured"
        return "ok" if self.number <= self.limit else "MISS"

    @property
    def what(self):
        name = UNITS[self.bar.metric]
        if self.peer == "direct":
            return "added " + name
        return "%s, of %s" % (name, self.peer) if self.peer else name

    def show(self, number):
        if self.bar.against in (None, "direct"):
            return "%.1f" % number if number < 100 else "%.0f" % number
        return "%.2fx" % number

    def text(self):
        if self.number is None:
            return "%s: not measured (bar %g)" % (self.what, self.limit)
        spread = "" if len(self.numbers) < 2 else " (%s..%s)" % (self.show(min(self.numbers)), self.show(max(self.numbers)))
        goal = ""
        if self.bar.goal is not None:
            goal = ", goal %g %s" % (self.bar.goal, "ok" if self.number <= self.bar.goal else "missed")
        return "%s: %s%s, bar %g %s%s" % (self.what, self.show(self.number), spread, self.limit, self.state, goal)


def verdicts(case, result, cpu_bar=None):
    return [Verdict(bar, result, cpu_bar) for bar in case.bars]


# ---- tables: rows of text, the same for the terminal and for Markdown

def number(value, digits=1):
    if value is None:
        return "-"
    return "%.*f" % (digits, value) if abs(value) < 10000 else "%.0f" % value


def spread(result, proxy, metric, digits=1):
    found = values(result, proxy, metric)
    if not found:
        return "-"
    return "%s (%s..%s)" % (number(statistics.median(found), digits), number(min(found), digits), number(max(found), digits))


def calls_text(result, proxy):
    calls = result["calls"].get(proxy)
    return number(sum(calls.values()), 2) if calls else "-"


def memory_text(result, proxy):
    memory = result["memory"].get(proxy)
    return "%.1f / %.1f" % (memory["rss"] / 1024, memory["private"] / 1024) if memory else "-"


def user_text(result, proxy):
    share = median(result, proxy, "user_share")
    return "%.0f %%" % (share * 100) if share is not None else "-"


def busy_columns(case):
    cost = ("CPU s/GB", lambda r, p: spread(r, p, "cpu_s_per_gb", 3)) if case.per_gb else \
           ("CPU µs/req", lambda r, p: spread(r, p, "cpu_us"))
    return [cost, ("user", user_text), ("req/s", lambda r, p: number(median(r, p, "rps"), 0)),
            ("p50 µs", lambda r, p: number(median(r, p, "p50_us"), 0)),
            ("p99 µs", lambda r, p: number(median(r, p, "p99_us"), 0)),
            ("syscalls/req", calls_text), ("RSS / private MiB", memory_text)]


def park_columns(case):
    return [("CPU µs/busy req", lambda r, p: spread(r, p, "cpu_us")),
            ("with none in flight", lambda r, p: number(median(r, p, "alone_us"))),
            ("times", lambda r, p: spread(r, p, "times", 2)),
            ("p99 µs", lambda r, p: number(median(r, p, "p99_us"), 0)),
            ("private MiB", lambda r, p: number(mib(median(r, p, "private_kib"))))]


def mib(kib):
    return kib / 1024 if kib is not None else None


def idle_columns(case):
    return [("idle private KiB", lambda r, p: number(median(r, p, "private_kib"), 0)),
            ("clean, not shared", lambda r, p: number(median(r, p, "clean_kib"), 0)),
            ("idle RSS KiB", lambda r, p: number(median(r, p, "rss_kib"), 0)),
            ("private MiB with %d" % case.crowd, lambda r, p: number(mib(median(r, p, "crowd_private_kib")))),
            ("KiB/connection", lambda r, p: number(median(r, p, "conn_kib")))]


COLUMNS = {"busy": busy_columns, "rate": busy_columns, "park": park_columns, "idle": idle_columns}


def table(case, result):
    columns = COLUMNS[case.kind](case)
    names = list(result["rounds"]) + [n for n in result["failed"] if n not in result["rounds"]]
    order = [n for n in ("outrider", "nginx", "haproxy", "direct") if n in names]
    rows = [[""] + [title for title, _ in columns]]
    for name in order:
        if name in result["failed"]:
            rows.append([name, "FAILED"] + ["-"] * (len(columns) - 1))
        else:
            rows.append([name] + [cell(result, name) for _, cell in columns])
    return rows


def ratio_text(name, numbers):
    text = "%s %.2fx" % (name, statistics.median(numbers))
    return text + (" (%.2f..%.2f)" % (min(numbers), max(numbers)) if len(numbers) > 1 else "")


def ratios(case, result, peer):
    """Outrider to this peer, round by round."""
    parts = []
    for name, metric in (("CPU", "cpu_s_per_gb" if case.per_gb else "cpu_us"), ("req/s", "rps"), ("p50", "p50_us"), ("p99", "p99_us")):
        pairs = paired(result, metric, peer)
        if pairs:
            parts.append(ratio_text(name, [ours / theirs for ours, theirs in pairs]))
    for name, kind, total in (("private memory", "memory", lambda m: m["private"]), ("calls", "calls", lambda c: sum(c.values()))):
        if "outrider" in result[kind] and peer in result[kind]:
            parts.append(ratio_text(name, [total(result[kind]["outrider"]) / total(result[kind][peer])]))
    return "to %s: %s" % (peer, ", ".join(parts)) if parts else None


def lost_too_many(lost, asked):
    """Who does not write the lines has not done the work."""
    return lost > asked / 100


def notes(case, result, cpu_bar):
    lines = [ratios(case, result, p) for p in PEERS if ratios(case, result, p)] if case.kind == "busy" else []
    lines += [v.text() for v in verdicts(case, result, cpu_bar)]
    lines += ["%s: %s" % (name, why) for name, why in result["failed"].items()]
    lines += ["%s lost %d of %d log lines%s" % (name, lost, asked, ": its numbers do not count" if lost_too_many(lost, asked) else "")
              for name, (lost, asked) in result["log_lost"].items() if lost]
    return lines


def print_case(case, result, cpu_bar=None):
    rows = table(case, result)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    print("\n%s: %s" % (case.name, case.title))
    for row in rows:
        print("  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip())
    for line in notes(case, result, cpu_bar):
        print("  " + line)
    print(end="", flush=True)


def markdown(results, cpu_bar=None):
    about = results["about"]
    lines = ["# Benchmark of %s" % about["date"], "",
             "%s, Linux %s, %s, %d CPUs; %d worker(s); %d interleaved rounds of %g s; medians (min..max)." % (
                 about["system"], about["kernel"], about["cpu"], about["cpus"], about["workers"], about["rounds"],
                 about["seconds"]),
             "Versions: %s." % "; ".join("%s" % v for n, v in about["versions"].items() if n != "direct"), ""]
    for name, result in results["cases"].items():
        case = cases.BY_NAME[name]
        rows = table(case, result)
        lines += ["## %s" % case.title, "", "| " + " | ".join(rows[0]) + " |", "|---" * len(rows[0]) + "|"]
        lines += ["| " + " | ".join(row) + " |" for row in rows[1:]] + [""]
        lines += ["- " + line for line in notes(case, result, cpu_bar)] + [""]
    return "\n".join(lines).rstrip() + "\n"


# ---- files and the last word

def write(path, text):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


def write_files(results, options):
    if options.json:
        write(options.json, json.dumps(results, indent=1) + "\n")
    if options.markdown:
        write(options.markdown, markdown(results, options.cpu_bar))
    if options.svg:
        write(options.svg, plot.svg(results))


def verdict(results, options):
    """Prints the bars in short; the exit code."""
    missed = failed = 0
    print()
    for name, result in results["cases"].items():
        failed += len(result["failed"]) + sum(lost_too_many(*x) for x in result["log_lost"].values())
        for v in verdicts(cases.BY_NAME[name], result, options.cpu_bar):
            missed += v.state == "MISS"
            print("%-12s %-13s %s" % (v.state, name, v.text()))
    if failed:
        return 1
    return 1 if missed and options.strict else 0
