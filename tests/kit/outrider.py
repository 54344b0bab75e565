# tests/kit/outrider.py - the daemon under test.
# SPDX-License-Identifier: Apache-2.0
"""OUTRIDER names the program (a wrapper such as `valgrind ./outrider` is split at blanks). A configuration is YAML
with @places@: @main@ is the address of the listener that Client(outrider) talks to, @dir@ a directory of the case, and
a thing given by name stands for itself: @origin@ is `{ host: ..., port: ... }`, @origin.port@ its port. Unless the text
has them, `listeners` (one, at @main@) and `admin` (a unix socket) are put before it."""
import functools
import json
import mmap
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

from . import http, limit
from .client import Client
from .ports import Port
from .tap import Failure
from .wire import Ended

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
LISTENERS = 'listeners: [ { name: main, address: "@main@" } ]\n'
ADMIN = 'admin: { listeners: [ "unix:@dir@/admin.sock" ] }\n'
REPORTS = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|ERROR SUMMARY: [1-9]"
                     r"|Assertion .* failed|stack smashing|buffer overflow detected")


def command():
    """The program as a list."""
    return shlex.split(os.environ.get("OUTRIDER") or os.path.join(TOP, "outrider"))


def sanitized():
    """True when the program's memory is not its own: a sanitizer build, or a wrapper around it."""
    words = command()
    if len(words) > 1:
        return True
    with open(words[0], "rb") as program, mmap.mmap(program.fileno(), 0, access=mmap.ACCESS_READ) as image:
        return any(image.find(name) >= 0 for name in (b"__asan_init", b"__tsan_init", b"__msan_init"))


def run(*arguments, stdin="", env=None):
    """Runs the program to its end: (exit code, standard output, standard error)."""
    done = subprocess.run(command() + list(arguments), input=stdin, capture_output=True, text=True,
                          env=environment(env), timeout=limit.remaining("the program to end"), check=False)
    return done.returncode, done.stdout, done.stderr


@functools.lru_cache
def has_seam():
    """Whether this build checks a client's bytes before the HTTP library sees them; `outrider version` says so."""
    return "before libmicrohttpd's parser" in run("version")[1]


def needs_seam(t, why):
    """Skips the case in a build without it; why: what such a build cannot do."""
    if not has_seam():
        t.skip(f"no transport seam in this build: {why}")


def mounted(t, command, argument):
    """A wrapper that runs the daemon after this command, which may mount what only the daemon sees."""
    wrapper = ["unshare", *([] if os.getuid() == 0 else ["-r"]), "-m", "sh", "-c", command + ' && shift && exec "$@"', "sh",
               argument]
    if subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode != 0:
        t.skip("no mounts of one's own here")
    return wrapper


@functools.lru_cache
def reads_extensions():
    """Whether the library reads over extensions of chunks that are not the last one; from 1.0 on it refuses them."""
    return re.search(r"^libmicrohttpd 0\.", run("version")[1], re.M) is not None


def environment(more=None):
    """The caller's, without what would change the configuration or activate sockets."""
    keep = {name: value for name, value in os.environ.items()
            if not re.match(r"OUTRIDER|STATE_DIRECTORY|XDG_STATE_|LISTEN_|NOTIFY_|CONSUL_|KUBERNETES_|ETCDCTL_|OTEL_|JOURNAL_|WATCHDOG_", name)}
    return {**keep, **(more or {})}


def spelled(thing, attribute):
    if attribute:
        return str(getattr(thing, attribute))
    if getattr(thing, "path", None):
        return f"{{ unix: {thing.path} }}"
    if hasattr(thing, "port"):
        return f"{{ host: {thing.host}, port: {thing.port} }}"
    return str(thing)


