/* tests/unit/http/framing.c
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each case is fed whole, cut in two at every place, in three at many, byte by byte, and behind a good request. "tN" in
 * a name is the number of the case in the list of threats. */
#include "tests/unit/unit.h"

#include "http/framing.h"

#include <stdio.h>
#include <stdlib.h>

#define ALL SIZE_MAX
#define R "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define RL (sizeof(R) - 1)
#define S(text) text, sizeof(text) - 1
#define GET(fields) S("GET / HTTP/1.1\r\n" fields "\r\n")
#define POST(fields, body) S("POST / HTTP/1.1\r\nHost: a\r\n" fields "\r\n" body)
#define CHUNKED(body) POST("Transfer-Encoding: chunked\r\n", body)
#define TARGET(target) S("GET " target " HTTP/1.1\r\nHost: a\r\n\r\n")
#define UPGRADE "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: x\r\n\r\n"
#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16
#define X256 X64 X64 X64 X64

static const struct framing_limits limits = { 1500, 700, 8, 64, false };
static const struct framing_limits lenient = { 1500, 700, 8, 64, true };

static const struct { const char *name; int verdict; size_t deliver; const char *in; size_t n; } cases[] = {
    /* good */
    { "plain", 0, ALL, S(R) },
    { "three pipelined", 0, ALL, S(R R R) },
    { "counted body", 0, ALL, POST("Content-Length: 3\r\n", "abc" R) },
    { "empty body", 0, ALL, POST("Content-Length: 0\r\n", R) },
    { "leading zeros in the length", 0, ALL, POST("Content-Length: 0003\r\n", "abc" R) },
    { "chunked", 0, ALL, CHUNKED("3\r\nabc\r\n00a\r\n0123456789\r\n0\r\n\r\n" R) },
    { "chunked, upper case", 0, ALL, POST("TRANSFER-ENCODING: Chunked\r\n", "A\r\n0123456789\r\n0\r\n\r\n" R) },
    { "extension on the last chunk", 0, ALL, CHUNKED("3\r\nabc\r\n0;x=\"y z\"\r\n\r\n" R) },
    { "trailers", 0, ALL, CHUNKED("3\r\nabc\r\n0\r\nX-T: 1\r\nX-U:\r\n\r\n" R) },
    { "HTTP/1.0", 0, ALL, S("GET / HTTP/1.0\r\n\r\n") },
    { "HTTP/1.0 keep-alive", 0, ALL, S("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n" R) },
    { "HTTP/1.0 upgrade is ignored", 0, ALL,
      S("GET / HTTP/1.0\r\nConnection: keep-alive, upgrade\r\nUpgrade: x\r\n\r\n" R) },
    { "one empty line before", 0, ALL, S("\r\n" R) },
    { "one empty line between", 0, ALL, S(R "\r\n" R) },
    { "obs-text and trailing blanks", 0, ALL, GET("Host: a\r\nX: \xc3\xa9\t \r\n") },
    { "empty value", 0, ALL, GET("Host: a\r\nX:\r\n") },
    { "tab inside a value", 0, ALL, GET("Host: a\r\nX: 0123456789abcdef\t0123456789abcdef\r\n") },
    { "no space behind the colon", 0, ALL, GET("Host:a\r\n") },
    { "blanks around the host", 0, ALL, GET("Host: \t a:80 \t\r\n") },
    { "IPv6 host", 0, ALL, GET("Host: [::1]:8080\r\n") },
    { "absolute form", 0, ALL, TARGET("http://a/") },
    { "absolute form, other case, port, query", 0, ALL, TARGET("HtTpS://b.example:443?x=/") },
    { "absolute form without a path", 0, ALL, TARGET("http://a") },
    { "asterisk", 0, ALL, S("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") },
    { "method of its own", 0, ALL, S("M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n") },
    { "method as long as allowed", 0, ALL, S("MMMMMMMMMMMMMMMMMMMMMMMM / HTTP/1.1\r\nHost: a\r\n\r\n") },
    { "methods that look like others", 0, ALL,
      S("PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\nCOPY / HTTP/1.1\r\nHost: a\r\n\r\n") },
    { "query with odd characters", 0, ALL, TARGET("/a?b[]={x}|y^`&c=?/:@%zz") },
    { "names that only begin like others", 0, ALL,
      GET("Host: a\r\nContent-Lengthy: x\r\nHosts: b\r\nX-Transfer-Encoding: y\r\n") },
    { "names as long as others", 0, ALL,
      GET("Host: a\r\nDate: b\r\nReferer: c\r\nUser-Agent: d\r\nAccept-Charset: e\r\nIf-Modified-Since: f\r\n") },
    { "long name", 0, ALL, GET("Host: a\r\n" X256 ": y\r\n") },
    { "connection options", 0, ALL, GET("Host: a\r\nConnection: , keep-alive ,x-y,,te\r\n") },
    { "upgrade without the connection option", 0, ALL, S("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n" R) },
    { "eight fields", 0, ALL, GET("Host: a\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\nG:\r\n") },
    { "unfinished line", 0, ALL, S("GE") },
    { "unfinished head", 0, ALL, S("GET / HTTP/1.1\r\nHost: a\r\nX: y\r") },
    { "unfinished body", 0, ALL, POST("Content-Length: 5\r\n", "abc") },
    /* t1: both framings */
    { "t1 length, then coding", 400, 0, POST("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n") },
    { "t1 coding, then length", 400, 0, POST("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", "0\r\n\r\n") },
    /* t2: codings */
    { "t2 list", 501, 0, POST("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n") },
    { "t2 list with a parameter", 501, 0, POST("Transfer-Encoding: a;b=c , ,Chunked\r\n", "0\r\n\r\n") },
    { "t2 chunked first", 400, 0, POST("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n") },
    { "t2 chunked in the middle", 400, 0, POST("Transfer-Encoding: gzip, chunked, gzip\r\n", "0\r\n\r\n") },
    { "t2 comma before", 400, 0, POST("Transfer-Encoding: , chunked\r\n", "0\r\n\r\n") },
    { "t2 comma behind", 400, 0, POST("Transfer-Encoding: chunked,\r\n", "0\r\n\r\n") },
    { "t2 gzip, chunked twice", 400, 0, POST("Transfer-Encoding: gzip, chunked, chunked\r\n", "0\r\n\r\n") },
    { "t2 chunked twice in one", 400, 0, POST("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n") },
    { "t2 xchunked", 400, 0, POST("Transfer-Encoding: xchunked\r\n", "") },
    { "t2 chunkedx", 400, 0, POST("Transfer-Encoding: chunkedx\r\n", "") },
    { "t2 quoted", 400, 0, POST("Transfer-Encoding: \"chunked\"\r\n", "") },
    { "t2 identity", 400, 0, POST("Transfer-Encoding: identity\r\n", "") },
    { "t2 another of seven letters", 400, 0, POST("Transfer-Encoding: deflate\r\n", "") },
    { "t2 empty", 400, 0, POST("Transfer-Encoding:\r\n", "") },
    { "t2 parameter", 400, 0, POST("Transfer-Encoding: chunked;q=1\r\n", "") },
    { "t2 blank behind", 400, 0, POST("Transfer-Encoding: chunked \r\n", "0\r\n\r\n") },
    { "t2 tab behind", 400, 0, POST("Transfer-Encoding: chunked\t\r\n", "0\r\n\r\n") },
    { "t2 twice", 400, 0, POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n") },
    { "t2 chunked, then identity", 400, 0, POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "") },
    { "t2 vertical tab", 400, 0, POST("Transfer-Encoding: \x0b" "chunked\r\n", "") },
    { "t2 folded (an empty value so far)", 400, 0, POST("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n") },
    { "t2 blank before the colon", 400, 0, POST("Transfer-Encoding : chunked\r\n", "0\r\n\r\n") },
    { "t2 HTTP/1.0", 400, 0, S("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
    /* t3: lengths */
    { "t3 twice, equal", 400, 0, POST("Content-Length: 3\r\nContent-Length: 3\r\n", "abc") },
    { "t3 twice, different", 400, 0, POST("Content-Length: 3\r\nContent-Length: 4\r\n", "abc") },
    { "t3 list", 400, 0, POST("Content-Length: 3, 3\r\n", "abc") },
    { "t3 plus", 400, 0, POST("Content-Length: +3\r\n", "abc") },
    { "t3 minus", 400, 0, POST("Content-Length: -3\r\n", "abc") },
    { "t3 hex", 400, 0, POST("Content-Length: 0x3\r\n", "abc") },
    { "t3 hex digit", 400, 0, POST("Content-Length: a\r\n", "abc") },
    { "t3 empty", 400, 0, POST("Content-Length: \r\n", "") },
    { "t3 blank inside", 400, 0, POST("Content-Length: 1 0\r\n", "") },
    { "t3 blank behind", 400, 0, POST("Content-Length: 3 \r\n", "abc") },
    { "t3 decimal", 400, 0, POST("Content-Length: 3.0\r\n", "abc") },
    { "t3 overflow", 400, 0, POST("Content-Length: 18446744073709551619\r\n", "abc") },
    { "t3 nineteen digits", 400, 0, POST("Content-Length: 1000000000000000000\r\n", "abc") },
    /* t4: fields */
    { "t4 folded", 400, 0, GET("Host: a\r\nX: a\r\n b\r\n") },
    { "t4 folded by tab", 400, 0, GET("Host: a\r\nX: a\r\n\tb\r\n") },
    { "t4 fold first", 400, 0, S("GET / HTTP/1.1\r\n Host: a\r\n\r\n") },
    { "t4 blank before the colon", 400, 0, GET("Host : a\r\n") },
    { "t4 tab before the colon", 400, 0, GET("Host: a\r\nX\t: a\r\n") },
    { "t4 bad name", 400, 0, GET("Host: a\r\nX(y): 1\r\n") },
    { "t4 obs-text in a name", 400, 0, GET("Host: a\r\nX\xc3\xa9: 1\r\n") },
    { "t4 no name", 400, 0, GET("Host: a\r\n: 1\r\n") },
    { "t4 no colon", 400, 0, GET("Host: a\r\nfoo\r\n") },
    { "t4 NUL in a value", 400, 0, GET("Host: a\r\nX: a\0b\r\n") },
    { "t4 NUL in a name", 400, 0, GET("Host: a\r\nX\0: ab\r\n") },
    { "t4 control in a value", 400, 0, GET("Host: a\r\nX: a\x01\r\n") },
    { "t4 escape far into a value", 400, 0, GET("Host: a\r\nX: 0123456789abcdef0123456789\x1b[0m\r\n") },
    { "t4 DEL in a value", 400, 0, GET("Host: a\r\nX: 0123456789abcdefg\x7f\r\n") },
    { "t4 bare CR", 400, 0, S("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n") },
    { "t4 CR CR LF", 400, 0, GET("Host: a\r\r\n") },
    { "t4 bare LF after the line", 400, 0, S("GET / HTTP/1.1\nHost: a\r\n\r\n") },
    { "t4 bare LF after a field", 400, 0, S("GET / HTTP/1.1\r\nHost: a\n\r\n") },
    { "t4 bare LF at the end", 400, 0, S("GET / HTTP/1.1\r\nHost: a\r\n\n") },
    { "t4 bare CR at the end", 400, 0, GET("Host: a\r\n\rX") },
    /* t5: chunks */
    { "t5 size of 17 digits", 400, 0, CHUNKED("ffffffffffffffff1\r\nx") },
    { "t5 size of 16 digits", 400, 0, CHUNKED("ffffffffffffffff\r\nx") },
    { "t5 17 zeros", 400, 0, CHUNKED("00000000000000001\r\nx") },
    { "t5 0x", 400, 0, CHUNKED("0x3\r\nabc\r\n0\r\n\r\n") },
    { "t5 minus", 400, 0, CHUNKED("-3\r\nabc\r\n") },
    { "t5 plus", 400, 0, CHUNKED("+3\r\nabc\r\n") },
    { "t5 blank behind the size", 400, 0, CHUNKED("3 \r\nabc\r\n0\r\n\r\n") },
    { "t5 blank before the size", 400, 0, CHUNKED(" 3\r\nabc\r\n0\r\n\r\n") },
    { "t5 bare LF behind the size", 400, 0, CHUNKED("3\nabc\r\n0\r\n\r\n") },
    { "t5 bare CR behind the size", 400, 0, CHUNKED("3\rabc\r\n0\r\n\r\n") },
    { "t5 bare CR behind the last size", 400, 0, CHUNKED("0\rX\r\n") },
    { "t5 longer data", 400, 0, CHUNKED("3\r\nabcX\r\n0\r\n\r\n") },
    { "t5 bare LF behind the data", 400, 0, CHUNKED("3\r\nabc\n0\r\n\r\n") },
    { "t5 no size", 400, 0, CHUNKED("\r\n\r\n") },
    { "t5 extension", 400, 0, CHUNKED("3;a=b\r\nabc\r\n0\r\n\r\n") },
    { "t5 control in an extension", 400, 0, CHUNKED("0;a\x01\r\n\r\n") },
    { "t5 bare LF in an extension", 400, 0, CHUNKED("0;a\n\r\n\r\n") },
    { "t5 oversized extension", 400, 0, CHUNKED("0;" X64 "x\r\n\r\n") },
    { "t5 coding in a trailer", 400, 0, CHUNKED("0\r\nTransfer-Encoding: chunked\r\n\r\n") },
    { "t5 length in a trailer", 400, 0, CHUNKED("0\r\nContent-Length: 4\r\n\r\n") },
    { "t5 host in a trailer", 400, 0, CHUNKED("0\r\nHost: b\r\n\r\n") },
    { "t5 connection in a trailer", 400, 0, CHUNKED("0\r\nConnection: close\r\n\r\n") },
    { "t5 folded trailer", 400, 0, CHUNKED("0\r\nX: 4\r\n y\r\n\r\n") },
    { "t5 bare LF behind the trailers", 400, 0, CHUNKED("0\r\n\n") },
    { "t5 too many trailers", 431, 0, CHUNKED("0\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\n\r\n") },
    { "t5 too long trailers", 431, 0, CHUNKED("0\r\nA:" X256 X256 X256 "\r\nA:" X256 X256 X256 "\r\n\r\n") },
    /* t6: what stands behind a bad request */
    { "t6 bad second", 400, RL, S(R "GET / HTTP/1.1\nHost: a\r\n\r\n" R) },
    { "t6 bad third", 400, 2 * RL, S(R R "GET / HTTP/1.1\r\nHost : a\r\n\r\n" R) },
    { "t6 junk behind a body", 400, sizeof("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc") - 1,
      POST("Content-Length: 3\r\n", "abcX\r\n\r\n") },
    { "t6 behind close", FRAMING_CLOSE, sizeof("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") - 1,
      S("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" R) },
    { "t6 behind HTTP/1.0", FRAMING_CLOSE, sizeof("GET / HTTP/1.0\r\n\r\n") - 1, S("GET / HTTP/1.0\r\n\r\n" R) },
    /* t7: targets (their paths are uri.c's) */
    { "t7 fragment", 400, 0, TARGET("/#x") },
    { "t7 backslash", 400, 0, TARGET("/a\\b") },
    { "t7 control", 400, 0, TARGET("/\x01") },
    { "t7 NUL", 400, 0, TARGET("/a\0b") },
    { "t7 raw UTF-8", 400, 0, TARGET("/\xc3\xa9") },
    { "t7 blank", 400, 0, TARGET("/a b") },
    { "t7 tab", 400, 0, TARGET("/a\tb") },
    { "t7 no slash", 400, 0, TARGET("?x") },
    { "t7 relative", 400, 0, TARGET("a/b") },
    { "t7 empty", 400, 0, TARGET("") },
    { "t7 other scheme", 400, 0, TARGET("ftp://a/") },
    { "t7 scheme alone", 400, 0, TARGET("http:") },
    { "t7 scheme and one slash", 400, 0, TARGET("http:/a") },
    { "t7 asterisk with GET", 400, 0, TARGET("*") },
    { "t7 asterisk and more", 400, 0, S("OPTIONS *x HTTP/1.1\r\nHost: a\r\n\r\n") },
    { "t7 authority form", 400, 0, TARGET("a:80") },
    /* t8: hosts */
    { "t8 none", 400, 0, S("GET / HTTP/1.1\r\n\r\n") },
    { "t8 two equal", 400, 0, GET("Host: a\r\nHost: a\r\n") },
    { "t8 two different", 400, 0, GET("Host: a\r\nHost: b\r\n") },
    { "t8 two in HTTP/1.0", 400, 0, S("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n") },
    { "t8 empty", 400, 0, GET("Host:\r\n") },
    { "t8 blank", 400, 0, GET("Host: a b\r\n") },
    { "t8 list", 400, 0, GET("Host: a,b\r\n") },
    { "t8 userinfo", 400, 0, GET("Host: a@b\r\n") },
    { "t8 path", 400, 0, GET("Host: a/b\r\n") },
    { "t8 encoded", 400, 0, GET("Host: a%2eb\r\n") },
    { "t8 obs-text", 400, 0, GET("Host: \xc3\xa9\r\n") },
    { "t8 bad port", 400, 0, GET("Host: a:8x\r\n") },
    { "t8 large port", 400, 0, GET("Host: a:65536\r\n") },
    { "t8 open bracket", 400, 0, GET("Host: [::1\r\n") },
    { "t8 bad IPv6", 400, 0, GET("Host: [::1::2]\r\n") },
    { "t8 too long", 400, 0, GET("Host: " X256 "\r\n") },
    { "t8 userinfo in the target", 400, 0, TARGET("http://a@b/") },
    { "t8 empty authority", 400, 0, TARGET("http:///x") },
    { "t8 long authority", 400, 0, TARGET("http://" X256 "/") },
    /* t9: fields that may not be named away */
    { "t9 Connection: Content-Length", 400, 0, POST("Connection: close, Content-Length\r\nContent-Length: 1\r\n", "a") },
    { "t9 Connection: Transfer-Encoding", 0, ALL,
      POST("Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n" R) },
    { "t9 Connection: Transfer-Encoding, and Content-Length", 400, 0,
      POST("Connection: transfer-encoding, content-length\r\n", "") },
    { "t9 Connection: Host", 400, 0, GET("Host: a\r\nConnection: Host\r\n") },
    /* t22: limits */
    { "t22 head over the limit", 431, 0, GET("Host: a\r\nA: " X256 X256 X256 "\r\nB: " X256 X256 X256 "\r\n") },
    { "t22 head over the limit, unfinished", 431, 0, S("GET / HTTP/1.1\r\nA: " X256 X256 X256 X256 X256 X256 "\r\n") },
    { "t22 over the limit and malformed behind it", 431, 0, GET("A: " X256 X256 X256 X256 X256 X256 "\0\r\n") },
    { "t22 malformed, then over the limit", 400, 0, GET("A: \x01" X256 X256 X256 X256 X256 X256 "\r\n") },
    { "t22 nine fields", 431, 0, GET("Host: a\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\nG:\r\nH:\r\n") },
    { "t22 long target", 414, 0, TARGET("/" X256 X256 X256) },
    { "t22 long target, malformed behind it", 414, 0, TARGET("/" X256 X256 X256 "\x01") },
    /* t25: what is not served, and what waits */
    { "t25 CONNECT", 501, 0, S("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n") },
    { "t25 HTTP/2 preface", 505, 0, S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") },
    { "t25 long method", 501, 0, S("MMMMMMMMMMMMMMMMMMMMMMMMM / HTTP/1.1\r\nHost: a\r\n\r\n") },
    { "t25 bad method", 400, 0, S("G(T / HTTP/1.1\r\nHost: a\r\n\r\n") },
    { "t25 held behind an upgrade", 0, sizeof(UPGRADE) - 1, S(UPGRADE "\0\0\x01") },
    { "HTTP/2.0", 505, 0, S("GET / HTTP/2.0\r\nHost: a\r\n\r\n") },
    { "HTTP/9.9", 505, 0, S("GET / HTTP/9.9\r\nHost: a\r\n\r\n") },
    { "HTTP/0.9, said", 505, 0, S("GET / HTTP/0.9\r\nHost: a\r\n\r\n") },
    { "HTTP/01.1", 400, 0, S("GET / HTTP/01.1\r\nHost: a\r\n\r\n") },
    { "HTTP/1.01", 400, 0, S("GET / HTTP/1.01\r\nHost: a\r\n\r\n") },
    { "HTTP/1.20", 400, 0, S("GET / HTTP/1.20\r\nHost: a\r\n\r\n") },
    { "HTTP/20.0", 400, 0, S("GET / HTTP/20.0\r\nHost: a\r\n\r\n") },
    { "HTTP/2", 400, 0, S("GET / HTTP/2\r\nHost: a\r\n\r\n") },
    { "HTTP/1.2", 505, 0, S("GET / HTTP/1.2\r\nHost: a\r\n\r\n") },
    { "HTTP/11", 400, 0, S("GET / HTTP/11\r\nHost: a\r\n\r\n") },
    { "HTTP/1.1x", 400, 0, S("GET / HTTP/1.1x\r\nHost: a\r\n\r\n") },
    { "HTTP/1.x", 400, 0, S("GET / HTTP/1.x\r\nHost: a\r\n\r\n") },
    { "HTTP/1./", 400, 0, S("GET / HTTP/1./\r\nHost: a\r\n\r\n") },
    { "HTTP/:.1", 400, 0, S("GET / HTTP/:.1\r\nHost: a\r\n\r\n") },
    { "HTTP/.1", 400, 0, S("GET / HTTP/.1\r\nHost: a\r\n\r\n") },
    { "http/1.1", 400, 0, S("GET / http/1.1\r\nHost: a\r\n\r\n") },
    { "HTTP/0.9", 400, 0, S("GET /\r\n\r\n") },
    { "two blanks", 400, 0, S("GET  / HTTP/1.1\r\nHost: a\r\n\r\n") },
    { "tab for a blank", 400, 0, S("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n") },
    { "blank behind the version", 400, 0, S("GET / HTTP/1.1 \r\nHost: a\r\n\r\n") },
    { "two empty lines before", 400, 0, S("\r\n\r\n" R) },
    { "bare LF before", 400, 0, S("\n" R) },
    { "TLS", 400, 0, S("\x16\x03\x01\x02\x00\x01") },
};

#define CASES (sizeof cases / sizeof *cases)

/* What became of the bytes: as a reader would see it. */
struct outcome { int verdict; size_t delivered; uint32_t requests; enum framing_phase phase; };

/* A copy of its own for each piece, so that the address sanitizer sees every read beyond it. */
static size_t feed_copy(struct framing *f, const char *p, size_t n)
{
    char *copy = malloc(n != 0 ? n : 1);
    size_t delivered;

    memcpy(copy, p, n);
    delivered = framing_feed(f, copy, n);
    free(copy);
    assert_true(delivered <= n);
    return delivered;
}

static struct outcome feed_cut(const struct framing_limits *l, const char *in, size_t n, size_t a, size_t b)
{
    const size_t cuts[4] = { 0, a, b, n };
    struct framing f;
    struct outcome o = { 0 };

    memset(&f, 0xee, sizeof f);
    framing_init(&f, l);
    for (int i = 0; i < 3 && f.verdict == 0 && framing_phase(&f) != FRAMING_HELD; i++)
        o.delivered += feed_copy(&f, in + cuts[i], cuts[i + 1] - cuts[i]);
    o.verdict = f.verdict;
    o.requests = f.requests;
    o.phase = framing_phase(&f);
    return o;
}

static struct outcome feed_bytes(const char *in, size_t n)
{
    struct framing f;
    struct outcome o = { 0 };

    framing_init(&f, &limits);
    for (size_t i = 0; i < n && f.verdict == 0 && framing_phase(&f) != FRAMING_HELD; i++)
        o.delivered += feed_copy(&f, in + i, 1);
    o.verdict = f.verdict;
    o.requests = f.requests;
    o.phase = framing_phase(&f);
    return o;
}

static void agree(const char *name, const char *how, size_t i, struct outcome whole, struct outcome got, size_t n)
{
    if (got.verdict != whole.verdict || got.requests != whole.requests || got.phase != whole.phase ||
        (whole.verdict <= 0 && got.delivered != whole.delivered) ||
        (whole.verdict > 0 && (got.delivered < whole.delivered || got.delivered >= n)))
        fail_msg("%s, %s %zu: verdict %d, not %d; delivered %zu, whole %zu; requests %u and %u; phase %d and %d", name,
                 how, i, got.verdict, whole.verdict, got.delivered, whole.delivered, got.requests, whole.requests,
                 got.phase, whole.phase);
}

static void cut_everywhere(const char *name, const char *in, size_t n, struct outcome whole)
{
    size_t step = n > 150 ? n / 40 : 7;

    for (size_t a = 0; a <= n; a++) {
        agree(name, "cut at", a, whole, feed_cut(&limits, in, n, a, n), n);
        for (size_t b = a; b <= n && a % 3 == 0; b += step)
            agree(name, "cut twice from", a, whole, feed_cut(&limits, in, n, a, b), n);
    }
    agree(name, "bytes", n, whole, feed_bytes(in, n), n);
}

static void judges_whole_requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct outcome o = feed_cut(&limits, cases[i].in, cases[i].n, cases[i].n, cases[i].n);
        size_t deliver = cases[i].deliver == ALL ? cases[i].n : cases[i].deliver;

        if (o.verdict != cases[i].verdict || o.delivered != deliver)
            fail_msg("%s: verdict %d, not %d; delivered %zu, not %zu", cases[i].name, o.verdict, cases[i].verdict,
                     o.delivered, deliver);
    }
}

static void judges_the_same_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++)
        cut_everywhere(cases[i].name, cases[i].in, cases[i].n,
                       feed_cut(&limits, cases[i].in, cases[i].n, cases[i].n, cases[i].n));
}

