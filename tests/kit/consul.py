# tests/kit/consul.py - a scripted Consul: health endpoint with blocking queries, prepared queries, agent, what else.
# SPDX-License-Identifier: Apache-2.0
"""Answers as the real one was seen to (tests/registries asks that one); a case can make it say anything:

    consul = t.closing(Consul(t))
    consul.set("web", instance(origin), instance(other, weight=5))
    consul.on("web", lambda c, request: c.respond(500, ...))        # until consul.on("web", None)

What is registered with its agent is in `registered`, and in the answers of the health endpoint; what was said to the agent,
in order, is in `said`."""
import json
import select
import socket
import threading
import time
import urllib.parse

from . import limit

POLL = 0.02


def instance(thing, id=None, weight=1, status="passing", node="n1", **more):
    """One entry of an answer. thing: an origin, or (host, port). more: members of `Service`."""
    host, port = thing if isinstance(thing, tuple) else (thing.host, thing.port)
    service = {"ID": id or f"web-{port}", "Service": "web", "Address": host, "Port": port, "Tags": [], "Meta": {},
               "Weights": {"Passing": weight, "Warning": weight}, **more}
    checks = [{"CheckID": "serfHealth", "Status": "passing"}]
    checks += [{"CheckID": f"service:{service['ID']}", "Status": status}]
    return {"Node": {"Node": node, "Address": "127.0.0.1"}, "Service": service, "Checks": checks}


class Query:
    def __init__(self, request):
        path, _, query = request.target.partition("?")
        self.prepared = path.startswith("/v1/query/")
        self.service = urllib.parse.unquote(path.removesuffix("/execute").rpartition("/")[2])
        self.path = path
        self.parameters = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.index = int(self.parameters.get("index", 0))
        self.wait = float(self.parameters.get("wait", "0ms").removesuffix("ms")) / 1000
        self.request = request
        self.at = time.monotonic()

    def header(self, name):
        return self.request.get(name)


class Said:
    """One word to the agent."""

    def __init__(self, request):
        self.method = request.method
        path, _, query = request.target.partition("?")
        self.path = urllib.parse.unquote(path)
        self.word, _, self.id = self.path.removeprefix("/v1/agent/").rpartition("/")
        if self.id == "register":
            self.word, self.id = self.path.removeprefix("/v1/agent/"), None
        self.parameters = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.body = json.loads(request.body) if request.body else None
        self.request = request
        self.at = time.monotonic()
        if self.word == "service/register":
            self.id = self.body["ID"]
        if self.word == "check/update":
            self.id = self.id.removeprefix("service:")

    def __repr__(self):
        return f"{self.word} {self.id}"


