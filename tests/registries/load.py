# tests/registries/load.py - targets that cost next to nothing, and a steady load on the sidecar before them.
# SPDX-License-Identifier: Apache-2.0
"""Both run in threads of the case; a target answers every request with its name. Load counts what was not answered with 200
and says when."""
import socket
import threading
import time

from kit import limit

END = b"\r\n\r\n"


class Target:
    def __init__(self, t, name):
        self.name, self.host, self.port = name, "127.0.0.1", 0
        self.answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(name)}\r\n\r\n{name}".encode()
        self.served = 0
        self.live = set()
        self.lock = threading.Lock()
        self.listener = None
        self.start()
        t.closing(self)

    def start(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.host, self.port))
        self.port = self.listener.getsockname()[1]
        self.listener.listen(256)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.live.add(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        buffer = b""
        try:
            while piece := sock.recv(65536):
                buffer += piece
                while END in buffer:
                    _, _, buffer = buffer.partition(END)
                    self.served += 1
                    sock.sendall(self.answer)
        except OSError:
            pass
        with self.lock:
            self.live.discard(sock)
        sock.close()

    def stop(self):
        """As a process that is killed: nobody listens, what is open is gone."""
        listener, self.listener = self.listener, None
        if listener:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
        with self.lock:
            for sock in self.live:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self, failed=False):
        self.stop()


class Load:
    """GET / again and again on kept connections, about `rate` a second in all."""

    def __init__(self, t, outrider, rate=600, clients=4):
        self.outrider, self.pause, self.clients = outrider, clients / rate, clients
        self.answers, self.failed = [], []
        self.done = threading.Event()
        self.began = time.monotonic()
        self.threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()
        t.closing(self)

    def _connect(self):
        sock = socket.create_connection((self.outrider.host, self.outrider.port), 10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def _one(self, sock):
        sock.sendall(b"GET / HTTP/1.1\r\nHost: t.example\r\n\r\n")
        buffer = b""
        while END not in buffer:
            piece = sock.recv(65536)
            if not piece:
                raise OSError("closed")
            buffer += piece
        head, _, body = buffer.partition(END)
        length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))[15:])
        while len(body) < length:
            body += sock.recv(65536)
        return int(head[9:12]), body.decode() if head[9:12] == b"200" else f"{head.decode()} {body.decode()}"

    def _ask(self):
        sock, next_at = None, time.monotonic()
        while not self.done.is_set():
            try:
                sock = sock or self._connect()
                status, text = self._one(sock)
                if status == 200:
                    self.answers.append((time.monotonic(), text))
                else:
                    self.failed.append((time.monotonic() - self.began, f"{status} {text[:800]}"))
            except (OSError, StopIteration, ValueError) as error:
                self.failed.append((time.monotonic() - self.began, repr(error)))
                sock = None
            next_at = max(next_at + self.pause, time.monotonic() - 1)
            time.sleep(max(0, next_at - time.monotonic()))

    def names(self, seconds=0.5):
        """Who has answered lately."""
        since = time.monotonic() - seconds
        return {text for at, text in self.answers[-2000:] if at >= since}

    def come_to(self, names, what):
        """Waits until exactly these answer; returns the seconds."""
        began = time.monotonic()
        limit.wait_until(lambda: self.names() == set(names), f"{what}: {sorted(names)} to answer, not {sorted(self.names())}")
        return time.monotonic() - began

    def last(self, name):
        """When it answered last."""
        return max((at for at, text in self.answers if text == name), default=0)

    def first(self, name, since):
        """Waits for its first answer after a moment; returns the seconds until then."""
        found = limit.wait_until(lambda: next((at for at, text in self.answers[-5000:] if text == name and at >= since), None),
                                 f"an answer of {name}")
        return found - since

    def rate(self):
        return len(self.answers) / (time.monotonic() - self.began)

    def end(self, t, least=500):
        """Nothing failed, and it was a load."""
        self.done.set()
        rate = self.rate()
        t.equal(self.failed, [], f"failed requests of {len(self.answers)}")
        t.say(f"{len(self.answers)} requests, {rate:.0f} a second, none failed")
        t.at_least(rate, least, "requests a second")

    def close(self, failed=False):
        self.done.set()
        for thread in self.threads:
            thread.join(2)
