#!/usr/bin/env python3
# tests/flow/reload-listeners.py - HUP: listeners that come, go, and change their names.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

SERVICES = """
services: [ { name: web, targets: [ @origin@ ] } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
ONE = 'listeners: [ { name: main, address: "@main@" } ]\n' + SERVICES
TWO = 'listeners: [ { name: main, address: "@main@" }, { name: more, address: "127.0.0.1:@more.port@" } ]\n' + SERVICES
MORE = 'listeners: [ { name: more, address: "127.0.0.1:@more.port@" } ]\n' + SERVICES
LOCAL = 'listeners: [ { name: main, address: "@main@" }, { name: local, address: "unix:@dir@/data.sock" } ]\n' + SERVICES
REFUSED = "the one before stays in force"


def reload(outrider, text):
    outrider.configure(text)
    outrider.signal(signal.SIGHUP)


def reloaded(t, outrider, text):
    """And waits until it is in force, or refused."""
    before = len(outrider.stderr())
    reload(outrider, text)
    t.wait_until(lambda: re.search("is in force|" + REFUSED, outrider.stderr()[before:]), "the reload")
    return outrider.stderr()[before:]


def gate(t):
    """A target whose /slow waits, and the list that lets it go on."""
    def slow(c, request):
        t.wait_until(lambda: released, "the case to go on")
        c.respond(body=b"slow but whole")
    released = []
    return t.origin().on("/slow", slow), released


def parked(t, origin, where):
    client = t.client(where)
    n = len(origin.requests)
    client.request("GET", "/slow")
    origin.wait_requests(n + 1)
    return client


def tried(t, origin, where):
    """The same while the address may be closed."""
    try:
        return parked(t, origin, where)
    except ConnectionRefusedError:
        return None


def listening(t):
    return t.closing(Port())


def test_new(t):
    """a new listener is served at once, the other one keeps its connections"""
    more = listening(t)
    outrider = t.outrider(ONE, origin=t.origin(), more=more)
    client = t.client(outrider)
    client.get()
    t.equal(is_open(more), False, "the new address is open before")
    reloaded(t, outrider, TWO)
    t.equal(t.get(more).status, 200, "on the new listener")
    t.equal(client.get().status, 200, "on the connection that was there")


def test_gone(t):
    """a listener that is gone: what is in flight is answered, quiet connections end, nobody else gets in"""
    more, (origin, released) = listening(t), gate(t)
    outrider = t.outrider(TWO, origin=origin, more=more)
    slow, quiet, kept = parked(t, origin, more), t.client(more), t.client(outrider)
    quiet.get()
    kept.get()
    reloaded(t, outrider, ONE)
    t.equal(is_open(more), False, "the old address accepts")
    quiet.expect_closed(t, "the quiet connection")
    released.append(True)
    answer = slow.response()
    t.equal((answer.status, answer.body), (200, b"slow but whole"), "answer to what was in flight")
    slow.expect_closed(t, "its connection, afterwards")
    t.equal(kept.get().status, 200, "on the listener that stays")


def test_one_more(t):
    """on a listener that is gone a connection has one more request, by the configuration that had it"""
    more = listening(t)
    config = TWO.replace("service: web", "listeners: [more], service: web")
    outrider = t.outrider("telemetry: { access_log: { output: stdout } }\n" + config, origin=t.origin(), more=more)
    client = t.client(more)
    client.get()
    reload(outrider, "telemetry: { access_log: { output: stdout } }\n" + ONE)
    t.wait_until(lambda: not is_open(more), "the listener to be gone")
    answer = client.get("/last")
    t.equal((answer.status, answer.get("connection")), (200, "close"), "answer and its Connection")
    client.expect_closed(t, "the connection")
    lines = [line for line in outrider.access_log(2) if line["path"] == "/last"]
    t.equal([line["listener"] for line in lines], ["more"], "listener in the access log")


def test_head_on_its_way(t):
    """a request whose head comes slowly while its listener goes is answered"""
    more = listening(t)
    outrider = t.outrider(TWO, origin=t.origin(), more=more)
    client, quiet = t.client(more), t.client(more)
    client.send(b"GET / HTTP/1.1\r\nHo")
    reloaded(t, outrider, ONE)
    quiet.expect_closed(t, "the connection that said nothing")
    client.send(b"st: t.example\r\n\r\n")
    t.equal(client.response().status, 200, "status")
    client.expect_closed(t, "the connection")


def test_queue(t):
    """clients that wait in the queue of a listener when it goes are served"""
    more = listening(t)
    outrider = t.outrider(TWO, origin=t.origin(), more=more)
    outrider.signal(signal.SIGSTOP)
    clients = [t.client(more) for _ in range(20)]
    for client in clients:
        client.request("GET", "/")
    reload(outrider, ONE)
    outrider.signal(signal.SIGCONT)
    for client in clients:
        t.equal(client.response().status, 200, "status")
    t.wait_until(lambda: not is_open(more), "the listener to be gone")


def test_new_name(t):
    """a listener that only gets another name keeps its socket and its connections; routes know it by the new one"""
    outrider = t.outrider(ONE.replace("service: web", "listeners: [main], service: web"), origin=t.origin())
    client = t.client(outrider)
    client.get()
    reloaded(t, outrider, ONE.replace("main,", "other,").replace("service: web", "listeners: [other], service: web"))
    t.equal(client.get().status, 200, "on the connection that was there")
    t.equal(t.get(outrider).status, 200, "on a new one")
    t.lacks(outrider.stderr(), "is gone", "log")


def test_places(t):
    """listeners that change places and names are told apart by their addresses"""
    more, a, b = listening(t), t.origin(name="a"), t.origin(name="b")
    config = """
