/* tests/mutate/corpus.c - well-formed requests and answers of every kind, and the seeds of the fuzzers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "corpus.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 128, SEED_SIZE = 20000, BODY_MAX = 64 * 1024 };

struct seeds {
    struct text at[SEEDS];
    size_t n;
};

static struct seeds request_seeds, answer_seeds;

/* ---- seeds */

static void load_file(struct seeds *s, const char *dir, const char *name)
{
    char path[1024], bytes[SEED_SIZE];
    FILE *f;
    size_t n;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (name[0] == '.' || s->n == SEEDS || (f = fopen(path, "rb")) == NULL)
        return;
    n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    if (n > 0)
        text_add(&s->at[s->n++], bytes, n);
}

static void load(struct seeds *s, const char *dir, const char *name)
{
    struct dirent **list;
    char path[1024];
    int n;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    n = scandir(path, &list, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        load_file(s, path, list[i]->d_name);
        free(list[i]);
    }
    if (n >= 0)
        free(list);
}

void corpus_load(const char *dir)
{
    load(&request_seeds, dir, "framing");
    load(&answer_seeds, dir, "response");
}

static void drop(struct seeds *s)
{
    while (s->n > 0)
        text_free(&s->at[--s->n]);
}

void corpus_free(void)
{
    drop(&request_seeds);
    drop(&answer_seeds);
}

/* ---- parts */

static void add_tag(struct text *to, const struct tag *t)
{
    char mark[TAG_SIZE];

    tag_write(mark, t);
    text_add(to, mark, sizeof mark);
}

static void add_body(struct text *to, const struct tag *t, uint64_t at, size_t n)
{
    static char part[BODY_MAX];

    tag_body(part, at, n, t);
    text_add(to, part, n);
}

static size_t body_size(struct rng *r)
{
    if (rng_chance(r, 20))
        return rng_below(r, BODY_MAX);
    if (rng_chance(r, 150))
        return rng_below(r, 5000);
    return rng_below(r, 100);
}

static void add_trailers(struct text *to, struct rng *r)
{
    static const char *const trailers[] = { "X-Checksum: abc\r\n", "Server-Timing: db;dur=1\r\n", "X-Empty:\r\n",
                                            "Content-Length: 9\r\n", "Host: trailer\r\n", "Connection: close\r\n" };

    for (size_t n = rng_chance(r, 250) ? 1 + rng_below(r, 3) : 0; n > 0; n--)
        text_puts(to, trailers[rng_below(r, rng_chance(r, 100) ? 6 : 3)]);
}

/* good: without what the sidecar refuses on purpose. */
static void add_chunks(struct text *to, struct rng *r, const struct tag *t, size_t n, bool good)
{
    for (size_t at = 0, k; at < n; at += k) {
        k = 1 + rng_below(r, n - at < 3000 ? n - at : 3000);
        text_printf(to, rng_chance(r, 500) ? "%zx\r\n" : "%04zX\r\n", k);
        add_body(to, t, at, k);
        text_puts(to, "\r\n");
    }
    text_puts(to, !good && rng_chance(r, 50) ? "0;last=\"yes\"\r\n" : "0\r\n");
    if (good && rng_chance(r, 250))
        text_puts(to, "X-Checksum: abc\r\n");
    else if (!good)
        add_trailers(to, r);
    text_puts(to, "\r\n");
}

static void add_some(struct text *to, struct rng *r, const char *const list[], size_t n, size_t most)
{
    for (size_t k = rng_below(r, most + 1); k > 0; k--)
        text_puts(to, list[rng_below(r, n)]);
}

/* ---- requests */

static const char *const harmless[] = {
    "Accept: */*\r\n", "Accept-Encoding: gzip, br\r\n", "User-Agent: mutate/1 (x; y)\r\n",
    "Cookie: a=b; c=\"d e\"\r\n",
    "Authorization: Bearer abc.def.ghi\r\n", "X-Empty:\r\n", "X-Empty: \t \r\n", "If-None-Match: W/\"x\", \"y\"\r\n",
    "Range: bytes=0-99\r\n", "X-Canary: 1\r\n", "Cache-Control: no-cache\r\n", "TE: trailers\r\n",
    "Via: 1.1 other\r\n",
    "X-Forwarded-For: 192.0.2.1, 10.0.0.1\r\n", "Forwarded: for=192.0.2.60;proto=http\r\n",
    "X-Forwarded-Proto: https\r\n",
    "X-Request-ID: 0123456789abcdef\r\n", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
    "Connection: keep-alive\r\n", "Keep-Alive: timeout=5, max=100\r\n", "Connection: X-Hop\r\nX-Hop: here\r\n",
    "Origin: https://shop.example\r\n", "X-Latin: caf\xe9\r\n", "Proxy-Connection: keep-alive\r\n",
};
static const char *const harmful[] = {
    "Connection: close\r\n", "Connection: Upgrade\r\nUpgrade: websocket\r\n", "Connection: Host, Content-Length\r\n",
    "Max-Forwards: 0\r\n", "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nConnection: Upgrade, HTTP2-Settings\r\n",
    "X_Forwarded_For: 6.6.6.6\r\n", "Host: second.example\r\n", "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Expect: something\r\n", "Connection: X-Forwarded-For, Via\r\n", "TE: gzip;q=1.0, trailers\r\n",
    "Via: 1.1 outrider\r\n", "Trailer: X-Checksum\r\n", "Proxy-Authorization: Basic YTpi\r\n",
};

