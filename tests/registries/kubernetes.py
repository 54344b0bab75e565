#!/usr/bin/env python3
# tests/registries/kubernetes.py - a real API server of Kubernetes under a steady load: not one request fails.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from registries.apiserver import Cluster, endpoint, needs_kubernetes, pods, slice_of
from registries.load import Load

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
CONFIG = """
registries:
  kubernetes: { type: kubernetes, address: "@cluster.url@", ca: "@cluster.ca@", token_file: "@dir@/token" @keys@ }
@registries@
services:
  - { name: web, source: { registry: kubernetes, port: http } @service@ }
@more@
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def configuration(keys="", service="", more="", registries=""):
    config = CONFIG.replace("@more@", more).replace("@registries@", registries)
    for name, text in (("keys", keys), ("service", service)):
        config = config.replace(f"@{name}@", f", {text}" if text else "")
    return config


def manifests(t, name):
    """The objects of a file of packaging/kubernetes."""
    try:
        import yaml
    except ImportError:
        t.skip("no yaml module for Python: the manifests cannot be read")
    with open(os.path.join(TOP, "packaging/kubernetes", name), encoding="utf-8") as file:
        return [thing for thing in yaml.safe_load_all(file) if thing]


def rights(t, cluster):
    """The account of the shipped manifest, with its rights and no others; returns its token."""
    for thing in manifests(t, "rbac.yaml"):
        cluster.create(thing)
    return cluster.account_token("outrider")


def source(outrider, service="web"):
    return outrider.service(service)["sources"][0]


def wait_mode(t, outrider, mode, service="web"):
    t.wait_until(lambda: source(outrider, service)["mode"] == mode,
                 f"{service} to be {mode}, not {source(outrider, service)}")


def started(t, names="abc", seconds=60, cluster=None, more_flags=(), **options):
    """A cluster, a slice with one pod for each letter, the sidecar with the rights of the manifest, a load."""
    needs_kubernetes(t)
    start_clock(seconds)
    cluster = cluster or Cluster(t, *more_flags).start()
    cluster.pods = pods(t, names)
    cluster.put(slice_of("web-1", *cluster.pods))
    outrider = t.outrider(configuration(**options), cluster=cluster, files={"token": rights(t, cluster)})
    load = Load(t, outrider)
    load.come_to(names, "at the start")
    return cluster, outrider, load


def say(t, what, seconds):
    t.say(f"{what}: {seconds * 1000:.0f} ms")


def test_follow(t):
    """endpoints that come, end in good order and go are followed at once, with the least rights"""
    cluster, outrider, load = started(t, service="shrink_guard: { hold: 2s }")
    a, b, c = cluster.pods
    d, e = pods(t, ["-", "-", "-", "d", "e"])[3:]
    for pod in (d, e):
        pod.stop()
        pod.port = a.port
        pod.start()
    times = []
    for things in [(a, b, c, d), (a, b, c)] * 4:        # of the server's first answers each takes it longer
        cluster.put(slice_of("web-1", *things))
        at = time.monotonic()
        wait_until(lambda: len(outrider.service("web")["targets"]) == len(things), "the change", poll=0)
        times.append(time.monotonic() - at)
        time.sleep(0.2)
    say(t, "from a change that the server has taken to other targets, the median of eight", sorted(times)[4])
    t.at_most(sorted(times)[4], 0.1, "seconds until a change is applied")
    at = time.monotonic()
    cluster.put(slice_of("web-1", a, b, c, d))
    took = load.first("d", at)
    say(t, "from the change to the first request", took)
    t.at_most(took, 1, "seconds until a new endpoint serves")
    at = time.monotonic()
    ends = endpoint(a, conditions={"ready": False, "serving": True, "terminating": True})
    cluster.put(slice_of("web-1", ends, b, c, d, port=a.port))
    load.come_to("bcd", "while a ends")
    say(t, "from the mark to the last request", max(0, load.last("a") - at))
    t.at_most(load.last("a") - at, 1, "seconds until an endpoint that ends has its last request")
    cluster.put(slice_of("web-1", b, c, d))
    cluster.put(slice_of("web-2", e))
    load.come_to("bcde", "with a second slice")
    cluster.delete("web-1")
    load.come_to("e", "with the second slice only")
    t.equal((source(outrider)["mode"], cluster.requests("LIST")), ("live", 1), "mode and lists")
    load.end(t)


def test_all_gone(t):
    """a service whose slices are gone is held while its endpoints answer, and comes back without a gap"""
    cluster, outrider, load = started(t, "ab")
    cluster.delete("web-1")
    wait_mode(t, outrider, "held")
    time.sleep(1)
    t.equal(load.names(), set("ab"), "targets of a service without slices")
    cluster.put(slice_of("web-7", *cluster.pods))
    wait_mode(t, outrider, "live")
    t.equal({target["state"] for target in outrider.service("web")["targets"]}, {"active"}, "states")
    load.end(t)


def test_hand_over(t):
    """endpoints that move between slices are never missing"""
    cluster, outrider, load = started(t)
    a, b, c = cluster.pods
    seen, done = set(), threading.Event()

    def look():
        while not done.is_set():
            seen.add(tuple(sorted(target["state"] for target in outrider.service("web")["targets"])))
    cluster.put(slice_of("web-2", c))
    cluster.put(slice_of("web-1", a, b))
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    for _ in range(20):
        cluster.put(slice_of("web-1", a))               # b is in no slice
        cluster.put(slice_of("web-2", c, b))
        cluster.put(slice_of("web-2", c))               # nor now
        cluster.put(slice_of("web-1", a, b))
    done.set()
    thread.join()
    t.equal(seen, {("active",) * 3}, "states of the targets at any time")
    load.end(t)


def test_killed(t):
    """the API server is killed, or ends in good order, and is back: the watch goes on, and changes come again"""
    cluster, outrider, load = started(t, keys="wait: 5s")
    a, b, c = cluster.pods
    for stop in (cluster.server.kill, cluster.server.end):      # which waits for the watches to end
        stop()
        wait_mode(t, outrider, "stale")
        time.sleep(1)
        t.equal(load.names(), set("abc"), "targets without an API server")
        cluster.start_server()
        at = time.monotonic()
        wait_mode(t, outrider, "live")
        say(t, "from the server's return to a live source", time.monotonic() - at)
        cluster.put(slice_of("web-1", a, b))
        load.come_to("ab", "after the return")
        cluster.put(slice_of("web-1", a, b, c))
        load.come_to("abc", "and again")
    load.end(t)


def test_store_gone(t):
    """etcd is gone for a while: nothing fails"""
    cluster, outrider, load = started(t, "ab", seconds=90)
    cluster.etcd.kill()
    time.sleep(3)
    t.equal(load.names(), set("ab"), "targets without a store")
    cluster.start_etcd()
    c = pods(t, ["-", "-", "c"])[2]
    c.stop()
    c.port = cluster.pods[0].port
    c.start()
    t.wait_until(lambda: taken(cluster, slice_of("web-1", *cluster.pods, c)), "the store to take a change")
    load.come_to("abc", "after the store's return")
    wait_mode(t, outrider, "live")
    load.end(t)


def taken(cluster, thing):
    try:
        cluster.put(thing)
        return True
    except (OSError, ValueError):
        return False


def test_frozen(t):
    """frozen for a while (30 s with OUTRIDER_SLOW): nothing fails, and what changes afterwards is there soon"""
    cluster, outrider, load = started(t, seconds=90)
    a, b, _ = cluster.pods
    cluster.server.freeze()
    time.sleep(30 if SLOW else 3)
    t.equal(load.names(), set("abc"), "targets while the server is frozen")
    cluster.server.thaw()
    at = time.monotonic()
    cluster.put(slice_of("web-1", a, b))
    load.come_to("ab", "after the thaw")
    say(t, "from the thaw to the change", load.last("c") - at)
    wait_mode(t, outrider, "live")
    load.end(t)


def test_bookmarks(t):
    """watches that end go on where the bookmark before their end says, without a list"""
    cluster, outrider, load = started(t, "ab", keys="wait: 5s")
    first = source(outrider)["index"]
    cluster.move_on()
    cluster.put(slice_of("other-1", *cluster.pods, service="other"))
    t.wait_until(lambda: cluster.requests("WATCH") >= 4, "several watches")
    t.true(source(outrider)["index"] > first, f"version {source(outrider)['index']} is later than {first}")
    cluster.put(slice_of("web-1", cluster.pods[0]))
    load.come_to("a", "after several watches")
    t.equal((source(outrider)["mode"], cluster.requests("LIST")), ("live", 1), "mode and lists")
    load.end(t)


def test_compacted(t):
    """the history from which the watch would go on is gone: one list, and all goes on"""
    cluster, outrider, load = started(t, more_flags=["--watch-cache=false"])
    a, b, c = cluster.pods
    cluster.server.kill()
    wait_mode(t, outrider, "stale")
    cluster.move_on()
    cluster.compact()
    cluster.start_server()
    t.wait_until(lambda: cluster.requests("LIST") == 1, "the list")
    wait_mode(t, outrider, "live")
    cluster.put(slice_of("web-1", a, b))
    load.come_to("ab", "after the list")
    t.equal(cluster.requests("LIST"), 1, "lists since the server came back")
    load.end(t)


def test_cache_is_young(t):
    """a server whose memory begins after our version says 410: one list, which it has in memory"""
    cluster, outrider, load = started(t)
    a, b, c = cluster.pods
    cluster.server.kill()
    wait_mode(t, outrider, "stale")
    cluster.move_on()
    cluster.start_server()
    wait_mode(t, outrider, "live")
    cluster.put(slice_of("web-1", a, b))
    load.come_to("ab", "after the return")
    t.at_most(cluster.requests("LIST"), 2, "lists since the server came back")
    load.end(t)


def test_rights(t):
    """the manifest's rights do for its namespace; what they do not cover is refused, and touches nobody else"""
    registries = '  nobody: { type: kubernetes, address: "@cluster.url@", ca: "@cluster.ca@", token: nobody }\n' \
                 '  wrong: { type: kubernetes, address: "@cluster.url@", ca: "@cluster.ca@", token: wrong }\n' \
                 '  strict: { type: kubernetes, address: "@cluster.url@", token: nobody }\n'
    more = "  - { name: elsewhere, source: { registry: kubernetes, service: web, namespace: kube-system } }\n" \
           "  - { name: refused, source: { registry: nobody, service: web } }\n" \
           "  - { name: unknown, source: { registry: wrong, service: web } }\n" \
           "  - { name: strict, source: { registry: strict, service: web } }\n" \
           "  - { name: missing, source: { registry: kubernetes } }"
    cluster, outrider, load = started(t, "ab", registries=registries, more=more)
    for service, part in (("elsewhere", 'HTTP 403: endpointslices.discovery.k8s.io is forbidden: User "system:serviceaccount:'),
                          ("refused", 'HTTP 403: endpointslices.discovery.k8s.io is forbidden: User "nobody"'),
                          ("unknown", "HTTP 401: Unauthorized"), ("strict", "certificate")):
        t.equal(source(outrider, service)["mode"], "failed", f"mode of {service}")
        t.contains(source(outrider, service)["last_error"], part, f"error of {service}")
    t.equal((outrider.service("missing")["targets"], source(outrider, "missing")["mode"]), ([], "live"), "the missing service")
    t.equal(source(outrider)["mode"], "live", "mode")
    time.sleep(1)
    load.end(t)