static void judges_the_same_behind_a_good_request(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        char *in = malloc(RL + cases[i].n);
        struct outcome o;

        memcpy(in, R, RL);
        memcpy(in + RL, cases[i].in, cases[i].n);
        o = feed_cut(&limits, in, RL + cases[i].n, RL + cases[i].n, RL + cases[i].n);
        if (o.verdict != cases[i].verdict || o.requests < 1 ||
            o.delivered != RL + (cases[i].deliver == ALL ? cases[i].n : cases[i].deliver))
            fail_msg("%s: verdict %d, not %d; delivered %zu", cases[i].name, o.verdict, cases[i].verdict, o.delivered);
        cut_everywhere(cases[i].name, in, RL + cases[i].n, o);
        free(in);
    }
}

static void takes_extensions_where_the_library_does(void **state)
{
    static const struct { int verdict; const char *in; size_t n; } rows[] = {
        { 0, CHUNKED("3;a=b\r\nabc\r\n0\r\n\r\n" R) },
        { 400, CHUNKED("3;" X64 "x\r\nabc\r\n0\r\n\r\n") },
        { 400, CHUNKED("3;a\nabc\r\n0\r\n\r\n") },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t a = 0; a <= rows[i].n; a++)
            assert_int_equal(feed_cut(&lenient, rows[i].in, rows[i].n, a, rows[i].n).verdict, rows[i].verdict);
}

