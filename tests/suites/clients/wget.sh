#!/bin/bash
# tests/suites/clients/wget.sh - the program wget: a process for each step.
# SPDX-License-Identifier: Apache-2.0
base=$1
body=$(mktemp) head=$(mktemp) kept=$(mktemp) small=$(mktemp)
trap 'rm -f "$body" "$head" "$kept" "$small"' EXIT

field() { sed -n "s/^  $1: *//Ip" "$head" | tr -d '\r'; }

# With this, wget waits for the body of a 304.
errors=--content-on-error
step() {
    local name=$1 extra=$2
    shift 2
    : >"$body"
    wget -nv -S --no-proxy --tries=1 $errors --max-redirect=0 --no-iri -O "$body" "$@" 2>"$head"
    echo "$name $(sed -n 's,^  HTTP/1.1 \([0-9]*\).*,\1,p' "$head" | tail -n 1) $(stat -c %s "$body") $($extra)"
}
text() { cat "$body"; }
large() { printf %s "$(field X-Large)" | wc -c; }
cookies() { field Set-Cookie | paste -sd '|'; }
events() { sed -n 's/^data: //p' "$body" | paste -sd ,; }
code() { sed 's/.*"code":"\([^"]*\)".*/\1/' "$body"; }

step get-small true "$base/o/bytes/5"
step get-10k true "$base/o/bytes/10000"
step get-1m true "$base/o/chunked/1000000"
cp "$body" "$kept"
head -c 10000 "$kept" >"$small"
step head "field Content-Length" --method=HEAD "$base/o/bytes/10000"
step post text --post-file="$small" "$base/o/same/10000"
echo "post-chunked skip wget only counts"
step put-1m text --method=PUT --body-file="$kept" "$base/o/same/1000000"
step delete true --method=DELETE "$base/o/thing"
step options "field Allow" --method=OPTIONS "$base/o/thing"
errors=
step not-modified "field ETag" --header='If-None-Match: "v1"' "$base/o/etag"
errors=--content-on-error
step redirect "field Location" "$base/o/redirect"
step gzip true --header='Accept-Encoding: gzip' "$base/o/gzip"
step cookies cookies "$base/o/cookies"
step unicode text "$base/o/echo/%C3%A4%20%2B;x=1?q=%E2%82%AC&r=a+b&r=%2F"
step large-request-header text --header="X-Large: $(printf 'y%.0s' {1..6000})" "$base/o/header"
step large-answer-header large "$base/o/header/answer"
step slow true "$base/o/slow"
step events events "$base/o/events"
echo "expect skip wget does not wait"
echo "trailers skip wget drops them"
step problem code "$base/nowhere"
step hold "field Connection" "$base/o/hold"
