# tests/kit/kube.py - a scripted API server of Kubernetes: EndpointSlices, listed and watched, and whatever a case wants of it.
# SPDX-License-Identifier: Apache-2.0
"""Answers as the real one was seen to (tests/registries asks that one), by the rules of discovery.k8s.io/v1; a case can make
it say anything:

    kube = Kubernetes(t)
    kube.put(slice_of("web-1", a, b))                   # endpoints at addresses with the same port
    kube.on("watch", lambda c, call: c.respond(500))    # until kube.on("watch", None); "list" likewise
    kube.watches("web")[0].send(b'{"type":...}\\n')      # bytes into a watch that is open"""
import json
import select
import socket
import ssl
import threading
import time
import urllib.parse

from . import limit
from .http import chunk, head
from .origin import Origin
from .tls import behind
from .wire import Ended

POLL = 0.02
LABEL = "kubernetes.io/service-name"


class Pod(Origin):
    """A target at an address of its own: the endpoints of a slice have one port in common."""

    def __init__(self, t, number, port=0, **more):
        self.number, self.first_port = number, port
        super().__init__(t, **more)
        t.closing(self)

    def listen(self):
        self.host, self.port = f"127.0.0.{self.number}", self.port or self.first_port
        super().listen()


def pods(t, names):
    """One for each letter, all on one port."""
    port, made = 0, []
    for i, name in enumerate(names):
        made.append(Pod(t, 11 + i, port, name=name))
        port = made[0].port
    return made


def endpoint(pod, **more):
    """pod: an origin, or an address. more: members of the endpoint; `conditions` among them, none by default."""
    address = pod if isinstance(pod, str) else pod.host
    name = f"pod-{address}".replace(":", "-").replace(".", "-")
    return {"addresses": [address], "targetRef": {"kind": "Pod", "name": name, "uid": f"uid-{name}"}, **more}


def slice_of(name, *endpoints, service="web", port=None, kind="IPv4", ports=None, namespace="default", **more):
    """endpoints: of endpoint(), or origins. port: by default that of the first origin."""
    found = [thing.port for thing in endpoints if hasattr(thing, "port")]
    number = port or (found[0] if found else 80)
    return {"kind": "EndpointSlice", "metadata": {"name": name, "namespace": namespace, "labels": {LABEL: service}},
            "addressType": kind, "ports": [{"name": "http", "protocol": "TCP", "port": number}] if ports is None else ports,
            "endpoints": [thing if isinstance(thing, dict) else endpoint(thing) for thing in endpoints], **more}


def status(code, reason, message):
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason,
            "code": code}


EXPIRED = status(410, "Expired", "too old resource version: 1 (1000)")


def behind_tls(t, context):
    """The same with TLS; the context may be another one later: .context."""
    def serve(c):
        try:
            for request in c.requests():
                if kube.answer(c, request) == "close":
                    return
        except (Ended, OSError):
            pass

    def script(c):
        behind(kube.context, kube.handshakes, serve)(c)
    kube = Kubernetes(t, origin=t.origin(script, name="kubernetes"))
    kube.context, kube.handshakes = context, []
    return kube


class Call:
    """One request for EndpointSlices."""

    def __init__(self, request):
        path, _, query = request.target.partition("?")
        parts = path.split("/")
        self.path, self.version, self.namespace = path, parts[3], urllib.parse.unquote(parts[5])
        self.parameters = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.selector = self.parameters.get("labelSelector", "")
        self.service = self.selector.removeprefix(LABEL + "=")
        self.kind = "watch" if self.parameters.get("watch") in ("true", "1") else "list"
        self.since = self.parameters.get("resourceVersion")
        self.token = (request.get("Authorization") or "").removeprefix("Bearer ")
        self.at = time.monotonic()


class Watch:
    """One that is open."""

    def __init__(self, kube, connection, call):
        self.kube, self.connection, self.call = kube, connection, call
        self.done = False
        self.ended = False                  # by the client

    def send(self, data):
        """Bytes, as they are, in one chunk."""
        self.connection.send(chunk(data))

    def event(self, kind, thing):
        self.send(json.dumps({"type": kind, "object": thing}, ensure_ascii=False).encode() + b"\n")

    def end(self):
        """In an orderly way."""
        self.done = True
        self.connection.send(b"0\r\n\r\n")

    def reset(self):
        self.done = True
        self.connection.reset()


