# tests/kit/notify.py - the service manager's side: what it is told, and a thread that stands still.
# SPDX-License-Identifier: Apache-2.0
import ctypes
import os
import select
import socket
import tempfile
import time

from .limit import remaining, wait_until
from .tap import Skip

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000


class Manager:
    """A notification socket. `env` is what a service finds; `heard` is all that was said, one dictionary a datagram."""

    def __init__(self, watchdog=None):
        self.dir = tempfile.TemporaryDirectory(prefix="outrider-flow-")
        path = os.path.join(self.dir.name, "notify")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        self.heard = []
        self.env = {"NOTIFY_SOCKET": path}
        if watchdog is not None:
            self.env["WATCHDOG_USEC"] = str(int(watchdog * 1e6))

    def listen(self):
        """Takes in what has come, without waiting; returns all of it."""
        while True:
            try:
                text = self.sock.recv(4096, socket.MSG_DONTWAIT).decode()
            except BlockingIOError:
                return self.heard
            self.heard.append(dict(line.split("=", 1) for line in text.split("\n") if line))

    def said(self, name):
        """The values of that name, in order."""
        return [words[name] for words in self.listen() if name in words]

    def wait_for(self, name, n=1):
        """Waits until it was said n times; returns the values."""
        wait_until(lambda: len(self.said(name)) >= n, f"{name} to be said {n} times")
        return self.said(name)

    def forget(self):
        self.listen()
        self.heard.clear()

    def expect_silence(self, t, name, seconds):
        """That is not said for so long."""
        self.forget()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            select.select([self.sock], [], [], until - time.monotonic())
            t.equal(self.said(name), [], f"{name}, which was not to be said")

    def close(self, failed=False):
        self.sock.close()
        self.dir.cleanup()


def thread_of(outrider, name):
    """The id of the daemon's thread of that name."""
    tasks = f"/proc/{outrider.process.pid}/task"
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/comm", encoding="utf-8") as file:
            if file.read().strip() == name:
                return int(task)
    raise LookupError(name)


class Frozen:
    """With this, one thread of the daemon stands still while the others go on: it is traced, and stopped."""

    def __init__(self, outrider, name):
        self.task = thread_of(outrider, name)
        self.libc = ctypes.CDLL(None, use_errno=True)

    def trace(self, what):
        if self.libc.ptrace(what, self.task, None, None) != 0:
            error = ctypes.get_errno()
            raise Skip(f"this machine lets no process be traced: {os.strerror(error)}")

    def __enter__(self):
        self.trace(SEIZE)
        self.trace(INTERRUPT)
        remaining("the thread to stop")
        os.waitpid(self.task, WALL)
        return self

    def __exit__(self, *_):
        self.trace(DETACH)
