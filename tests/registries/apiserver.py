# tests/registries/apiserver.py - a real API server of Kubernetes on a real etcd, for as long as a case lasts.
# SPDX-License-Identifier: Apache-2.0
"""The programs are $KUBE_APISERVER and $ETCD, else `kube-apiserver` and `etcd` of the PATH, else what is in the cache of
packaging/check. Without them every case is skipped, by name. There is no controller: a case writes EndpointSlices itself, as
the controller would, and nothing runs in pods."""
import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import tempfile

from kit import limit
from kit.ports import Port
from kit.tap import Failure
from registries.load import Target

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "outrider")
GROUP = "/apis/discovery.k8s.io/v1beta1"


def program(name, *places):
    places = [os.environ.get(name.upper().replace("-", "_")), shutil.which(name)] + [os.path.join(CACHE, p) for p in places]
    return next((place for place in places if place and os.access(place, os.X_OK)), None)


def programs():
    return (program("kube-apiserver", "kube-apiserver/kube-apiserver"),
            program("etcd", "etcd-3.5/usr/bin/etcd", "etcd-3.4/usr/bin/etcd", "etcd-server/usr/bin/etcd"))


def needs_kubernetes(t):
    for name, found in zip(("kube-apiserver", "etcd"), programs()):
        if found is None:
            t.skip(f"there is no {name} here: tests/registries/kube-apiserver makes one, {name.upper().replace('-', '_')} "
                   "names it")


class Pod(Target):
    """At an address of its own: the endpoints of a slice have one port in common."""

    def __init__(self, t, name, number, port=0):
        self.place = f"127.0.0.{number}", port
        super().__init__(t, name)

    def start(self):
        self.host, self.port = self.place[0], self.port or self.place[1]
        super().start()


def pods(t, names):
    made = []
    for i, name in enumerate(names):
        made.append(Pod(t, name, 21 + i, made[0].port if made else 0))
    return made


def endpoint(pod, **more):
    return {"addresses": [pod.host], "conditions": {"ready": True},
            "targetRef": {"kind": "Pod", "name": pod.name, "uid": f"uid-{pod.name}"}, **more}


def slice_of(name, *things, service="web", port_name="http", **more):
    """things: pods, or endpoints of endpoint(); then `port` is needed."""
    port = more.pop("port", None) or things[0].port
    return {"apiVersion": "discovery.k8s.io/v1beta1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": service}},
            "ports": [{"name": port_name, "protocol": "TCP", "port": port}],
            "endpoints": [thing if isinstance(thing, dict) else endpoint(thing) for thing in things], **more}


