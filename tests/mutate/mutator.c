/* tests/mutate/mutator.c - changes messages where parsers differ: lines, fields, numbers, sizes, ends of lines, bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "mutator.h"

#include <ctype.h>
#include <string.h>

enum { MOST = 80 * 1024, LINES = 256 };

/* What has divided parsers before, as whole lines and as words. */
static const char *const lines[] = {
    "Content-Length: 0\r\n", "Content-Length: 10\r\n", "Content-Length: +5\r\n", "Content-Length: -1\r\n",
    "Content-Length: 18446744073709551615\r\n", "Content-Length: 5, 5\r\n", "Content-Length:\r\n",
    "Content-Length: 0x5\r\n", "Content-Length : 5\r\n", "Content-Length\t: 5\r\n", "Content-Length: 5 \r\n",
    "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: identity\r\n", "Transfer-Encoding: chunked, chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding:\tchunked\r\n", "Transfer-Encoding: xchunked\r\n",
    "Transfer-Encoding:\r\n chunked\r\n", "Transfer_Encoding: chunked\r\n", "transfer-encoding: Chunked\r\n",
    "Host: evil.example\r\n", "Host:\r\n", "Host: a@b\r\n", "Host: a, b\r\n", "Connection: close\r\n",
    "Connection: keep-alive\r\n", "Connection: close, keep-alive\r\n", "Connection: Transfer-Encoding\r\n",
    "Connection: upgrade\r\n", "Upgrade: websocket\r\n", "Expect: 100-continue\r\n", "TE: trailers, deflate\r\n",
    ": empty\r\n", " folded\r\n", "\tfolded\r\n", "no colon\r\n", "X:\r\n", "X: a\r b\r\n", "X: a\n b\r\n",
    "X\r\nY: z\r\n",
    "GET / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n", "\r\n", "\n", "\r", "X-Forwarded-For: 6.6.6.6\r\n",
    "Trailer: Content-Length\r\n", "Date: never\r\n", "Max-Forwards: 1\r\n", "Via: 1.1 outrider\r\n",
};
static const char *const words[] = {
    "GET", "HEAD", "POST", "CONNECT", "TRACE", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "http/1.1",
    "HTTP/1.10", "*", "/",
    "//", "/..", "/%2e%2e/", "%00", "%2f", "%5c", "..;/", "#", "?", "\\", "chunked", "Content-Length",
    "Transfer-Encoding",
    "Host", "Connection", "close", "keep-alive", "Upgrade", "100", "101", "103", "200", "204", "304", "199", "099",
    "1000",
    "0", "ffffffffffffffff", "7fffffffffffffff", "0x10", "-1", "+1", "00000000000000000000001", "1e3", "\"", "\"a",
    ",", ";",
    ":",
    " ", "\t", "\v", "\xc2\xa0", "\xff", "@", "[::1", "http://", "https://x/", "~", "localhost",
};
static const char *const breaks[] = { "\n", "\r", "\r\r\n", "\n\r", "\r\n\r\n", "\r\n ", "\r\n\t", "", " \r\n",
                                      "\0\r\n",
                                      "\x0b\r\n" };

/* ---- lines */

struct range {
    size_t at, n;
};

/* The lines of the head, ends included. */
static size_t split(const struct text *t, struct range *to)
{
    size_t n = 0, at = 0;

    while (at < t->n && n < LINES) {
        const char *lf = memchr(t->p + at, '\n', t->n - at);
        size_t len = lf == NULL ? t->n - at : (size_t)(lf - t->p) + 1 - at;

        to[n++] = (struct range){ at, len };
        at += len;
        if (len <= 2 && n > 1)
            break;
    }
    return n;
}

static struct range a_line(const struct text *t, struct rng *r)
{
    struct range all[LINES];
    size_t n = split(t, all);

    return n == 0 ? (struct range){ 0, 0 } : all[rng_below(r, n)];
}

static void line_gone(struct text *t, struct rng *r)
{
    struct range l = a_line(t, r);

    text_replace(t, l.at, l.n, "", 0);
}

static void line_twice(struct text *t, struct rng *r)
{
    struct range l = a_line(t, r), to = a_line(t, r);
    struct text copy = { 0 };
    size_t times = rng_chance(r, 50) ? 300 : 1;

    while (times-- > 0 && copy.n < 20000)
        text_add(&copy, t->p + l.at, l.n);
    text_replace(t, to.at, 0, copy.p != NULL ? copy.p : "", copy.n);
    text_free(&copy);
}

static void line_moved(struct text *t, struct rng *r)
{
    struct range l = a_line(t, r);
    struct text copy = { 0 };

    text_add(&copy, t->p + l.at, l.n);
    text_replace(t, l.at, l.n, "", 0);
    l = a_line(t, r);
    text_replace(t, l.at, 0, copy.p, copy.n);
    text_free(&copy);
}

static void line_new(struct text *t, struct rng *r)
{
    struct range l = a_line(t, r);
    const char *line = rng_pick(r, lines);

    text_replace(t, l.at, 0, line, strlen(line));
}

static void line_end(struct text *t, struct rng *r)
{
    struct range l = a_line(t, r);
    size_t which = rng_below(r, sizeof breaks / sizeof *breaks);
    const char *with = breaks[which];

    if (l.n >= 2)
        text_replace(t, l.at + l.n - 2, 2, with, which == 9 ? 3 : strlen(with));
}

