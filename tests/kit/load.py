# tests/kit/load.py - clients that ask all the time, and lose nothing.
# SPDX-License-Identifier: Apache-2.0
"""Load(t, where): each client sends one request after the other and uses its connection until an answer says
`Connection: close`; then, and for those of `fresh` after every answer, it makes a new one. Whatever goes wrong once a connection
stands is a failure: whole answers are the least that anybody may expect. That nobody lets them in ends the clients, or, with
`insist`, makes them try again."""
import threading
import time

from . import limit
from .client import Client
from .tap import Failure

BODY = b"y" * 5000


class Load:
    def __init__(self, t, where, clients=8, fresh=0, bodies=(b"hello",), insist=False):
        self.t = t
        self.where = where
        self.bodies = set(bodies)
        self.insist = insist
        self.answers, self.failed, self.refused = 0, [], 0
        self.seen = set()
        self.told = self.paused = False
        self.waits = [False] * (clients + fresh)
        self.threads = [threading.Thread(target=self._run, args=(i, i >= clients), daemon=True)
                        for i in range(clients + fresh)]
        for thread in self.threads:
            thread.start()
        self.answered(20 * len(self.threads))

    def answered(self, n):
        """Waits for n more answers."""
        n += self.answers
        self.t.wait_until(lambda: self.answers >= n or self.failed, f"{n} answers")

    def _run(self, number, fresh):
        while not self.told:
            try:
                client = Client(self.where)
            except (ConnectionRefusedError, FileNotFoundError):
                self.refused += 1
                if not self.insist:
                    return
                time.sleep(0.002)
                continue
            except Exception as error:
                self.failed.append(f"connecting: {error!r}")
                return
            try:
                self._use(client, number, fresh)
            except Exception as error:              # of whatever kind: nobody was told that it would fail
                self.failed.append(f"{number}: {error!r}")
            client.close()

    def _use(self, client, number, fresh):
        kind = number
        while not self.told:
            kind += 1
            self._pause(number)
            answer = client.ask(*self._question(kind))
            if answer.status != 200 or answer.body not in self.bodies:
                raise Failure(f"{answer.status} with {answer.body[:200]!r}")
            self.seen.add(answer.body)
            self.answers += 1
            if fresh or answer.get("connection") == "close":
                return

    @staticmethod
    def _question(kind):
        if kind % 3 == 0:
            return "POST", "/post", (), BODY
        if kind % 3 == 1:
            return "POST", "/chunks", (), [BODY, b"z", BODY]
        return "GET", "/get"

    def _pause(self, number):
        while self.paused and not self.told:
            self.waits[number] = True
            time.sleep(0.01)
        self.waits[number] = False

    def pause(self):
        """Waits until nobody asks any more."""
        self.paused = True
        limit.wait_until(lambda: all(waits or not thread.is_alive() for waits, thread in zip(self.waits, self.threads)),
                         "a pause in the load")

    def go_on(self):
        self.paused = False

    def stop(self):
        """Waits for the last answers; each failed request as a text."""
        self.told = True
        for thread in self.threads:
            thread.join(limit.remaining("the last answers"))
        return self.failed
