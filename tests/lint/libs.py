# tests/lint/libs.py - each library of others is spoken to in one place, so that it can be changed in one place.
# SPDX-License-Identifier: Apache-2.0
from fnmatch import fnmatch

import tree

# Header of a library -> the files that may include it.
HOME = {
    "microhttpd.h": ["sidecar/loop/mhdpump.c", "sidecar/loop/seam*.[ch]", "sidecar/proxy/downstream.c",
                     "sidecar/proxy/answer.c",       # responses are made and read there, requests in downstream.c
                     "admin/server.c"],
    "curl/*": ["sidecar/loop/curlmux.c", "sidecar/loop/fetch.c", "sidecar/proxy/dial.c", "sidecar/proxy/upconn.c"],
    "jansson.h": ["sidecar/conf/json.c"],
    "openssl/*": ["sidecar/loop/digest.c", "sidecar/loop/tls.c", "sidecar/loop/seam*.c"],
    "systemd/*": ["sidecar/telemetry/journal.c", "sidecar/loop/handed.c"],
    "yaml.h": ["sidecar/conf/yaml.c"],
    "pcre2.h": ["sidecar/http/regex.c"],
    "ares.h": ["sidecar/loop/dns.c"],
    "gnutls/*": [],
    "cmocka.h": [],
}
# Headers of the C library and the system: where a name is neither here nor above, somebody meets a new dependency.
SYSTEM = ["sys/*", "net/*", "netinet/*", "arpa/*", "linux/*", "bits/*", "immintrin.h", "emmintrin.h", "arm_neon.h"]
C_LIBRARY = """assert ctype dirent dlfcn errno execinfo fcntl fnmatch getopt glob grp inttypes limits locale malloc math netdb
    poll pthread pwd sched semaphore setjmp signal stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib
    stdnoreturn string strings sysexits syslog termios time unistd wordexp""".split()


def home_of(name):
    return next((rule for rule in HOME if fnmatch(name, rule)), None)


def is_system(name):
    return name in [h + ".h" for h in C_LIBRARY] or any(fnmatch(name, s) for s in SYSTEM)


def main():
    astray, unknown, met = [], [], set()
    for path in tree.files(".c", ".h", tops=["sidecar", "discovery", "policy", "admin"]):
        for line, quote, name in tree.includes(path):
            rule = home_of(name)
            if rule is not None:
                met.add(rule)
                if not any(fnmatch(path, place) for place in HOME[rule]):
                    astray.append("%s:%d: <%s> belongs to %s" % (path, line, name, ", ".join(HOME[rule]) or "nobody"))
            elif quote == "<" and not is_system(name):
                unknown.append("%s:%d: <%s> is the header of no known library" % (path, line, name))
    verdicts = tree.Verdicts()
    verdicts.rule("libraries are included where they live only", astray)
    verdicts.rule("no header of an unknown library", unknown)
    verdicts.end()


main()
