# tests/lint/files.py - the shape of every file: licence line, #pragma once, its own name, words that promise later work.
# SPDX-License-Identifier: Apache-2.0
import os
import re

import tree

WIDTH = 125
SOURCE = (".c", ".h")
SCRIPT = (".py", ".sh")
LICENCE = "SPDX-License-Identifier: Apache-2.0"
# Each of these is a promise that somebody must keep, or knowledge that no reader of the project has.
PROMISE = re.compile(r"\b(TODO|FIXME|XXX|HACK|[Ff]or now|[Ss]implified)\b")
MERGE = re.compile(r"^(<{7}|={7}|>{7})( |$)")
PRIVATE = re.compile(r"(?<![\w.])/(home|Users)/\w")
# A mirror is what the machine's apt says; a host name here would be wrong on the next machine.
HOST = re.compile(r"https?://[\w.-]*(debian\.org|mirror|registry|artifact|proxy\.)[\w.-]*", re.I)
UNSEEN = {"tests/lint/files.py"}
TEXT = SOURCE + SCRIPT + (".md", ".inc", ".m4", ".yaml", ".yml", ".json", ".ac", ".am")


def top_files():
    names = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "configure.ac", "Makefile.am", "autogen.sh", ".ci/run"]
    return [n for n in names if os.path.exists(os.path.join(tree.ROOT, n))]


def is_script(path):
    full = os.path.join(tree.ROOT, path)
    return os.access(full, os.X_OK) and open(full, "rb").read(2) == b"#!"


def first_lines(path):
    head = tree.read(path).split("\n", 3)[:3]
    return head[1:] if head[0].startswith("#!") else head[:2]


def check_heads(paths):
    """Two lines: the file's own path and what it is; the licence."""
    broken = []
    for path in paths:
        first, second = (first_lines(path) + ["", ""])[:2]
        # A unit test may say at once what it shows; the rest begins with its own name.
        want = "/* " if path.startswith("tests/unit/") else ("/* %s - " if path.endswith(SOURCE) else "# %s") % path
        if not first.startswith(want):
            broken.append('%s: the first line should begin with "%s"' % (path, want))
        if LICENCE not in second and LICENCE not in first:
            broken.append("%s: the second line should say %s" % (path, LICENCE))
    return broken


def check_pragma(paths):
    return [p + ": no #pragma once" for p in paths if not re.search(r"^#pragma once$", tree.read(p), re.M)]


def check_words(paths, pattern):
    return ["%s:%d: %s" % (p, n, found.group(0)) for p in paths if p not in UNSEEN
            for n, line in enumerate(tree.read(p).split("\n"), 1) for found in [pattern.search(line)] if found]


def check_spaces(paths):
    broken = []
    for path in paths:
        text = tree.read(path)
        broken += ["%s:%d: white space at the end" % (path, n) for n, l in enumerate(text.split("\n"), 1) if l != l.rstrip()]
        broken += ["%s:%d: a tab" % (path, n) for n, l in enumerate(text.split("\n"), 1) if "\t" in l and path.endswith(SOURCE)]
        if text and not text.endswith("\n"):
            broken.append(path + ": no new line at the end")
    return broken


def check_width(paths):
    return ["%s:%d: %d columns" % (p, n, len(line)) for p in paths
            for n, line in enumerate(tree.read(p).split("\n"), 1) if len(line) > WIDTH]


def check_readmes():
    """Every directory with files of its own says what is here; policies have a page of their own name."""
    broken = []
    for inc in tree.files("Makefile.inc"):
        where = os.path.dirname(inc)
        page = "README.md"
        if where.startswith("tests/unit/"):
            continue
        if where.startswith("policy/"):
            page = os.path.basename(where) + ".md"
        if not os.path.exists(os.path.join(tree.ROOT, where, page)):
            broken.append("%s/%s is missing" % (where, page))
    return broken


def main():
    sources = tree.files(*SOURCE)
    scripts = sorted(set(tree.files(*SCRIPT)) | {f for f in tree.files() if "/.deps/" not in f and is_script(f)})
    texts = tree.files(*TEXT) + top_files() + [s for s in scripts if not s.endswith(SCRIPT)]
    verdicts = tree.Verdicts()
    verdicts.rule("there are sources to look at", [] if len(sources) > 10 else ["found %d" % len(sources)])
    verdicts.rule("sources begin with their path and the licence", check_heads(sources))
    verdicts.rule("scripts name the licence", [s + ": no licence line" for s in scripts if LICENCE not in tree.read(s)])
    verdicts.rule("headers say #pragma once", check_pragma([s for s in sources if s.endswith(".h")]))
    verdicts.rule("nothing is put off to later", check_words(texts, PROMISE))
    verdicts.rule("no half of a merge", check_words(texts, MERGE))
    verdicts.rule("no path of somebody's own machine", check_words(texts, PRIVATE))
    verdicts.rule("no host name of a mirror", check_words(texts, HOST))
    verdicts.rule("no stray white space", check_spaces(sources + scripts))
    verdicts.rule("at most %d columns" % WIDTH, check_width(sources))
    verdicts.rule("directories say what they are", check_readmes())
    verdicts.end()


main()
