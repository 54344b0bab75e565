#!/usr/bin/env python3
# tests/flow/snapshot.py - the last known good: a start without the registry, files that are not believed, and what clients hear.
# SPDX-License-Identifier: Apache-2.0
import glob
import hashlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from kit.every import Every, KINDS

CONFIG = """
state_dir: @state@
registries: { consul: { type: consul, address: "@consul.url@" } }
services:
  - { name: web, source: { registry: consul@source@ }, shrink_guard: { hold: 5s }@keys@ }
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


class World:
    """A Consul, two targets, and a state directory that outlives the daemons."""
    def __init__(self, t, **options):
        self.t = t
        self.a, self.b = t.origin(name="a"), t.origin(name="b")
        self.consul = Consul(t)
        self.consul.set("web", instance(self.a))
        self.dir = tempfile.mkdtemp(prefix="outrider-state-")
        self.state = os.path.join(self.dir, "var", "state")
        self.outrider = None
        self.started = 0
        t.closing(self)

    def close(self, failed=False):
        shutil.rmtree(self.dir, ignore_errors=True)

    def text(self, source="", keys=""):
        text = CONFIG.replace("@source@", f", {source}" if source else "").replace("@keys@", f", {keys}" if keys else "")
        return text.replace("@state@", self.state)

    def start(self, source="", keys=""):
        self.started = time.monotonic()
        self.outrider = self.t.outrider(self.text(source, keys), consul=self.consul)
        return self.outrider

    def kill(self):
        """As a crash would."""
        self.outrider.process.kill()
        self.outrider.process.wait()
        self.outrider.stopped = True

    def files(self):
        return sorted(glob.glob(os.path.join(self.state, "targets", "*.targets")))

    def counts(self):
        return json.loads(self.outrider.health("/health/services").body)["snapshots"]

    def written(self, n=1):
        self.t.wait_until(lambda: self.counts()["written"] >= n, f"{n} snapshots written, not {self.counts()}")

    def source(self):
        return self.outrider.service("web")["sources"][0]

    def mode(self, want):
        self.t.wait_until(lambda: self.source()["mode"] == want, f"mode {want}, not {self.source()}")
        return self.source()

    def known(self, *instances):
        """A daemon has seen these, has written them down, and is gone; so is the registry."""
        if instances:
            self.consul.set("web", *instances)
        self.start()
        self.written()
        self.outrider.stop()
        self.consul.origin.shut()


def header(t, where):
    return t.get(where).get("Outrider-Discovery")


def test_cold_start(t):
    """a start without the registry serves at once from the snapshot, and says so; the first answer replaces it"""
    w = World(t)
    w.known(instance(w.a, weight=3, Meta={"zone": "z1"}, Tags=["v1"]))
    outrider = w.start()
    t.say(f"ready {1000 * (time.monotonic() - w.started):.0f} ms after the start")
    answer = t.get(outrider)
    t.equal((answer.status, answer.text()), (200, "a"), "answer")
    t.true(re.fullmatch(r"snapshot;age=\d+", answer.get("Outrider-Discovery") or ""), f"{answer.get('Outrider-Discovery')}")
    source = w.mode("snapshot")
    t.equal((source["index"], source["last_contact"]), (w.consul.index, None), "index, contact")
    t.true(source["snapshot"]["live_at"] and source["snapshot"]["refused"] is None, f"{source}")
    t.true(0 <= source["age_seconds"] < 20, f"age {source['age_seconds']}")
    t.true("connect" in source["last_error"].lower(), source["last_error"])
    service = outrider.service("web")
    t.equal(service["status"], "degraded", "status of the service")
    target = service["targets"][0]
    t.equal((target["weight"], target["zone"], target["eligible"]), (3, "z1", True), "target")
    t.equal(outrider.health("/health/ready").status, 200, "ready")
    w.consul.set("web", instance(w.a), instance(w.b))
    w.consul.origin.listen()
    w.mode("live")
    t.wait_until(lambda: t.get(outrider).text() == "b", "the new target")
    t.equal(header(t, outrider), None, "field while live")


def test_killed(t):
    """what was in force when the daemon was killed is there again, and so is the age"""
    w = World(t)
    w.start()
    w.written()
    w.kill()
    w.consul.origin.shut()
    t.equal(t.get(w.start()).text(), "a", "answer")
    t.true(w.source()["age_seconds"] < 20, f"{w.source()}")


def whole(path):
    """Whether a file is what its first line says."""
    with open(path, "rb") as file:
        first, _, rest = file.read().partition(b"\n")
    head = json.loads(first)
    return head["bytes"] == len(rest) and head["sha256"] == hashlib.sha256(rest).hexdigest()


def test_killed_while_writing(t):
    """killed at any moment of a write: the file is the one before or the one after, never a part"""
    w = World(t)
    w.known()
    w.consul.origin.listen()
    chance, seen = random.Random(7), set()

    def stands():
        """What a write changes: another file of the name, or one that is not done yet."""
        return sorted(os.listdir(w.state + "/targets")), os.stat(w.files()[0]).st_ino

    for trial in range(40):
        before = stands()
        outrider = t.closing(Outrider(t, w.text(), consul=w.consul))
        with open(os.path.join(outrider.dir, "stderr"), "ab") as err:
            process = subprocess.Popen(command() + ["run", "-c", outrider.config_path], stdin=subprocess.DEVNULL,
                                       stdout=err, stderr=err)
        if trial % 4 == 3:
            time.sleep(chance.random() * 0.05)
        elif trial % 4 == 2:
            wait_until(lambda: stands()[1] != before[1], "a write to end", poll=0)
        else:
            wait_until(lambda: stands() != before, "a write to begin", poll=0)
            time.sleep(chance.random() * 0.003)
        process.kill()
        process.wait()
        t.true(all(whole(path) for path in w.files()), "a whole file")
        seen.add(os.path.getsize(w.files()[0]))
        w.consul.set("web", instance(w.a), *(instance((f"127.0.{1 + i // 250}.{1 + i % 250}", 80), id=f"i{i}")
                                             for i in range(2000 * chance.randrange(2))))
    t.true(len(seen) > 1, f"files before and after a write: {seen}")
    w.consul.origin.shut()
    w.start()
    t.equal(w.mode("snapshot")["snapshot"]["refused"], None, "refused")
    t.true(len(w.outrider.service("web")["targets"]) in (1, 2001), "targets of one answer")


def test_private(t):
    """files and their directory are our user's alone, whatever the mask"""
    w = World(t)
    was = os.umask(0)
    try:
        w.start()
    finally:
        os.umask(was)
    w.written()
    for path, mode in ((w.state, 0o700), (w.state + "/targets", 0o700), (w.files()[0], 0o600)):
        t.equal(oct(os.stat(path).st_mode & 0o7777), oct(mode), path)


