#!/usr/bin/env python3
# tests/suites/conformance.py - the rules of cispa/http-conformance, run out of a checkout of it.
# SPDX-License-Identifier: Apache-2.0
"""usage: conformance.py [--rules DIR] [--peers] [NAME...]

DIR is a checkout of http-conformance (README.md here says how to get one); nothing of it is part of this tree, and without it
the suite is skipped. Its rules are Python and run as they are, in this process: those that send requests of their own, and those
that look at answers to its probes, over HTTP/1.1. What they import besides (a proxy, a reader of packets, a database) is
replaced by what stands here. A rule that Outrider breaks is a failure, unless BROKEN says why it is broken on purpose.
Rules that compare stored answers are not run, but for HEAD beside GET, which is done here. --peers: nginx and HAProxy, too."""
import argparse
import ast
import collections
import email.utils
import enum
import inspect
import os
import re
import socket
import sys
import types
from datetime import datetime, timezone

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import mirror  # noqa: E402
import peers  # noqa: E402
from kit import limit, tap  # noqa: E402
from kit.ports import Port  # noqa: E402

BROKEN = {
    "code_405_blocked_methods": "CONNECT is not implemented here, and so 501 (RFC 9110 15.6.2)",
    "redirect_after_upgrade_insecure_requests": "the origin's affair",
}
OWN = {                                             # by the answers that the sidecar makes itself
    **BROKEN,
    "code_501_unknown_methods": "what has no route is 404, whatever the method",
}
HEAD_MAY_DIFFER = {"content-length", "vary", "transfer-encoding", "content-encoding"}       # RFC 9110 9.3.2, 8.3
ROUTES = """
services: [ { name: web, targets: [ @origin@ ] }, { name: dead, targets: [ @dead@ ] } ]
routes: [ { name: dead, match: { paths: ["/dead/**"] }, service: dead },
          { name: some, match: { paths: ["/only/**"], methods: [GET] }, service: web } ]
"""


# -- what the rules import ---------------------------------------------------------------------------------------------
def module(name, **members):
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made
    return made


class StrEnum(str, enum.Enum):
    pass


def definitions(path, wanted):
    """The names that these statements of a file define, without the rest of it."""
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read(), path)
    tree.body = [node for node in tree.body if wanted(node)]
    found = {"StrEnum": StrEnum, "user_agent": "outrider-suites", "datetime": datetime, "timezone": timezone,
             "format_datetime": email.utils.format_datetime}
    exec(compile(tree, path, "exec"), found)
    return found


def is_enumeration(node):
    return isinstance(node, ast.ClassDef) and [base.id for base in node.bases if isinstance(base, ast.Name)] == ["StrEnum"]


def is_probe_table(node):
    return isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("probe_methods", "probe_headers")


class Row:
    """What a rule writes into its database."""

    def __init__(self, **columns):
        self.violation = self.extra = self.name = self.type = ""
        self.__dict__.update(columns)

    @classmethod
    def create(cls, **columns):
        return cls(**columns)

    def save(self):
        pass


class Unreadable(Exception):
    pass