static const char *pick_method(struct rng *r, bool good)
{
    static const char *const usual[] = { "GET", "GET", "GET", "POST", "POST", "PUT", "HEAD", "OPTIONS", "DELETE" };
    static const char *const odd[] = { "PATCH", "TRACE", "CONNECT", "PROPFIND", "M-SEARCH", "get", "PRI",
                                       "XXXXXXXXXX" };

    return !good && rng_chance(r, 40) ? rng_pick(r, odd) : rng_pick(r, usual);
}

static void add_target(struct text *to, struct rng *r, const struct tag *t, bool in_query)
{
    static const char *const paths[] = { "/m/a", "/m/b/c", "/unix/x", "/strip/m/x", "/regex/42", "/once/x", "/",
                                         "/m/",
                                         "/m/%7euser", "/m/a;b=c", "/only-post/x", "/cond/x", "/nothing" };
    static const char *const odd[] = { "/m/../m/a", "/m/%2e%2e/m", "/m//a", "/m/a%2Fb", "/m/%25", "*", "/m/..;/x",
                                       "http://h.example/m/x", "HTTP://H.example:80/m/y", "https://[::1]:8443/m",
                                       "/m/%00",
                                       "h.example:443", "/good/../m/./a", "/%6d/a", "/m/\\x" };

    if (t->kind == TAG_GOOD)
        text_puts(to, rng_chance(r, 500) ? "/good/a" : "/good/b/c%20d");
    else
        text_puts(to, rng_chance(r, 100) ? rng_pick(r, odd) : rng_chance(r, 60) ? "/good/m" : rng_pick(r, paths));
    if (!in_query)
        return;
    text_puts(to, rng_chance(r, 200) ? "?a=b&t=" : "?t=");
    add_tag(to, t);
    text_puts(to, rng_chance(r, 100) ? "&x=/../%zz" : "");
}

static void add_host(struct text *to, struct rng *r, bool good)
{
    static const char *const hosts[] = { "Host: m.example\r\n", "host: m.example:8080\r\n", "HOST:[::1]:80\r\n",
                                         "Host: 127.0.0.1\r\n" };

    text_puts(to, !good && rng_chance(r, 200) ? "Host: a.wild.example\r\n" : rng_pick(r, hosts));
}

