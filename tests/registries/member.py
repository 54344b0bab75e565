# tests/registries/member.py - real etcd members, for as long as a case lasts.
# SPDX-License-Identifier: Apache-2.0
"""$ETCD names programs, separated by colons; else those that packaging/check has put into its cache, and `etcd` of the PATH.
Cases run with each version of WANTED; one that is not here is skipped, by name."""
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import tempfile

from kit import limit
from kit.etcd import coded
from kit.ports import Port
from kit.tap import Failure

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "outrider")
WANTED = ("3.4", "3.5")


def found():
    """Programs by version."""
    places = os.environ["ETCD"].split(":") if os.environ.get("ETCD") else \
        [shutil.which("etcd"), *(os.path.join(CACHE, f"etcd-{version}/usr/bin/etcd") for version in WANTED)]
    programs = {}
    for place in places:
        if place and os.access(place, os.X_OK):
            text = subprocess.run([place, "--version"], capture_output=True, text=True, check=False, timeout=10).stdout
            version = text.partition("etcd Version: ")[2].partition("\n")[0]
            programs[".".join(version.split(".")[:2])] = place
    return programs


PROGRAMS = found()


def with_each_version(names):
    """Every test_NAME(t, version) of a module as one case for each version, which its title begins with."""
    for name, function in [(name, function) for name, function in names.items() if name.startswith("test_")]:
        del names[name]
        for version in WANTED:
            def case(t, function=function, version=version):
                if version not in PROGRAMS:
                    t.skip(f"there is no etcd {version} here: packaging/check --steps registries gets one, or ETCD names it")
                function(t, version)
            case.__doc__ = f"{version}: {function.__doc__}"
            names[f"{name}_{version}"] = case


class Refused(ValueError):
    """An answer with another status than 200."""


class Member:
    """One member. It keeps its data over kill() and start(); forget() takes them away."""

    def __init__(self, t, version, name="n1", more=(), tls=None):
        self.t, self.version, self.name, self.more = t, version, name, list(more)
        self.dir = tempfile.mkdtemp(prefix="outrider-etcd-")
        self.ports = [t.closing(Port()), t.closing(Port())]
        self.host, self.port, self.peer_port = "127.0.0.1", self.ports[0].port, self.ports[1].port
        self.tls = tls                      # an ssl.SSLContext of ours
        self.cluster = [self]
        self.token = None
        self.process = None
        t.closing(self)

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    @property
    def peer_url(self):
        return f"http://{self.host}:{self.peer_port}"

    def start(self, ready=True):
        command = [PROGRAMS[self.version], "--name", self.name, "--data-dir", os.path.join(self.dir, "data"),
                   "--listen-client-urls", self.url, "--advertise-client-urls", self.url,
                   "--listen-peer-urls", self.peer_url, "--initial-advertise-peer-urls", self.peer_url,
                   "--initial-cluster", ",".join(f"{member.name}={member.peer_url}" for member in self.cluster),
                   "--unsafe-no-fsync", "--heartbeat-interval", "50", "--election-timeout", "500", *self.more]
        with open(os.path.join(self.dir, "log"), "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={"PATH": os.environ["PATH"], "HOME": self.dir, "GOMAXPROCS": "2"})
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self):
        limit.wait_until(self.is_ready, f"the member {self.name} to be ready")

    def is_ready(self):
        """It answers, and has a leader."""
        if self.process.poll() is not None:
            raise Failure(f"the member {self.name} ended:\n{self.log()[-3000:]}")
        try:
            self.call("/v3/kv/range", {"key": coded("x"), "count_only": True})
            return True
        except Refused as error:
            return "user name is empty" in str(error)
        except (OSError, http.client.HTTPException, ValueError):
            return False

    def log(self):
        with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    # -- its life -------------------------------------------------------------------------------------------------
    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.process.terminate()
        self.process.wait(limit.remaining("the member to end"))

    def forget(self):
        shutil.rmtree(os.path.join(self.dir, "data"))

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    # -- its interface --------------------------------------------------------------------------------------------
    def call(self, path, body, seconds=10):
        if self.tls:
            connection = http.client.HTTPSConnection(self.host, self.port, timeout=seconds, context=self.tls)
        else:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=seconds)
        try:
            connection.request("POST", path, json.dumps(body), {"Authorization": self.token} if self.token else {})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise Refused(f"{path}: {answer.status} {text}")
        return json.loads(text)

    def put(self, key, value, lease=None):
        return self.call("/v3/kv/put", {"key": coded(key), "value": coded(value), **({"lease": lease} if lease else {})})

    def delete(self, key, end=None):
        return self.call("/v3/kv/deleterange", {"key": coded(key), **({"range_end": coded(end)} if end else {})})

    def register(self, target, name="web", lease=None, **more):
        """target: something with host, port and a name."""
        value = json.dumps({"host": target.host, "port": target.port, **more})
        return self.put(f"/services/{name}/{target.name}", value, lease)

    def deregister(self, target, name="web"):
        return self.delete(f"/services/{name}/{target.name}")

    def grant(self, seconds):
        return self.call("/v3/lease/grant", {"TTL": str(seconds)})["ID"]

    def revision(self):
        return int(self.call("/v3/kv/range", {"key": coded("x")})["header"]["revision"])

    def compact(self):
        self.call("/v3/kv/compaction", {"revision": str(self.revision()), "physical": True})

    def authenticate(self, name, password):
        self.token = self.call("/v3/auth/authenticate", {"name": name, "password": password})["token"]

    def is_leader(self):
        status = self.call("/v3/maintenance/status", {})
        return status["header"]["member_id"] == status["leader"]

    def close(self, failed=False):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
        if failed and self.process:
            self.t.note(f"log of the member {self.name}:\n{self.log()[-3000:]}")
        shutil.rmtree(self.dir, ignore_errors=True)


def cluster(t, version, n=3):
    """n members that have found a leader."""
    members = [Member(t, version, name=f"n{i}") for i in range(n)]
    for member in members:
        member.cluster = members
        member.start(ready=False)
    for member in members:
        member.wait_ready()
    return members


def client_context(authority):
    """For calls to a member behind TLS that wants certificates of its clients."""
    context = ssl.create_default_context(cafile=authority.path("ca.crt"))
    context.load_cert_chain(authority.path("client.crt"), authority.path("client.key"))
    return context
