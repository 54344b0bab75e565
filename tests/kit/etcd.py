# tests/kit/etcd.py - a scripted etcd: the JSON gateway of a store with revisions, watches, passwords, and whatever a case wants.
# SPDX-License-Identifier: Apache-2.0
"""Answers as the real ones were seen to (tests/registries asks those); a case can make it say anything:

    etcd = t.closing(Etcd(t))
    etcd.put("/services/web/a", at(origin))
    etcd.on("/v3/kv/range", lambda c, request: c.respond(500))     # until etcd.on(path, None)
    etcd.say({"result": {...}})                                    # to every open watch, or bytes as they are
    etcd.value("/services/web/n1-80")                              # what is there, as JSON; None: nothing
    etcd.lose_leases()                                             # and what hangs on them"""
import base64
import json
import select
import socket
import threading
import time

from . import http, limit
from .wire import Ended

POLL = 0.02


def at(thing, **more):
    """The value for a target. thing: an origin, or (host, port)."""
    host, port = thing if isinstance(thing, tuple) else (thing.host, thing.port)
    return json.dumps({"host": host, "port": port, **more})


def coded(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def plain(text):
    return base64.b64decode(text, validate=True)


def is_gone(sock):
    try:
        return bool(select.select([sock], [], [], 0)[0]) and not sock.recv(1, socket.MSG_PEEK)
    except (OSError, ValueError):
        return True


class Watch:
    """One that is open."""

    def __init__(self, etcd, connection, request, asked):
        self.etcd, self.connection, self.request = etcd, connection, request
        self.key, self.end = plain(asked["key"]), plain(asked["range_end"])
        self.start = int(asked["start_revision"])
        self.asked = asked
        self.at = time.monotonic()
        self.open = True
        self.told = 0                       # events of the history

    def send(self, thing):
        self.send_bytes(http.chunk(thing if isinstance(thing, bytes) else json.dumps(thing).encode() + b"\n"))

    def send_bytes(self, data):
        try:
            self.connection.send(data)
        except (OSError, Ended):        # the client is gone, and nobody has noticed yet
            self.open = False

    def reset(self):
        try:
            self.connection.reset()
        except OSError:
            pass

    def wants(self, event):
        return event["rev"] >= self.start and self.key <= event["key"] < self.end


class Etcd:
    cluster = "14841639068965178418"

    def __init__(self, t, **options):
        self.origin = t.origin(name="etcd", **options)
        self.origin.default = self._answer
        self.host, self.port = self.origin.host, self.origin.port
        self.keys, self.history, self.handlers = {}, [], {}
        self.revision, self.compacted = 1, 0
        self.requests = []                  # (path, what was asked, when)
        self.watches = []                   # those that are open
        self.passwords = None               # {user: password}: needs tokens
        self.tokens = set()
        self.leases, self.bound = {}, {}    # id: when it ends; key: its lease
        self.linger = 0                     # seconds for which a key that is gone is still found by range
        self.gone = {}                      # key: (its last value and revision, its lease, when)
        self.changed = threading.Condition()

    @property
    def url(self):
        return f"http://{self.host}:{self.port}"

    # -- the store ------------------------------------------------------------------------------------------------
    def put(self, key, value):
        self.change({key: value})

    def delete(self, key):
        self.change({key: None})

    def change(self, changes):
        """All of it in one revision."""
        with self.changed:
            self.revision += 1
            for key, value in changes.items():
                key = key if isinstance(key, bytes) else key.encode()
                lease = self.bound.pop(key, None)
                if value is None:
                    self.gone[key] = (self.keys.pop(key, (b"", 0)), lease, time.monotonic())
                else:
                    value = value if isinstance(value, bytes) else value.encode()
                    self.keys[key] = (value, self.revision)
                self.history.append({"key": key, "value": value, "rev": self.revision})
            self.changed.notify_all()

    def compact(self):
        with self.changed:
            self.compacted = self.revision
            self.changed.notify_all()

    def forget(self):
        """A new store at the same place."""
        with self.changed:
            self.keys, self.history, self.revision, self.compacted = {}, [], 1, 0
            self.leases, self.bound, self.gone = {}, {}, {}
            self.changed.notify_all()

    # -- leases ---------------------------------------------------------------------------------------------------
    def expire(self):
        """Takes away what nobody has kept."""
        with self.changed:
            for lease in [lease for lease, until in self.leases.items() if until < time.monotonic()]:
                self.revoke(lease)

    def revoke(self, lease):
        with self.changed:
            if self.leases.pop(lease, None) is None:
                return False
            self.change({key: None for key, its in list(self.bound.items()) if its == lease})
            return True

    def lose_leases(self):
        with self.changed:
            for lease in list(self.leases):
                self.revoke(lease)

    def value(self, key):
        self.expire()
        with self.changed:
            value, _ = self.keys.get(key.encode(), (None, 0))
        return None if value is None else json.loads(value)

    def _grant(self, connection, asked):
        with self.changed:
            lease = str(7587862103141325000 + len(self.about("/v3/lease/grant")))
            self.leases[lease] = time.monotonic() + int(asked["TTL"])
        return self.respond(connection, {"header": self.header(), "ID": lease, "TTL": str(asked["TTL"])})

    def _keep(self, connection, asked):
        with self.changed:
            kept = {"TTL": "15"} if asked["ID"] in self.leases else {}
            if kept:
                self.leases[asked["ID"]] = time.monotonic() + 15
        return self.respond(connection, {"result": {"header": self.header(), "ID": asked["ID"], **kept}})

    def _lose(self, connection, asked):
        if not self.revoke(asked["ID"]):
            return self.refuse(connection, 404, 5, "etcdserver: requested lease not found")
        return self.respond(connection, {"header": self.header()})

    def _is_so(self, one):
        key = plain(one["key"])
        if one["target"] == "LEASE":
            return self.bound.get(key, "0") == one["lease"]
        return self.keys.get(key, (None, 0))[0] == plain(one["value"])

    def _transact(self, connection, asked):
        with self.changed:
            if all(self._is_so(one) for one in asked["compare"]):
                return self.respond(connection, {"header": self.header(), "succeeded": True})
            put = asked["failure"][0]["request_put"]
            if put["lease"] not in self.leases:
                return self.refuse(connection, 404, 5, "etcdserver: requested lease not found")
            self.put(plain(put["key"]), plain(put["value"]))
            self.bound[plain(put["key"])] = put["lease"]
            answer = {"header": self.header(), "responses": [{"response_put": {"header": {"revision": str(self.revision)}}}]}
        return self.respond(connection, answer)

    def _delete(self, connection, asked):
        with self.changed:
            there = plain(asked["key"]) in self.keys
            if there:
                self.delete(plain(asked["key"]))
        return self.respond(connection, {"header": self.header(), **({"deleted": "1"} if there else {})})

    # -- what a case says and asks --------------------------------------------------------------------------------
    def on(self, path, handler):
        """handler(connection, request) answers calls of that path; None: as before."""
        self.handlers[path] = handler

    def say(self, thing):
        with self.changed:
            for watch in self.watches:
                watch.send(thing)

    def end_watches(self, how="close"):
        """how: close, as after SIGKILL, or end, as an answer that is complete."""
        with self.changed:
            watches, self.watches = self.watches, []
        for watch in watches:
            watch.open = False
            if how == "end":
                watch.send_bytes(b"0\r\n\r\n")
            else:
                watch.reset()

    def about(self, path, service=None):
        """What was asked there, for a service when one is named."""
        key = None if service is None else coded(f"/services/{service}/")
        found = [asked for where, asked, _ in self.requests if where == path]
        found = [asked.get("create_request", asked) for asked in found]
        return [asked for asked in found if key is None or asked.get("key") == key]

    def wait_watched(self, service="web", n=1):
        key = f"/services/{service}/".encode()
        limit.wait_until(lambda: sum(watch.key == key for watch in self.watches) >= n, f"a watch of {service}")
        return [watch for watch in self.watches if watch.key == key][-1]

    # -- answers --------------------------------------------------------------------------------------------------
    def header(self, **more):
        return {"cluster_id": self.cluster, "member_id": "1", "revision": str(self.revision), "raft_term": "2", **more}

    def respond(self, connection, thing, status=200):
        body = thing if isinstance(thing, bytes) else json.dumps(thing).encode()
        connection.respond(status, [("Content-Type", "application/json")], body)

    def refuse(self, connection, status, code, text):
        self.respond(connection, {"error": text, "message": text, "code": code}, status)

    def _answer(self, connection, request):
        asked = json.loads(request.body)
        with self.changed:
            self.requests.append((request.target, asked, request))
        handler = self.handlers.get(request.target)
        if handler:
            return handler(connection, request)
        if request.target == "/v3/auth/authenticate" and request.get("Authorization") is None:     # else as 3.4 does
            return self._authenticate(connection, asked)
        if self.passwords is not None and request.get("Authorization") not in self.tokens:
            if request.get("Authorization") is None:
                return self.refuse(connection, 400, 3, "etcdserver: user name is empty")
            return self.refuse(connection, 401, 16, "etcdserver: invalid auth token")
        self.expire()
        written = {"/v3/lease/grant": self._grant, "/v3/lease/keepalive": self._keep, "/v3/lease/revoke": self._lose,
                   "/v3/kv/txn": self._transact, "/v3/kv/deleterange": self._delete}.get(request.target)
        if written:
            return written(connection, asked)
        if request.target == "/v3/kv/range":
            return self.respond(connection, self.range(asked))
        if request.target == "/v3/watch":
            return self._watch(connection, request, asked["create_request"])
        return self.refuse(connection, 404, 5, "Not Found")

    def _authenticate(self, connection, asked):
        if self.passwords is None:
            return self.refuse(connection, 400, 9, "etcdserver: authentication is not enabled")
        if self.passwords.get(asked["name"]) != asked["password"]:
            return self.refuse(connection, 400, 3, "etcdserver: authentication failed, invalid user ID or password")
        token = f"token.{len(self.about('/v3/auth/authenticate'))}"
        self.tokens.add(token)
        return self.respond(connection, {"header": self.header(), "token": token})

    def range(self, asked):
        first = plain(asked["key"])
        end = plain(asked["range_end"]) if "range_end" in asked else first + b"\0"
        with self.changed:
            since = time.monotonic() - self.linger
            late = {key: was for key, was in self.gone.items() if was[2] > since}
            found = {**{key: was for key, (was, _, _) in late.items()}, **self.keys}
            bound = {**{key: lease for key, (_, lease, _) in late.items() if lease}, **self.bound}
            kvs = [{"key": coded(key), "create_revision": str(rev), "mod_revision": str(rev), "version": "1",
                    "value": coded(value), **({"lease": bound[key]} if key in bound else {})}
                   for key, (value, rev) in sorted(found.items()) if first <= key < end]
            return {"header": self.header(), **({"kvs": kvs, "count": str(len(kvs))} if kvs else {})}

    def event(self, one):
        kv = {"key": coded(one["key"]), "mod_revision": str(one["rev"])}
        return {"type": "DELETE", "kv": kv} if one["value"] is None else {"kv": {**kv, "value": coded(one["value"])}}

    def _watch(self, connection, request, asked):
        watch = Watch(self, connection, request, asked)
        connection.send(http.head("HTTP/1.1 200 OK", [("Content-Type", "application/json"),
                                                      ("Transfer-Encoding", "chunked")]))
        with self.changed:
            watch.send({"result": {"header": self.header(), "created": True}})
            if watch.start <= self.compacted:
                watch.send({"result": {"header": {"cluster_id": self.cluster}, "canceled": True,
                                       "compact_revision": str(self.compacted)}})
                watch.told = len(self.history)
            self.watches.append(watch)
        try:
            self._follow(watch)
        finally:
            with self.changed:
                if watch in self.watches:
                    self.watches.remove(watch)
        return "close"

    def _follow(self, watch):
        connection = watch.connection
        while watch.open and not self.origin.closing:
            self.expire()
            with self.changed:
                watch.told = min(watch.told, len(self.history))
                news = [self.event(one) for one in self.history[watch.told:] if watch.wants(one)]
                watch.told = len(self.history)
                if news:
                    watch.send({"result": {"header": self.header(), "events": news}})
                else:
                    self.changed.wait(POLL)
            if watch.open and is_gone(connection.sock):
                watch.open = False

    def close(self, failed=False):
        pass                                # the origin is the case's