class Answer:
    """An answer, as the reader of packets has it."""

    def __init__(self, raw, head_response=False):
        head, end, rest = raw.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        match = re.fullmatch(rb"HTTP/(\d\.\d) (\d{3})(?: (.*))?", lines[0])
        if not end or not match:
            raise Unreadable(f"invalid response: {raw[:40]!r}")
        self.version, self.status = match[1].decode(), match[2].decode()
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            self.headers[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")
        size = int(self.headers.get("content-length", len(rest)))
        if head_response or self.status in ("204", "304") or self.status[0] == "1":
            size = 0
        self.body, self.data = rest[:size], rest[size:]


def assembled_head(response):
    return b"\r\n".join(name + b": " + value for name, value in response.headers.fields)


def load(directory):
    """(rules by name, words, methods and fields of the probes)"""
    space = types.SimpleNamespace
    net = space(http=space(http1=space(assemble=space(assemble_response_head=assembled_head))))
    module("mitmproxy", http=space(HTTPFlow=object), net=net)
    module("dpkt", UnpackError=Unreadable, http=space(Response=Answer))
    rows = {name: type(name, (Row,), {}) for name in ("ReqResp", "ProbeTest", "DirectTest", "RetroTest", "Url", "Req", "AddResp")}
    words = definitions(os.path.join(directory, "helpers/db_util.py"), is_enumeration)
    probes = definitions(os.path.join(directory, "helpers/util.py"), is_probe_table)
    sys.path.insert(0, directory)
    import helpers  # noqa: E402,F401  pylint: disable=import-outside-toplevel,import-error
    module("helpers.db_util", **rows, **words)
    module("helpers.util", parse_headers=None)
    import testcases  # noqa: E402  pylint: disable=import-outside-toplevel,import-error
    rules = {name: rule for name, rule in inspect.getmembers(testcases, inspect.isclass)
             if hasattr(rule, "activity") and hasattr(rule, "title")}
    return rules, types.SimpleNamespace(**words), probes["probe_methods"].values(), list(probes["probe_headers"].values())


# -- probes ------------------------------------------------------------------------------------------------------------
class Fields:
    """A list of fields, as the proxy has it."""

    def __init__(self, fields):
        self.fields = tuple(fields)

    def get_all(self, name):
        return [value.decode("latin-1") for key, value in self.fields if key.decode("latin-1").lower() == name.lower()]

    def get(self, name, default=None):
        every = self.get_all(name)
        return ", ".join(every) if every else default

    def __contains__(self, name):
        return bool(self.get_all(name))

    def __getitem__(self, name):
        return self.get(name)

    def keys(self, multi=False):
        return [key.decode("latin-1") for key, _ in self.fields]

    def items(self, multi=False):
        return [(key.decode("latin-1"), value.decode("latin-1")) for key, value in self.fields]


def request_of(port, method, more, path):
    fields = {"host": ("Host", f"localhost:{port}"), "accept": ("Accept", "*/*"),
              "accept-encoding": ("Accept-Encoding", "gzip, deflate"), "connection": ("Connection", "keep-alive")}
    fields |= {name.lower(): (name, value) for name, value in more.items()}
    if method in ("POST", "PUT", "PATCH"):
        fields["content-length"] = ("Content-Length", "0")
    return types.SimpleNamespace(
        method=method, http_version="HTTP/1.1", scheme="http", url=f"http://localhost:{port}{path}", is_http2=False, is_http11=True,
        is_http10=False, headers=Fields((name.encode(), value.encode()) for name, value in fields.values()))


def read_answer(sock, method):
    """(status line, fields, content) of the first answer; of HEAD, what follows its head within a moment is content."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        more = sock.recv(65536)
        if not more:
            raise Unreadable(f"the connection ends after {raw[:40]!r}")
        raw += more
    head, _, rest = raw.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    fields = Fields((name, value.removeprefix(b" ")) for name, _, value in (line.partition(b":") for line in lines[1:]))
    status = int(lines[0].split()[1])
    size = 0 if method == "HEAD" or status in (204, 304) or status < 200 else int(fields.get("content-length", "0"))
    while len(rest) < size:
        rest += sock.recv(65536)
    if method == "HEAD":
        sock.settimeout(0.05)
        try:
            rest += sock.recv(65536)
        except OSError:
            pass
    return lines[0], fields, rest


def ask(port, method, more, path):
    """One probe, as the proxy shows it to the rules."""
    request = request_of(port, method, more, path)
    lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection(("127.0.0.1", port), 3) as sock:
        sock.sendall(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode())
        line, fields, content = read_answer(sock, method)
    version = line.split()[0].decode()
    text = content.decode("latin-1")
    response = types.SimpleNamespace(
        status_code=int(line.split()[1]), http_version=version, headers=fields, content=content, raw_content=content, text=text, reason="",
        is_http10=version == "HTTP/1.0", is_http11=version == "HTTP/1.1", is_http2=False, get_text=lambda strict=False: text)
    return types.SimpleNamespace(request=request, response=response)


# -- rules -------------------------------------------------------------------------------------------------------------
class Trial:
    """All rules with one proxy: name -> [(violation, where, what)]."""

    def __init__(self, suite, port, paths):
        self.rules, self.words, self.methods, self.fields = suite
        self.said = collections.defaultdict(list)
        activity = self.words.Activity
        url = sys.modules["helpers.db_util"].Url(host="localhost", port=port, scheme="http", path="/", full_url=f"http://localhost:{port}/")
        for name, rule in self.rules.items():
            if rule.activity in (activity.DIRECT, activity.DIRECT_BASE):
                self.note(name, "", rule, url)
        for path in paths:
            for number, more in enumerate(self.fields, 1):
                answers = {method: ask(port, method, more, path) for method in self.methods}
                for method, flow in answers.items():
                    self.look(flow, f"{method} {path} {number}: {flow.response.status_code}")
                self.compare(answers["GET"].response, answers["HEAD"].response, f"{path} {number}")

    def note(self, name, where, rule, what):
        try:
            row = rule().test(what) or Row()
            self.said[name].append((row.violation, where, str(row.extra)))
        except Exception as error:                  # the rule's own
            self.said[name].append((self.words.Violation.FAILED, where, repr(error)))

    def look(self, flow, where):
        for name, rule in self.rules.items():
            if rule.activity == self.words.Activity.PROXY:
                self.note(name, where, rule, flow)

    def compare(self, get, head, where):
        one, two = ({name.lower() for name in answer.headers.keys()} - HEAD_MAY_DIFFER for answer in (get, head))
        lengths = [answer.headers.get("content-length") for answer in (get, head)]
        same = one == two and get.status_code == head.status_code and lengths[1] in (None, lengths[0])
        self.said["head_beside_get"].append((self.words.Violation.VALID if same else self.words.Violation.INVALID, where,
                                             f"{one ^ two or lengths}, {get.status_code} and {head.status_code}"))

    def verdicts(self):
        """{rule: (followed, broken or not applicable; an example)}"""
        bad = (self.words.Violation.INVALID, self.words.Violation.FAILED, self.words.Violation.UNCLEAR)
        found = {}
        for name, said in self.said.items():
            worse = [f"{where} {what}".strip() for violation, where, what in said if violation in bad]
            good = any(violation == self.words.Violation.VALID for violation, _, _ in said)
            found[name] = ("broken", f"{len(worse)} of {len(said)}: {worse[0]}") if worse else ("followed" if good else "not applicable", "")
        return found


def tried(suite, kind, paths=("/",), **more):
    """(verdicts, what was wrong at the end)"""
    limit.start(300)
    origin, case = mirror.Mirror(), tap.Case(kind.name)
    front = kind(origin, case, **more)
    verdicts = Trial(suite, front.port, paths).verdicts()
    alive = front.alive()
    limit.start()
    front.close()
    origin.close()
    return verdicts, ([] if alive else ["the proxy has died"]) + case.close()


def score(verdicts):
    count = collections.Counter(verdict for verdict, _ in verdicts.values())
    return f"{len(verdicts)} rules: " + ", ".join(f"{n} {verdict}" for verdict, n in sorted(count.items()))


class Report:
    def __init__(self, names):
        self.names, self.count, self.failed = names, 0, 0

    def line(self, good, title, why=""):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {title}", flush=True)
        if why:
            tap.comment(why[:300])

    def rules(self, what, verdicts, broken):
        for name, (verdict, why) in sorted(verdicts.items()):
            if self.names and not any(part in name for part in self.names):
                continue
            reason = f"{why} (on purpose: {broken[name]})" if verdict == "broken" and name in broken else why
            self.line(verdict != "broken" or name in broken, f"{what}: {name}: {verdict}", reason)
        tap.comment(f"{what}: {score(verdicts)}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--rules")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if not options.rules:
        print("1..1\nok 1 - conformance # SKIP no checkout of http-conformance was named: --rules DIR (tests/suites/README.md)")
        return 0
    suite = load(os.path.abspath(options.rules))
    report = Report(options.names)
    own = {"config": ROUTES.replace("@dead@", "{ host: 127.0.0.1, port: %d }" % Port().port)}
    for what, broken, paths, more in (("the origin's answers", BROKEN, ("/",), {}),
                                      ("the sidecar's own", OWN, ("/", "/dead/x", "/only/x"), own)):
        verdicts, problems = tried(suite, peers.Ours, paths, **more)
        report.rules(what, verdicts, broken)
        report.line(not problems, f"{what}: the sidecar ends well", "\n".join(problems))
    print(f"1..{report.count}")
    for kind in (peers.Nginx, peers.Haproxy) if options.peers else ():
        if kind.missing():
            tap.comment(f"{kind.name}: not compared, {kind.missing()}")
            continue
        verdicts, _ = tried(suite, kind)
        tap.comment(f"{kind.version()}: {score(verdicts)}")
        for name, (verdict, why) in sorted(verdicts.items()):
            if verdict == "broken":
                tap.comment(f"    broken: {name}: {why}"[:200])
    return 1 if report.failed or not report.count else 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)                                # not for the origin's threads
