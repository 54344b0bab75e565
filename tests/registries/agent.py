# tests/registries/agent.py - real Consul agents, for as long as a case lasts.
# SPDX-License-Identifier: Apache-2.0
"""The program is $CONSUL, else `consul` of the PATH, else what packaging/check has put into its cache. Without one every
case is skipped, by name."""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.parse

from kit import limit
from kit.ports import Port
from kit.tap import Failure

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "outrider")


def program():
    places = [os.environ.get("CONSUL"), shutil.which("consul"), os.path.join(CACHE, "consul/usr/bin/consul")]
    return next((place for place in places if place and os.access(place, os.X_OK)), None)


def needs_consul(t):
    if program() is None:
        t.skip("there is no consul here: packaging/check --steps registries gets one, or CONSUL names it")


class Agent:
    """One agent. A server keeps its data over kill() and start(), a dev agent forgets everything."""

    def __init__(self, t, name="n1", dev=True, servers=1, more=None):
        needs_consul(t)
        self.t, self.name, self.dev, self.servers = t, name, dev, servers
        self.dir = tempfile.mkdtemp(prefix="outrider-consul-")
        self.ports = {kind: t.closing(Port()) for kind in ("http", "server", "serf_lan", "https")}
        self.port = self.ports["http"].port
        self.host = "127.0.0.1"
        self.peers = []
        self.more = more or {}
        self.token = None
        self.process = None
        t.closing(self)

    @property
    def url(self):
        return f"http://{self.host}:{self.port}"

    def configuration(self):
        ports = {kind: port.port for kind, port in self.ports.items()}
        conf = {"ports": {"grpc": -1, "dns": -1, "serf_wan": -1, **ports, "https": -1}, "bind_addr": "127.0.0.1",
                "client_addr": "127.0.0.1", "node_name": self.name, "disable_update_check": True,
                "performance": {"raft_multiplier": 1}, "leave_on_terminate": False}
        if not self.dev:
            conf.update(server=True, data_dir=os.path.join(self.dir, "data"), bootstrap_expect=self.servers,
                        retry_join=[f"127.0.0.1:{peer.ports['serf_lan'].port}" for peer in self.peers],
                        retry_interval="1s")
        more = dict(self.more)
        conf["ports"].update(more.pop("ports", {}))
        return {**conf, **more}

    def start(self, ready=True):
        path = os.path.join(self.dir, "agent.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.configuration(), file)
        with open(os.path.join(self.dir, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [program(), "agent", *(["-dev"] if self.dev else []), f"-config-file={path}"], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env={"PATH": os.environ["PATH"], "HOME": self.dir, "GOMAXPROCS": "2"})
        if ready:
            self.wait_leader()
        return self

    def wait_leader(self):
        limit.wait_until(lambda: self.leader(), f"the agent {self.name} to have a leader")

    def leader(self):
        if self.process.poll() is not None:
            raise Failure(f"the agent {self.name} ended:\n{self.log()[-3000:]}")
        try:
            return self.get("/v1/status/leader")
        except (OSError, http.client.HTTPException, ValueError):
            return ""

    def log(self):
        with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def command(self, *arguments):
        """The program itself, in this agent's directory."""
        done = subprocess.run([program(), *arguments], cwd=self.dir, capture_output=True, text=True, check=False,
                              timeout=limit.remaining(f"consul {arguments[0]}"))
        if done.returncode != 0:
            raise Failure(f"consul {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    # -- its life -------------------------------------------------------------------------------------------------
    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.process.terminate()
        self.process.wait(limit.remaining("the agent to end"))

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    # -- its interface --------------------------------------------------------------------------------------------
    def call(self, method, path, body=None, token=None):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=limit.remaining("an answer of Consul"))
        try:
            headers = {"X-Consul-Token": token or self.token} if token or self.token else {}
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise ValueError(f"{method} {path}: {answer.status} {text}")
        return json.loads(text) if text and text[0] in '[{"tfn0123456789' else text

    def get(self, path):
        return self.call("GET", path)

    def put(self, path, body=None):
        return self.call("PUT", path, body)

    def register(self, target, name="web", **more):
        """target: something with host, port and perhaps an id."""
        self.put("/v1/agent/service/register", {"ID": f"{name}-{target.port}", "Name": name, "Address": target.host,
                                                "Port": target.port, **more})

    def deregister(self, target, name="web"):
        self.put(f"/v1/agent/service/deregister/{urllib.parse.quote(f'{name}-{target.port}')}")

    def close(self, failed=False):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
        if failed and self.process:
            self.t.note(f"log of the agent {self.name}:\n{self.log()[-3000:]}")
        shutil.rmtree(self.dir, ignore_errors=True)


def cluster(t, n=3, more=None):
    """n servers that have found a leader, ours first. more(agent): what its configuration has beside."""
    agents = [Agent(t, name=f"n{i}", dev=False, servers=n) for i in range(n)]
    for agent in agents:
        agent.peers = agents
        agent.more = more(agent) if more else {}
        agent.start(ready=False)
    for agent in agents:
        agent.wait_leader()
    return agents