def damaged(t, w, why, count=1):
    """The daemon starts all the same, says why it has no targets, and serves when the registry is back."""
    outrider = w.start()
    source = w.mode("failed")
    t.true(why in (source["snapshot"] or {"refused": ""})["refused"], f"refused for {why}: {source['snapshot']}")
    t.equal(w.counts()["refused"], count, "refused")
    if count:
        t.wait_until(lambda: re.search(r"snapshot web-\w+\.targets is not used: .*" + re.escape(why), outrider.stderr()),
                     "a line of the log")
    answer = t.get(outrider)
    t.equal((answer.status, answer.get("Outrider-Discovery")), (503, "failed;age=0"), "answer")
    w.consul.origin.listen()
    t.wait_until(lambda: t.get(outrider).status == 200, "targets from the registry")
    w.written()
    w.outrider.stop()
    w.consul.origin.shut()


def test_damaged(t):
    """a file that is cut, changed, of another version, or that others may write is refused whole, and written anew"""
    w = World(t)
    w.known()
    path, = w.files()

    def change(what):
        with open(path, "rb") as file:
            good = file.read()
        with open(path, "wb") as file:
            file.write(what(good))
        damaged(t, w, why)

    for why, what in (("damaged", lambda good: good[:-20]), ("damaged", lambda good: good.replace(b'"port":', b'"port":1', 1)),
                      ("not a snapshot", lambda good: b""), ("version", lambda good: good.replace(b'"version":1', b'"version":7'))):
        change(what)
    os.chmod(path, 0o666)
    damaged(t, w, "others may write")
    os.rename(path, path + ".there")
    os.symlink(path + ".there", path)
    damaged(t, w, "symbolic link")


