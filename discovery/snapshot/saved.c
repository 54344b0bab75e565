/* discovery/snapshot/saved.c - the last good answer of a source as the bytes of a file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/snapshot/saved.h"

#include "base/jsonw.h"
#include "conf/data.h"
#include "loop/digest.h"

#include <inttypes.h>
#include <stdio.h>

#define HEAD "{\"format\":\"outrider-targets\",\"version\":"

static const char *const states[] = {
    [EP_READY] = "ready", [EP_WARNING] = "warning", [EP_SERVING_TERMINATING] = "terminating",
    [EP_CRITICAL] = "critical", [EP_NOT_PASSING] = "not-passing", [EP_MAINTENANCE] = "maintenance",
};

enum { NSTATES = sizeof states / sizeof *states };

/* --- writing --- */

static void print_text(struct jsonw *j, const char *key, const char *value)
{
    if (value != NULL)
        jsonw_text(j, key, value);
}

static void print_number(struct jsonw *j, const char *key, unsigned value, unsigned dflt)
{
    if (value != dflt)
        jsonw_uint(j, key, value);
}

static void print_lists(struct jsonw *j, const struct endpoint *e)
{
    if (e->tags.n > 0) {
        jsonw_array(j, "tags");
        for (unsigned i = 0; i < e->tags.n; i++)
            jsonw_text(j, NULL, e->tags.at[i]);
        jsonw_close(j);
    }
    if (e->meta.n > 0) {
        jsonw_array(j, "meta");
        for (unsigned i = 0; i < e->meta.n; i++) {
            jsonw_array(j, NULL);
            jsonw_text(j, NULL, e->meta.at[i].name);
            jsonw_text(j, NULL, e->meta.at[i].value);
            jsonw_close(j);
        }
        jsonw_close(j);
    }
}

static void print_endpoint(struct jsonw *j, const struct endpoint *e)
{
    jsonw_object(j, NULL);
    print_text(j, "host", e->host);
    print_text(j, "unix", e->path);
    print_number(j, "port", e->port, 0);
    print_text(j, "id", e->id);
    print_number(j, "weight", e->weight, ENDPOINT_WEIGHT);
    print_number(j, "tier", e->tier, 0);
    if (e->tls)
        jsonw_bool(j, "tls", true);
    if (e->state != EP_READY)
        jsonw_text(j, "state", states[e->state]);
    print_text(j, "zone", e->zone);
    print_text(j, "node", e->node);
    print_lists(j, e);
    jsonw_close(j);
}

void saved_print(struct buf *out, const struct saved *s)
{
    struct jsonw j = JSONW_INIT(out);
    char index[24];
    unsigned kept = 0;

    snprintf(index, sizeof index, "%" PRIu64, s->index);
    jsonw_object(&j, NULL);
    jsonw_text(&j, "identity", s->identity);
    jsonw_int(&j, "live", s->live);
    jsonw_int(&j, "changed", s->changed);
    print_text(&j, "cause", s->cause);
    jsonw_text(&j, "index", index);
    jsonw_array(&j, "targets");
    for (unsigned i = 0; i < s->n && kept < SAVED_TARGETS_MAX; i++)
        if (endpoint_check(&s->at[i], NULL)) {
            print_endpoint(&j, &s->at[i]);
            kept++;
        }
    jsonw_close(&j);
    jsonw_close(&j);
    buf_putc(out, '\n');
}

bool saved_head(struct buf *out, struct sc_str body)
{
    char sum[DIGEST_SHA256 + 1];

    if (!digest_sha256(body, sum))
        return false;
    buf_printf(out, HEAD "%d,\"sha256\":\"%s\",\"bytes\":%zu}\n", SAVED_VERSION, sum, body.n);
    return true;
}

/* --- reading: the first line --- */

static bool skip(struct sc_str *s, struct sc_str what)
{
    bool there = str_starts(*s, what);

    if (there)
        *s = str_skip(*s, what.n);
    return there;
}

/* Digits up to `end`, which is taken, too. */
static bool number_until(struct sc_str *s, char end, unsigned long long *value)
{
    const char *at = str_chr(*s, end);

    if (at == NULL || !str_u64(str_range(s->p, at), value))
        return false;
    *s = str_skip(*s, (size_t)(at - s->p) + 1);
    return true;
}

static bool check_sum(struct sc_str body, struct sc_str stated, struct sc_error *e)
{
    char sum[DIGEST_SHA256 + 1];

    if (!digest_sha256(body, sum))
        return sc_error_set(e, "SHA-256 is not available");
    if (!str_eq(stated, str_of(sum)))
        return sc_error_set(e, "damaged: its digest is another one");
    return true;
}

/* Leaves the second line in *s. */
static bool read_head(struct sc_str *s, struct sc_error *e)
{
    unsigned long long version, bytes;
    struct sc_str sum;

    if (!skip(s, STR(HEAD)) || !number_until(s, ',', &version))
        return sc_error_set(e, "not a snapshot");
    if (version != SAVED_VERSION)
        return sc_error_set(e, "of version %llu, where %d is known", version, SAVED_VERSION);
    if (!skip(s, STR("\"sha256\":\"")) || s->n < DIGEST_SHA256)
        return sc_error_set(e, "damaged: its first line is cut or changed");
    sum = (struct sc_str){ s->p, DIGEST_SHA256 };
    *s = str_skip(*s, DIGEST_SHA256);
    if (!skip(s, STR("\",\"bytes\":")) || !number_until(s, '}', &bytes) || !skip(s, STR("\n")))
        return sc_error_set(e, "damaged: its first line is cut or changed");
    if (s->n != bytes)
        return sc_error_set(e, "damaged: %zu bytes in place of %llu", s->n, bytes);
    return check_sum(*s, sum, e);
}

