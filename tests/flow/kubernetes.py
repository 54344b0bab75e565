#!/usr/bin/env python3
# tests/flow/kubernetes.py - targets in a (scripted) Kubernetes: what is asked, and what becomes of the answer.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *
from kit.kube import Kubernetes, Pod, behind_tls, endpoint, pods, slice_of
from kit.tls import Authority

import shutil

CONFIG = """
node: { name: node-1, zone: zone-a }
registries: { kubernetes: { type: kubernetes, address: "@kube.url@" @keys@ } }
services: [ { name: web, source: { registry: kubernetes @source@ } } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def configuration(keys="", source=""):
    return CONFIG.replace("@keys@", f", {keys}" if keys else "").replace("@source@", f", {source}" if source else "")


def started(t, *slices, keys="", source="", versions=("v1",), **more):
    kube = Kubernetes(t, versions=versions)
    kube.put(*slices)
    return kube, t.outrider(configuration(keys, source), kube=kube, **more)


def answering(t, outrider, n=8):
    client = t.client(outrider)
    return "".join(sorted({client.get().text() for _ in range(n)}))


def targets(outrider, service="web"):
    return {target["address"]: target for target in outrider.service(service)["targets"]}


def source_of(outrider, service="web"):
    return outrider.service(service)["sources"][0]


def comes_to(t, outrider, names, what):
    t.wait_until(lambda: answering(t, outrider) == names, f"{names} to answer: {what}")


def test_first(t):
    """the first targets are there when the daemon is ready, with what Kubernetes says of them"""
    a, b = pods(t, "ab")
    kube, outrider = started(t, slice_of("web-1", endpoint(a, zone="z1", nodeName="n1"), b))
    t.equal(answering(t, outrider), "ab", "targets")
    found = targets(outrider)[f"{a.host}:{a.port}"]
    t.equal((found["zone"], found["weight"], found["state"]), ("z1", 100, "active"), "zone, weight and state")
    source = source_of(outrider)
    t.equal((source["registry"], source["type"], source["mode"], source["index"], source["last_error"]),
            ("kubernetes", "kubernetes", "live", kube.version, None), "source")
    first = kube.about("list")[0]
    t.equal(first.path, "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", "path")
    t.equal(first.parameters, {"labelSelector": "kubernetes.io/service-name=web", "limit": "500", "resourceVersion": "0"},
            "parameters of the list")
    t.equal(first.token, "", "token")
    watch = kube.wait_watch().call
    seconds = int(watch.parameters.pop("timeoutSeconds"))
    t.true(107 <= seconds <= 133, f"seconds of the watch: {seconds}")
    t.equal(watch.parameters, {"labelSelector": "kubernetes.io/service-name=web", "watch": "true",
                               "allowWatchBookmarks": "true", "resourceVersion": str(kube.version)}, "parameters of the watch")


def test_follow(t):
    """slices that come, change and go are followed through one watch"""
    a, b, c = pods(t, "abc")
    kube, outrider = started(t, slice_of("web-1", a))
    kube.wait_watch()
    kube.put(slice_of("web-2", b))
    comes_to(t, outrider, "ab", "a new slice")
    kube.put(slice_of("web-2", b, c))
    comes_to(t, outrider, "abc", "a larger slice")
    kube.delete("web-1")
    comes_to(t, outrider, "bc", "a slice that is gone")
    t.wait_until(lambda: source_of(outrider)["index"] == kube.version, "the version")
    t.equal((len(kube.about("list")), len(kube.about("watch"))), (1, 1), "lists and watches")
    t.equal(source_of(outrider)["last_change"]["cause"], "registry", "cause")


def test_others(t):
    """slices of other services and namespaces are not ours"""
    a, b, c = pods(t, "abc")
    kube, outrider = started(t, slice_of("web-1", a), slice_of("other-1", b, service="other"),
                             slice_of("web-1", c, namespace="else"))
    t.equal(answering(t, outrider), "a", "targets")


def test_keys(t):
    """service, namespace and port of the source; the registry's namespace stands for one that is not given"""
    a, b = Pod(t, 11, name="a"), Pod(t, 12, name="b")
    ports = [{"name": "admin", "port": b.port}, {"name": "http", "port": a.port}, {"name": "dns", "port": 53, "protocol": "UDP"}]
    things = [slice_of("x", endpoint(a), service="w-eb", namespace="shop", ports=ports)]
    for keys, source, path in (
            ("namespace: shop", "service: w-eb, port: http", "shop"),
            ("namespace: else", f"service: w-eb, namespace: shop, port: {a.port}", "shop")):
        kube, outrider = started(t, *things, keys=keys, source=source)
        t.equal(answering(t, outrider), "a", "targets")
        t.contains(kube.calls[0].path, f"/namespaces/{path}/", "path")