def test_another_source(t):
    """a snapshot is only believed for the very source it is of"""
    w = World(t)
    w.known()
    outrider = w.start(source="tags: [v2]")
    w.mode("failed")
    t.equal(t.get(outrider).status, 503, "status")
    outrider.stop()
    w.start(source="service: other")
    w.mode("failed")
    w.outrider.stop()
    t.equal(t.get(w.start(source="service: web, tags: []")).status, 503, "a key that is given counts, though it says the same")
    w.outrider.stop()
    t.equal(t.get(w.start(source="tags: []")).text(), "a", "a key as it is by itself does not count")


def test_renamed_file(t):
    """a file in the place of another source's is refused"""
    w = World(t)
    w.known()
    mine, = w.files()
    w.consul.origin.listen()
    w.start(source="tags: [v2]")
    w.written()
    w.outrider.stop()
    w.consul.origin.shut()
    other, = (path for path in w.files() if path != mine)
    os.rename(mine, other)
    w.start(source="tags: [v2]")
    t.equal(w.mode("failed")["snapshot"]["refused"], "of another source", "reason")


def test_guard(t):
    """the shrink guard compares the first answer with the snapshot; what it holds is not written down"""
    w = World(t)
    w.known(instance(w.a), instance(w.b))
    w.consul.set("web")
    w.consul.origin.listen()
    outrider = w.start()
    w.mode("held")
    t.equal(sorted(target["state"] for target in outrider.service("web")["targets"]), ["held", "held"], "targets")
    t.equal(header(t, outrider), "held;age=0", "field")
    w.kill()
    w.consul.origin.shut()
    outrider = w.start()
    t.equal(len(outrider.service("web")["targets"]), 2, "targets after a crash")
    w.consul.origin.listen()
    t.wait_until(lambda: not outrider.service("web")["targets"], "the end of the hold")
    w.written()
    w.kill()
    w.consul.origin.shut()
    w.start()
    t.equal(w.mode("snapshot")["snapshot"]["refused"], None, "snapshot")
    t.equal(w.outrider.service("web")["targets"], [], "a service that is truly empty")


def test_pace(t):
    """many changes in a row cost few writes, and the last one is written"""
    w = World(t)
    w.start()
    w.written()
    began = time.monotonic()
    for weight in range(2, 42):
        w.consul.set("web", instance(w.a, weight=weight))
        time.sleep(0.03)
    took = time.monotonic() - began
    t.wait_until(lambda: w.outrider.service("web")["targets"][0]["weight"] == 41, "the last change")
    t.true(w.counts()["written"] <= 2 + time.monotonic() - began, f"{w.counts()} in {time.monotonic() - began:.1f} s")
    w.outrider.stop()
    w.consul.origin.shut()
    w.start()
    t.equal(w.outrider.service("web")["targets"][0]["weight"], 41, "weight")
    with open(w.files()[0], "rb") as file:
        t.true(b'"weight":41' in file.read(), "the file")
    t.true(took < 5, f"changes took {took}")


def test_no_disk(t):
    """where nothing can be written the rest works: a warning, a count"""
    w = World(t)
    os.makedirs(os.path.dirname(w.state))
    with open(w.state, "w", encoding="ascii"):
        pass
    outrider = w.start()
    t.wait_until(lambda: w.counts()["failed"] >= 1, "a failed write")
    t.equal(t.get(outrider).text(), "a", "answer")
    t.wait_until(lambda: "a snapshot cannot be written" in outrider.stderr(), "a warning")
    w.consul.set("web", instance(w.b))
    t.wait_until(lambda: t.get(outrider).text() == "b", "the change")
    t.equal(w.counts()["written"], 0, "written")
    outrider.stop()


def test_full_disk(t):
    """a disk that is full leaves the snapshot before"""
    w = World(t)
    w.known()
    w.consul.set("web", instance(w.b))
    w.consul.origin.listen()
    w.outrider = t.outrider(w.text(), consul=w.consul, wrapper=["sh", "-c", 'ulimit -f 0; trap "" XFSZ; exec "$@"', "sh"])
    t.wait_until(lambda: w.counts()["failed"] >= 1, "a failed write")
    t.wait_until(lambda: t.get(w.outrider).text() == "b", "the change")
    w.kill()
    w.consul.origin.shut()
    t.equal(t.get(w.start()).text(), "a", "from the snapshot before")


