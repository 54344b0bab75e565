#!/usr/bin/env python3
# tests/flow/reload.py - HUP: the configuration is read again.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
services: [ { name: a, targets: [ @a@ ] }, { name: b, targets: [ @b@ ] } ]
routes: [ { match: { paths: ["/**"] }, service: SERVICE } ]
"""


def started(t, text=CONFIG.replace("SERVICE", "a"), **more):
    return t.outrider(text, a=t.origin(name="a"), b=t.origin(name="b"), **more)


def again(outrider, text):
    """Another configuration, and HUP. The listener and the admin socket stay what they were."""
    outrider.configure(text)
    outrider.signal(signal.SIGHUP)


def test_change(t):
    """a new configuration takes over, and back, and no request fails"""
    def ask():
        client = t.client(outrider)
        while not done:
            answer = client.get()
            answers.append(answer.text() if answer.status == 200 else str(answer.status))
    outrider = started(t)
    answers, done = [], []
    threads = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for name in "babababa":
        again(outrider, CONFIG.replace("SERVICE", name))
        t.wait_until(lambda: set(answers[-40:]) == {name}, f"answers of {name}")
    done.append(True)
    for thread in threads:
        thread.join(remaining())
    t.equal(set(answers), {"a", "b"}, "answers")


def test_mistake(t):
    """a configuration with mistakes is told about, and the one before stays in force"""
    outrider = started(t)
    for bad in (CONFIG.replace("SERVICE", "nobody"), "services: [ {",
                CONFIG.replace("SERVICE", "b") + "nonsense: 1\n"):
        before = len(outrider.stderr())
        again(outrider, bad)
        t.wait_until(lambda: "outrider.yaml:" in outrider.stderr()[before:], "a line about the mistake")
        t.equal([t.get(outrider).text() for _ in range(4)], ["a"] * 4, "answers")
    again(outrider, CONFIG.replace("SERVICE", "b"))
    t.wait_until(lambda: t.get(outrider).text() == "b", "the good configuration")


def test_in_flight(t):
    """a request in flight keeps the configuration it began with"""
    def slow(c, request):
        t.wait_until(lambda: released, "the case to go on")
        c.respond(body=b"slow")
    released = []
    outrider = started(t)
    outrider.things["a"].on("/slow", slow)
    client = t.client(outrider)
    client.request("GET", "/slow")
    outrider.things["a"].wait_requests(1)
    again(outrider, """