class Process:
    """A program that is started, stopped in several ways, and started again."""

    def __init__(self, t, name, directory):
        self.t, self.name, self.dir = t, name, directory
        self.process = None

    def run(self, arguments):
        with open(os.path.join(self.dir, self.name + ".log"), "ab") as log:
            self.process = subprocess.Popen(arguments, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={"PATH": os.environ["PATH"], "HOME": self.dir, "GOMAXPROCS": "2"})

    def log(self):
        with open(os.path.join(self.dir, self.name + ".log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def check(self):
        if self.process.poll() is not None:
            raise Failure(f"{self.name} ended:\n{self.log()[-3000:]}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.process.terminate()
        self.process.wait(limit.remaining(f"{self.name} to end"))

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self, failed):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
        if failed and self.process:
            self.t.note(f"log of {self.name}:\n{self.log()[-3000:]}")


class Cluster:
    def __init__(self, t, *more):
        needs_kubernetes(t)
        self.t, self.more = t, more
        self.dir = tempfile.mkdtemp(prefix="outrider-kube-")
        self.ports = [t.closing(Port()) for _ in range(3)]
        self.host, self.port = "127.0.0.1", self.ports[0].port
        self.etcd, self.server = Process(t, "etcd", self.dir), Process(t, "kube-apiserver", self.dir)
        self.ca = os.path.join(self.dir, "certs", "apiserver.crt")
        self.token = "administrator"
        with open(os.path.join(self.dir, "tokens.csv"), "w", encoding="ascii") as file:
            file.write('administrator,admin,1,"system:masters"\nnobody,nobody,2\n')
        subprocess.run(["openssl", "genrsa", "-out", os.path.join(self.dir, "sa.key"), "2048"], check=True, capture_output=True)
        t.closing(self)

    @property
    def url(self):
        return f"https://{self.host}:{self.port}"

    # -- its life -------------------------------------------------------------------------------------------------
    def start(self):
        self.start_etcd()
        self.start_server()
        return self

    def start_etcd(self):
        client, peer = (f"http://127.0.0.1:{port.port}" for port in self.ports[1:])
        self.etcd.run([programs()[1], "--name", "n1", "--data-dir", os.path.join(self.dir, "etcd"), "--listen-client-urls", client,
                       "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                       "--initial-cluster", f"n1={peer}", "--unsafe-no-fsync"])
        limit.wait_until(self._etcd_is_ready, "etcd to be ready")

    def start_server(self, ready=True):
        def path(name):
            return os.path.join(self.dir, name)
        self.server.run([programs()[0], f"--etcd-servers=http://127.0.0.1:{self.ports[1].port}", f"--cert-dir={path('certs')}",
                         "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={self.port}",
                         "--insecure-port=0", "--service-cluster-ip-range=10.0.0.0/24", "--service-account-issuer=https://issuer",
                         f"--service-account-key-file={path('sa.key')}", f"--service-account-signing-key-file={path('sa.key')}",
                         f"--token-auth-file={path('tokens.csv')}", "--authorization-mode=RBAC",
                         "--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none",
                         "--feature-gates=EndpointSliceTerminatingCondition=true", "--profiling=false", *self.more])
        if ready:
            limit.wait_until(self._is_ready, "the API server to be ready")

    def _etcd_is_ready(self):
        self.etcd.check()
        try:
            return b"true" in self._plain("GET", "/health")
        except (OSError, http.client.HTTPException):
            return False

    def _is_ready(self):
        self.server.check()
        try:
            return self.call("GET", "/readyz") == "ok" and "metadata" in self.get("/api/v1/namespaces/default")
        except (OSError, http.client.HTTPException, ValueError):
            return False

    def close(self, failed=False):
        self.server.close(failed)
        self.etcd.close(failed)
        shutil.rmtree(self.dir, ignore_errors=True)

    # -- its interface --------------------------------------------------------------------------------------------
    def _plain(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[1].port, timeout=limit.remaining("an answer of etcd"))
        try:
            connection.request(method, path, body)
            return connection.getresponse().read()
        finally:
            connection.close()

    def compact(self):
        """All history before now is gone from the store."""
        header = json.loads(self._plain("POST", "/v3/kv/range", json.dumps({"key": "AA=="})))["header"]
        self._plain("POST", "/v3/kv/compaction", json.dumps({"revision": header["revision"], "physical": True}))

    def move_on(self, n=30):
        """Changes of other things, for which nobody here watches."""
        for i in range(n):
            self._plain("POST", "/v3/kv/put", json.dumps({"key": "L2Vsc2V3aGVyZQ==", "value": "AAAA"}))

    def call(self, method, path, body=None, token=None, kind="application/json"):
        context = ssl.create_default_context(cafile=self.ca)
        connection = http.client.HTTPSConnection(self.host, self.port, context=context,
                                                 timeout=limit.remaining("an answer of the API server"))
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Authorization": f"Bearer {token or self.token}", "Content-Type": kind})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status // 100 != 2:
            raise ValueError(f"{method} {path}: {answer.status} {text}")
        return json.loads(text) if text[:1] == "{" else text

    def get(self, path):
        return self.call("GET", path)

    def create(self, thing, query=""):
        """An object of a manifest, where it belongs."""
        places = {"Namespace": "/api/v1/namespaces", "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
                  "ConfigMap": "/api/v1/namespaces/{}/configmaps", "Pod": "/api/v1/namespaces/{}/pods",
                  "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
                  "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
                  "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings"}
        namespace = thing["metadata"].get("namespace", "default")
        return self.call("POST", places[thing["kind"]].format(namespace) + query, thing)

    def put(self, thing, namespace="default"):
        """Creates a slice, or replaces it."""
        place = f"{GROUP}/namespaces/{namespace}/endpointslices"
        try:
            return self.call("PUT", f"{place}/{thing['metadata']['name']}", thing)
        except ValueError as error:
            if "404" not in str(error):
                raise
        return self.call("POST", place, thing)

    def delete(self, name, namespace="default"):
        self.call("DELETE", f"{GROUP}/namespaces/{namespace}/endpointslices/{name}")

    def account_token(self, name, namespace="default"):
        """As a pod of that account gets it."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        return self.call("POST", path, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                                        "spec": {"expirationSeconds": 600}})["status"]["token"]

    def requests(self, verb):
        """How many LIST or WATCH requests for slices there were since the server began."""
        lines = re.findall(rf'^apiserver_request_total{{.*resource="endpointslices".*verb="{verb}".*}} (\d+)', self.get("/metrics"),
                           re.M)
        return sum(int(line) for line in lines)
