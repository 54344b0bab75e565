# tests/lint/symbols.py - what the objects call, and how the program was linked.
# SPDX-License-Identifier: Apache-2.0
import os
import platform
import re
import shutil
import subprocess
import sys

import tree

# Call -> why it is not ours to use, and the objects that may.
BARRED = {
    "gets strcpy strcat sprintf vsprintf stpcpy wcscpy": ("no bound", ()),
    "strtok localtime gmtime ctime asctime gethostbyname inet_ntoa": ("one buffer for all threads", ()),
    "rand srand random srandom drand48": ("base/rand.h", ()),
    "system popen wordexp": ("a shell", ()),
    "setlocale": ("jansson reads and writes numbers by the locale", ()),
    "tmpnam tempnam mktemp": ("a race", ()),
    "atoi atol atoll atof": ("no errors: base/units.h, base/str.h", ()),
    "getaddrinfo": ("blocks: loop/offload.h; listen.o is control's, ask.o a command's", ("resolver.o", "listen.o", "ask.o")),
    "setjmp longjmp __longjmp_chk": ("skips what cleans up", ()),
    "alloca": ("no bound", ()),
    "curl_easy_perform curl_multi_wait curl_multi_poll": ("blocks", ()),
}


def undefined(archive):
    """{call: {objects}} of what the archive's objects want from outside."""
    out = subprocess.run(["nm", "-A", "-u", archive], capture_output=True, text=True, check=True).stdout
    wanted = {}
    for line in out.splitlines():
        where, _, name = line.rpartition(" U ")
        if name:
            wanted.setdefault(name.strip(), set()).add(where.strip().rstrip(":").split(":")[-1])
    return wanted


def barred_calls(wanted):
    broken = []
    for names, (why, homes) in BARRED.items():
        for name in names.split():
            objects = {o for o in wanted.get(name, set()) if o not in homes}
            if objects:
                broken.append("%s in %s: %s" % (name, ", ".join(sorted(objects)), why))
    return broken


def readelf(program, *flags):
    return subprocess.run(["readelf", "-W", *flags, program], capture_output=True, text=True, check=True).stdout


def hardening(program, wanted, flags):
    """What the flags of configure must have left in the program; only those that were taken are asked for."""
    header, segments, dynamic = readelf(program, "-h"), readelf(program, "-l"), readelf(program, "-d")
    asked = [
        ("-pie", "position independent", re.search(r"Type:\s+DYN", header)),
        ("-Wl,-z,relro", "read-only relocations", "GNU_RELRO" in segments),
        ("-Wl,-z,now", "all symbols bound at start", re.search(r"BIND_NOW|FLAGS_1.*NOW", dynamic)),
        ("-Wl,-z,noexecstack", "no executable stack", re.search(r"GNU_STACK.*RW ", segments)),
        ("-fstack-protector-strong", "stack protector", "__stack_chk_fail" in wanted),
        ("_FORTIFY_SOURCE", "fortified calls", any(n.endswith("_chk") for n in wanted)),
    ]
    return [what + " is missing" for flag, what, there in asked if flag in flags and not there]


def main():
    program = os.environ.get("OUTRIDER", os.path.join(tree.ROOT, "outrider"))
    archive = os.path.join(os.path.dirname(program), "libsidecar.a")
    if not (shutil.which("nm") and shutil.which("readelf")):
        print("1..0 # SKIP nm and readelf (binutils) are not here")
        sys.exit(77)
    if not (os.path.exists(program) and os.path.exists(archive)):
        print("1..0 # SKIP %s is not built" % program)
        sys.exit(77)
    wanted = undefined(archive)
    verdicts = tree.Verdicts()
    verdicts.rule("the archive has symbols to look at", [] if "memcpy" in wanted or len(wanted) > 50 else ["%d names" % len(wanted)])
    verdicts.rule("no call that is barred", barred_calls(wanted))
    if platform.system() == "Linux" and os.environ.get("HARDENING_FLAGS", "").strip():
        verdicts.rule("hardened as configured", hardening(program, wanted, os.environ["HARDENING_FLAGS"]))
    else:
        verdicts.skip("hardened as configured", "configured without hardening")
    verdicts.end()


main()