def test_ports(t):
    """which port is meant must be clear: what is not, is quarantined with a reason"""
    a, b = pods(t, "ab")
    two = [{"name": "http", "port": a.port}, {"name": "admin", "port": 1}]
    kube, outrider = started(t, slice_of("web-1", a, b, ports=two))
    t.equal({item["reason"] for item in outrider.service("web")["quarantined"]},
            {"the slice has several ports, and `port` does not say which is meant"}, "reasons")
    kube, outrider = started(t, slice_of("web-1", a, ports=two), slice_of("web-2", b, ports=[]), source="port: http")
    t.equal(answering(t, outrider), "a", "targets")
    t.equal([item["reason"] for item in outrider.service("web")["quarantined"]], ["the slice has no TCP port `http`"], "reasons")


def test_missing(t):
    """a service that is not there is an answer, and followed: it may come"""
    kube, outrider = started(t)
    service = outrider.service("web")
    t.equal((service["status"], service["targets"], service["sources"][0]["mode"]), ("unhealthy", [], "live"), "service")
    t.equal(t.get(outrider).status, 503, "status")
    kube.wait_watch()
    a, = pods(t, "a")
    kube.put(slice_of("web-1", a))
    comes_to(t, outrider, "a", "the service has come")


def test_empty_slice(t):
    """a service without endpoints has a slice that is empty, with nulls in it"""
    kube, outrider = started(t, slice_of("web-1", ports=[]) | {"endpoints": None, "ports": None})
    t.equal((outrider.service("web")["targets"], outrider.service("web")["quarantined"]), ([], []), "targets")


def condition(ready, serving=None, terminating=None):
    return {"conditions": {name: value for name, value in (("ready", ready), ("serving", serving), ("terminating", terminating))
                           if value is not None}}


def test_conditions(t):
    """ready serves, also where it is not said; what ends serves only when nobody else can"""
    a, b, c, d = pods(t, "abcd")
    ends = condition(False, True, True)
    kube, outrider = started(t, slice_of("web-1", endpoint(a), endpoint(b, **condition(None)), endpoint(c, **condition(False)),
                                         endpoint(d, **ends), port=a.port))
    t.equal(answering(t, outrider), "ab", "targets")
    t.equal({address: target["reason"] for address, target in targets(outrider).items()},
            {f"{pod.host}:{pod.port}": reason for pod, reason in ((a, None), (b, None), (c, "critical"), (d, "terminating"))},
            "reasons")
    kube.put(slice_of("web-1", endpoint(a, **condition(False)), endpoint(c, **condition(False)), endpoint(d, **ends),
                      port=a.port))
    comes_to(t, outrider, "d", "nobody is ready")
    kube.put(slice_of("web-1", endpoint(a, **condition(True, True, True)), endpoint(d, **ends), port=a.port))
    comes_to(t, outrider, "a", "ready although it ends")
    kube.put(slice_of("web-1", endpoint(a, **condition(False, False, True)), endpoint(d, **condition(False)), port=a.port))
    t.wait_until(lambda: t.get(outrider).status == 503, "no target at all")


