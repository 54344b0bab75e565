#!/bin/bash
# tests/suites/clients/curl.sh - the program curl: a process for each step.
# SPDX-License-Identifier: Apache-2.0
base=$1
unset http_proxy ALL_PROXY
body=$(mktemp) head=$(mktemp) kept=$(mktemp) small=$(mktemp)
trap 'rm -f "$body" "$head" "$kept" "$small"' EXIT

field() { tr -d '\r' <"$head" | sed -n "s/^$1: *//Ip"; }

# step NAME EXTRA ARGUMENT...: EXTRA is a command that prints it
step() {
    local name=$1 extra=$2 status
    shift 2
    : >"$body"
    if status=$(curl -sS --noproxy '*' --path-as-is --raw -o "$body" -D "$head" -w '%{http_code}' "$@" 2>&1); then
        echo "$name $status $(stat -c %s "$body") $($extra)"
    else
        echo "$name error $status"
    fi
}
text() { cat "$body"; }
large() { printf %s "$(field X-Large)" | wc -c; }
cookies() { field Set-Cookie | paste -sd '|'; }
events() { sed -n 's/^data: //p' "$body" | paste -sd ,; }
code() { sed 's/.*"code":"\([^"]*\)".*/\1/' "$body"; }

step get-small true "$base/o/bytes/5"
step get-10k true "$base/o/bytes/10000"
curl -sS --noproxy '*' "$base/o/chunked/1000000" -o "$kept" -w 'get-1m %{http_code} %{size_download}\n'
head -c 10000 "$kept" >"$small"
curl -sS --noproxy "*" -I -D "$head" -o /dev/null -w "head %{http_code} %{size_download} " "$base/o/bytes/10000"; field Content-Length
step post text -H Expect: --data-binary "@$small" "$base/o/same/10000"
step post-chunked text -H Expect: -H 'Transfer-Encoding: chunked' --data-binary "@$small" "$base/o/framing/10000"
step put-1m text -T "$kept" "$base/o/same/1000000"
step delete true -X DELETE "$base/o/thing"
step options "field Allow" -X OPTIONS "$base/o/thing"
step not-modified "field ETag" -H 'If-None-Match: "v1"' "$base/o/etag"
step redirect "field Location" "$base/o/redirect"
step gzip true -H 'Accept-Encoding: gzip' "$base/o/gzip"
step cookies cookies "$base/o/cookies"
step unicode text "$base/o/echo/%C3%A4%20%2B;x=1?q=%E2%82%AC&r=a+b&r=%2F"
step large-request-header text -H "X-Large: $(printf 'y%.0s' {1..6000})" "$base/o/header"
step large-answer-header large "$base/o/header/answer"
step slow true "$base/o/slow"
curl -sS --noproxy '*' "$base/o/events" -N -o "$body" -w 'events %{http_code} %{size_download} '; events
step expect text -H 'Expect: 100-continue' --expect100-timeout 10 --data-binary "@$small" "$base/o/same/10000"
curl -sS --noproxy '*' "$base/o/trailers" -D "$head" -o "$body" -w 'trailers %{http_code} %{size_download} '; field X-Sum
step problem code "$base/nowhere"
step hold "field Connection" "$base/o/hold"
