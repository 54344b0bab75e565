#!/usr/bin/env python3
# tests/flow/admin-command.py - the commands that ask a sidecar that runs: status, health, targets, services, routes, top, ...
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
services:
  - { name: web, targets: [ @origin@ ] }
  - { name: "odd [31m", targets: [ { host: 127.0.0.1, port: @origin.port@, weight: 0 } ] }
  - { name: "a/b c?d%2F#", targets: [ @origin@ ] }
routes:
  - { name: none, match: { paths: ["/none"], methods: [GET] }, service: "odd [31m" }
  - { name: all, match: { paths: ["/**"] }, service: web }
"""


def ok(t, outrider, *arguments, env=None):
    code, out, err = run(*arguments, "--admin", f"unix:{outrider.admin}", env=env)
    t.equal((code, err), (0, ""), f"exit code and standard error of {arguments}")
    return out


def rows(out):
    return [re.split(r"  +", line.rstrip()) for line in out.splitlines()]


def test_tables(t):
    """tables: status, health, targets, services, routes"""
    outrider = t.outrider(CONFIG, origin=t.origin())
    address = f"127.0.0.1:{outrider.things['origin'].port}"
    status = dict(row for row in rows(ok(t, outrider, "status")))
    t.equal((status["status"], status["generation"], status["services"]), ("ok", "1", "2 healthy, 1 unhealthy"), f"{status}")
    health = rows(ok(t, outrider, "health"))
    t.equal(health[0][:4], ["SERVICE", "STATUS", "TARGETS", "ELIGIBLE"], "heads")
    t.equal(health[1][:4], ["web", "healthy", "1", "1"], "web")
    t.equal(rows(ok(t, outrider, "targets"))[1][:4], ["web", address, "active", "100"], "target of web")
    t.equal(len(rows(ok(t, outrider, "targets"))), 4, "rows")
    t.equal(rows(ok(t, outrider, "targets", "web"))[1:], rows(ok(t, outrider, "targets"))[1:2], "targets of one")
    t.equal(rows(ok(t, outrider, "services"))[1], ["web", "healthy", "1", "1", "all"], "services")
    t.contains(ok(t, outrider, "services", "web"), address, "one service")
    t.equal(rows(ok(t, outrider, "routes"))[1][0], "none", "routes")
    t.equal(rows(ok(t, outrider, "routes"))[2], ["all", "web", "any", "any", "/**"], "routes")


def test_odd_names(t):
    """names of any kind are shown and can be asked for"""
    outrider = t.outrider(CONFIG, origin=t.origin())
    for command_name in ("health", "targets", "services", "routes", "top"):
        out = ok(t, outrider, command_name)
        t.contains(out, "odd [31m", command_name)
    for command_name in ("health", "targets", "services"):
        t.contains(ok(t, outrider, command_name, "a/b c?d%2F#"), "a/b c?d%2F#", command_name)


def test_json(t):
    """--output json is what the page says"""
    outrider = t.outrider(CONFIG, origin=t.origin())
    for arguments, path in ((["health"], "/health/services"), (["services", "web"], "/services/web"), (["routes"], "/routes")):
        t.equal(json.loads(ok(t, outrider, *arguments, "--output", "json")), json.loads(outrider.health(path).body), path)
    t.equal(json.loads(ok(t, outrider, "status", "-o", "json"))["ready"], True, "status")


def test_places(t):
    """--admin, $OUTRIDER_ADMIN, TCP, and the default socket"""
    port = t.closing(Port())
    outrider = t.outrider('admin: { listeners: [ "unix:@dir@/admin.sock", "@tcp@" ] }\n' + PLAIN, origin=t.origin(),
                          tcp=f"{port.host}:{port.port}")
    tcp = f"{port.host}:{port.port}"
    t.equal(run("status", "--admin", tcp)[0], 0, "over TCP")
    t.equal(run("status", env={"OUTRIDER_ADMIN": f"unix:{outrider.admin}"})[0], 0, "by the environment")
    t.equal(run("status", env={"RUNTIME_DIRECTORY": outrider.dir})[0], 0, "by the default")
    code, out, err = run("reload", "--admin", tcp)
    t.equal((code, out), (77, ""), "a change over TCP without a token")
    t.contains(err, "403", "why")


def test_nobody(t):
    """69 when nobody answers"""
    for place in ("unix:/nonexistent/admin.sock", f"127.0.0.1:{t.closing(Port()).port}", "nonsense"):
        for command_name in ("status", "health", "targets", "services", "routes", "metrics", "top", "drain", "reload"):
            code, out, err = run(command_name, "--admin", place)
            t.equal((code, out), (69, ""), f"{command_name} {place}")
            t.contains(err, place, "what was tried")


def test_stuck(t):
    """69, too, when one stands still: whether it takes the connection or its queue is full"""
    if not os.environ.get("OUTRIDER_SLOW"):
        t.skip("takes 10 s (--slow)")
    start_clock(40)
    path = os.path.join(t.outrider(CONFIG, origin=t.origin()).dir, "stuck.sock")
    ends = []
    threads = [threading.Thread(target=lambda: ends.append(run("status", "--admin", f"unix:{path}"))) for _ in range(3)]
    with socket.socket(socket.AF_UNIX) as stuck:
        stuck.bind(path)
        stuck.listen(0)                     # the kernel takes one more than that
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    t.equal([(code, out) for code, out, _ in ends], [(69, "")] * 3, "exit codes")
    for _, _, err in ends:
        t.contains(err, "no answer in time", "why")


def test_no(t):
    """what does not exist is 1, and a wrong option 64"""
    outrider = t.outrider(CONFIG, origin=t.origin())
    code, out, err = run("targets", "nothing", "--admin", f"unix:{outrider.admin}")
    t.equal((code, out), (1, ""), "an unknown service")
    t.contains(err, "no service of this name", "why")
    t.equal(run("status", "--output", "xml", "--admin", f"unix:{outrider.admin}")[0], 64, "an unknown output")
    t.equal(run("top", "-n", "0", "--admin", f"unix:{outrider.admin}")[0], 64, "no times")


def test_token_file(t):
    """--token-file sends a token"""
    port = t.closing(Port())
    outrider = t.outrider('admin: { listeners: [ "unix:@dir@/admin.sock", "@tcp@" ], tokens: [ { name: me, token_file: '
                          '"@dir@/token", role: operator } ] }\n' + PLAIN, origin=t.origin(), tcp=f"{port.host}:{port.port}",
                          files={"token": "a-token-of-mine-alone\n", "wrong": "another-token-of-mine\n"})
    tcp = f"{port.host}:{port.port}"
    t.equal(run("reload", "--admin", tcp, "--token-file", f"{outrider.dir}/token")[:2], (0, "generation 2 is in force\n"),
            "the right one")
    t.equal(run("status", "--admin", tcp, "--token-file", f"{outrider.dir}/wrong")[0], 77, "a wrong one")
    t.equal(run("status", "--admin", tcp, "--token-file", f"{outrider.dir}/none")[0], 69, "none")


def test_reload(t):
    """reload: 0 and the generation; 78 and every mistake"""
    outrider = t.outrider(PLAIN, origin=t.origin())
    t.equal(ok(t, outrider, "reload"), "generation 2 is in force\n", "what it says")
    outrider.configure(PLAIN + "wrokers: 3\n")
    code, out, err = run("reload", "--admin", f"unix:{outrider.admin}")
    t.equal((code, out), (78, ""), "exit code")
    t.contains(err, outrider.config_path, "the place")
    t.contains(err, "generation 2 stays in force", "what is in force")


def test_drain(t):
    """drain: the sidecar ends with 0"""
    outrider = t.outrider(PLAIN, origin=t.origin())
    t.equal(ok(t, outrider, "drain"), "draining\n", "what it says")
    t.equal(outrider.wait(), 0, "exit code of the sidecar")


def test_top(t):
    """top: state and targets, as often as asked"""
    outrider = t.outrider(CONFIG, origin=t.origin())
    out = ok(t, outrider, "top", "-n", "2", "-d", "1")
    t.equal(out.count("in_flight"), 2, "looks")
    t.equal(out.count("REASON"), 2, "tables")


main()
