# tests/bench/procs.py - processes to measure: start, pin, stop; their CPU time, memory and system calls.
# SPDX-License-Identifier: Apache-2.0
import ctypes
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TICK = os.sysconf("SC_CLK_TCK")
PR_SET_PDEATHSIG = 1
LOAD_PATIENCE = 120  # seconds for one phase of the load generator
LIBC = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """Something that makes a measurement worthless: said, and the case is given up."""


def raise_file_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def free_port():
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def spawn(command, cpus, **how):
    """A child on these CPUs, that goes when we go."""
    def prepare():
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        os.sched_setaffinity(0, cpus)
    return subprocess.Popen(command, preexec_fn=prepare, **how)


def stop(child, patience=5):
    if child is None or child.poll() is not None:
        return
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(patience)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


class Deadline:
    """Who reads from a child inside does not wait for ever: after so many seconds the child is killed."""

    def __init__(self, child, seconds):
        self.timer = threading.Timer(seconds, child.kill)

    def __enter__(self):
        self.timer.start()

    def __exit__(self, *exception):
        self.timer.cancel()


def family(pid):
    """pid and all its descendants."""
    found = [pid]
    for parent in found:
        try:
            threads = os.listdir("/proc/%d/task" % parent)
        except FileNotFoundError:
            continue
        for thread in threads:
            try:
                with open("/proc/%d/task/%s/children" % (parent, thread)) as f:
                    found += [int(c) for c in f.read().split()]
            except FileNotFoundError:
                continue
    return found


# ---- CPU time

def ticks_of(pid):
    """User and system seconds of a process, its dead threads and its waited-for children."""
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    user, system, child_user, child_system = (int(x) for x in fields[11:15])
    return (user + child_user) / TICK, (system + child_system) / TICK


def nanoseconds_of(pid):
    total = 0
    for thread in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, thread)) as f:
            total += int(f.read().split()[0])
    return total


class CpuClock:
    """CPU seconds a family of processes has used since the clock was made."""

    def __init__(self, pid):
        self.pids = family(pid)
        self.start = self.read()

    def read(self):
        user = system = precise = 0
        for pid in self.pids:
            u, s = ticks_of(pid)
            user, system = user + u, system + s
            try:
                precise += nanoseconds_of(pid) / 1e9
            except FileNotFoundError:
                precise = None
        return user, system, precise

    def elapsed(self):
        """(seconds, share of them in user mode). Precise to nanoseconds where the kernel keeps schedstat and no thread
        ended meanwhile, else to a tick for each process."""
        now = self.read()
        user, system = now[0] - self.start[0], now[1] - self.start[1]
        share = user / (user + system) if user + system > 0 else 0
        if now[2] is None or self.start[2] is None or abs(now[2] - self.start[2] - user - system) > 0.05:
            return user + system, share
        return now[2] - self.start[2], share


# ---- memory