static void add_upgrade(struct text *to, struct rng *r)
{
    text_puts(to, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    if (rng_chance(r, 300))
        text_puts(to, "Sec-WebSocket-Protocol: chat\r\n");
}

/* Sometimes a request is inside a body, which nobody may ever take for one. */
static void add_counted(struct text *to, const struct tag *t, size_t n, bool bait)
{
    char inner[160] = "GET /smuggled?t=";
    size_t len = strlen(inner);

    if (!bait) {
        text_printf(to, "Content-Length: %zu\r\n\r\n", n);
        add_body(to, t, 0, n);
        return;
    }
    tag_write(inner + len, &(struct tag){ TAG_MUTATED, t->conn, TAG_MESSAGES - 1 });
    strcpy(inner + len + TAG_SIZE, " HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    text_printf(to, "Content-Length: %zu\r\n\r\n%s", strlen(inner), inner);
}

static void add_request_body(struct text *to, struct rng *r, const struct tag *t, bool old)
{
    bool good = t->kind == TAG_GOOD;
    size_t n = body_size(r);

    if (rng_chance(r, 100) && !old)
        text_puts(to, "Expect: 100-continue\r\n");
    if (rng_chance(r, 400) && !old) {
        text_puts(to, "Transfer-Encoding: chunked\r\n\r\n");
        add_chunks(to, r, t, n, good);
    } else {
        add_counted(to, t, n, !good && rng_chance(r, 100));
    }
}

void corpus_request(struct text *to, struct rng *r, const struct tag *t)
{
    bool good = t->kind == TAG_GOOD, in_query = good || rng_chance(r, 700), old = !good && rng_chance(r, 40);
    const char *method = pick_method(r, good);
    bool sends = method[0] == 'P' && method[1] != 'R';

    text_printf(to, "%s ", method);
    add_target(to, r, t, in_query);
    text_puts(to, old ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
    add_host(to, r, good);
    if (!in_query || rng_chance(r, 200)) {
        text_puts(to, "X-Tag: ");
        add_tag(to, t);
        text_puts(to, "\r\n");
    }
    add_some(to, r, harmless, sizeof harmless / sizeof *harmless, 4);
    if (!good && rng_chance(r, 120))
        add_some(to, r, harmful, sizeof harmful / sizeof *harmful, 2);
    if (strcmp(method, "GET") == 0 && rng_chance(r, good ? 40 : 100))
        add_upgrade(to, r);
    if (sends || rng_chance(r, 20))
        add_request_body(to, r, t, old);
    else
        text_puts(to, "\r\n");
}

void corpus_odd_request(struct text *to, struct rng *r, const struct tag *t)
{
    const struct text *seed;

    if (request_seeds.n == 0 || rng_chance(r, 900)) {
        corpus_request(to, r, t);
        return;
    }
    seed = &request_seeds.at[rng_below(r, request_seeds.n)];
    text_add(to, seed->p, seed->n);
}

/* ---- answers */

static const char *const answer_fields[] = {
    "Server: origin\r\n", "Content-Type: text/plain\r\n", "Cache-Control: max-age=60\r\n", "ETag: \"x\"\r\n",
    "Set-Cookie: a=b; Path=/\r\n", "Set-Cookie: c=d; HttpOnly\r\n", "Vary: *\r\n", "Connection: keep-alive\r\n",
    "Keep-Alive: timeout=5\r\n", "Connection: X-Gone\r\nX-Gone: yes\r\n", "Date: Tue, 01 Jan 2030 00:00:00 GMT\r\n",
    "X-Empty:\r\n", "Via: 1.1 behind\r\n", "Location: /elsewhere\r\n", "Link: </a>; rel=preload\r\n",
    "X-Latin: caf\xe9\r\n",
    "Trailer: X-Checksum\r\n", "Content-Encoding: identity\r\n", "Upgrade: h2c\r\n", "Warning: 110 - \"Stale\"\r\n",
};

static void add_interim(struct text *to, struct rng *r, bool good)
{
    static const char *const interim[] = { "HTTP/1.1 100 Continue\r\n\r\n",
                                           "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
                                           "HTTP/1.1 102 Processing\r\n\r\n" };

    for (size_t n = rng_chance(r, 60) ? 1 + rng_below(r, !good && rng_chance(r, 100) ? 30 : 3) : 0; n > 0; n--)
        text_puts(to, rng_pick(r, interim));
}

/* Says which request it is for, and what is to come. */
static void add_marks(struct text *to, const struct asked *asked, unsigned status, size_t n)
{
    if (!asked->tagged)
        return;
    text_puts(to, "X-Echo: ");
    add_tag(to, &asked->tag);
    text_printf(to, "\r\nX-Plan: %u %zu\r\n", status, n);
}

static unsigned pick_status(struct rng *r)
{
    static const unsigned statuses[] = { 200, 200, 200, 200, 200, 201, 204, 206, 301, 304, 400, 404, 418, 500, 503,
                                         599, 999 };

    return rng_chance(r, 700) ? 200 : rng_pick(r, statuses);
}

static void add_switch(struct text *to, const struct asked *asked)
{
    text_puts(to, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    add_marks(to, asked, 101, 0);
    text_puts(to, "\r\n");
}

static void add_answer_body(struct text *to, struct rng *r, const struct asked *asked, size_t n, bool old, bool good)
{
    static const struct tag nobody = { TAG_MUTATED, NOBODY, 0 };
    const struct tag *t = asked->tagged ? &asked->tag : &nobody;

    if (rng_chance(r, 350) && !old) {
        text_puts(to, "Transfer-Encoding: chunked\r\n\r\n");
        if (!asked->head)
            add_chunks(to, r, t, n, good);
        return;
    }
    if (rng_chance(r, good ? 0 : 80))
        text_puts(to, "\r\n");              /* to the end of the connection */
    else
        text_printf(to, "Content-Length: %zu\r\n\r\n", n);
    if (!asked->head)
        add_body(to, t, 0, n);
}

void corpus_answer(struct text *to, struct rng *r, const struct asked *asked, bool good)
{
    bool old = !good && rng_chance(r, 40), bodiless;
    unsigned status = pick_status(r);
    size_t n = asked->head && rng_chance(r, 500) ? 100000 : body_size(r);

    add_interim(to, r, good);
    if (asked->upgrade && rng_chance(r, 700)) {
        add_switch(to, asked);
        return;
    }
    bodiless = status == 204 || status == 304;
    text_printf(to, rng_chance(r, 950) ? "HTTP/1.%u %u Some Reason\r\n" : "HTTP/1.%u %u \r\n", old ? 0 : 1, status);
    add_marks(to, asked, status, bodiless || asked->head ? 0 : n);
    add_some(to, r, answer_fields, sizeof answer_fields / sizeof *answer_fields, 4);
    if (rng_chance(r, 40))
        text_puts(to, "Connection: close\r\n");
    if (old && rng_chance(r, 500))
        text_puts(to, "Connection: keep-alive\r\n");
    if (!bodiless)
        add_answer_body(to, r, asked, n, old, good);
    else if (status == 304 && rng_chance(r, 500))
        text_printf(to, "Content-Length: %zu\r\n\r\n", n);
    else
        text_puts(to, "\r\n");
}

void corpus_odd_answer(struct text *to, struct rng *r, const struct asked *asked)
{
    const struct text *seed;

    if (answer_seeds.n == 0 || rng_chance(r, 900)) {
        corpus_answer(to, r, asked, false);
        return;
    }
    seed = &answer_seeds.at[rng_below(r, answer_seeds.n)];
    text_add(to, seed->p, seed->n);
}
