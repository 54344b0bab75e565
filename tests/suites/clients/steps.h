/* tests/suites/clients/steps.h - the steps of README.md for clients in C and C++: a client is one function.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct got {
    int status;
    char *body;                     /* malloc, length bytes and a NUL; steps_run frees it */
    size_t length;
    char fields[16384];             /* lines "Name: value\n" */
    char trailer[256];
};

struct ask {
    const char *name, *method, *path, *header, *value;
    const char *body;
    size_t length;
    bool chunked, expect;
};

/* False with a reason in got->fields. */
typedef bool asker(const struct ask *ask, struct got *got);

static inline void got_add(struct got *g, const char *data, size_t n)
{
    g->body = (char *)realloc(g->body, g->length + n + 1);
    if (g->body == NULL)
        abort();
    memcpy(g->body + g->length, data, n);
    g->length += n;
    g->body[g->length] = '\0';
}

static inline void got_field(struct got *g, const char *name, const char *value)
{
    size_t at = strlen(g->fields);
    snprintf(g->fields + at, sizeof g->fields - at, "%s: %s\n", name, value);
}

/* All values of a field, with a bar between them. */
static inline const char *values_of(const struct got *g, const char *name)
{
    static char values[16384];
    size_t n = strlen(name);
    values[0] = '\0';
    for (const char *line = g->fields; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        if (length > n + 1 && strncasecmp(line, name, n) == 0 && line[n] == ':') {
            if (values[0] != '\0')
                strcat(values, "|");
            strncat(values, line + n + 2, length - n - 2);
        }
        line += length + (line[length] == '\n');
    }
    return values;
}

static inline void print_events(const struct got *g)
{
    const char *comma = "";
    for (const char *p = g->body; (p = strstr(p, "data: ")) != NULL; comma = ",") {
        p += 6;
        printf("%s%.*s", comma, (int)strcspn(p, "\n"), p);
    }
}

static inline void print_code(const struct got *g)
{
    const char *code = g->body != NULL ? strstr(g->body, "\"code\":\"") : NULL;
    if (code != NULL)
        printf("%.*s", (int)strcspn(code + 8, "\""), code + 8);
}

static inline void print_extra(const char *what, const struct got *g)
{
    if (strcmp(what, "text") == 0)
        printf("%s", g->body != NULL ? g->body : "");
    else if (strcmp(what, "events") == 0)
        print_events(g);
    else if (strcmp(what, "code") == 0)
        print_code(g);
    else if (strcmp(what, "trailer") == 0)
        printf("%s", g->trailer);
    else if (strcmp(what, "large") == 0)
        printf("%zu", strlen(values_of(g, "X-Large")));
    else
        printf("%s", values_of(g, what));
}

/* Prints the line of one step; what it got, to be freed, or NULL. */
static inline char *step_run(asker *asker, const struct ask *ask, const char *extra, size_t *length)
{
    struct got *got = (struct got *)calloc(1, sizeof *got);
    if (got == NULL)
        abort();
    char *body = NULL;
    if (asker(ask, got)) {
        printf("%s %d %zu ", ask->name, got->status, got->length);
        print_extra(extra, got);
        puts("");
        body = got->body;
        *length = got->length;
    } else {
        printf("%s error %s\n", ask->name, got->fields);
        free(got->body);
    }
    fflush(stdout);
    free(got);
    return body;
}

struct step {
    struct ask ask;
    const char *extra;
};

/* skipped: pairs of a step and a reason, then NULL. */
static inline const char *why_skipped(const char *const *skipped, const char *name)
{
    for (; *skipped != NULL; skipped += 2)
        if (strcmp(*skipped, name) == 0)
            return skipped[1];
    return NULL;
}

#define SMALL (10000)
static inline void steps_run(asker *asker, const char *const *skipped)
{
    static char large[6001];
    memset(large, 'y', 6000);
    const char *unicode = "/o/echo/%C3%A4%20%2B;x=1?q=%E2%82%AC&r=a+b&r=%2F";
    struct step steps[] = {
        { { "get-small", "GET", "/o/bytes/5", NULL, NULL, NULL, 0, false, false }, "" },
        { { "get-10k", "GET", "/o/bytes/10000", NULL, NULL, NULL, 0, false, false }, "" },
        { { "get-1m", "GET", "/o/chunked/1000000", NULL, NULL, NULL, 0, false, false }, "" },
        { { "head", "HEAD", "/o/bytes/10000", NULL, NULL, NULL, 0, false, false }, "Content-Length" },
        { { "post", "POST", "/o/same/10000", NULL, NULL, "", SMALL, false, false }, "text" },
        { { "post-chunked", "POST", "/o/framing/10000", NULL, NULL, "", SMALL, true, false }, "text" },
        { { "put-1m", "PUT", "/o/same/1000000", NULL, NULL, "", 1000000, false, false }, "text" },
        { { "delete", "DELETE", "/o/thing", NULL, NULL, NULL, 0, false, false }, "" },
        { { "options", "OPTIONS", "/o/thing", NULL, NULL, NULL, 0, false, false }, "Allow" },
        { { "not-modified", "GET", "/o/etag", "If-None-Match", "\"v1\"", NULL, 0, false, false }, "ETag" },
        { { "redirect", "GET", "/o/redirect", NULL, NULL, NULL, 0, false, false }, "Location" },
        { { "gzip", "GET", "/o/gzip", "Accept-Encoding", "gzip", NULL, 0, false, false }, "" },
        { { "cookies", "GET", "/o/cookies", NULL, NULL, NULL, 0, false, false }, "Set-Cookie" },
        { { "unicode", "GET", unicode, NULL, NULL, NULL, 0, false, false }, "text" },
        { { "large-request-header", "GET", "/o/header", "X-Large", large, NULL, 0, false, false }, "text" },
        { { "large-answer-header", "GET", "/o/header/answer", NULL, NULL, NULL, 0, false, false }, "large" },
        { { "slow", "GET", "/o/slow", NULL, NULL, NULL, 0, false, false }, "" },
        { { "events", "GET", "/o/events", NULL, NULL, NULL, 0, false, false }, "events" },
        { { "expect", "POST", "/o/same/10000", "Expect", "100-continue", "", SMALL, false, true }, "text" },
        { { "trailers", "GET", "/o/trailers", NULL, NULL, NULL, 0, false, false }, "trailer" },
        { { "problem", "GET", "/nowhere", NULL, NULL, NULL, 0, false, false }, "code" },
        { { "hold", "GET", "/o/hold", NULL, NULL, NULL, 0, false, false }, "Connection" },
    };
    char *kept = NULL;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct ask *ask = &steps[i].ask;
        const char *why = why_skipped(skipped, ask->name);
        size_t length = 0;
        if (why != NULL) {
            printf("%s skip %s\n", ask->name, why);
            continue;
        }
        if (ask->body != NULL && kept == NULL) {
            printf("%s error there is nothing to send\n", ask->name);
            continue;
        }
        if (ask->body != NULL)
            ask->body = kept;
        char *body = step_run(asker, ask, steps[i].extra, &length);
        if (strcmp(ask->name, "get-1m") == 0 && length == 1000000)
            kept = body;
        else
            free(body);
    }
    free(kept);
}