static void counts_head_bytes_exactly(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nX: 0123456789\r\n\r\n";
    struct framing_limits l = limits;

    (void)state;
    for (size_t a = 0; a < sizeof text; a++) {
        l.head_max = sizeof text - 1;
        assert_int_equal(feed_cut(&l, text, sizeof text - 1, a, sizeof text - 1).verdict, 0);
        l.head_max = sizeof text - 2;
        assert_int_equal(feed_cut(&l, text, sizeof text - 1, a, sizeof text - 1).verdict, 431);
    }
    l = limits;
    l.target_max = 1;
    assert_int_equal(feed_cut(&l, text, sizeof text - 1, 0, 0).verdict, 0);
    l.target_max = 0;
    assert_int_equal(feed_cut(&l, text, sizeof text - 1, 0, 0).verdict, 414);
}

static void blames_the_target_where_the_head_ends_in_it(void **state)
{
    static const char text[] = "GET /" X64 " HTTP/1.1\r\nHost: a\r\n\r\n";
    struct framing_limits l = limits;

    (void)state;
    for (l.head_max = 1; l.head_max < sizeof text - 1; l.head_max++) {
        int want = l.head_max >= 4 && l.head_max < 4 + 65 ? 414 : 431;
        struct outcome whole = feed_cut(&l, text, sizeof text - 1, 0, 0);

        assert_int_equal(whole.verdict, want);
        for (size_t a = 0; a < sizeof text; a++)
            agree("head ends", "cut at", a, whole, feed_cut(&l, text, sizeof text - 1, a, sizeof text - 1), sizeof text);
    }
}

