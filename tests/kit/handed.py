# tests/kit/handed.py - sockets that systemd opens, and hands to the daemon (LISTEN_FDS).
# SPDX-License-Identifier: Apache-2.0
import socket
import sys

# As systemd does it: descriptors from 3 on, and the process id that they are for.
ACTIVATE = """import os, sys
fds = [os.dup(int(fd)) for fd in sys.argv[1].split(",")]
for i, fd in enumerate(fds):
    os.dup2(fd, 100 + i)
for i in range(len(fds)):
    os.dup2(100 + i, 3 + i)
os.closerange(3 + len(fds), 200)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=sys.argv[2])
os.execvp(sys.argv[3], sys.argv[3:])
"""


def listening():
    """A socket that listens on loopback, and stays open over the life of daemons."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(64)
    sock.set_inheritable(True)
    return sock


def activated(sockets, names):
    """The `wrapper` of a daemon that is to get these."""
    return [sys.executable, "-c", ACTIVATE, ",".join(str(s.fileno()) for s in sockets), ":".join(names)]
