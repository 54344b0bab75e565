# tests/kit/ports.py - addresses nobody else gets.
# SPDX-License-Identifier: Apache-2.0
import socket


class Port:
    """A port of 127.0.0.1 that is bound but not listened on: connecting to it is refused, and the kernel gives it to
    nobody else, yet a program that binds with SO_REUSEADDR (as servers do) may have it."""

    def __init__(self, address="127.0.0.1"):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((address, 0))
        self.host = address
        self.port = self.sock.getsockname()[1]

    def close(self, failed=False):
        self.sock.close()

    def __str__(self):
        return f"{self.host}:{self.port}"


class Full:
    """A listening socket whose queue is full and never emptied: connecting to it hangs."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(0)
        self.host, self.port = self.sock.getsockname()
        self.fillers = []
        while self._one_more():
            pass

    def _one_more(self):
        filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        filler.settimeout(0.3)              # loopback answers in microseconds, or the queue is full
        self.fillers.append(filler)
        try:
            filler.connect((self.host, self.port))
            return True
        except socket.timeout:
            return False

    def connecting(self):
        """Local ports of those that hang, but for our own."""
        ours = {filler.getsockname()[1] for filler in self.fillers}
        with open("/proc/net/tcp", encoding="ascii") as file:
            rows = [line.split()[1:4] for line in file]
        there = f":{self.port:04X}"
        return {int(here[-4:], 16) for here, to, state in rows[1:] if state == "02" and to.endswith(there)} - ours

    def close(self, failed=False):
        for sock in self.fillers + [self.sock]:
            sock.close()