static void knows_where_it_is(void **state)
{
    static const char head[] = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    static const char body[] = "1\r\na\r\n0\r\nT: x\r\n\r\n";
    struct framing f;

    (void)state;
    framing_init(&f, &limits);
    assert_int_equal(framing_phase(&f), FRAMING_IDLE);
    framing_release(&f);        /* not held: nothing to release */
    framing_feed(&f, "\r\n", 2);
    assert_int_equal(framing_phase(&f), FRAMING_IDLE);
    for (size_t i = 0; i < sizeof head - 1; i++) {
        assert_int_equal(framing_feed(&f, head + i, 1), 1);
        assert_int_equal(framing_phase(&f), i < sizeof head - 2 ? FRAMING_HEAD : FRAMING_BODY);
    }
    for (size_t i = 0; i < sizeof body - 1; i++) {
        assert_int_equal(f.requests, 0);
        assert_int_equal(framing_phase(&f), FRAMING_BODY);
        assert_int_equal(framing_feed(&f, body + i, 1), 1);
    }
    assert_int_equal(f.requests, 1);
    assert_int_equal(framing_phase(&f), FRAMING_IDLE);
    framing_feed(&f, "\n", 1);
    assert_int_equal(framing_phase(&f), FRAMING_ENDED);
    assert_int_equal(framing_feed(&f, R, RL), 0);
    assert_int_equal(f.verdict, 400);
}

