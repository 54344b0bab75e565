#!/usr/bin/env python3
# tests/flow/reload-load.py - many reloads under load: nobody notices.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

import random
import selectors

from kit.websocket import BINARY, frame

RELOADS, CHANGES, SOCKETS = (200, 1000, 500) if SLOW else (20, 50, 500)
PACE = 0.25                                     # of each WebSocket: seconds between an answer and the next message
MESSAGE = 32

CONFIG = """
workers: 2
listeners: LISTENERS
registries: { files: { type: file, path: "@dir@/targets.yaml" } }
services:
  - { name: a, targets: [ @a@ ], KEYS }
  - { name: b, targets: [ @b@ ], KEYS }
  - { name: listed, source: { registry: files, service: listed }, KEYS }
  - { name: echo, targets: [ @echo@ ] }
routes:
  - { match: { paths: ["/socket"] }, service: echo }
  - { match: { paths: ["/get"] }, service: listed }
  - { match: { paths: ["/**"] }, service: SERVICE }
"""
MAIN = '{ name: NAME, address: "@main@", LIMITS }'
MORE = '{ name: more, address: "127.0.0.1:@more.port@" }'
KEYS = "keep_alive: { idle_timeout: 1s }"


class Echo(threading.Thread):
    """Targets' ends of many WebSockets on one thread: what comes goes back, unmasked."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(1024)
        self.listener.setblocking(False)
        self.host, self.port = self.listener.getsockname()
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.start()

    def run(self):
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.listener:
                    self.selector.register(self.listener.accept()[0], selectors.EVENT_READ, bytearray())
                else:
                    self.read(key.fileobj, key.data)

    def read(self, sock, kept):
        try:
            data = sock.recv(65536)
            kept += data
            if data:
                self.answer(sock, kept)
        except OSError:                         # at the end of the case clients go without a word
            data = b""
        if not data:
            self.selector.unregister(sock)
            sock.close()

    @staticmethod
    def answer(sock, kept):
        if kept.startswith(b"GET"):
            if not kept.endswith(b"\r\n\r\n"):
                return
            key = re.search(rb"(?i)sec-websocket-key: *(\S+)", bytes(kept)).group(1).decode()
            sock.sendall(b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " +
                         websocket.accept_of(key).encode() + b"\r\n\r\n")
            kept.clear()
        while len(kept) >= 6 + MESSAGE:
            sock.sendall(frame(BINARY, websocket.masked(bytes(kept[6:6 + MESSAGE]), bytes(kept[2:6]))))
            del kept[:6 + MESSAGE]


class Sockets(threading.Thread):
    """Clients' ends of many WebSockets on one thread: each sends a message when the one before has come back."""

    def __init__(self, t, where, n):
        super().__init__(daemon=True)
        self.selector = selectors.DefaultSelector()
        self.failed, self.messages, self.told = [], 0, False
        self.turns = []                         # (when, client): in the order of their times
        for _ in range(n):
            client = t.client(where)
            answer, _ = websocket.connect(client, "/socket")
            t.equal(answer.status, 101, "status of a WebSocket")
            client.sock.setblocking(False)
            client.expected = b""
            self.selector.register(client.sock, selectors.EVENT_READ, client)
            self.turns.append((time.monotonic() + random.random() * PACE, client))
        self.turns.sort(key=lambda turn: turn[0])
        self.n = n
        self.start()
        t.wait_until(lambda: self.messages >= n or self.failed, "a message of each WebSocket")

    def run(self):
        while not self.told:
            for key, _ in self.selector.select(0.01):
                self.read(key.data)
            while self.turns and self.turns[0][0] <= time.monotonic():
                self.say(self.turns.pop(0)[1])

    def say(self, client):
        payload = os.urandom(MESSAGE)
        client.expected = frame(BINARY, payload)
        try:
            client.sock.sendall(frame(BINARY, payload, os.urandom(4)))
        except OSError as error:
            self.failed.append(f"sending: {error!r}")

    def read(self, client):
        try:
            data = client.sock.recv(65536)
        except OSError as error:
            data = repr(error).encode()
        if not data or not client.expected.startswith(data):
            self.failed.append(f"{data!r} where {client.expected!r} was expected")
            self.selector.unregister(client.sock)
            return
        client.expected = client.expected[len(data):]
        if not client.expected:
            self.messages += 1
            self.turns.append((time.monotonic() + PACE, client))

    def all_spoke(self, t):
        """Waits until each of them has had an answer once more."""
        n = self.messages + 2 * self.n
        t.wait_until(lambda: self.messages >= n or self.failed, "messages of each WebSocket")