class Kubernetes:
    def __init__(self, t, versions=("v1",), origin=None, **options):
        self.origin = origin or t.origin(name="kubernetes", **options)
        self.origin.default = self.answer
        self.host, self.port = self.origin.host, self.origin.port
        self.versions = versions
        self.tokens = None                  # those that are good; None: all
        self.slices = {}                    # (namespace, name): slice
        self.version, self.oldest = 1000, 0
        self.history = []                   # (version, type, slice)
        self.bookmarks = True
        self.page = None                    # slices in a page; None: as the client wants
        self.pages = {}
        self.handlers = {}
        self.calls, self.open = [], []
        self.changed = threading.Condition()

    @property
    def url(self):
        return f"{'https' if hasattr(self, 'context') else 'http'}://{self.host}:{self.port}"

    # -- what there is --------------------------------------------------------------------------------------------
    def put(self, *slices):
        """Creates or changes them, one after the other."""
        for thing in slices:
            with self.changed:
                key = (thing["metadata"]["namespace"], thing["metadata"]["name"])
                kind = "MODIFIED" if key in self.slices else "ADDED"
                self.slices[key] = self._keep(kind, thing)
                self.changed.notify_all()

    def delete(self, name, namespace="default"):
        with self.changed:
            self._keep("DELETED", self.slices.pop((namespace, name)))
            self.changed.notify_all()

    def _keep(self, kind, thing):
        self.version += 1
        thing = json.loads(json.dumps(thing))
        thing["metadata"]["resourceVersion"] = str(self.version)
        self.history.append((self.version, kind, thing))
        return thing

    def compact(self):
        """Forgets all that was before now: who watches from there has to list."""
        with self.changed:
            self.version += 1
            self.oldest = self.version
            self.history.clear()

    def bookmark(self, service="web"):
        """To all open watches of a service."""
        with self.changed:
            self.version += 1
            for watch in self.watches(service):
                watch.event("BOOKMARK", self._bookmark())

    def _bookmark(self):
        return {"kind": "EndpointSlice", "metadata": {"resourceVersion": str(self.version), "creationTimestamp": None},
                "endpoints": None, "ports": None, "addressType": ""}

    def on(self, kind, handler):
        """handler(connection, call) answers lists or watches; None: as before. It may return "default"."""
        with self.changed:
            self.handlers[kind] = handler

    # -- what was asked -------------------------------------------------------------------------------------------
    def about(self, kind, service="web"):
        return [call for call in self.calls if call.kind == kind and call.service == service]

    def watches(self, service="web"):
        """Those that are open."""
        return [watch for watch in self.open if watch.call.service == service and not watch.done]

    def wait_watch(self, service="web", n=1):
        """The open watch, once n have been asked for."""
        limit.wait_until(lambda: len(self.about("watch", service)) >= n and self.watches(service),
                         f"an open watch of {service}")
        return self.watches(service)[-1]

    def wait_calls(self, kind, n, service="web"):
        limit.wait_until(lambda: len(self.about(kind, service)) >= n, f"{n} calls of kind {kind} for {service}")
        return self.about(kind, service)

    # -- answers --------------------------------------------------------------------------------------------------
    def respond(self, connection, thing, code=200, fields=()):
        body = thing if isinstance(thing, (bytes, str)) else json.dumps(thing)
        connection.respond(code, [("Content-Type", "application/json"), *fields],
                           body if isinstance(body, bytes) else body.encode())

    def refuse(self, connection, code, reason, message, fields=()):
        self.respond(connection, status(code, reason, message), code, fields)

    def answer(self, connection, request):
        parts = request.target.partition("?")[0].split("/")
        known = len(parts) == 7 and parts[1:3] == ["apis", "discovery.k8s.io"] and parts[4] == "namespaces"
        if not known or parts[6] != "endpointslices":
            return connection.respond(404, [("Content-Type", "text/plain")], b"404 page not found\n")
        call = Call(request)
        with self.changed:
            self.calls.append(call)
            handler = self.handlers.get(call.kind)
        if parts[3] not in self.versions:
            return connection.respond(404, [("Content-Type", "text/plain")], b"404 page not found\n")
        if self.tokens is not None and call.token not in self.tokens:
            return self.refuse(connection, 401, "Unauthorized", "Unauthorized")
        done = handler(connection, call) if handler else "default"
        if done != "default":
            return done
        return self.watch(connection, call) if call.kind == "watch" else self.list(connection, call)

    def _selected(self, call, thing):
        return (thing["metadata"]["namespace"] == call.namespace
                and thing["metadata"]["labels"].get(LABEL) == call.service)

    def list(self, connection, call):
        with self.changed:
            token = call.parameters.get("continue")
            if token is not None and token not in self.pages:
                return self.refuse(connection, 410, "Expired", "The provided continue parameter is too old")
            items, version = self.pages.pop(token) if token else (
                [thing for thing in self.slices.values() if self._selected(call, thing)], str(self.version))
            most = self.page or int(call.parameters.get("limit", len(items) + 1))
            about = {"resourceVersion": version}
            if len(items) > most:
                about["continue"] = f"next-{len(items)}-{version}"
                self.pages[about["continue"]] = items[most:], version
        return self.respond(connection, {"kind": "EndpointSliceList", "apiVersion": f"discovery.k8s.io/{call.version}",
                                         "metadata": about, "items": items[:most]})

    def begin_watch(self, connection):
        connection.send(head("HTTP/1.1 200 OK", [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")]))

    def watch(self, connection, call):
        watch = Watch(self, connection, call)
        until = time.monotonic() + int(call.parameters["timeoutSeconds"])
        seen = int(call.since)
        self.begin_watch(connection)
        with self.changed:
            self.open.append(watch)
        try:
            with self.changed:
                if seen < self.oldest:
                    watch.event("ERROR", EXPIRED)
                    watch.end()
                while not watch.done and time.monotonic() < until:
                    seen = self._tell(watch, seen)
                    self.changed.wait(POLL)
                    if self.origin.closing or self._gone(connection):
                        watch.ended = True
                        return "close"
                if watch.done:
                    return None
                if self.bookmarks:
                    watch.event("BOOKMARK", self._bookmark())
            watch.end()
            return None
        except (Ended, OSError):
            watch.ended = True
            return "close"
        finally:
            self.open.remove(watch)

    def _tell(self, watch, seen):
        for version, kind, thing in self.history:
            if version > seen and self._selected(watch.call, thing):
                watch.event(kind, thing)
        return self.version

    def _gone(self, connection):
        try:
            if isinstance(connection.sock, ssl.SSLSocket):          # nothing else comes behind the request
                return bool(select.select([connection.sock], [], [], 0)[0])
            return select.select([connection.sock], [], [], 0)[0] and not connection.sock.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):
            return True
