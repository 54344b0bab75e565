#!/usr/bin/python3
# tests/bench/bench.py - Outrider, nginx and HAProxy in front of the same origin, in interleaved rounds.
# SPDX-License-Identifier: Apache-2.0
import argparse
import os
import platform
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # the sources may be read-only
import cases
import procs
import proxies
import report

WARMUP = 0.3


def say(text):
    print(text, file=sys.stderr, flush=True)


def read_options():
    p = argparse.ArgumentParser(description="Compares the CPU time, latency, memory and system calls of HTTP proxies.")
    p.add_argument("--case", action="append", metavar="NAME", help="only this one (repeat); see --list")
    p.add_argument("--list", action="store_true", help="print the cases")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    p.add_argument("--proxies", default="outrider,nginx,haproxy,direct")
    p.add_argument("--workers", type=int, default=1, help="threads or processes of each proxy")
    p.add_argument("--nice", type=int, default=0, metavar="N", help="of everything measured: -15 keeps neighbours out (root)")
    p.add_argument("--build", default=".", help="where make ran")
    p.add_argument("--outrider", help="its command line ($OUTRIDER, or BUILD/outrider)")
    p.add_argument("--nginx", default="nginx")
    p.add_argument("--haproxy", default="haproxy")
    p.add_argument("--run-in", metavar="DIR", help="start Outrider, and the others that are installed there, in this tree (chroot)")
    p.add_argument("--cpu-bar", type=float, metavar="X", help="no bar on CPU per request is lower than this")
    p.add_argument("--no-strace", action="store_true", help="do not count system calls")
    p.add_argument("--json", metavar="FILE", help="also write all numbers there")
    p.add_argument("--markdown", metavar="FILE")
    p.add_argument("--svg", metavar="FILE")
    p.add_argument("--results", metavar="PREFIX", help="all three: PREFIX.json, PREFIX.md, PREFIX.svg")
    p.add_argument("--strict", action="store_true", help="exit 1 when a bar is missed")
    options = p.parse_args()
    if options.results:
        options.json, options.markdown, options.svg = (options.results + end for end in (".json", ".md", ".svg"))
    options.outrider = options.outrider or os.environ.get("OUTRIDER") or os.path.join(options.build, "outrider")
    return options


def choose_cpus(workers):
    """The first for the proxies, the last for everything else; shared when there are not enough."""
    cpus = sorted(os.sched_getaffinity(0))
    return set(cpus[:workers]), {cpus[-1]} if workers < len(cpus) else set(cpus)


def choose_proxies(options):
    chosen = []
    for name in options.proxies.split(","):
        proxy = proxies.make(name, options)
        if proxy is None:
            say("SKIPPED: %s is not installed (%s)" % (name, getattr(options, name)))
        else:
            chosen.append(proxy)
    return chosen