def test_account_made_anew(t):
    """the account is deleted, and its token with it: nothing fails, and the new token in the file is used"""
    cluster, outrider, load = started(t, "ab", keys="wait: 5s")
    cluster.call("DELETE", "/api/v1/namespaces/default/serviceaccounts/outrider")
    t.wait_until(lambda: "HTTP 401" in (source(outrider)["last_error"] or ""), "the refusal")
    t.equal(source(outrider)["mode"], "stale", "mode")
    cluster.create(next(thing for thing in manifests(t, "rbac.yaml") if thing["kind"] == "ServiceAccount"))
    outrider.write("token", cluster.account_token("outrider"))
    wait_mode(t, outrider, "live")
    cluster.put(slice_of("web-1", cluster.pods[0]))
    load.come_to("a", "with the new token")
    t.equal(cluster.requests("LIST"), 1, "lists")
    load.end(t)


def test_many(t):
    """a service of 3000 endpoints in 30 slices: one change is there at once"""
    needs_kubernetes(t)
    start_clock(90)
    cluster = Cluster(t).start()
    cluster.pods = pods(t, "ab")
    port = cluster.pods[0].port

    def crowd(i, ready):
        return slice_of(f"web-{i:02}", *({"addresses": [f"10.{i}.{k // 250}.{k % 250 + 1}"],
                                          "conditions": {"ready": ready}} for k in range(100)), port=port)
    for i in range(30):
        cluster.put(crowd(i, False))
    cluster.put(slice_of("near", cluster.pods[0]))
    outrider = t.outrider(configuration(), cluster=cluster, files={"token": rights(t, cluster)})
    load = Load(t, outrider)
    load.come_to("a", "at the start")
    t.equal(len(outrider.service("web")["targets"]), 3001, "targets")
    at = time.monotonic()
    cluster.put(slice_of("near", *cluster.pods))
    took = load.first("b", at)
    say(t, "from one change among 3000 endpoints to the first request", took)
    t.at_most(took, 1, "seconds")
    time.sleep(1)
    load.end(t)