static void line_colon(struct text *t, struct rng *r)
{
    static const char *const with[] = { " :", "", "::", "\t:", "=", ":\r\n ", ";", ": \t", "\r\n:", ":\x01" };
    struct range l = a_line(t, r);
    const char *colon = l.n == 0 ? NULL : memchr(t->p + l.at, ':', l.n), *to = rng_pick(r, with);

    if (colon != NULL)
        text_replace(t, (size_t)(colon - t->p), 1, to, strlen(to));
}

static void line_longer(struct text *t, struct rng *r)
{
    static char much[24000];
    struct range l = a_line(t, r);
    size_t n = rng_chance(r, 500) ? rng_below(r, 300) : rng_below(r, sizeof much);

    memset(much, "xX1 ,;%/"[rng_below(r, 8)], n);
    text_replace(t, l.at + rng_below(r, l.n), 0, much, n);
}

/* ---- words and numbers */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '/' || c == '.' || c == '%' || c == '~' || c == '_';
}

static struct range a_run(const struct text *t, struct rng *r, bool digits)
{
    size_t at = rng_below(r, t->n), end;

    for (size_t i = 0; i < t->n; i++, at = at + 1 == t->n ? 0 : at + 1)
        if (digits ? isdigit((unsigned char)t->p[at]) : is_word(t->p[at]))
            break;
    if (t->n == 0)
        return (struct range){ 0, 0 };
    while (at > 0 && (digits ? isdigit((unsigned char)t->p[at - 1]) : is_word(t->p[at - 1])))
        at--;
    for (end = at; end < t->n && (digits ? isdigit((unsigned char)t->p[end]) : is_word(t->p[end]));)
        end++;
    return (struct range){ at, end - at };
}

static void word_other(struct text *t, struct rng *r)
{
    struct range w = a_run(t, r, false);
    const char *word = rng_pick(r, words);

    text_replace(t, w.at, rng_chance(r, 700) ? w.n : 0, word, strlen(word));
}

static void number_other(struct text *t, struct rng *r)
{
    static const char *const odd[] = { "0", "-1", "+1", "18446744073709551616", "9223372036854775808", "99999999999",
                                       "4294967296", "0x1f", "1 ", "", "5,5", "5, 6", "1.5", "00", "010",
                                       "fffffffffffffffff", "7fffffff" };
    struct range w = a_run(t, r, true);
    unsigned long long value = 0;
    struct text to = { 0 };

    for (size_t i = 0; i < w.n && i < 15; i++)
        value = value * 10 + (unsigned long long)(t->p[w.at + i] - '0');
    if (rng_chance(r, 400))
        text_puts(&to, rng_pick(r, odd));
    else if (rng_chance(r, 500))
        text_printf(&to, "%llu", value + 1);
    else
        text_printf(&to, "%llu", value > 0 ? value - 1 : rng_below(r, 1000));
    text_replace(t, w.at, w.n, to.p != NULL ? to.p : "", to.n);
    text_free(&to);
}

static void letter_case(struct text *t, struct rng *r)
{
    struct range w = a_run(t, r, false);

    for (size_t i = 0; i < w.n; i++)
        if (isalpha((unsigned char)t->p[w.at + i]) && rng_chance(r, 500))
            t->p[w.at + i] ^= 0x20;
}

/* ---- bytes */

static void byte_other(struct text *t, struct rng *r)
{
    size_t at = rng_below(r, t->n);

    if (t->n == 0)
        return;
    if (rng_chance(r, 500))
        t->p[at] = (char)(t->p[at] ^ 1 << rng_below(r, 8));
    else
        t->p[at] = (char)rng_below(r, 256);
}

static void bytes_new(struct text *t, struct rng *r)
{
    char some[64];
    size_t n = 1 + rng_below(r, rng_chance(r, 700) ? 3 : sizeof some);

    for (size_t i = 0; i < n; i++)
        some[i] = (char)rng_below(r, 256);
    text_replace(t, rng_below(r, t->n + 1), 0, some, n);
}

static void bytes_gone(struct text *t, struct rng *r)
{
    size_t at = rng_below(r, t->n);

    text_replace(t, at, 1 + rng_below(r, rng_chance(r, 700) ? 4 : t->n - at), "", 0);
}

static void bytes_twice(struct text *t, struct rng *r)
{
    size_t at = rng_below(r, t->n), n = rng_below(r, t->n - at);
    struct text copy = { 0 };

    text_add(&copy, t->p + at, n);
    text_replace(t, rng_below(r, t->n + 1), 0, copy.p, copy.n);
    text_free(&copy);
}

static void cut(struct text *t, struct rng *r)
{
    t->n = rng_below(r, t->n + 1);
}

static void splice(struct text *t, struct rng *r, const struct text *other)
{
    size_t from = rng_below(r, other->n + 1), at = rng_below(r, t->n + 1);

    text_replace(t, at, rng_chance(r, 500) ? t->n - at : 0, other->n > 0 ? other->p + from : "", other->n - from);
}

/* ---- all */

static void change(struct text *t, struct rng *r, const struct text *other)
{
    static void (*const ways[])(struct text *, struct rng *) = {
        line_gone, line_twice, line_moved, line_new, line_new, line_end, line_colon, line_longer, word_other, word_other,
        number_other, number_other, letter_case, byte_other, byte_other, bytes_new, bytes_gone, bytes_twice, cut,
    };
    size_t n = sizeof ways / sizeof *ways, which = rng_below(r, n + 1);

    if (which == n)
        splice(t, r, other);
    else
        ways[which](t, r);
}

void mutate_text(struct text *t, struct rng *r, const struct text *other)
{
    size_t n = rng_chance(r, 600) ? 1 : 1 + rng_below(r, 4);

    text_add(t, "", 0);
    for (; n > 0; n--)
        change(t, r, other);
    if (t->n > MOST)
        t->n = MOST;
}
