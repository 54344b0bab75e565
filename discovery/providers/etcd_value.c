/* discovery/providers/etcd_value.c - what stands under a key of etcd, as an endpoint.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/etcd_value.h"

#include "base/log.h"
#include "conf/data.h"

/* What is read into, and where its strings go. */
struct reading {
    struct endpoint *to;
    struct arena *arena;
    const struct data *from;
};

/* --- "host:port" --- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* As people write values: with a line end behind them. */
static struct sc_str without_space(struct sc_str s)
{
    while (s.n > 0 && is_space(s.p[0]))
        s.p++, s.n--;
    while (s.n > 0 && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

static const char *read_port_text(struct endpoint *to, struct sc_str text)
{
    unsigned long long port;

    if (text.n > 5 || !str_u64(text, &port) || port < 1 || port > 65535)
        return "`host:port`: not a port from 1 to 65535";
    to->port = (uint16_t)port;
    return NULL;
}

/* The host ends at the last colon; an IPv6 address stands in brackets. */
static const char *read_plain(struct endpoint *to, struct arena *a, struct sc_str text)
{
    struct sc_str host = text;

    while (host.n > 0 && host.p[host.n - 1] != ':')
        host.n--;
    if (host.n < 2)
        return "neither JSON nor `host:port`";
    host.n--;
    if (memchr(text.p, '\0', text.n) != NULL)
        return "a value that is no text";
    if (host.p[0] == '[' && host.p[host.n - 1] == ']')
        to->host = arena_dupz(a, (struct sc_str){ host.p + 1, host.n - 2 });
    else if (str_chr(host, ':') != NULL)
        return "an IPv6 address with a port stands in brackets";
    else
        to->host = arena_dupz(a, host);
    return read_port_text(to, str_skip(text, host.n + 1));
}

/* --- JSON --- */

static const char *read_text(const struct reading *r, const char *key, const char **to)
{
    const struct data *d = data_get(r->from, key);

    if (data_is_null(d))
        return NULL;
    if (data_text(d) == NULL)
        return arena_printf(r->arena, "`%s` is no string", key);
    *to = arena_dupz(r->arena, str_of(data_text(d)));
    return NULL;
}

static const char *read_number(const struct reading *r, const char *key, int64_t min, int64_t max, int64_t *to)
{
    const struct data *d = data_get(r->from, key);

    if (data_is_null(d))
        return NULL;
    if (!data_int(d, to) || *to < min || *to > max)
        return arena_printf(r->arena, "`%s`: not a number from %lld to %lld", key, (long long)min, (long long)max);
    return NULL;
}

static const char *read_tags(const struct reading *r)
{
    const struct data *list = data_get(r->from, "tags");
    size_t n = data_size(list);
    const char **at;

    if (data_is_null(list))
        return NULL;
    if (!data_is_list(list))
        return "`tags` is no list";
    at = arena_alloc(r->arena, (n + 1) * sizeof *at);
    for (size_t i = 0; i < n; i++) {
        if (data_text(data_at(list, i)) == NULL)
            return "`tags` holds something that is no string";
        at[i] = arena_dupz(r->arena, str_of(data_text(data_at(list, i))));
    }
    r->to->tags = (struct sc_strings){ at, (unsigned)n };
    return NULL;
}

static const char *read_meta(const struct reading *r)
{
    const struct data *map = data_get(r->from, "meta");
    struct sc_pair *at;
    unsigned n = 0;

    if (data_is_null(map))
        return NULL;
    if (!data_is_object(map))
        return "`meta` is no object";
    at = arena_alloc(r->arena, (data_size(map) + 1) * sizeof *at);
    for (const struct data_member *it = data_first(map); it != NULL; it = data_next(map, it)) {
        if (data_text(data_value(it)) == NULL)
            return "`meta` holds something that is no string";
        at[n++] = (struct sc_pair){ arena_dupz(r->arena, str_of(data_key(it))),
                                    arena_dupz(r->arena, str_of(data_text(data_value(it)))) };
    }
    r->to->meta = (struct sc_pairs){ at, n };
    return NULL;
}

static const char *read_state(const struct reading *r)
{
    static const struct { const char *word; enum endpoint_state state; } words[] = {
        { "passing", EP_READY }, { "warning", EP_WARNING }, { "critical", EP_CRITICAL }, { "maintenance", EP_MAINTENANCE },
    };
    const struct data *d = data_get(r->from, "state");

    if (data_is_null(d))
        return NULL;
    for (unsigned i = 0; data_text(d) != NULL && i < sizeof words / sizeof words[0]; i++)
        if (strcmp(data_text(d), words[i].word) == 0) {
            r->to->state = words[i].state;
            return NULL;
        }
    return "`state`: expected passing, warning, critical or maintenance";
}

static const char *read_numbers(const struct reading *r)
{
    int64_t port = 0, weight = ENDPOINT_WEIGHT, tier = 0;
    const char *wrong = read_number(r, "port", 1, 65535, &port);

    if (wrong == NULL)
        wrong = read_number(r, "weight", 0, ENDPOINT_WEIGHT_MAX, &weight);
    if (wrong == NULL)
        wrong = read_number(r, "tier", 0, 15, &tier);
    r->to->port = (uint16_t)port;
    r->to->weight = (uint32_t)weight;
    r->to->tier = (uint16_t)tier;
    return wrong;
}

static const char *read_object(const struct reading *r)
{
    const struct data *tls = data_get(r->from, "tls");
    const char *wrong = read_numbers(r);

    if (wrong == NULL)
        wrong = read_text(r, "host", &r->to->host);
    if (wrong == NULL)
        wrong = read_text(r, "zone", &r->to->zone);
    if (wrong == NULL)
        wrong = read_text(r, "node", &r->to->node);
    if (wrong == NULL && !data_is_null(tls) && !data_bool(tls, &r->to->tls))
        wrong = "`tls` is neither true nor false";
    if (wrong == NULL)
        wrong = read_tags(r);
    if (wrong == NULL)
        wrong = read_meta(r);
    if (wrong == NULL)
        wrong = read_state(r);
    if (wrong == NULL && !data_is_null(data_get(r->from, "unix")))
        wrong = "a unix socket, which only its own host can reach";
    return wrong;
}

static const char *read_json(struct endpoint *to, struct arena *a, struct sc_str text)
{
    struct sc_error e = SC_ERROR_INIT;
    struct data *doc = data_parse(text, &e);
    const struct reading r = { to, a, doc };
    const char *wrong = doc == NULL ? arena_printf(a, "not JSON: %s", log_safe(str_of(e.text))) : read_object(&r);

    data_free(&doc);
    return wrong;
}

struct endpoint etcd_value_read(struct arena *a, struct sc_str id, struct sc_str value)
{
    struct endpoint to = { .id = arena_dupz(a, id), .weight = ENDPOINT_WEIGHT };

    value = value.n > ETCD_VALUE_MAX ? value : without_space(value);
    if (memchr(id.p, '\0', id.n) != NULL)
        to.wrong = "a key that is no text";
    else if (value.n > ETCD_VALUE_MAX)
        to.wrong = "a value of more than 64 KiB";
    else if (value.n > 0 && value.p[0] == '{')
        to.wrong = read_json(&to, a, value);
    else
        to.wrong = read_plain(&to, a, value);
    return to;
}
