# packaging/debian.sh - what quickstart and check share: packages by apt, a tree with another Debian in it. Sourced.
# SPDX-License-Identifier: Apache-2.0

cache=${XDG_CACHE_HOME:-$HOME/.cache}/outrider

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Runs a command as root; false where nobody here may.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
        sudo "$@"
    else
        return 1
    fi
}

is_debian() { command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; }

# The number in "clang-14", as this Debian's package clang stands for it.
clang_version() {
    apt-cache show --no-all-versions clang 2>/dev/null | sed -n 's/^Version: [0-9]*:\([0-9]*\)\..*/\1/p' | head -n 1
}

# packages GROUP...: the names of packaging/packages, one a line.
packages() {
    local group
    for group in "$@"; do
        awk -v g="$group" '$1 == g { for (i = 2; i <= NF; i++) print $i }' "$top/packaging/packages"
    done | sed "s/%clang/$(clang_version)/"
}

# missing NAME...: those that are not installed.
missing() {
    local name
    for name in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || printf '%s\n' "$name"
    done
}

# install GROUP...: the packages of these groups.
install() {
    # The version of clang may not be known before.
    [ -n "$(clang_version)" ] || ! is_debian || as_root apt-get -qq update || :
    install_names $(packages "$@")
}

# install_names NAME...: installs what is missing. What cannot be had is named in $not_installed and said aloud; whoever needs
# it fails or skips later, by name. A daemon that comes with a package is not started.
install_names() {
    local names policy=/usr/sbin/policy-rc.d made=
    not_installed=
    if ! is_debian; then
        say "This is no Debian: nothing was installed. Needed: $*"
        return 0
    fi
    names=$(missing "$@")
    [ -n "$names" ] || return 0
    say "Installing by apt:" $names
    if ! as_root true; then
        not_installed=$names
        say "Neither root nor sudo here, so not installed:" $names
        return 0
    fi
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null && as_root chmod +x $policy && made=yes
    fi
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get -qq update || say "apt-get update failed; going on with the lists that are there"
    as_root apt-get -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends install $names >/dev/null 2>&1 ||
        install_one_by_one $names
    [ -z "$made" ] || as_root rm -f $policy
}

install_one_by_one() {
    local name
    for name in "$@"; do
        as_root apt-get -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends install "$name" >/dev/null 2>&1 && continue
        not_installed="$not_installed $name"
        say "Cannot be installed: $name"
    done
}

# unpacked SUITE PACKAGE [NAME]: that package of that suite in $cache/NAME (the package's), neither installed nor
# configured. apt checks what it fetches as ever; lists and cache are not the machine's. False with the reason in $why.
unpacked() {
    local suite=$1 package=$2 dir=$cache/${3:-$2} apt=$cache/apt-$1 log=$cache/${3:-$2}.log file
    why=
    [ ! -e "$dir/.complete" ] || return 0
    is_debian || { why="this is no Debian"; return 1; }
    [ -n "$(mirror)" ] || { why="apt has no mirror here"; return 1; }
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$dir"
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$(mirror)" "$suite" >"$apt/sources.list"
    set -- -qq -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$apt/lists" \
        -o Dir::Cache="$apt" -o APT::Sandbox::User="$(id -un)"
    if (cd "$apt" && apt-get "$@" update && apt-get "$@" download "$package") >"$log" 2>&1; then
        for file in "$apt/${package}"_*.deb; do
            dpkg -x "$file" "$dir" >>"$log" 2>&1 && touch "$dir/.complete" && return 0
        done
    fi
    why="$package of $suite cannot be had, see $log: $(tail -n 1 "$log")"
    return 1
}

# The mirror that apt uses on this machine.
mirror() {
    apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | awk '/\/debian\/?$/ && !n++'
}

# tree SUITE: a small Debian of that suite with what the groups build, test and more need, in $tree. Kept in the cache;
# made anew when the list of packages has changed. False with the reason in $why where it cannot be made.
tree() {
    local suite=$1 names list log=$cache/$1.log
    tree=$cache/tree-$suite
    may_have_trees || return 1
    names=$(packages build test more | grep -v '^libclang-rt'; echo ca-certificates)
    list=$(printf '%s\n' $names | sort -u | paste -sd,)
    [ "$(cat "$tree/.complete" 2>/dev/null)" = "$list" ] && return 0
    mkdir -p "$cache/debs" "$tree"
    rm -rf "$tree"
    if ! debootstrap --variant=minbase --cache-dir="$cache/debs" --include="$list" "$suite" "$tree" "$(mirror)" >"$log" 2>&1; then
        why="debootstrap $suite failed, see $log: $(tail -n 1 "$log")"
        return 1
    fi
    settle "$tree"
    # The sanitizers' and fuzzers' libraries carry the version of clang in their name, known only inside.
    in_tree "$tree" sh -c 'v=$(clang --version | sed -n "s/.*version \([0-9]*\)\..*/\1/p"); apt-get -qq update &&
        apt-get -qq -y --no-install-recommends install libclang-rt-$v-dev' >>"$log" 2>&1 ||
        say "In the tree of $suite there is no libclang-rt: clang's sanitizers and fuzzers are skipped there"
    printf '%s' "$list" >"$tree/.complete"
}

