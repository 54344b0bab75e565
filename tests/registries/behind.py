# tests/registries/behind.py - sidecars before one application each, which register it; and one that follows them.
# SPDX-License-Identifier: Apache-2.0
import re
import signal
import threading
import time

from kit.handed import activated, listening
from kit.limit import remaining
from kit.ports import Port
from registries.load import Target

BEHIND = """
node: { name: "@name@" }
listeners: [ { name: inbound, address: "127.0.0.1:@place.port@" } ]
registries: { there: { type: KIND, address: "@registry.url@" KEYS } }
services: [ { name: app, targets: [ @app@ ] } ]
routes: [ { match: { paths: ["/**"] }, service: app } ]
register: [ { registry: there, name: web, address: 127.0.0.1, port: @place.port@,
              check: { type: tcp, port: @app.port@, interval: 1s } } ]
"""
BEFORE = """
telemetry: { access_log: { output: stdout } }
registries: { there: { type: KIND, address: "@registry.url@" KEYS } }
services: [ { name: web, source: { registry: there } } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def text_of(config, kind, keys=""):
    return config.replace("KIND", kind).replace("KEYS", f", {keys}" if keys else "")


class Behind:
    """A sidecar before one application, which registers it."""

    def __init__(self, t, kind, registry, name, keys=""):
        self.t, self.registry, self.name = t, registry, name
        self.text = text_of(BEHIND, kind, keys)
        self.app = Target(t, name)
        self.open()
        self.id = f"web-{name}-{self.port}"
        self.start()

    def open(self):
        self.place = self.t.closing(Port())
        self.port = self.place.port

    def start(self):
        self.outrider = self.t.outrider(self.text, registry=self.registry, app=self.app, place=self, name=self.name)

    def stop(self):
        self.outrider.signal(signal.SIGTERM)
        self.t.equal(self.outrider.wait(), 0, "exit code")


class BehindUnit(Behind):
    """One whose listening socket is systemd's, and outlives it."""

    def open(self):
        self.socket = listening()
        self.t.closing(self)
        self.port = self.socket.getsockname()[1]

    def close(self, failed=False):
        self.socket.close()

    def start(self):
        text = re.sub(r"listeners: .*", 'listeners: [ { name: inbound, address: "systemd:web" } ]', self.text)
        self.outrider = self.t.outrider(text, wrapper=activated([self.socket], ["web"]), registry=self.registry,
                                        app=self.app, place=self, name=self.name)


class Ends:
    """When each of several things ceases to be so."""

    def __init__(self, **things):
        self.at = {}
        self.threads = [threading.Thread(target=self._watch, args=thing, daemon=True) for thing in things.items()]
        for thread in self.threads:
            thread.start()

    def _watch(self, name, is_so):
        while is_so():
            time.sleep(0.002)
        self.at[name] = time.monotonic()

    def wait(self):
        for thread in self.threads:
            thread.join(remaining("the end of all of it"))
        return self.at
