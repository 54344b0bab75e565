# tests/kit/every.py - a registry of every kind, with one service in each, named after the kind.
# SPDX-License-Identifier: Apache-2.0
"""    every = Every(t)
    outrider = t.outrider(every.config, **every.things)     # routes /consul, /etcd, ... to what each registry says: "a"
    every.point_to(every.b)"""
import os
import shutil
import tempfile

from .consul import Consul, instance
from .dns import Names
from .etcd import Etcd, at
from .kube import Kubernetes, pods, slice_of

KINDS = ("file", "consul", "etcd", "kubernetes", "dns")


class Every:
    def __init__(self, t, keys=""):
        self.t = t
        self.a, self.b = pods(t, "ab")
        self.dir = tempfile.mkdtemp(prefix="outrider-every-")
        self.consul, self.etcd, self.kube = Consul(t), Etcd(t), Kubernetes(t)
        self.names = t.closing(Names(t))
        self.things = {"consul": self.consul, "etcd": self.etcd, "kube": self.kube, "names": self.names}
        self.config = self._config(f", {keys}" if keys else "")
        self.now = None
        self.point_to(self.a)
        t.closing(self)

    def _config(self, keys):
        sources = {"file": "", "consul": ", service: web", "etcd": ", service: web", "kubernetes": ", service: web",
                   "dns": f", host: web.test, port: {self.a.port}"}
        guard = "shrink_guard: { hold: 0s }"
        return "\n".join([
            "registries:",
            f"  file: {{ type: file, path: {self.dir}/targets.yaml }}",
            '  consul: { type: consul, address: "@consul.url@" }',
            '  etcd: { type: etcd, address: "@etcd.url@" }',
            '  kubernetes: { type: kubernetes, address: "@kube.url@" }',
            '  dns: { type: dns, server: [ "127.0.0.1:@names.port@" ], timeout: 100ms }',
            "services:",
            *(f"  - {{ name: {kind}-web, source: {{ registry: {kind}{sources[kind]} }}, {guard}{keys} }}" for kind in KINDS),
            "routes:",
            *(f"  - {{ match: {{ paths: [/{kind}] }}, service: {kind}-web }}" for kind in KINDS)]) + "\n"

    def point_to(self, pod):
        """What all of them say from now on."""
        self.now = pod
        with open(f"{self.dir}/new", "w", encoding="ascii") as file:
            file.write(f"file-web: [ {{ host: {pod.host}, port: {pod.port} }} ]\n")
        os.rename(f"{self.dir}/new", f"{self.dir}/targets.yaml")
        self.consul.set("web", instance(pod))
        self.etcd.put("/services/web/1", at(pod))
        self.kube.put(slice_of("web-1", pod))
        self.names.set("web.test", "A", pod.host)

    def die(self):
        """None of them answers any more."""
        for server in (self.consul, self.etcd, self.kube):
            server.origin.shut()
        self.names.on("web.test", lambda question: None)
        os.unlink(f"{self.dir}/targets.yaml")

    def come_back(self):
        for server in (self.consul, self.etcd, self.kube):
            server.origin.listen()
        self.names.on("web.test", lambda question: self.names.answer(question))
        self.point_to(self.now)

    def close(self, failed=False):
        shutil.rmtree(self.dir, ignore_errors=True)