class World:
    """The daemon, what it is told, and what is to come of it."""

    def __init__(self, t):
        self.t = t
        self.state = {"SERVICE": "a", "NAME": "main", "LIMITS": "idle_timeout: 75s", "more": False, "KEYS": KEYS}
        self.generation = 1
        self.busy = socket.socket()
        self.busy.bind(("127.0.0.1", 0))
        self.busy.listen()
        origins = {name: t.origin(name=name) for name in "ab"}
        self.more = t.closing(Port())
        self.outrider = t.outrider(self.text(), a=origins["a"], b=origins["b"], echo=Echo(), more=self.more,
                                   busy=self.busy.getsockname()[1], files={"targets.yaml": "listed: [ @a@ ]\n"})

    def text(self, state=None):
        state = state or self.state
        listeners = [MAIN] + [MORE] * state["more"]
        text = CONFIG.replace("LISTENERS", f"[ {', '.join(listeners)} ]")
        for name in ("SERVICE", "NAME", "LIMITS", "KEYS"):
            text = text.replace(name, state[name])
        return text

    def reload(self, text, good):
        """One HUP, and what the log says of it."""
        before = len(self.outrider.stderr())
        self.generation += good
        want = f"generation {self.generation} is in force" if good else "the one before stays in force"
        self.outrider.configure(text)
        self.outrider.signal(signal.SIGHUP)
        said = self.t.wait_until(lambda: re.search(r"generation \d+ is in force|the one before stays in force",
                                                   self.outrider.stderr()[before:]), "the reload")
        self.t.equal(said.group(0), want, f"what became of\n{text}\nin\n{self.outrider.stderr()[before:]}")

    def change(self, **more):
        self.state.update(more)
        self.reload(self.text(), True)

    # -- what may happen ------------------------------------------------------------------------------------------
    def nothing(self):
        self.change()

    def other_service(self):
        self.change(SERVICE="b" if self.state["SERVICE"] == "a" else "a")

    def other_limits(self):
        self.change(KEYS=f"limits: {{ max_requests: {random.randint(500, 900)} }}, " + KEYS)

    def other_listener(self):
        self.change(LIMITS=f"idle_timeout: {random.randint(60, 90)}s, max_header_size: {random.choice((8, 16, 32))}KiB")

    def other_name(self):
        self.change(NAME=random.choice(("main", "front", "left")))

    def listener_comes_or_goes(self):
        self.change(more=not self.state["more"])

    def mistake(self):
        good = self.text({**self.state, "SERVICE": "a", "more": not self.state["more"]})
        self.reload(random.choice((
            good.replace("service: a ", "service: nobody "), good.replace("workers: 2", "workers: 3"), good + "x: 1\n",
            good[:len(good) // 2] + "[", good.replace(" ]\nregistries", ', { address: "127.0.0.1:@busy@" } ]\nregistries'),
        )), False)

    def other_targets(self):
        self.outrider.write("targets.yaml", random.choice(("listed: [ @a@ ]\n", "listed: [ @b@ ]\n",
                                                           "listed: [ @a@, @b@ ]\n", "listed: [ @b@, @a@ ]\n",
                                                           "listed: [ @a@\n", "other: [ @a@ ]\nlisted: [ @a@ ]\n")))


def shuffled(world, reloads, changes):
    kinds = [world.nothing, world.other_service, world.other_limits, world.other_listener, world.other_name,
             world.listener_comes_or_goes, world.mistake]
    all_of_them = [kinds[i % len(kinds)] for i in range(reloads)] + [world.other_targets] * changes
    random.shuffle(all_of_them)
    return all_of_them


class Everybody:
    """All who use the daemon in this test."""

    def __init__(self, t, world):
        self.t, self.world = t, world
        bodies = (b"a", b"b")
        self.kept = Load(t, world.outrider, 4, fresh=1, bodies=bodies)
        self.guests = Load(t, world.more, 2, bodies=bodies, insist=True) if world.state["more"] else None
        self.sockets = Sockets(t, world.outrider, SOCKETS)

    def failed(self):
        return self.kept.failed + self.guests.failed + self.sockets.failed

    def pause(self):
        """What the daemon has when only the WebSockets go on: (descriptors, KiB)."""
        self.kept.pause()
        self.guests.pause()
        seen = []
        def settled():
            seen.append(self.world.outrider.descriptors())
            return len(seen) > 200 and len(set(seen[-200:])) == 1
        self.t.wait_until(settled, "connections to the targets to end")
        return seen[-1], self.world.outrider.resident_kib()

    def go_on(self):
        self.kept.go_on()
        self.guests.go_on()


def test_reloads(t):
    """reloads of every kind under keep-alive load and with 500 open WebSockets: 0 failed, 0 cut, nothing left behind"""
    start_clock(600 if SLOW else 120)
    random.seed(7)
    world = World(t)
    world.change(more=True)
    everybody = Everybody(t, world)
    for change in shuffled(world, 14, 10):
        change()
    if not world.state["more"]:
        world.change(more=True)
    descriptors, resident = everybody.pause()
    everybody.go_on()
    for change in shuffled(world, RELOADS, CHANGES):
        change()
        everybody.kept.answered(20)
        t.equal(everybody.failed(), [], f"failures after {change.__name__}")
    world.change(more=True)
    everybody.sockets.all_spoke(t)
    everybody.guests.answered(10)
    now, resident_now = everybody.pause()
    everybody.go_on()
    t.equal(everybody.kept.stop() + everybody.guests.stop(), [], "failed requests")
    t.note(f"{everybody.kept.answers} answers, {everybody.guests.answers} of guests, of whom {everybody.guests.refused} were "
           f"refused; {everybody.sockets.messages} messages; {descriptors}, {now} descriptors; {resident}, {resident_now} KiB")
    t.equal(everybody.sockets.failed, [], "failures of WebSockets")
    t.equal(everybody.kept.seen, {b"a", b"b"}, "who answered")
    t.at_most(now, descriptors + 2, "descriptors at the end")
    if not sanitized():
        t.at_most(resident_now, resident + 1024, "KiB at the end")
    everybody.sockets.told = True


main()
