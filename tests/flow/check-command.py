#!/usr/bin/env python3
# tests/flow/check-command.py - outrider check: every mistake in one run, with its place.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

import tempfile

GOOD = """
services: [ { name: web, targets: [ { host: 127.0.0.1, port: 9000 } ] } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def check(t, text, name="c.yaml", env=None, files=None):
    """(exit code, what was said) of a file with this text."""
    with tempfile.TemporaryDirectory(prefix="outrider-flow-") as directory:
        for path, content in {name: text, **(files or {})}.items():
            path = os.path.join(directory, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(content)
        code, out, err = run("check", "-c", os.path.join(directory, name), env=env)
        return code, (out + err).replace(directory + "/", "")


def mistakes(t, text, want, **more):
    """Each wanted mistake is (line, column or None, path of the key, part of the message)."""
    code, said = check(t, text, **more)
    t.equal(code, 78, f"exit code; said {said!r}")
    lines = [line for line in said.splitlines() if line]
    for line, column, path, part in want:
        place = rf"c\.yaml:{line}:{r'[0-9]+' if column is None else column}: {re.escape(path)}: .*{re.escape(part)}"
        t.true(any(re.match(place, said_line) for said_line in lines), f"{place} in {lines}")
    return lines


def test_good(t):
    """a good file: exit code 0"""
    for name, text in (("c.yaml", GOOD), ("c.json", json.dumps({
            "services": [{"name": "web", "targets": [{"host": "127.0.0.1", "port": 9000}]}],
            "routes": [{"match": {"paths": ["/**"]}, "service": "web"}]}))):
        code, said = check(t, text, name)
        t.equal(code, 0, f"exit code of {name}; said {said!r}")


def test_all_in_one_run(t):
    """every mistake is told, each with file, line, column and path"""
    text = """workers: many
listeners:
  - { name: a, address: "127.0.0.1:8080", idle_timeout: 10 parsecs }
  - { name: a, address: "127.0.0.1:8081" }
services:
  - name: web
    targets: [ { host: 127.0.0.1, port: 99999 } ]
    balancr: round_robin
  - name: empty
routes:
  - { match: { paths: ["/**"] }, service: nobody }
  - { match: { paths: ["~("] }, service: web }
surprise: 1
"""
    lines = mistakes(t, text, [
        (1, 10, "workers", ""), (3, None, "listeners[0].idle_timeout", "10 parsecs"), (4, None, "listeners[1].name",
            ""),
        (7, None, "services[0].targets[0].port", "99999"), (8, 5, "services[0].balancr", "balancer"),
        (9, None, "services[1]", ""), (11, None, "routes[0].service", "nobody"),
        (12, None, "routes[1].match.paths[0]", ""), (13, 1, "surprise", "")])
    t.at_least(len(lines), 9, "mistakes")


def test_did_you_mean(t):
    """an unknown key comes with the likely one"""
    mistakes(t, GOOD + "listners: []\n", [(4, 1, "listners", "listeners")])


def test_syntax(t):
    """what is no YAML has a place too"""
    code, said = check(t, "services: [ {\nroutes: ]\n")
    t.equal(code, 78, "exit code")
    t.true(re.match(r"c\.yaml:[0-9]+:[0-9]+: ", said), f"said {said!r}")
    for text in ("a: 1\na: 2\n", "a: &x 1\nb: !!python/none x\n", "<<: {a: 1}\n", "a: 1\n---\nb: 2\n", "a: *none\n",
                 "\tx: 1\n"):
        t.equal(check(t, text)[0], 78, f"exit code of {text!r}")


def test_json_syntax(t):
    """what is no JSON has a place too"""
    for text in ('{"services": [}', '{"a": 1, "a": 2}', '{"services": [],}', "[1"):
        code, said = check(t, text, "c.json")
        t.equal(code, 78, f"exit code of {text!r}")
        t.true(re.match(r"c\.json:[0-9]+:[0-9]+: ", said), f"said {said!r}")


def test_environment(t):
    """${NAME} is replaced, ${NAME:-default} too; an unset one is a mistake"""
    text = GOOD.replace("9000", '"${PORT}"').replace("name: web", 'name: "${NAME:-web}"')
    t.equal(check(t, text, env={"PORT": "9000"})[0], 0, "exit code with PORT")
    mistakes(t, text, [(2, None, "services[0].targets[0].port", "PORT")])
    mistakes(t, text, [(2, None, "services[0].targets[0].port", "70000")], env={"PORT": "70000"})


def test_yaml_1_2(t):
    """off, on, yes are strings; true is a boolean"""
    t.equal(check(t, GOOD.replace("name: web", "name: off").replace("service: web", 'service: "off"'))[0], 0,
            "a service named off")
    mistakes(t, GOOD.replace("service: web }", "service: web, enabled: yes }"), [(3, None, "routes[0].enabled", "")])


def test_conf_d(t):
    """conf.d adds, and may not repeat a name"""
    more = "services: [ { name: second, targets: [ { host: 127.0.0.1, port: 9001 } ] } ]\n"
    t.equal(check(t, GOOD, files={"conf.d/a.yaml": more})[0], 0, "exit code of an addition")
    code, said = check(t, GOOD, files={"conf.d/a.yaml": more.replace("second", "web")})
    t.equal(code, 78, f"exit code of a repeated name; said {said!r}")
    t.contains(said, "conf.d/a.yaml:1:", "place of the repetition")


def test_standard_input(t):
    """- reads standard input"""
    t.equal(run("check", "-c", "-", stdin=GOOD)[0], 0, "exit code of a good one")
    code, out, err = run("check", "-c", "-", stdin=GOOD + "nonsense: 1\n")
    t.equal(code, 78, "exit code of a bad one")
    t.contains(out + err, ":4:1: nonsense:", "place")


def test_hostile(t):
    """deep, large and strange files end in a mistake, not in a crash"""
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9))
    for text in ("[" * 10000, "{a: " * 5000, "a: " + "x" * 100000, "\0", "3", bomb, "? [a]\n: b\n",
                 "%YAML 9.9\n---\na: 1\n"):
        code, said = check(t, text)
        t.equal(code, 78, f"exit code of {text[:30]!r}; said {said[:200]!r}")


def test_secrets_are_not_said(t):
    """a mistake beside a secret does not print it"""
    code, said = check(t, GOOD + "redis: { password: hunter22, adress: x }\n")
    t.equal(code, 78, "exit code")
    t.lacks(said, "hunter22", "what was said")


main()