def test_hand_over(t):
    """endpoints that move from slice to slice are never missing, whatever the order, and no request fails"""
    a, b, c = pods(t, "abc")
    kube, outrider = started(t, slice_of("web-1", a, b), slice_of("web-2", c))
    kube.wait_watch()
    load = Load(t, outrider, bodies={b"a", b"b", b"c"})

    def all_there(what):
        t.wait_until(lambda: source_of(outrider)["index"] == kube.version, what)
        t.equal([target["state"] for target in targets(outrider).values()], ["active"] * 3, f"targets: {what}")
    for round_ in range(6):
        kube.put(slice_of("web-1", a))
        all_there("b in no slice")
        kube.put(slice_of("web-2", c, b) if round_ % 2 else slice_of("web-3", b))
        all_there("b in another slice")
        kube.put(slice_of("web-1", a, b))
        all_there("b in two slices")
        if round_ % 2 == 0:
            kube.delete("web-3")
    kube.put(slice_of("web-2", c))
    time.sleep(1.2)
    all_there("as in the beginning")
    load.answered(60)
    t.equal(load.stop(), [], "failed requests")
    t.equal(load.seen, {b"a", b"b", b"c"}, "who answered")


def test_gone_for_good(t):
    """what moves nowhere is gone a second later; of a service with one slice at once"""
    a, b, c = pods(t, "abc")
    kube, outrider = started(t, slice_of("web-1", a, b), slice_of("web-2", c))
    kube.wait_watch()
    at = time.monotonic()
    kube.put(slice_of("web-1", a))
    t.wait_until(lambda: len(targets(outrider)) == 2, "two targets")
    took = time.monotonic() - at
    t.true(0.9 <= took <= 2, f"seconds until it was gone: {took}")
    kube.delete("web-2")
    t.wait_until(lambda: len(targets(outrider)) == 1, "one target")
    kube.put(slice_of("web-1", a, b))
    t.wait_until(lambda: len(targets(outrider)) == 2, "two targets again")
    at = time.monotonic()
    kube.put(slice_of("web-1", b))
    t.wait_until(lambda: len(targets(outrider)) == 1, "one target again")
    t.at_most(time.monotonic() - at, 0.8, "seconds until it was gone")


def test_same_twice(t):
    """an endpoint in two slices is one target, ready if it is ready in one"""
    a, b = pods(t, "ab")
    kube, outrider = started(t, slice_of("web-1", a, b), slice_of("web-2", endpoint(b, **condition(False)), port=a.port))
    t.equal(answering(t, outrider), "ab", "targets")
    t.equal((len(targets(outrider)), outrider.service("web")["quarantined"]), (2, []), "targets and quarantine")


def test_dual_stack(t):
    """of two addresses of an endpoint one is used, the one that is preferred; both where both are wanted"""
    a, = pods(t, "a")
    six = slice_of("web-6", endpoint("::1") | {"targetRef": endpoint(a)["targetRef"]}, endpoint("::2"), port=a.port, kind="IPv6")
    for source, want in (("", [f"127.0.0.11:{a.port}", f"[::2]:{a.port}"]),
                         ("family: ipv6", [f"[::1]:{a.port}", f"[::2]:{a.port}"]),
                         ("family: both", [f"127.0.0.11:{a.port}", f"[::1]:{a.port}", f"[::2]:{a.port}"])):
        _, outrider = started(t, slice_of("web-4", a), six, source=source)
        t.equal(sorted(targets(outrider)), sorted(want), f"targets with {source!r}")


def hints(zones=(), nodes=()):
    return {"hints": {"forZones": [{"name": zone} for zone in zones], "forNodes": [{"name": node} for node in nodes]}}


