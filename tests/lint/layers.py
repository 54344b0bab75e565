# tests/lint/layers.py - a file includes its own directory and the levels below it, nothing beside it and nothing above.
# SPDX-License-Identifier: Apache-2.0
import os

import tree

LEVEL = {
    "sidecar/base": 0,
    "sidecar/conf": 1, "sidecar/http": 1,
    "sidecar/loop": 2, "sidecar/http1": 2, "sidecar/telemetry": 2,
    "policy": 3, "discovery": 3,
    "policies": 4, "sidecar/proxy": 4,      # policies: the directories below policy/
    "admin": 5,
    "sidecar/daemon": 6,
}
CODE = ["sidecar", "discovery", "policy", "admin"]
# What the public header may lean on: plugins see these, and nothing else of ours.
PUBLIC = ("policy/policy.h", "sidecar/conf/field.h", "sidecar/base/")


def room(path):
    """The directory that counts: discovery/balance is discovery, policy/cors is one of the policies."""
    parts = path.split("/")
    if parts[0] == "sidecar":
        return "/".join(parts[:2])
    if parts[0] == "policy" and len(parts) > 2:
        return "policies"
    return parts[0]


def target(name, includer):
    """The file that #include "name" means, or None."""
    for base in ("sidecar", "", os.path.dirname(includer)):
        path = os.path.normpath(os.path.join(base, name))
        if os.path.exists(os.path.join(tree.ROOT, path)):
            return path
    return None


def allowed(includer, included):
    own, other = room(includer), room(included)
    if own == "policies" and other == "policies":
        return includer.split("/")[1] == included.split("/")[1]
    return own == other or LEVEL[other] < LEVEL[own]


def check_levels(paths):
    broken, unknown = [], []
    for path in paths:
        if room(path) not in LEVEL:
            unknown.append("%s: the room %s has no level in tests/lint/layers.py" % (path, room(path)))
            continue
        for line, quote, name in tree.includes(path):
            included = target(name, path) if quote == '"' else None
            if quote == '"' and included is None:
                unknown.append('%s:%d: "%s" is no file of ours' % (path, line, name))
            elif included and room(included) not in LEVEL:
                unknown.append("%s:%d: %s is in no room" % (path, line, included))
            elif included and not allowed(path, included):
                broken.append("%s:%d: %s (level %d) includes %s (level %d)" % (
                    path, line, room(path), LEVEL[room(path)], included, LEVEL[room(included)]))
    return broken, unknown


def check_public(header):
    """Everything that header includes, directly or not, is public too."""
    broken, seen, todo = [], set(), [header]
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        if not path.startswith(PUBLIC):
            broken.append("%s is reached from %s, but is not public" % (path, header))
        todo += [t for _, q, n in tree.includes(path) if q == '"' for t in [target(n, path)] if t]
    return broken


def check_policies(paths):
    """A policy is written like a plugin: policy.h, what policy.h includes, the base, and its own directory."""
    return ["%s:%d: a policy includes %s" % (p, line, target(name, p))
            for p in paths if room(p) == "policies"
            for line, quote, name in tree.includes(p) if quote == '"'
            if not (target(name, p) or "").startswith(PUBLIC + (os.path.dirname(p),))]


def main():
    paths = tree.files(".c", ".h", tops=CODE)
    verdicts = tree.Verdicts()
    broken, unknown = check_levels(paths)
    verdicts.rule("there are sources to look at", [] if len(paths) > 10 else ["found %d" % len(paths)])
    verdicts.rule("every include goes down", broken)
    verdicts.rule("every included file and every directory is known", unknown)
    if os.path.exists(os.path.join(tree.ROOT, "policy/policy.h")):
        verdicts.rule("policy.h leans on public headers only", check_public("policy/policy.h"))
        verdicts.rule("policies include what a plugin could include", check_policies(paths))
    verdicts.end()


main()
