#!/usr/bin/env python3
# tests/flow/bind.py - what goes wrong at the start is told, with the right exit code.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def fails_to_start(t, config, **things):
    error = t.raises(Failure, lambda: t.outrider(config, **things), "start")
    return str(error)


def test_address_in_use(t):
    """a listener's address that is in use"""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "%s:%d" % taken.getsockname()
        message = fails_to_start(t, f'listeners: [ {{ name: main, address: "{address}" }} ]\n' + PLAIN,
                                 origin=t.origin())
        t.contains(message, address, "message")


def test_configuration_wrong(t):
    """a configuration with mistakes: exit code 78, and all of them are told"""
    message = fails_to_start(t, PLAIN + "wrokers: 2\nlistener: []\n", origin=t.origin())
    t.contains(message, "ended with 78", "exit code")
    for part in ("wrokers", "listener", "outrider.yaml:"):
        t.contains(message, part, "message")


def test_configuration_missing(t):
    """a configuration that is not there"""
    code, out, err = run("run", "-c", "/nonexistent/outrider.yaml")
    t.true(code in (66, 78), f"exit code {code}")
    t.contains(err, "/nonexistent/outrider.yaml", "message")
    t.equal(out, "", "standard output")


def test_minimal(t):
    """the two lines that are enough, in YAML and in JSON"""
    origin = t.origin()
    outrider = t.outrider(PLAIN, origin=origin)
    t.equal(t.get(outrider).status, 200, "YAML")
    text = ('{"listeners": [{"name": "main", "address": "@main@"}], "admin": {"listeners": ["unix:@dir@/admin.sock"]},'
            ' "services": [{"name": "web", "targets": [{"host": "127.0.0.1", "port": @origin.port@}]}],'
            ' "routes": [{"match": {"paths": ["/**"]}, "service": "web"}]}')
    json_daemon = t.closing(Outrider(t, "listeners: []\nadmin: {}\n", origin=origin))
    json_daemon.config_path = json_daemon.write("outrider.json", text)
    json_daemon.start()
    t.equal(t.get(json_daemon).status, 200, "JSON")


main()
