#!/bin/bash
# tests/bench/debian13.sh - the benchmark with Debian 13's libraries, nginx and HAProxy, in a tree of its own.
# SPDX-License-Identifier: Apache-2.0
#
# debian13.sh [OPTION OF bench.py]...   from a directory where make ran. TREE=DIR takes a tree that is there already.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/packaging/debian.sh"

inside=/root/outrider-bench

make_tree() {
    if [ -z "${TREE-}" ]; then
        say "A tree of Debian 13 (once; some minutes)"
        tree trixie || die "$why"
    else
        tree=$TREE
    fi
}

# No daemon of a package may start, and none is left running.
add_peers() {
    [ -x "$tree/usr/sbin/nginx" ] && [ -x "$tree/usr/sbin/haproxy" ] && return
    printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
    chmod +x "$tree/usr/sbin/policy-rc.d"
    in_tree "$tree" sh -c 'apt-get -qq update && apt-get -qq -y --no-install-recommends install nginx haproxy' >/dev/null ||
        say "nginx and haproxy cannot be installed in the tree: those of this machine are measured"
}

build() {
    rm -rf "${tree:?}$inside" && mkdir -p "$tree$inside"
    git -C "$top" ls-files -z | tar -C "$top" --null -T - -cf - | tar -C "$tree$inside" -xf -
    in_tree "$tree" sh -c "cd $inside && ./autogen.sh && ./configure CFLAGS='${CFLAGS--O2 -g}' && make -j$(nproc) outrider" \
        >"$tree$inside.log" 2>&1 || { tail -n 20 "$tree$inside.log" >&2; die "the build in the tree failed"; }
}

make_tree
add_peers
build
exec "${PYTHON3:-/usr/bin/python3}" "$top/tests/bench/bench.py" --run-in "$tree" --outrider "$inside/outrider" --cpu-bar 1.0 "$@"