services: [ { name: b, targets: [ @b@ ] } ]
routes: [ { match: { paths: ["/**"] }, service: b } ]
""")
    t.wait_until(lambda: t.get(outrider).text() == "b", "the new configuration")
    released.append(True)
    t.equal(client.response().text(), "slow", "the answer from the service that is gone")
    t.equal(client.get().text(), "b", "the next request on the same connection")


def test_upload_in_flight(t):
    """an upload that is on its way arrives whole over several reloads"""
    outrider = started(t)
    client = t.client(outrider)
    client.send(client.head("POST", "/up", [("Content-Length", "300000")]))
    for i, name in enumerate("bab"):
        client.send(b"%d" % i * 100000)
        again(outrider, CONFIG.replace("SERVICE", name))
        t.wait_until(lambda: t.get(outrider).text() == name, f"the configuration with {name}")
    t.equal(client.response().text(), "a", "answer")
    uploads = [request for request in outrider.things["a"].requests if request.method == "POST"]
    t.equal([len(request.body) for request in uploads], [300000], "bytes of the uploads")


def test_restart_needed(t):
    """what cannot change while it runs is refused by name, with everything else in the file"""
    outrider = started(t, "workers: 2\n" + CONFIG.replace("SERVICE", "a"))
    before = len(outrider.stderr())
    again(outrider, "workers: 3\n" + CONFIG.replace("SERVICE", "b"))
    t.wait_until(lambda: "restart needed: workers" in outrider.stderr()[before:], "a line that names the key")
    t.equal(t.get(outrider).text(), "a", "answer")


def test_targets_keep(t):
    """targets that stay keep their connections and their turn"""
    outrider = started(t, "workers: 1\n" + CONFIG.replace("SERVICE", "a"))
    client = t.client(outrider)
    client.get()
    for i in range(5):
        again(outrider, "workers: 1\n" + CONFIG.replace("SERVICE", "a") + f"# {i}\n")
        t.wait_until(lambda: outrider.stderr().count("generation") > i, "the reload")
        t.equal(client.get().text(), "a", "answer")
    t.equal(len(outrider.things["a"].connections), 1, "connections to the target")


def held_signals(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"^SigBlk:\s*(\w+)", file.read(), re.M).group(1), 16)


def test_at_the_start(t):
    """a change and HUP while it starts are not lost"""
    def change():
        limit = time.monotonic() + 5
        while outrider.process is None or not held_signals(outrider.process.pid) & 1 << signal.SIGHUP - 1:
            if time.monotonic() > limit:
                return
        time.sleep(i / 2000)                        # anywhere in the first milliseconds
        again(outrider, CONFIG.replace("SERVICE", "b"))
    origins = {name: t.origin(name=name) for name in "ab"}
    for i in range(12):
        outrider = t.closing(Outrider(t, CONFIG.replace("SERVICE", "a"), **origins))
        changing = threading.Thread(target=change, daemon=True)
        changing.start()
        outrider.start()
        changing.join()
        t.wait_until(lambda: t.get(outrider).text() == "b", "the new configuration")
        outrider.stop()


def test_who_is_believed(t):
    """whom to believe follows the configuration in force, also on a connection that was quiet since one long gone"""
    def config(proxies):
        return CONFIG.replace("SERVICE", "a") + LISTENER.replace("PROXIES", proxies)
    LISTENER = 'listeners: [ { name: main, address: "@main@", trusted_proxies: [PROXIES] } ]\n'
    here, elsewhere = "127.0.0.0/8", "192.0.2.0/24"
    outrider = started(t, config(here))
    client = t.client(outrider)
    for quiet, (proxies, proto) in enumerate([(elsewhere, "http"), (here, "https")] * 5):
        for text in [config(here)] * quiet + [config(proxies)]:
            before = len(outrider.stderr())
            again(outrider, text)
            t.wait_until(lambda: "is in force" in outrider.stderr()[before:], "the reload")
        client.get("/", [("X-Forwarded-Proto", "https")])
        got = outrider.things["a"].last.get("x-forwarded-proto")
        t.equal(got, proto, f"X-Forwarded-Proto at the target, with {proxies} believed")


def test_retry_budget(t):
    """reloads do not fill the budget for retries"""
    def resetting(c):
        c.request()
        c.reset()
    text = """
workers: 1
services: [ { name: a, targets: [ @a@ ], retry: { max_retries: 1, budget: { ratio: 0%, min_per_second: 1 } } } ]
routes: [ { match: { paths: ["/**"] }, service: a } ]
"""
    origin = t.origin(resetting)
    outrider = t.outrider(text, a=origin)
    client = t.client(outrider)
    began = time.monotonic()
    for i in range(6):
        for _ in range(20):
            t.equal(client.get().status, 502, "status")
        again(outrider, text)
        t.wait_until(lambda: outrider.stderr().count("is in force") > i, "the reload")
    retries = len(origin.requests) - 120
    t.true(5 <= retries <= 11 + time.monotonic() - began, f"{retries} retries of 120 requests")


def test_many(t):
    """a hundred reloads in a row leave nothing behind"""
    outrider = started(t)
    t.get(outrider)
    for i in range(100):
        again(outrider, CONFIG.replace("SERVICE", "ab"[i % 2]))
        if i == 20:
            t.wait_until(lambda: t.get(outrider).status == 200, "an answer")
            descriptors = outrider.descriptors()
    again(outrider, CONFIG.replace("SERVICE", "b"))
    t.wait_until(lambda: t.get(outrider).text() == "b", "the last configuration")
    t.wait_until(lambda: outrider.descriptors() <= descriptors + 4, f"descriptors to be about {descriptors} again")


main()