class Bench:
    def __init__(self, options):
        self.options = options
        self.tools = procs.Tools(options.build, *choose_cpus(options.workers))
        self.base = os.path.join(options.run_in, "tmp") if options.run_in else None
        self.where = tempfile.mkdtemp(prefix="bench-", dir=self.base)
        os.chmod(self.where, 0o755)
        self.proxies = choose_proxies(options)
        self.no_strace = "not asked for" if options.no_strace else procs.can_strace()
        if self.no_strace:
            say("SKIPPED: system calls are not counted: " + self.no_strace)

    def close(self):
        for proxy in self.proxies:
            proxy.stop()
        shutil.rmtree(self.where, ignore_errors=True)

    # ---- one measurement

    def load(self, proxy, arguments):
        return procs.Load(self.tools, proxy.port, arguments)

    def finish(self, proxy, load):
        result = load.report()
        proxy.asked += result["done"] + result["warmed"]
        proxy.check()
        if result["errors"]:
            raise procs.Failure("%s: %d errors %s, status %s" % (proxy.name, result["errors"], result["error"], result["status"]))
        if result["done"] == 0:
            raise procs.Failure(proxy.name + ": no request was done")
        return result

    def measure(self, proxy, arguments):
        """One closed or open loop: a row of numbers."""
        with self.load(proxy, arguments) as load:
            load.ready()
            clock = procs.CpuClock(proxy.pid) if proxy.pid else None
            load.go()
            result = self.finish(proxy, load)
            return self.row(result, clock.elapsed() if clock else (None, None))

    @staticmethod
    def row(result, used):
        seconds, user_share = used
        latency = result["latency_us"]
        row = {"rps": result["rps"], "p50_us": latency["p50"], "p99_us": latency["p99"], "p999_us": latency["p99.9"],
               "done": result["done"], "bytes": result["bytes"]}
        if seconds is not None:
            row["cpu_us"] = seconds * 1e6 / result["done"]
            row["cpu_s_per_gb"] = seconds * 1e9 / result["bytes"]
            row["user_share"] = user_share
            row["busy"] = seconds / result["seconds"]
        return row

    def timed(self, case):
        return case.load + ["-d", self.options.seconds, "-w", WARMUP]

    def measure_parked(self, proxy, case, origin):
        """Busy connections beside a crowd of requests that are in flight, and without one."""
        alone = self.measure(proxy, self.timed(case))
        with self.load(proxy, self.timed(case) + ["--park", case.crowd, "--crowd-path", "/hold"]) as load:
            load.ready()
            clock = procs.CpuClock(proxy.pid) if proxy.pid else None
            memory = procs.memory_of(proxy.pid) if proxy.pid else {}
            load.go()
            result = self.finish(proxy, load)
            row = self.row(result, clock.elapsed() if clock else (None, None))
            self.release(case, result, load, origin)
        for key, kib in memory.items():
            row[key + "_kib"] = kib
        if "cpu_us" in row:
            row["alone_us"] = alone["cpu_us"]
            row["times"] = row["cpu_us"] / alone["cpu_us"]
        return row

    @staticmethod
    def release(case, result, load, origin):
        if result["crowd"] != case.crowd:
            raise procs.Failure("only %d of %d requests were still in flight" % (result["crowd"], case.crowd))
        load.expect("release")
        let_go = origin.release()
        load.go()
        answered = load.report()
        if let_go != case.crowd or answered["answered"] != case.crowd or answered["errors"]:
            raise procs.Failure("the origin held %d of %d, and %s" % (let_go, case.crowd, answered))

    def measure_idle(self, proxy, case):
        """Memory with nothing to do, and with a crowd of connections that asked once."""
        before = procs.memory_of(proxy.pid)
        with self.load(proxy, case.load + ["--idle", case.crowd]) as load:
            load.ready()
            after = procs.memory_of(proxy.pid)
            load.go()
            result = load.report()
        if result["crowd"] != case.crowd or result["errors"]:
            raise procs.Failure("%s: %d of %d connections stayed open" % (proxy.name, result["crowd"], case.crowd))
        row = {key + "_kib": kib for key, kib in before.items()}
        row.update({"crowd_%s_kib" % key: kib for key, kib in after.items()})
        row["conn_kib"] = (after["private"] - before["private"]) / case.crowd
        return row

    def count_calls(self, proxy, case):
        """System calls for each request, by name; in a pass of its own, because it slows the proxy down."""
        with self.load(proxy, case.load + ["-n", case.traced, "-w", 0.1]) as load:
            load.ready()
            with procs.Strace(proxy.pid, os.path.join(self.where, "strace")) as strace:
                load.go()
                result = self.finish(proxy, load)
        return {name: n / result["done"] for name, n in strace.calls.items()}

    # ---- a case

    def round_of(self, proxy, case, origin):
        if case.kind == "idle":
            return self.measure_idle(proxy, case)
        if case.kind == "park":
            return self.measure_parked(proxy, case, origin)
        return self.measure(proxy, self.timed(case))

    def fitting(self, case):
        return [p for p in self.proxies if p.name != "direct" or case.kind in ("busy", "rate")]

    def run_case(self, case):
        result = {"rounds": {}, "calls": {}, "memory": {}, "failed": {}, "log_lost": {}}
        origin = procs.Origin(self.tools)
        running = []
        for proxy in self.fitting(case):
            self.guard(result, proxy, lambda p: (p.start(self.tools, origin.port, proxies.Setup(
                self.options.workers, case.logs), self.where), running.append(p)))
        for n in range(1 if case.kind == "idle" else self.options.rounds):
            say("  %s: round %d" % (case.name, n + 1))
            for proxy in running[n % max(1, len(running)):] + running[:n % max(1, len(running))]:
                self.guard(result, proxy, lambda p: result["rounds"].setdefault(p.name, []).append(
                    self.round_of(p, case, origin)))
        for proxy in running:
            self.guard(result, proxy, lambda p: self.look_inside(p, case, result))
            asked, lost = proxy.asked, proxy.stop()
            if lost is not None:
                result["log_lost"][proxy.name] = (lost, asked)
        origin.stop()
        return result

    def look_inside(self, proxy, case, result):
        if proxy.pid is None:
            return
        result["memory"][proxy.name] = procs.memory_of(proxy.pid)
        if case.traced and not self.no_strace:
            result["calls"][proxy.name] = self.count_calls(proxy, case)

    @staticmethod
    def guard(result, proxy, work):
        """A proxy that fails is out of the case, loudly; the others go on."""
        if proxy.name in result["failed"]:
            return
        try:
            work(proxy)
        except (procs.Failure, OSError) as e:
            say("FAILED: %s: %s" % (proxy.name, e))
            result["failed"][proxy.name] = str(e)

    def about(self):
        return {
            "date": time.strftime("%Y-%m-%d"), "kernel": platform.release(), "cpus": os.cpu_count(),
            "workers": self.options.workers, "rounds": self.options.rounds, "seconds": self.options.seconds,
            "system": procs.os_name(self.options.run_in), "cpu": procs.cpu_name(),
            "versions": {p.name: p.version() for p in self.proxies},
        }


def main():
    options = read_options()
    if options.list:
        for case in cases.CASES:
            print("%-14s %s" % (case.name, case.title))
        return 0
    unknown = [n for n in options.case or [] if n not in cases.BY_NAME]
    unknown += [n for n in options.proxies.split(",") if n not in proxies.NAMES]
    if unknown:
        say("no such case or proxy: " + ", ".join(unknown))
        return 64
    chosen = [c for c in cases.CASES if not options.case or c.name in options.case]
    procs.raise_file_limit()
    try:
        bench = Bench(options)
    except procs.Failure as e:
        say(str(e))
        return 69
    os.sched_setaffinity(0, bench.tools.tool_cpus)
    os.nice(options.nice)
    results = {"about": bench.about(), "cases": {}}
    try:
        for case in chosen:
            results["cases"][case.name] = bench.run_case(case)
            report.print_case(case, results["cases"][case.name], options.cpu_bar)
    finally:
        bench.close()
    report.write_files(results, options)
    return report.verdict(results, options)


if __name__ == "__main__":
    sys.exit(main())
