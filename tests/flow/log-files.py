#!/usr/bin/env python3
# tests/flow/log-files.py - log files: reopened by USR1, and what is wrong with them does not touch requests.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

import tempfile

CONFIG = """
telemetry:
  log: { output: "file:@dir@/outrider.log" }
  access_log: { output: "file:@dir@/access.log" }
""" + PLAIN


def test_reopen(t):
    """USR1 reopens both; a rotation under load loses no line"""
    def ask():
        client = t.client(outrider)
        while not done:
            client.get(f"/{len(asked)}")
            asked.append(True)
    asked, done = [], []
    outrider = t.outrider(CONFIG, origin=t.origin())
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    for i in range(3):
        before = len(asked)
        t.wait_until(lambda: len(asked) > before + 20, "requests before the rotation")
        os.rename(os.path.join(outrider.dir, "access.log"), os.path.join(outrider.dir, f"access.log.{i}"))
        outrider.signal(signal.SIGUSR1)
        t.wait_until(lambda: outrider.read("access.log"), "lines in the new file")
    done.append(True)
    thread.join(remaining())
    names = ["access.log.0", "access.log.1", "access.log.2", "access.log"]
    t.wait_until(lambda: sum(len(outrider.access_log(name=name)) for name in names) >= len(asked), "all lines")
    paths = [entry["path"] for name in names for entry in outrider.access_log(name=name)]
    t.equal(paths, [f"/{i}" for i in range(len(asked))], "paths over all files")


def test_process_log(t):
    """the process log goes where it is told"""
    outrider = t.outrider(CONFIG, origin=t.origin())
    t.get(outrider)
    outrider.stop()
    t.true(outrider.read("outrider.log"), "lines in the file")


def test_reload(t):
    """a reload moves the process log"""
    outrider = t.outrider(CONFIG, origin=t.origin())
    config = os.path.join(outrider.dir, "outrider.yaml")
    with open(config) as file:
        text = file.read()
    with open(config, "w") as file:
        file.write(text.replace("outrider.log", "second.log"))
    outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: os.path.exists(os.path.join(outrider.dir, "second.log")) and
                 b"loaded again" in outrider.read("second.log"), "lines in the new file")
    t.equal(t.get(outrider).status, 200, "status")


def test_full_disk(t):
    """a log that cannot be written costs no request"""
    if not os.path.exists("/dev/full"):
        t.skip("no /dev/full")
    outrider = t.outrider(CONFIG.replace("@dir@/access.log", "/dev/full"), origin=t.origin())
    client = t.client(outrider)
    for _ in range(200):
        t.equal(client.get().status, 200, "status")


def test_reader_that_does_not_read(t):
    """a pipe whose reader does not read costs no request"""
    with tempfile.TemporaryDirectory(prefix="outrider-flow-") as directory:
        fifo = os.path.join(directory, "log")
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        outrider = t.outrider(CONFIG.replace("@dir@/access.log", "@fifo@"), origin=t.origin(), fifo=fifo)
        client = t.client(outrider)
        for _ in range(2000):                       # 4 MB: more than a pipe, a batch and a port hold (1, 1, 0.5 MiB)
            t.equal(client.get("/" + "x" * 1800).status, 200, "status")
        client.close()
        outrider.stop()
        os.close(reader)


def test_directory_missing(t):
    """a log file that cannot be opened is an error at the start"""
    error = t.raises(Failure, lambda: t.outrider(CONFIG.replace("@dir@/access.log", "@dir@/none/access.log"),
                                                 origin=t.origin()), "start")
    t.contains(str(error), "none/access.log", "message")


main()