listeners: [ { name: x, address: "@main@" }, { name: y, address: "127.0.0.1:@more.port@" } ]
services: [ { name: a, targets: [ @a@ ] }, { name: b, targets: [ @b@ ] } ]
routes:
  - { match: { paths: ["/**"] }, listeners: [x], service: a }
  - { match: { paths: ["/**"] }, listeners: [y], service: b }
"""
    outrider = t.outrider(config, a=a, b=b, more=more)
    first, second = t.client(outrider), t.client(more)
    swapped = re.sub(r"listeners: \[ (\{.*?\}), (\{.*?\}) \]", r"listeners: [ \2, \1 ]", config)
    renamed = config.replace("name: x", "name: z").replace("name: y", "name: x").replace("name: z", "name: y")
    for text, want in (config, "ab"), (swapped, "ab"), (renamed, "ba"), (config, "ab"):
        reloaded(t, outrider, text)
        t.equal(first.get().text() + second.get().text(), want, "services of the two listeners")
        t.equal(t.get(outrider).text() + t.get(more).text(), want, "services of new connections")
    t.lacks(outrider.stderr(), "is gone", "log")


def test_back_again(t):
    """an address that goes and comes again while its old connections last: both generations serve"""
    more, (origin, released) = listening(t), gate(t)
    outrider = t.outrider(TWO, origin=origin, more=more)
    slow = [parked(t, origin, more)]
    for _ in range(3):
        reload(outrider, ONE)
        reload(outrider, ONE)
        reload(outrider, TWO)
        slow.append(t.wait_until(lambda: tried(t, origin, more), "the address to be open"))
    reloaded(t, outrider, TWO)
    t.equal(t.get(more).status, 200, "a new connection")
    released.append(True)
    for client in slow:
        t.equal(client.response().body, b"slow but whole", "answer")


def test_burst(t):
    """of many HUPs in a row the last file counts"""
    more = listening(t)
    outrider = t.outrider(ONE, origin=t.origin(), more=more)
    for i in range(50):
        reload(outrider, MORE if i % 2 else ONE)
    t.wait_until(lambda: is_open(more) and not is_open(outrider), "the last configuration")
    t.equal(t.get(more).status, 200, "status")
    reload(outrider, ONE)
    t.wait_until(lambda: is_open(outrider) and not is_open(more), "the first configuration")


def test_refused(t):
    """an address in use refuses the whole reload, and leaves nothing behind"""
    more, origin = listening(t), t.origin(name="old")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        outrider = t.outrider("workers: 1\n" + ONE, origin=origin, more=more, taken=taken.getsockname()[1],
                              new=t.origin(name="new"))
        t.get(outrider)
        descriptors = outrider.descriptors()
        text = "workers: 1\n" + TWO.replace("listeners: [", 'listeners: [ { name: l, address: "unix:@dir@/l.sock" },')
        text = text.replace(" ]\n\nservices", ', { name: bad, address: "127.0.0.1:@taken@" } ]\nservices')
        for _ in range(3):
            log = reloaded(t, outrider, text.replace("@origin@", "@new@"))
            t.contains(log, "%s:%d: Address already in use" % taken.getsockname(), "message")
            t.contains(log, REFUSED, "message")
        t.equal(t.get(outrider).text(), "old", "answer")
        t.equal((is_open(more), os.path.exists(os.path.join(outrider.dir, "l.sock"))), (False, False),
                "what was opened before the one that could not be")
        t.wait_until(lambda: outrider.descriptors() <= descriptors, f"descriptors to be {descriptors} again")
    reloaded(t, outrider, text.replace("@origin@", "@new@"))
    t.equal(t.get(more).text(), "new", "answer when the address is free")


def test_collision(t):
    """an address that overlaps with one that is to go is refused by name"""
    outrider = t.outrider(ONE, origin=t.origin())
    wide = ONE.replace('address: "@main@"', f'peers: trusted, address: "0.0.0.0:{outrider.port}"')
    log = reloaded(t, outrider, wide)
    t.contains(log, "main has this port, on 127.0.0.1", "message")
    t.equal(t.get(outrider).status, 200, "status")


def test_mistake_elsewhere(t):
    """a mistake elsewhere in the file opens and closes nothing"""
    more = listening(t)
    outrider = t.outrider(ONE, origin=t.origin(), more=more)
    t.contains(reloaded(t, outrider, MORE + "workers: 3\n"), "restart needed: workers", "message")
    t.contains(reloaded(t, outrider, MORE.replace("service: web", "service: nobody")), REFUSED, "message")
    t.contains(reloaded(t, outrider, MORE + "telemetry: { log: { output: /nonexistent/x } }\n"), REFUSED, "message")
    t.equal((is_open(outrider), is_open(more)), (True, False), "which addresses are open")


def test_unix_socket(t):
    """the path of a unix socket goes with its listener, and comes back"""
    outrider = t.outrider(LOCAL, origin=t.origin())
    path = os.path.join(outrider.dir, "data.sock")
    for _ in range(3):
        client = t.client(path)
        client.get()
        reloaded(t, outrider, ONE)
        t.equal(os.path.exists(path), False, "the path is there")
        client.expect_closed(t, "the quiet connection")
        reloaded(t, outrider, LOCAL)
        t.equal(t.get(path).status, 200, "status")


def test_path_of_another(t):
    """a path where somebody else listens by now is left to them"""
    outrider = t.outrider(LOCAL, origin=t.origin())
    path = os.path.join(outrider.dir, "data.sock")
    os.unlink(path)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(path)
        other.listen()
        reloaded(t, outrider, ONE)
        outrider.stop()
        t.equal(os.path.exists(path), True, "the path is there")


def test_stop_meanwhile(t):
    """a stop while a listener is going: what is in flight on both is answered"""
    more, (origin, released) = listening(t), gate(t)
    outrider = t.outrider(TWO, origin=origin, more=more)
    clients = [parked(t, origin, more), parked(t, origin, outrider)]
    reload(outrider, ONE)
    outrider.signal(signal.SIGTERM)
    t.wait_until(lambda: not is_open(outrider) and not is_open(more), "both to be closed")
    released.append(True)
    for client in clients:
        t.equal(client.response().body, b"slow but whole", "answer")
    t.equal(outrider.wait(), 0, "exit code")


def test_stop_with_new(t):
    """a stop right behind a reload: whoever came to the new listener is served"""
    more = listening(t)
    outrider = t.outrider("shutdown: { delay: 100ms }\n" + ONE, origin=t.origin(), more=more)
    outrider.signal(signal.SIGSTOP)
    reload(outrider, "shutdown: { delay: 100ms }\n" + TWO)
    outrider.signal(signal.SIGTERM)
    outrider.signal(signal.SIGCONT)
    clients = []
    def come():
        try:
            clients.append(t.client(more))
            clients[-1].request("GET", "/")
        except ConnectionRefusedError:
            return clients and not is_open(outrider)
    t.wait_until(come, "both to be closed")
    for client in clients:
        t.equal(client.response().status, 200, "status")
    t.equal(outrider.wait(), 0, "exit code")


def test_tunnel(t):
    """a WebSocket of a listener that is gone goes on until the process ends, and nobody else is affected"""
    more = listening(t)
    text = "shutdown: { deadline: 500ms }\n" + TWO
    outrider = t.outrider(text, origin=t.origin(websocket.echo), more=more)
    _, tunnel = websocket.connect(t.client(more))
    def talk():
        tunnel.send(websocket.TEXT, b"hello")
        t.equal(tunnel.message(), (websocket.TEXT, b"hello"), "message")
    talk()
    for config in (ONE, TWO, ONE):
        reloaded(t, outrider, "shutdown: { deadline: 500ms }\n" + config)
        began = time.monotonic()
        while time.monotonic() - began < 0.7:           # past what quiet connections have
            talk()
    outrider.signal(signal.SIGTERM)
    t.equal(tunnel.closed(), (1001, []), "code of the Close")
    t.equal(outrider.wait(), 0, "exit code")


def test_no_descriptors(t):
    """without descriptors a reload is refused, and what runs goes on; with them it passes"""
    more = listening(t)
    outrider = t.outrider("workers: 1\n" + ONE, wrapper=["prlimit", "--nofile=64"], origin=t.origin(), more=more)
    first = t.client(outrider)
    first.get()
    clients = [t.client(outrider.admin) for _ in range(64)]     # those of data listeners may not take the last ones
    t.wait_until(lambda: "Too many open files" in outrider.stderr(), "all descriptors to be used")
    log = reloaded(t, outrider, "workers: 1\n" + TWO)
    t.contains(log, REFUSED, "message")
    t.contains(log, "Too many open files", "message")
    t.equal(first.get().status, 200, "status on a connection that was there")
    for client in clients:
        client.close()
    t.wait_until(lambda: REFUSED not in reloaded(t, outrider, "workers: 1\n" + TWO), "the reload to pass")
    t.equal((t.get(more).status, t.get(outrider).status), (200, 200), "on both listeners")


def test_idle_timeout(t):
    """a shorter idle timeout counts for connections that are idle already"""
    outrider = t.outrider(ONE, origin=t.origin())
    client = t.client(outrider)
    client.get()
    reloaded(t, outrider, ONE.replace('"@main@"', '"@main@", idle_timeout: 100ms'))
    began = time.monotonic()
    client.expect_closed(t, "the idle connection")
    t.at_most(time.monotonic() - began, 5, "seconds to its end")


def test_header_size(t):
    """how long a head may be changes for new connections; those that are there keep what they began with"""
    outrider = t.outrider(ONE, origin=t.origin())
    old = t.client(outrider)
    old.get()
    long = [("X-Long", "x" * 20000)]
    for size, status in ("32KiB", 200), ("8KiB", 431), ("32KiB", 200), ("4KiB", 431):
        reloaded(t, outrider, ONE.replace('"@main@"', f'"@main@", max_header_size: {size}'))
        t.equal(t.get(outrider, headers=long).status, status, f"status of 20000 bytes with {size}")
        if has_seam():                          # without it heads are measured when they are there, all by one limit
            t.equal(old.get("/", [("X-Long", "x" * 7000)]).status, 200, "status of 7000 bytes on the old connection")
    if has_seam():
        t.equal(old.get("/", long).status, 431, "status of 20000 bytes on the old connection")


def test_flat(t):
    """listeners that come and go leave no descriptors and no memory behind"""
    more = listening(t)
    outrider = t.outrider("workers: 2\n" + ONE, origin=t.origin(), more=more)
    def turn(n):
        for _ in range(n):
            reload(outrider, "workers: 2\n" + TWO)
            t.wait_until(lambda: is_open(more), "the listener")
            client = t.client(more)
            client.get()
            reload(outrider, "workers: 2\n" + ONE)
            t.wait_until(lambda: not is_open(more), "the listener to go")
            client.close()
    turn(3)
    before = settled(t, outrider)
    turn(10)
    few = before + 3                            # connections to the target, of workers that had none before
    t.wait_until(lambda: outrider.descriptors() <= few, f"descriptors to be {before} again")


def settled(t, outrider):
    """The number of descriptors when it no longer changes: pumps without clients are freed within a second."""
    seen = []
    def same():
        seen.append(outrider.descriptors())
        return len(seen) > 150 and len(set(seen[-150:])) == 1
    t.wait_until(same, "the number of descriptors to settle")
    return seen[-1]


main()