def test_hints(t):
    """hints: our node first, then our zone; the others when these are gone, and all when one has no hint"""
    a, b, c = pods(t, "abc")
    near = [endpoint(a, **hints(["zone-a"], ["node-1"])), endpoint(b, **hints(["zone-a"], ["node-2"])),
            endpoint(c, **hints(["zone-b"], ["node-3"]))]
    kube, outrider = started(t, slice_of("web-1", *near, port=a.port))
    t.equal(answering(t, outrider), "a", "targets for our node")
    kube.put(slice_of("web-1", near[0] | condition(False), *near[1:], port=a.port))
    comes_to(t, outrider, "b", "those for our zone")
    kube.put(slice_of("web-1", near[2], port=a.port))
    comes_to(t, outrider, "c", "those that are left")
    kube.put(slice_of("web-1", *near[:2], endpoint(c), port=a.port))
    comes_to(t, outrider, "abc", "one without hints")
    _, outrider = started(t, slice_of("web-1", *near, port=a.port), source="hints: false")
    t.equal(answering(t, outrider), "abc", "targets where hints do not count")


def test_v1beta1(t):
    """a cluster that has only v1beta1 is followed there, with its topology"""
    a, b = pods(t, "ab")
    old = endpoint(a, topology={"topology.kubernetes.io/zone": "z9", "kubernetes.io/hostname": "n9"})
    kube, outrider = started(t, slice_of("web-1", old, port=a.port), versions=("v1beta1",))
    t.equal(answering(t, outrider), "a", "targets")
    t.equal(targets(outrider)[f"{a.host}:{a.port}"]["zone"], "z9", "zone")
    kube.wait_watch()
    t.equal([call.version for call in kube.calls], ["v1", "v1beta1", "v1beta1"], "versions asked for")
    kube.versions = ("v1",)                             # the cluster is brought up to date
    kube.put(slice_of("web-1", a, b))
    comes_to(t, outrider, "ab", "the old watch goes on")
    kube.watches()[0].end()
    t.wait_until(lambda: kube.watches() and kube.watches()[0].call.version == "v1", "a watch of v1")
    t.equal(answering(t, outrider), "ab", "targets")
    t.equal(source_of(outrider)["mode"], "live", "mode")


def test_neither_version(t):
    """a server that has neither version is an error that says so"""
    kube, outrider = started(t, versions=())
    t.equal(source_of(outrider)["mode"], "failed", "mode")
    t.contains(source_of(outrider)["last_error"], "neither discovery.k8s.io/v1 nor v1beta1", "error")


def test_pages(t):
    """a long list comes in pages, which are one answer"""
    many = pods(t, "abcde")
    kube = Kubernetes(t)
    kube.page = 2
    kube.put(*(slice_of(f"web-{i}", pod) for i, pod in enumerate(many)))
    outrider = t.outrider(configuration(), kube=kube)
    t.equal(answering(t, outrider, 10), "abcde", "targets")
    lists = kube.about("list")
    t.equal(len(lists), 3, "pages")
    t.equal([set(call.parameters) - {"labelSelector"} for call in lists],
            [{"limit", "resourceVersion"}, {"limit", "continue"}, {"limit", "continue"}], "parameters of the pages")
    t.equal(kube.wait_watch().call.since, str(kube.version), "where the watch begins")


def test_token_file(t):
    """a token file that changes is read again before the next call; 401 is no news for the targets"""
    a, b = pods(t, "ab")
    kube = Kubernetes(t)
    kube.tokens = {"tok-1"}
    kube.put(slice_of("web-1", a))
    outrider = t.outrider(configuration('token_file: "@dir@/token"'), kube=kube, files={"token": "tok-1\n"})
    t.equal(kube.wait_watch().call.token, "tok-1", "token")
    kube.tokens = {"tok-2"}                             # the old one has expired
    kube.watches()[0].reset()
    t.wait_until(lambda: "HTTP 401: Unauthorized" in (source_of(outrider)["last_error"] or ""), "the refusal")
    t.equal(answering(t, outrider), "a", "targets meanwhile")
    outrider.write("token", "tok-2\n")
    t.wait_until(lambda: kube.watches() and kube.watches()[0].call.token == "tok-2", "a watch with the new token")
    kube.put(slice_of("web-1", a, b))
    comes_to(t, outrider, "ab", "changes come again")
    t.equal(len(kube.about("list")), 1, "lists")
    t.lacks(outrider.stderr(), "tok-", "log")