class Consul:
    def __init__(self, t, **options):
        self.origin = t.origin(name="consul", **options)
        self.origin.default = self._answer
        self.host, self.port = self.origin.host, self.origin.port
        self.services, self.indexes, self.handlers = {}, {}, {}
        self.index = 10
        self.headers = []                   # further fields of good answers
        self.queries = []
        self.blocked = []                   # services whose queries wait now
        self.cancelled = []                 # those that the client gave up
        self.open = self.most = 0           # queries at once, now and at most
        self.known_leader = "true"
        self.said, self.registered = [], {}
        self.agent = None                   # agent(connection, said) answers in its place, unless it returns None
        self.linger = 0                     # seconds that others find what was deregistered
        self.changed = threading.Condition()

    @property
    def url(self):
        return f"http://{self.host}:{self.port}" if self.port else f"unix:{self.origin.path}"

    def set(self, service, *instances, index=None):
        """What there is from now on; wakes the queries for it."""
        with self.changed:
            self.index = index if index is not None else self.index + 1
            self.services[service] = list(instances)
            self.indexes[service] = self.index
            self.changed.notify_all()

    def on(self, service, handler):
        """handler(connection, query) answers queries for it, those that wait included; None: as before."""
        with self.changed:
            self.handlers[service] = handler
            self.changed.notify_all()

    def about(self, service):
        return [query for query in self.queries if query.service == service]

    def wait_queries(self, service, n):
        limit.wait_until(lambda: len(self.about(service)) >= n, f"{n} queries for {service}")
        return self.about(service)

    def wait_blocked(self, service):
        limit.wait_until(lambda: service in self.blocked, f"a blocked query for {service}")

    def respond(self, connection, service, **changes):
        """The answer as it is now; changes: fields (None: without), body, status, prepared (to a prepared query)."""
        fields = {"Content-Type": "application/json", "X-Consul-Index": self.indexes.get(service, 1),
                  "X-Consul-Knownleader": self.known_leader, "X-Consul-Lastcontact": 0, **dict(self.headers),
                  **changes.get("fields", {})}
        entries = self.services.get(service, [])
        whole = {"Service": "web", "Nodes": entries, "Datacenter": "dc1", "Failovers": 0} if changes.get("prepared") else entries
        body = changes.get("body", json.dumps(whole))
        connection.respond(changes.get("status", 200), [(k, v) for k, v in fields.items() if v is not None],
                           body if isinstance(body, bytes) else body.encode())

    def _gone(self, connection):
        try:
            return select.select([connection.sock], [], [], 0)[0] and not connection.sock.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):
            return True

    def _block(self, connection, query):
        """True when the query is to be answered now."""
        until = time.monotonic() + query.wait
        self.blocked.append(query.service)
        try:
            with self.changed:
                while (self.indexes.get(query.service, 1) == query.index and time.monotonic() < until
                       and not self.handlers.get(query.service)):
                    self.changed.wait(POLL)
                    if self.origin.closing or self._gone(connection):
                        self.cancelled.append(query.service)
                        return False
            return True
        finally:
            self.blocked.remove(query.service)

    # -- the agent ------------------------------------------------------------------------------------------------
    def words(self, id=None):
        """What was said, in order; reports that follow each other are one."""
        words = [said.word for said in self.said if id in (None, said.id)]
        return [word for i, word in enumerate(words) if word != "check/update" or not i or words[i - 1] != word]

    def status(self, id):
        """None: it is not registered."""
        return self.registered[id]["Check"]["Status"] if id in self.registered else None

    def wait_status(self, id, status):
        limit.wait_until(lambda: self.status(id) == status, f"{id} to be {status}, not {self.status(id)}: {self.said}")

    def forget(self):
        """As an agent without data that was started anew."""
        names = {body["Name"] for body in self.registered.values()}
        self.registered.clear()
        for name in names:
            self.set(name)

    def _show(self, name):
        self.set(name, *(self._shown(body) for body in self.registered.values() if body["Name"] == name))

    def _shown(self, body):
        entry = instance((body.get("Address", "127.0.0.1"), body["Port"]), id=body["ID"],
                         weight=body["Weights"]["Passing"], status=body["Check"]["Status"])
        entry["Checks"][-1]["Notes"] = body["Check"].get("Notes", "")
        return entry

    def _show_later(self, name):
        if self.linger:
            timer = threading.Timer(self.linger, self._show, (name,))
            timer.daemon = True
            timer.start()
        else:
            self._show(name)

    def _do(self, said):
        """The status and body of the answer."""
        known = self.registered.get(said.id)
        if said.word == "service/register":
            self.registered[said.id] = said.body
            self._show(said.body["Name"])
        elif said.word == "check/update" and not known:
            return 500, f'CheckID "service:{said.id}" does not have associated TTL'.encode()
        elif said.word == "check/update":
            if known["Check"]["Status"] != said.body["Status"]:
                known["Check"]["Status"] = said.body["Status"]
                self._show(known["Name"])
        elif said.word == "service/deregister" and known:
            del self.registered[said.id]
            self._show_later(known["Name"])
        return 200, b""

    def _answer_agent(self, connection, request):
        said = Said(request)
        self.said.append(said)
        if self.agent and (done := self.agent(connection, said)) is not None:
            return done
        status, body = self._do(said)
        return connection.respond(status, [], body)

    def _answer(self, connection, request):
        if request.target.startswith("/v1/agent/checks?"):
            return connection.respond(200, [], json.dumps({body["Check"]["CheckID"]: body["Check"]
                                                           for body in self.registered.values()}).encode())
        if request.target.startswith("/v1/agent/"):
            return self._answer_agent(connection, request)
        query = Query(request)
        with self.changed:
            self.queries.append(query)
            self.open += 1
            self.most = max(self.most, self.open)
        try:
            return self._answer_query(connection, query)
        finally:
            with self.changed:
                self.open -= 1

    def _answer_query(self, connection, query):
        if query.index and not self.handlers.get(query.service) and not self._block(connection, query):
            return "close"
        handler = self.handlers.get(query.service)
        if handler:
            return handler(connection, query)
        if query.prepared and query.service not in self.services:
            return connection.respond(404, [], b"Query not found")
        return self.respond(connection, query.service, prepared=query.prepared)

    def close(self, failed=False):
        pass                                # the origin is the case's