def test_stale(t):
    """when the registry is lost answers say how long ago, and nothing once it is back"""
    w = World(t)
    outrider = w.start()
    t.equal(header(t, outrider), None, "field while live")
    w.consul.origin.shut()
    t.wait_until(lambda: header(t, outrider), "a field")
    t.true(re.fullmatch(r"stale;age=[0-3]", header(t, outrider)), header(t, outrider))
    t.wait_until(lambda: header(t, outrider) == "stale;age=2", "the age to grow")
    t.equal(t.ask(outrider, "HEAD", "/").get("Outrider-Discovery")[:9], "stale;age", "of a HEAD")
    w.consul.origin.listen()
    t.wait_until(lambda: header(t, outrider) is None, "no field")
    t.equal(t.get(outrider).status, 200, "status")


def test_mark(t):
    """when_older: mark adds `expired` past max_age"""
    w = World(t)
    outrider = w.start(keys="last_known_good: { max_age: 2s, when_older: mark }")
    w.consul.origin.shut()
    t.wait_until(lambda: header(t, outrider) == "stale;age=3;expired", "expired")
    t.equal(t.get(outrider).text(), "a", "answer")


def test_fail(t):
    """when_older: fail gives no traffic past max_age, at a start from the snapshot, too"""
    w = World(t)
    keys = "last_known_good: { max_age: 2s, when_older: fail }"
    outrider = w.start(keys=keys)
    w.written()
    w.consul.origin.shut()
    t.equal(t.get(outrider).status, 200, "before")
    t.wait_until(lambda: t.get(outrider).status == 503, "503")
    answer = t.get(outrider)
    t.equal(json.loads(answer.body)["code"], "no-target", "code")
    t.true(re.fullmatch(r"stale;age=\d+", answer.get("Outrider-Discovery")), answer.get("Outrider-Discovery"))
    target = outrider.service("web")["targets"][0]
    t.equal((target["eligible"], target["reason"]), (False, "older than max_age"), "target")
    w.kill()
    outrider = w.start(keys=keys)
    t.equal(t.get(outrider).status, 503, "after a start")
    t.equal(w.source()["mode"], "snapshot", "mode")
    w.consul.origin.listen()
    t.wait_until(lambda: t.get(outrider).status == 200, "200")
    t.equal(header(t, outrider), None, "field while live")


def test_reload_adds(t):
    """a service that a reload brings is served from its snapshot, too; one that is known is not taken back"""
    w = World(t)
    w.known()
    none = re.sub(r"services:\n.*\nroutes:.*", "", w.text())
    w.outrider = t.outrider(none, consul=w.consul)
    w.outrider.configure(w.text())
    w.outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: t.get(w.outrider).status == 200, "targets")
    t.equal(w.source()["mode"], "snapshot", "mode")
    w.consul.origin.listen()
    w.mode("live")
    w.consul.origin.shut()
    w.mode("stale")
    w.outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: "generation 3 is in force" in w.outrider.stderr(), "the reload")
    t.equal(w.source()["mode"], "stale", "mode after a reload")


def test_every_kind(t):
    """every kind of registry: dead at the start, served from the snapshot, followed again when it is back"""
    every = Every(t, keys="retry: { max_retries: 0 }")
    first = t.outrider(every.config, **every.things)
    counts = lambda: json.loads(first.health("/health/services").body)["snapshots"]
    t.wait_until(lambda: counts()["written"] >= len(KINDS), f"all snapshots, not {counts()}")
    first.stop()
    every.die()
    outrider = t.outrider(every.config, env={"STATE_DIRECTORY": os.path.join(first.dir, "state")}, **every.things)
    for kind in KINDS:
        answer = t.get(outrider, f"/{kind}")
        t.equal((answer.text(), answer.get("Outrider-Discovery")[:9]), ("a", "snapshot;"), kind)
    every.now = every.b
    every.come_back()
    for kind in KINDS:
        t.wait_until(lambda: t.get(outrider, f"/{kind}").text() == "b", f"{kind} to be followed")
        t.equal(outrider.service(f"{kind}-web")["sources"][0]["mode"], "live", kind)


main()