def test_names(t):
    """names that Kubernetes cannot have are refused in the configuration, and not asked for"""
    for keys, source, part in (("namespace: a/b", "", "`namespace`: up to 63"), ("", "namespace: ../x", "`namespace`: up to 63"),
                               ("", 'service: "a,b"', "`service`: up to 63"), ("", "port: 70000", "`port`: a number"),
                               ("", "port: HTTP", "`port`: a number"), ("", "family: ipv5", "ipv5"),
                               ("wait: 1s", "", "wait")):
        text = configuration(keys, source).replace("@kube.url@", "http://127.0.0.1:1")
        code, _, error = run("check", "-c", "-", stdin=text)
        t.equal(code, 78, f"exit code with {keys}{source}")
        t.contains(error, part, "message")
    kube = Kubernetes(t)
    config = configuration().replace("name: web", 'name: "a,b=c"').replace("service: web", 'service: "a,b=c"')
    outrider = t.outrider(config, kube=kube)
    t.contains(json.loads(outrider.health("/health/services").body)["services"]["a,b=c"]["sources"][0]["last_error"],
               "no service of Kubernetes can have the name", "error")
    t.equal(kube.calls, [], "calls")


def test_inside(t):
    """without an address it is the cluster that the environment tells of; what is stated goes before it"""
    a, = pods(t, "a")
    kube = Kubernetes(t)
    kube.put(slice_of("web-1", a))
    config = configuration().replace('address: "@kube.url@"', "wait: 2m")
    inside = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(kube.port)}
    outrider = t.outrider(config, kube=kube, env=inside)
    t.wait_until(lambda: source_of(outrider)["last_error"], "an error")
    t.contains(source_of(outrider)["last_error"], f"https://127.0.0.1:{kube.port}", "the address in the error")
    t.wait_until(lambda: "/var/run/secrets/kubernetes.io/serviceaccount/token" in outrider.stderr(),
                 "a line about the token file that is not there")
    outrider = t.outrider(config, kube=kube, env=inside | {"KUBERNETES_SERVICE_HOST": "::1"})
    t.wait_until(lambda: source_of(outrider)["last_error"], "an error")
    t.contains(source_of(outrider)["last_error"], f"https://[::1]:{kube.port}", "the address in the error")
    outrider = t.outrider(configuration(), kube=kube, env=inside | {"KUBERNETES_SERVICE_HOST": "127.0.0.9"})
    t.equal(answering(t, outrider), "a", "targets with an address")
    for name in ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        inside.pop(name)
    outrider = t.outrider(config, kube=kube, env=inside)
    t.wait_until(lambda: source_of(outrider)["last_error"], "an error outside of any cluster")
    t.contains(source_of(outrider)["last_error"], "https://kubernetes.default.svc", "the address in the error")