static void begun(const char *wire, size_t head)
{
    struct framing f;

    framing_init(&f, &limits);
    assert_int_equal(framing_feed(&f, wire, head), head);
    assert_false(framing_body_begun(&f));
    for (const char *p = wire + head; *p != '\0'; p++) {
        assert_int_equal(framing_feed(&f, p, 1), 1);
        assert_true(framing_body_begun(&f));
    }
}

static void knows_whether_a_body_has_begun(void **state)
{
    static const char counted[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
    static const char chunked[] = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    char wire[256];

    (void)state;
    snprintf(wire, sizeof wire, "%sabc", counted);
    begun(wire, sizeof counted - 1);
    snprintf(wire, sizeof wire, "%s3\r\nabc\r\n0\r\nX: y\r\n\r\n", chunked);
    begun(wire, sizeof chunked - 1);
}

static void holds_what_follows_an_upgrade(void **state)
{
    static const char upgrade[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    struct framing f;

    (void)state;
    framing_init(&f, &limits);
    assert_int_equal(framing_feed(&f, upgrade, sizeof upgrade - 1), sizeof upgrade - 1);
    assert_int_equal(framing_phase(&f), FRAMING_HELD);
    assert_int_equal(framing_feed(&f, R, RL), 0);
    framing_release(&f);
    assert_int_equal(framing_feed(&f, R, RL), RL);
    assert_int_equal(f.requests, 2);
}

static struct header field(const char *name, const char *value)
{
    return (struct header){ .name = str_of(name), .value = str_of(value), .id = (uint8_t)hdr_id(name, strlen(name)) };
}

static void checks_parsed_heads(void **state)
{
    static const struct { unsigned status; const char *method, *target, *version, *fields[6]; } rows[] = {
        { 0, "GET", "/x?y", "HTTP/1.1", { "Host", "a" } },
        { 0, "GET", "/", "HTTP/1.0", { NULL } },
        { 0, "OPTIONS", "*", "HTTP/1.1", { "Host", "a" } },
        { 0, "GET", "/", "HTTP/1.1", { "Host", "a", "X-A", "b", "Upgrade", "c" } },
        { 0, "POST", "http://a/", "HTTP/1.1", { "Host", "a", "Transfer-Encoding", "chunked" } },
        { 400, "GET", "/", "HTTP/1.1", { NULL } },
        { 400, "GET", "/", "HTTP/1.1", { "Host", "a", "Host", "a" } },
        { 400, "G T", "/", "HTTP/1.1", { "Host", "a" } },
        { 400, "", "/", "HTTP/1.1", { "Host", "a" } },
        { 400, "GET", "", "HTTP/1.1", { "Host", "a" } },
        { 400, "GET", "/a b", "HTTP/1.1", { "Host", "a" } },
        { 400, "GET", "/a HTTP/1.1", "HTTP/1.1", { "Host", "a" } },
        { 400, "GET", "/\x01", "HTTP/1.1", { "Host", "a" } },
        { 400, "GET", "/", "HTTP/1.1", { "Host", "a", "X(", "b" } },
        { 400, "GET", "/", "HTTP/1.1", { "Host", "a", "X", "b\r" } },
        { 400, "GET", "/", "HTTP/1.1", { "Host", "a", "Content-Length", "1", "Transfer-Encoding", "chunked" } },
        { 400, "GET", "/", "HTTP/1.1", { "Host", "a", "Content-Length", "+1" } },
        { 400, "GET", "/", "HTTP/1.0", { "Transfer-Encoding", "chunked" } },
        { 400, "GET", "/", "HTP/1.1", { "Host", "a" } },
        { 400, "GET", "/", "HTTX/1.1", { "Host", "a" } },
        { 400, "GET", "/", "HTTP/1x1", { "Host", "a" } },
        { 400, "GET", "/", "HTTP/x.1", { "Host", "a" } },
        { 400, "GET", "/", "HTTP/1.x", { "Host", "a" } },
        { 400, "GET", "/", "HTTP/01.1", { "Host", "a" } },
        { 400, "GET", "/a HTTP/1.1\r\nX:", "HTTP/1.1", { "Host", "a" } },
        { 400, "POST", "/", "HTTP/1.1", { "Host", "a", "Transfer-Encoding", "gzip" } },
        { 501, "POST", "/", "HTTP/1.1", { "Host", "a", "Transfer-Encoding", "gzip, chunked" } },
        { 501, "CONNECT", "a:1", "HTTP/1.1", { "Host", "a" } },
        { 505, "GET", "/", "HTTP/1.9", { "Host", "a" } },
        { 505, "GET", "/", "HTTP/2.0", { "Host", "a" } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct header at[3];
        struct headers h = { .at = at };

        for (size_t k = 0; k < 6 && rows[i].fields[k] != NULL; k += 2)
            at[h.n++] = field(rows[i].fields[k], rows[i].fields[k + 1]);
        if (framing_check_parsed(str_of(rows[i].method), str_of(rows[i].target), str_of(rows[i].version), &h) !=
            rows[i].status)
            fail_msg("row %zu: not %u", i, rows[i].status);
    }
}

/* However the bytes are cut, the last letter of each Cookie's name is told of in the feed that has it, and of no other name
 * that is whole. */
static void the_names_of_cookies_are_told(void **state)
{
    static const char wire[] = "GET / HTTP/1.1\r\nHost: a\r\nCookie: a\r\nCookies: b\r\ncOOKIE:c\r\nXCookie: d\r\n\r\n"
                               "POST / HTTP/1.1\r\nHost: a\r\nCookie: e\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "0\r\nCookie: f\r\n\r\n";
    const size_t n = sizeof wire - 1;

    (void)state;
    for (size_t cut = 0; cut < n; cut++) {
        bool told[sizeof wire] = { false };
        struct framing f;
        size_t at = 0;

        framing_init(&f, &limits);
        for (size_t end = cut > 0 ? cut : n; at < n; at = end, end = n) {
            assert_int_equal(framing_feed(&f, wire + at, end - at), end - at);
            for (unsigned i = 0; i < f.cookies; i++)
                told[at + f.cookie[i]] = true;
        }
        for (size_t i = 0; i + 2 < n; i++) {
            bool last = i >= 7 && wire[i + 1] == ':' && wire[i - 6] == '\n' && strncasecmp(wire + i - 5, "cookie", 6) == 0 &&
                        strncmp(wire + i + 2, " f", 2) != 0;
            bool may = cut == i + 1 && wire[i + 1] == 's';      /* it is not known yet that more follows */

            if (told[i] != last && !may)
                fail_msg("cut at %zu: byte %zu is %stold of", cut, i, told[i] ? "" : "not ");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_whole_requests),
        cmocka_unit_test(judges_the_same_however_it_is_cut),
        cmocka_unit_test(judges_the_same_behind_a_good_request),
        cmocka_unit_test(takes_extensions_where_the_library_does),
        cmocka_unit_test(counts_head_bytes_exactly),
        cmocka_unit_test(blames_the_target_where_the_head_ends_in_it),
        cmocka_unit_test(knows_where_it_is),
        cmocka_unit_test(knows_whether_a_body_has_begun),
        cmocka_unit_test(holds_what_follows_an_upgrade),
        cmocka_unit_test(checks_parsed_heads),
        cmocka_unit_test(the_names_of_cookies_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
