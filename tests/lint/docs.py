# tests/lint/docs.py - every configuration in a document is one that `outrider check` accepts.
# SPDX-License-Identifier: Apache-2.0
#
# A block that begins with ```yaml or ```json is a whole configuration. One that is something else says so by a further
# word ("```yaml fragment", "```json answer") and is passed over, and counted.
import glob
import os
import re
import subprocess
import sys

import tree

FENCE = re.compile(r"^( *)(```+)(yaml|json)\b([^\n]*)\n(.*?)^\1\2 *$", re.M | re.S)
# Files for registries, not configurations.
NOT_CONFIGURATIONS = {"packaging/examples/targets.yaml"}


def blocks(path, text):
    """(path, line of the first line inside, further word, text) of every block."""
    return [(path, text.count("\n", 0, m.start(5)) + 1, m.group(4).strip(),
             re.sub("^" + m.group(1), "", m.group(5), flags=re.M)) for m in FENCE.finditer(text)]


def check(program, text):
    """Nothing when the configuration is accepted, else the mistakes: (line, what)."""
    done = subprocess.run([program, "check", "-c", "-"], input=text, capture_output=True, text=True, check=False,
                          env={**os.environ, "HOSTNAME": "host"})
    if done.returncode == 0:
        return []
    said = [re.match(r"standard input:(\d+):\d+: (.*)", line) for line in done.stderr.splitlines()]
    return [(int(m.group(1)), m.group(2)) for m in said if m] or [(1, "exit %d: %s" % (done.returncode, done.stderr))]


def check_block(program, block):
    path, first, _, text = block
    return ["%s:%d: %s" % (path, first + line - 1, what) for line, what in check(program, text)]


def documents():
    tops = [os.path.basename(p) for p in glob.glob(os.path.join(tree.ROOT, "*.md"))]
    return sorted(tops) + tree.files(".md")


def examples():
    return [p for p in tree.files(".yaml", ".yml", ".json", tops=["packaging/examples"]) if p not in NOT_CONFIGURATIONS]


# The configuration inside of a manifest: what stands deeper than its name.
INSIDE = re.compile(r"^( *)outrider\.yaml: \|\n((?:\1 +\S.*\n|\n)+)", re.M)


def manifests():
    """As blocks() does it."""
    texts = [(path, tree.read(path)) for path in tree.files(".yaml", tops=["packaging/kubernetes"])]
    return [(path, text.count("\n", 0, m.start(2)) + 1, "", re.sub("^" + m.group(1) + "  ", "", m.group(2), flags=re.M))
            for path, text in texts for m in INSIDE.finditer(text)]


def main():
    program = os.environ.get("OUTRIDER", os.path.join(tree.ROOT, "outrider"))
    if not os.path.exists(program):
        print("1..0 # SKIP %s is not built" % program)
        sys.exit(77)
    verdicts = tree.Verdicts()
    verdicts.rule("a mistake would be seen", [] if check(program, "servces: []\n") else ["`servces:` was accepted"])
    found = [b for path in documents() for b in blocks(path, tree.read(path))]
    whole = [b for b in found if not b[2]]
    verdicts.rule("there are blocks to look at", [] if len(whole) >= 2 else ["only %d" % len(whole)])
    verdicts.rule("blocks in documents (%d, and %d marked as something else)" % (len(whole), len(found) - len(whole)),
                  [line for b in whole for line in check_block(program, b)])
    verdicts.rule("packaging/examples", [line for path in examples()
                                         for line in check_block(program, (path, 1, "", tree.read(path)))])
    inside = manifests()
    verdicts.rule("there are configurations in manifests", [] if inside else ["none"])
    verdicts.rule("packaging/kubernetes", [line for block in inside for line in check_block(program, block)])
    verdicts.end()


main()