# ---- manifests ----
# What a Container may have and that server is too old to know: native sidecars came with 1.28.
NEWER = {("Container", "restartPolicy")}


def unknown(schema, name, thing, path):
    """The members of an object that its definition does not have, below it, too."""
    definition = schema[name]
    known, found = definition.get("properties"), []
    if known is None or not isinstance(thing, dict):
        return found
    for key, value in thing.items():
        if key not in known:
            if (name.rpartition(".")[2], key) not in NEWER:
                found.append(f"{path}.{key}")
            continue
        kind = known[key]
        items = value if kind.get("type") == "array" else [value]
        reference = kind.get("items", kind).get("$ref", "").rpartition("/")[2]
        if reference:
            found += [line for i, item in enumerate(items) for line in unknown(schema, reference, item, f"{path}.{key}")]
    return found


def plain(thing):
    """As for an older cluster: the sidecar is one of the containers, as the manifest's comment says."""
    if thing["kind"] == "Deployment":
        thing = json.loads(json.dumps(thing))
        pod = thing["spec"]["template"]["spec"]
        pod["containers"] += pod.pop("initContainers")
        del pod["containers"][-1]["restartPolicy"]
    return thing


def test_manifests(t):
    """the shipped manifests are what the server takes, and have no member that its schema does not know"""
    needs_kubernetes(t)
    start_clock(60)
    cluster = Cluster(t).start()
    schema = cluster.get("/openapi/v2")["definitions"]
    kinds = {(kind["group"], kind["version"], kind["kind"]): name for name, definition in schema.items()
             for kind in definition.get("x-kubernetes-group-version-kind", ())}
    for file in ("rbac.yaml", "sidecar.yaml"):
        for thing in manifests(t, file):
            group, _, version = thing["apiVersion"].rpartition("/")
            t.equal(unknown(schema, kinds[group, version, thing["kind"]], thing, thing["kind"]), [], "unknown members")
            cluster.create(plain(thing), "?dryRun=All")
    odd = json.loads(json.dumps(manifests(t, "sidecar.yaml")[1]))
    odd["spec"]["template"]["spec"]["containers"][0]["portz"] = []
    t.equal(unknown(schema, "io.k8s.api.apps.v1.Deployment", odd, "Deployment"),
            ["Deployment.spec.template.spec.containers.portz"], "a mistake would be seen")


main()