def write_back(command):
    """A program that was linked a moment ago goes to the disk: until then its pages count as written by whoever runs it."""
    for word in filter(os.path.isfile, command):
        fd = os.open(word, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def memory_of(pid):
    """KiB of a family: resident, proportional, private, clean. Private is what it has written; clean pages of programs and
    libraries that nobody else happens to map are apart, because they come and go with the neighbours. Resident has all of
    them, and counts shared pages once for each process."""
    total = {"rss": 0, "pss": 0, "private": 0, "clean": 0}
    for member in family(pid):
        with open("/proc/%d/smaps_rollup" % member) as f:
            rows = dict(re.findall(r"^(\w+):\s+(\d+) kB", f.read(), re.M))
        total["rss"] += int(rows["Rss"])
        total["pss"] += int(rows["Pss"])
        total["private"] += int(rows["Private_Dirty"])
        total["clean"] += int(rows["Private_Clean"])
    return total


# ---- system calls

def can_strace():
    """None, or why not."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    sleeper = subprocess.Popen(["sleep", "5"])
    try:
        with Strace(sleeper.pid, "/dev/null"):
            return None
    except Failure as e:
        return str(e)
    finally:
        sleeper.kill()
        sleeper.wait()


class Strace:
    """Counts the system calls of a family of processes between __enter__ and __exit__: then in .calls by name."""

    def __init__(self, pid, report):
        self.pids = family(pid)
        self.report = report
        self.calls = {}

    def __enter__(self):
        command = ["strace", "-c", "-f", "-o", self.report] + [x for p in self.pids for x in ("-p", str(p))]
        self.child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for _ in self.pids:  # "Process N attached with M threads"
            with Deadline(self.child, 20):
                line = self.child.stderr.readline()
            if "attached" not in line:
                stop(self.child)
                raise Failure("strace: " + (line.strip() or "it ended"))
        return self

    def __exit__(self, *exception):
        self.child.send_signal(signal.SIGINT)
        self.child.communicate(timeout=20)
        if exception[0] is None and self.report != "/dev/null":
            with open(self.report) as f:
                self.calls = parse_strace(f.read())


def parse_strace(text):
    """The table of strace -c: {name: calls}."""
    calls = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) in (5, 6) and re.fullmatch(r"[\d.]+", words[0]) and words[-1] != "total":
            calls[words[-1]] = int(words[3])
    return calls


# ---- the origin and the load

class Tools:
    """Where the programs are, and the CPUs of both sides."""

    def __init__(self, build, proxy_cpus, tool_cpus):
        self.origin = os.path.join(build, "tests/bench/origin")
        self.load = os.path.join(build, "tests/bench/load")
        self.proxy_cpus, self.tool_cpus = proxy_cpus, tool_cpus
        for program in (self.origin, self.load):
            if not os.access(program, os.X_OK):
                raise Failure("%s is missing: run make" % program)


class Origin:
    def __init__(self, tools):
        self.child = spawn([tools.origin], tools.tool_cpus, stdout=subprocess.PIPE, text=True)
        line = self.child.stdout.readline()
        if not line.strip().isdigit():
            raise Failure("the origin does not start")
        self.port = int(line)

    def release(self):
        """Lets all that wait on /hold have their answers; how many they were."""
        body = get(self.port, "/release")
        return int(body[:20])

    def stop(self):
        stop(self.child)


def get(port, path, timeout=5):
    """The body of a plain GET; Failure when it is not a 200."""
    with socket.create_connection(("127.0.0.1", port), timeout) as s:
        s.sendall(("GET %s HTTP/1.1\r\nHost: bench.test\r\nConnection: close\r\n\r\n" % path).encode())
        data = b""
        while True:
            piece = s.recv(65536)
            if not piece:
                break
            data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise Failure("GET %s: %s" % (path, head.split(b"\r\n")[0].decode("latin-1") or "no answer"))
    return body


def wait_until_serving(child, port, log, path="/small", seconds=10):
    end = time.monotonic() + seconds
    while True:
        if child.poll() is not None:
            raise Failure("it ended with %d: %s" % (child.returncode, tail(log)))
        try:
            get(port, path)
            return
        except (OSError, Failure) as e:
            if time.monotonic() > end:
                raise Failure("no answer after %d s (%s): %s" % (seconds, e, tail(log)))
            time.sleep(0.02)


def tail(path):
    try:
        with open(path, errors="replace") as f:
            return f.read()[-600:].strip() or "it logged nothing"
    except OSError as e:
        return str(e)


class Load:
    """One run of the load generator: ready() when it has warmed up, then go(), then report()."""

    def __init__(self, tools, port, arguments):
        command = [tools.load, "--sync", "--port", str(port)] + [str(a) for a in arguments]
        self.child = spawn(command, tools.tool_cpus, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if exception[0] is not None:
            self.child.kill()
        self.child.stdin.close()
        self.child.stdout.close()
        self.child.stderr.close()
        self.child.wait()

    def read_line(self):
        with Deadline(self.child, LOAD_PATIENCE):
            return self.child.stdout.readline()

    def expect(self, word):
        line = self.read_line()
        if line.strip() != word:
            self.child.kill()
            raise Failure("load: %s %s" % (line.strip(), self.child.stderr.read().strip()))

    def ready(self):
        self.expect("ready")

    def go(self):
        self.child.stdin.write("\n")
        self.child.stdin.flush()

    def report(self):
        line = self.read_line()
        if not line.startswith("{"):
            raise Failure("load: no report: " + self.child.stderr.read().strip())
        return json.loads(line)


# ---- where this runs

def os_name(tree=None):
    try:
        with open(os.path.join(tree or "/", "etc/os-release")) as f:
            return re.search(r'^PRETTY_NAME="?([^"\n]*)', f.read(), re.M).group(1)
    except (OSError, AttributeError):
        return "unknown"


def cpu_name():
    try:
        with open("/proc/cpuinfo") as f:
            return re.search(r"^model name\s*:\s*(.*)", f.read(), re.M).group(1)
    except (OSError, AttributeError):
        return "unknown"