class Outrider:
    def __init__(self, t, config, wrapper=(), env=None, arguments=(), files=None, **things):
        self.t = t
        self.dir = tempfile.mkdtemp(prefix="outrider-flow-")
        self.reserved = Port()
        self.host, self.port = self.reserved.host, self.reserved.port
        self.admin = os.path.join(self.dir, "admin.sock")
        self.config_path = os.path.join(self.dir, "outrider.yaml")
        self.wrapper = list(wrapper)
        self.env = env
        self.arguments = list(arguments)
        self.things = things
        self.process = None
        self.stopped = False
        for name, text in (files or {}).items():
            self.write(name, text)
        self.has_admin_socket = False
        self.configure(config)

    # -- files ----------------------------------------------------------------------------------------------------
    def configure(self, config):
        """Writes the configuration; a running daemon reads it after HUP."""
        if not re.search(r"^admin:", config, re.M):
            config = ADMIN + config
        self.has_admin_socket = "@dir@/admin.sock" in config
        if not re.search(r"^listeners:", config, re.M):
            config = LISTENERS + config
        self.write("outrider.yaml", config)

    def fill(self, text):
        """Puts things in the places of a text."""
        def place(match):
            name, _, attribute = match.group(1).partition(".")
            if name == "dir":
                return self.dir
            if name == "main":
                return f"{self.host}:{self.port}"
            return spelled(self.things[name], attribute)
        return re.sub(r"@([a-z_]\w*(?:\.\w+)?)@", place, text)

    def write(self, name, text):
        """Writes a file of the case's directory, whole or not at all: by a rename."""
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(self.fill(text))
        os.rename(path + ".new", path)
        return path

    def read(self, name):
        try:
            with open(os.path.join(self.dir, name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    def stderr(self):
        return self.read("stderr").decode("utf-8", "replace")

    def access_log(self, n=0, name="stdout"):
        """The lines of the access log, each parsed; waits for n of them."""
        if n:
            limit.wait_until(lambda: self.read(name).count(b"\n") >= n, f"{n} lines in the access log")
        return [json.loads(line) for line in self.read(name).split(b"\n")[:-1]]

    # -- start ----------------------------------------------------------------------------------------------------
    def start(self):
        with open(os.path.join(self.dir, "stdout"), "ab") as out, open(os.path.join(self.dir, "stderr"), "ab") as err:
            self.process = subprocess.Popen(
                self.wrapper + command() + ["run", "-c", self.config_path] + self.arguments, stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, close_fds=not self.wrapper,
                env=environment({"STATE_DIRECTORY": os.path.join(self.dir, "state"), **(self.env or {})}))
        limit.wait_until(self._is_ready, "the daemon to be ready")
        return self

    def _is_ready(self):
        if self.process.poll() is not None:
            self.stopped = True
            raise Failure(f"the daemon ended with {self.process.returncode} at its start:\n{self.stderr()}")
        if not self.has_admin_socket:
            return self._accepts()
        try:
            return self.health("/health/ready").status == 200
        except (OSError, Ended):
            return False

    def _accepts(self):
        try:
            Client(self).close()
            return True
        except OSError:
            return False

    # -- asking ---------------------------------------------------------------------------------------------------
    def health(self, path, method="GET", headers=(), body=None):
        """One request to the admin socket."""
        client = Client(self.admin)
        try:
            return client.ask(method, path, headers, body, host="localhost")
        finally:
            client.close()

    def service(self, name):
        """What /health/services says of one service."""
        return json.loads(self.health("/health/services").body)["services"][name]

    def addresses(self, name):
        """The addresses of a service's targets."""
        return sorted(target["address"] for target in self.service(name)["targets"])

    def _status_kib(self, key):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(rf"^{key}:\s+(\d+) kB", file.read(), re.M).group(1))

    def peak_kib(self):
        """Highest resident size since the start."""
        return self._status_kib("VmHWM")

    def resident_kib(self):
        return self._status_kib("VmRSS")

    def cpu_seconds(self):
        """User and system time of all threads so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def state(self):
        """As ps says it: "T" while it is stopped."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0]

    def _tasks(self):
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{task}/comm", encoding="utf-8") as file:
                yield file.read().strip(), int(task)

    def threads(self):
        return [name for name, _ in self._tasks()]

    def thread(self, name):
        """Its number for the kernel."""
        return dict(self._tasks())[name]

    # -- end ------------------------------------------------------------------------------------------------------
    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Waits for the end; returns the exit code."""
        limit.wait_until(lambda: self.process.poll() is not None, "the daemon to end")
        self.stopped = True
        return self.process.returncode

    def stop(self):
        """A graceful stop: exit code 0 and nothing for a sanitizer to report."""
        if self.process and not self.stopped:
            if self.process.poll() is None:
                self.signal(signal.SIGTERM)
            code = self.wait()
            if code != 0:
                raise Failure(f"the daemon ended with {code}")
        report = REPORTS.search(self.stderr())
        if report:
            raise Failure(f"on standard error: {report.group(0)}")

    def close(self, failed=False):
        try:
            if not failed:
                self.stop()
        except Exception:
            failed = True
            raise
        finally:
            if self.process and self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            if failed:
                self.t.note("standard error of the daemon:\n" + self.stderr()[-6000:])
            self.reserved.close()
            if os.environ.get("OUTRIDER_TEST_KEEP"):
                sys.stderr.write(f"kept {self.dir}\n")
            else:
                shutil.rmtree(self.dir, ignore_errors=True)