def test_account(t):
    """in a pod: address, authority, token and namespace are what it was given"""
    authority, (a, b) = Authority(t), pods(t, "ab")
    kube = behind_tls(t, authority.server(alternative="IP:127.0.0.1"))
    kube.tokens = {"account-token"}
    kube.put(slice_of("web-1", a, namespace="shop"), slice_of("web-1", b))
    account = os.path.join(authority.dir, "account")
    os.mkdir(account)
    shutil.copy(authority.path("ca.crt"), account)
    for name, text in (("token", "account-token"), ("namespace", "shop")):
        with open(os.path.join(account, name), "w", encoding="ascii") as file:
            file.write(text)
    wrapper = mounted(t, "mount -t tmpfs none /run && mkdir -p /run/secrets/kubernetes.io && "
                         'cp -r "$1" /run/secrets/kubernetes.io/serviceaccount', account)
    outrider = t.outrider(configuration().replace('address: "@kube.url@"', "wait: 2m"), kube=kube, wrapper=wrapper,
                          env={"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(kube.port)})
    t.equal(answering(t, outrider), "a", "targets")
    t.contains(kube.calls[0].path, "/namespaces/shop/", "path")


def test_authority_stated(t):
    """where an authority is stated, the system's do not vouch; where none is, they do"""
    ours, system = Authority(t), Authority(t)
    a, = pods(t, "a")
    kube = behind_tls(t, system.server(alternative="IP:127.0.0.1"))
    kube.put(slice_of("web-1", a))
    wrapper = mounted(t, 'mount --bind "$1" /etc/ssl/certs && openssl rehash /etc/ssl/certs', system.dir)
    outrider = t.outrider(configuration(f"ca: {ours.path('ca.crt')}"), kube=kube, wrapper=wrapper)
    t.contains(source_of(outrider)["last_error"].lower(), "certificate", "error with an authority of our own")
    outrider = t.outrider(configuration(f"ca: {system.path('ca.crt')}"), kube=kube, wrapper=wrapper)
    t.equal(answering(t, outrider), "a", "targets with the right authority")
    outrider = t.outrider(configuration(f"ca_path: {system.dir}"), kube=kube, wrapper=wrapper)
    t.equal(answering(t, outrider), "a", "targets with a directory of authorities")


def test_authority_changes(t):
    """the file with the authorities changes, and the server's certificate with it: the new one is believed soon"""
    old, new = Authority(t), Authority(t)
    a, b = pods(t, "ab")
    kube = behind_tls(t, old.server(alternative="IP:127.0.0.1"))
    kube.put(slice_of("web-1", a))
    with open(old.path("ca.crt"), encoding="ascii") as file:
        outrider = t.outrider(configuration('ca: "@dir@/ca.crt"'), kube=kube, files={"ca.crt": file.read()})
    kube.context = new.server(alternative="IP:127.0.0.1")
    kube.wait_watch().reset()
    t.wait_until(lambda: "certificate" in (source_of(outrider)["last_error"] or "").lower(), "the new certificate to be refused")
    t.equal(answering(t, outrider), "a", "targets meanwhile")
    with open(new.path("ca.crt"), encoding="ascii") as file:
        outrider.write("ca.crt", file.read())
    t.wait_until(lambda: source_of(outrider)["mode"] == "live", "the new certificate to be believed")
    kube.put(slice_of("web-1", a, b))
    comes_to(t, outrider, "ab", "changes come again")


def test_reload(t):
    """a reload that leaves the source alone leaves the watch open; another source is another list"""
    a, b = pods(t, "ab")
    kube, outrider = started(t, slice_of("web-1", a), slice_of("blue-1", b, service="blue"))
    kube.wait_watch()
    before = outrider.stderr()
    outrider.configure(configuration().replace("routes:", "shutdown: { deadline: 7s }\nroutes:"))
    outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: "is in force" in outrider.stderr()[len(before):], "the reload")
    kube.put(slice_of("web-1", b))
    comes_to(t, outrider, "b", "the watch goes on")
    t.equal((len(kube.about("list")), len(kube.about("watch"))), (1, 1), "lists and watches")
    kube.put(slice_of("web-1", a))
    comes_to(t, outrider, "a", "and on")
    outrider.configure(configuration(source="service: blue"))
    outrider.signal(signal.SIGHUP)
    comes_to(t, outrider, "b", "the other service")
    t.wait_until(lambda: not kube.watches("web"), "the old watch to end")


main()