/* --- reading: the second line --- */

/* A member that may be missing; false when it is there and of another kind. */
static bool read_text(struct arena *a, const struct data *d, const char *key, const char **to)
{
    const struct data *at = data_get(d, key);

    if (at == NULL)
        return true;
    if (data_text(at) == NULL)
        return false;
    *to = arena_dupz(a, str_of(data_text(at)));
    return true;
}

static bool read_number(const struct data *d, const char *key, int64_t max, int64_t *to)
{
    const struct data *at = data_get(d, key);

    return at == NULL || (data_int(at, to) && *to >= 0 && *to <= max);
}

static bool read_state(const struct data *d, enum endpoint_state *to)
{
    const struct data *at = data_get(d, "state");
    const char *text = data_text(at);

    if (at == NULL)
        return true;
    for (unsigned i = 0; i < NSTATES && text != NULL; i++)
        if (strcmp(states[i], text) == 0) {
            *to = i;
            return true;
        }
    return false;
}

static bool read_tags(struct arena *a, const struct data *list, struct sc_strings *to)
{
    const char **at;

    if (list == NULL)
        return true;
    if (!data_is_list(list))
        return false;
    at = arena_alloc(a, (data_size(list) + 1) * sizeof *at);
    *to = (struct sc_strings){ at, (unsigned)data_size(list) };
    for (unsigned i = 0; i < to->n; i++) {
        if (data_text(data_at(list, i)) == NULL)
            return false;
        at[i] = arena_dupz(a, str_of(data_text(data_at(list, i))));
    }
    return true;
}

/* A list of pairs, because a name may come twice. */
static bool read_meta(struct arena *a, const struct data *list, struct sc_pairs *to)
{
    struct sc_pair *at;

    if (list == NULL)
        return true;
    if (!data_is_list(list))
        return false;
    at = arena_alloc(a, (data_size(list) + 1) * sizeof *at);
    *to = (struct sc_pairs){ at, (unsigned)data_size(list) };
    for (unsigned i = 0; i < to->n; i++) {
        const struct data *pair = data_at(list, i), *value = data_at(pair, 1);

        if (data_size(pair) != 2 || data_text(data_at(pair, 0)) == NULL)
            return false;
        if (data_text(value) == NULL && !data_is_null(value))
            return false;
        at[i].name = arena_dupz(a, str_of(data_text(data_at(pair, 0))));
        at[i].value = data_is_null(value) ? NULL : arena_dupz(a, str_of(data_text(value)));
    }
    return true;
}

static bool read_endpoint(struct arena *a, const struct data *d, struct endpoint *e)
{
    int64_t port = 0, weight = ENDPOINT_WEIGHT, tier = 0;
    bool ok;

    *e = (struct endpoint){ .state = EP_READY };
    ok = data_is_object(d) && read_text(a, d, "host", &e->host) && read_text(a, d, "unix", &e->path) &&
         read_text(a, d, "id", &e->id) && read_text(a, d, "zone", &e->zone) && read_text(a, d, "node", &e->node) &&
         read_number(d, "port", 65535, &port) && read_number(d, "weight", ENDPOINT_WEIGHT_MAX, &weight) &&
         read_number(d, "tier", 65535, &tier) && read_state(d, &e->state) &&
         read_tags(a, data_get(d, "tags"), &e->tags) && read_meta(a, data_get(d, "meta"), &e->meta) &&
         (data_get(d, "tls") == NULL || data_bool(data_get(d, "tls"), &e->tls));
    e->port = (uint16_t)port;
    e->weight = (uint32_t)weight;
    e->tier = (uint16_t)tier;
    return ok && endpoint_check(e, NULL);
}

static bool read_targets(struct arena *a, const struct data *list, struct saved *s, struct sc_error *e)
{
    struct endpoint *at;
    size_t n = data_size(list);

    if (!data_is_list(list) || n > SAVED_TARGETS_MAX)
        return sc_error_set(e, "not a snapshot: no list of targets");
    at = arena_alloc(a, (n + 1) * sizeof *at);
    for (size_t i = 0; i < n; i++)
        if (!read_endpoint(a, data_at(list, i), &at[i]))
            return sc_error_set(e, "not a snapshot: target %zu", i + 1);
    s->at = at;
    s->n = (unsigned)n;
    return true;
}

static bool read_index(const struct data *d, uint64_t *to)
{
    const char *text = data_text(data_get(d, "index"));
    unsigned long long index;

    if (text == NULL || !str_u64(str_of(text), &index))
        return false;
    *to = index;
    return true;
}

static bool read_body(struct arena *a, const struct data *d, const char *identity, struct saved *s, struct sc_error *e)
{
    *s = (struct saved){ .live = -1, .changed = -1 };
    if (!read_text(a, d, "identity", &s->identity) || s->identity == NULL ||
        !read_number(d, "live", INT64_MAX, &s->live) || !read_number(d, "changed", INT64_MAX, &s->changed) ||
        s->live < 0 || s->changed < 0 || !read_text(a, d, "cause", &s->cause) || !read_index(d, &s->index))
        return sc_error_set(e, "not a snapshot: its members are others");
    if (strcmp(s->identity, identity) != 0)
        return sc_error_set(e, "of another source");
    return read_targets(a, data_get(d, "targets"), s, e);
}

bool saved_parse(struct arena *a, struct sc_str file, const char *identity, struct saved *s, struct sc_error *e)
{
    struct data *d;
    bool ok;

    if (!read_head(&file, e))
        return false;
    d = data_parse(file, e);
    if (d == NULL)
        return sc_error_wrap(e, "not a snapshot");
    ok = read_body(a, d, identity, s, e);
    data_free(&d);
    return ok;
}