# copy_sources DIR: what is, or would be, under version control, as it stands; without it (a tarball) all but what was built.
copy_sources() {
    mkdir -p "$1"
    if [ -e "$top/.git" ] && command -v git >/dev/null && git -C "$top" rev-parse 2>/dev/null; then
        (cd "$top" && git ls-files -z -co --exclude-standard | while IFS= read -r -d '' f; do [ ! -e "$f" ] || printf '%s\0' "$f"; done |
            tar --null -T - -cf -) | tar -xf - -C "$1"
    else
        (cd "$top" && tar --exclude=./build --exclude='*.o' --exclude='*.a' --exclude=./config.status --exclude=./Makefile \
            --exclude=./outrider -cf - .) | tar -xf - -C "$1"
    fi
}

# base SUITE: Debian's smallest system of that suite, in $tree, to be copied. Kept in the cache. False with the reason in $why.
base() {
    local suite=$1 log=$cache/base-$1.log
    tree=$cache/base-$suite
    may_have_trees || return 1
    [ ! -e "$tree/.complete" ] || return 0
    mkdir -p "$cache/debs"
    rm -rf "$tree"
    if ! debootstrap --variant=minbase --cache-dir="$cache/debs" "$suite" "$tree" "$(mirror)" >"$log" 2>&1; then
        why="debootstrap $suite failed, see $log: $(tail -n 1 "$log")"
        return 1
    fi
    settle "$tree"
    touch "$tree/.complete"
}

# grown NAME SUITE PACKAGE...: the smallest Debian of that suite with these packages, in $tree. Kept in the cache; made anew
# when the list of packages has changed. False with the reason in $why.
grown() {
    local name=$1 suite=$2 log=$cache/$1-$2.log
    shift 2
    base "$suite" || return 1
    [ "$(cat "$cache/$name-$suite/.complete" 2>/dev/null)" != "$*" ] || { tree=$cache/$name-$suite; return 0; }
    rm -rf "$cache/$name-$suite"
    cp -a "$tree" "$cache/$name-$suite"
    tree=$cache/$name-$suite
    rm "$tree/.complete"
    if ! install_in_tree "$tree" "$@" >"$log" 2>&1; then
        why="packages for $name cannot be installed in $suite, see $log: $(tail -n 1 "$log")"
        return 1
    fi
    printf '%s' "$*" >"$tree/.complete"
}

# install_in_tree DIR PACKAGE...: by apt in there, with all that it depends on; nothing that comes with it is started.
install_in_tree() {
    local dir=$1 status=0
    shift
    printf '#!/bin/sh\nexit 101\n' >"$dir/usr/sbin/policy-rc.d"
    chmod +x "$dir/usr/sbin/policy-rc.d"
    in_tree "$dir" sh -c 'export DEBIAN_FRONTEND=noninteractive; apt-get -qq update &&
        apt-get -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends install "$@"' apt "$@" </dev/null || status=$?
    rm -f "$dir/usr/sbin/policy-rc.d"
    return $status
}

# False with the reason in $why.
may_have_trees() {
    why=
    [ "$(id -u)" = 0 ] || { why="making a Debian tree needs root"; return 1; }
    command -v debootstrap >/dev/null || { why="debootstrap is not installed"; return 1; }
    unshare -m true 2>/dev/null || { why="no mount name space may be made here"; return 1; }
}

# settle DIR: what an installed Debian has and a bare tree has not: the name localhost, and apt through the proxy out here.
settle() {
    [ -e "$1/etc/hosts" ] || printf '127.0.0.1\tlocalhost\n::1\tlocalhost\n' >"$1/etc/hosts"
    apt-config dump | grep -E '^Acquire::(http|https)::Proxy ' >"$1/etc/apt/apt.conf.d/99as-outside" || true
}

# in_tree DIR COMMAND...: runs the command inside, with /proc and /dev there; the mounts end with it.
in_tree() {
    local dir=$1
    shift
    unshare -m sh -c 'dir=$1; shift; mount --make-rprivate / && mount -t proc proc "$dir/proc" &&
        mount --rbind /dev "$dir/dev" && exec chroot "$dir" "$@"' in_tree "$dir" \
        env HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"
}
