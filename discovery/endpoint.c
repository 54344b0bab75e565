/* discovery/endpoint.c - one record as a registry, a file or the configuration states it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/endpoint.h"

#include "discovery/address.h"

#include <string.h>

#define S struct endpoint_conf
const struct sc_field endpoint_fields[] = {
    SC_STRING(S, host, .doc = "Name or numeric address (IPv6 without brackets). A name is looked up by the sidecar every "
              "30 seconds; each of its addresses becomes a target with an equal part of the weight."),
    { .name = "unix", .type = SC_T_STRING, .offset = offsetof(S, unix_path),
      .doc = "Absolute path of a unix socket, in place of `host` and `port`." },
    SC_INT(S, port, .min = 1, .max = 65535, .doc = "TCP port."),
    SC_INT(S, weight, .dflt = "100", .min = 0, .max = ENDPOINT_WEIGHT_MAX,
           .doc = "Share of the traffic beside the other targets of the service; 0 gets none."),
    SC_INT(S, tier, .dflt = "0", .min = 0, .max = 15,
           .doc = "Targets of a higher tier serve only while no target of a lower tier can."),
    SC_BOOL(S, tls, .doc = "This target speaks TLS, whatever the service's `protocol` says."),
    SC_STRING(S, zone, .doc = "Where the target runs, in the words of `node.zone`."),
    SC_STRING(S, node, .doc = "The host the target runs on."),
    SC_STRINGS(S, tags, .doc = "Words that describe the target."),
    SC_PAIRS(S, meta, .doc = "Names and values that describe the target."),
    SC_END
};
#undef S

struct endpoint endpoint_of(const struct endpoint_conf *c)
{
    return (struct endpoint){
        .host = c->host, .path = c->unix_path, .port = (uint16_t)c->port, .weight = (uint32_t)c->weight,
        .tier = (uint16_t)c->tier, .tls = c->tls, .zone = c->zone, .node = c->node, .tags = c->tags, .meta = c->meta,
    };
}

static bool check_host(const char *host, struct sc_error *err)
{
    struct address a;

    if (host[0] == '[')
        return sc_error_set(err, "host: an IPv6 address is written without brackets");
    if (address_numeric(&a, host, 1) || address_is_name(host))
        return true;
    return sc_error_set(err, "host: neither an address nor a host name");
}

static bool check_path(const char *path, struct sc_error *err)
{
    struct address a;

    if (path[0] != '/')
        return sc_error_set(err, "unix: the path of a socket starts with a slash");
    if (!address_unix(&a, path))
        return sc_error_set(err, "unix: a path of more than 107 bytes does not fit a socket address");
    return true;
}

bool endpoint_check(const struct endpoint *e, struct sc_error *err)
{
    if (e->wrong != NULL)
        return sc_error_set(err, "%s", e->wrong);
    if ((e->host == NULL) == (e->path == NULL))
        return sc_error_set(err, e->host == NULL ? "needs `host` and `port`, or `unix`" : "has both `host` and `unix`");
    if (e->path != NULL)
        return e->port != 0 ? sc_error_set(err, "port: a unix socket has none") : check_path(e->path, err);
    if (e->port == 0)
        return sc_error_set(err, "port is missing");
    if (e->weight > ENDPOINT_WEIGHT_MAX)
        return sc_error_set(err, "weight: more than %d", ENDPOINT_WEIGHT_MAX);
    return check_host(e->host, err);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_strings(struct sc_strings a, struct sc_strings b)
{
    if (a.n != b.n)
        return false;
    for (unsigned i = 0; i < a.n; i++)
        if (!same_text(a.at[i], b.at[i]))
            return false;
    return true;
}

static bool same_pairs(struct sc_pairs a, struct sc_pairs b)
{
    if (a.n != b.n)
        return false;
    for (unsigned i = 0; i < a.n; i++)
        if (!same_text(a.at[i].name, b.at[i].name) || !same_text(a.at[i].value, b.at[i].value))
            return false;
    return true;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && a->weight == b->weight && a->tier == b->tier && a->tls == b->tls &&
           a->state == b->state && same_text(a->wrong, b->wrong) && same_text(a->host, b->host) &&
           same_text(a->path, b->path) && same_text(a->id, b->id) && same_text(a->zone, b->zone) &&
           same_text(a->node, b->node) && same_strings(a->tags, b->tags) && same_pairs(a->meta, b->meta);
}

static const char *copy_text(struct arena *a, const char *z)
{
    return z == NULL ? NULL : arena_dupz(a, str_of(z));
}

static struct sc_strings copy_strings(struct arena *a, struct sc_strings s)
{
    const char **at = s.n == 0 ? NULL : arena_alloc(a, s.n * sizeof *at);

    for (unsigned i = 0; i < s.n; i++)
        at[i] = copy_text(a, s.at[i]);
    return (struct sc_strings){ at, s.n };
}

static struct sc_pairs copy_pairs(struct arena *a, struct sc_pairs s)
{
    struct sc_pair *at = s.n == 0 ? NULL : arena_alloc(a, s.n * sizeof *at);

    for (unsigned i = 0; i < s.n; i++)
        at[i] = (struct sc_pair){ copy_text(a, s.at[i].name), copy_text(a, s.at[i].value) };
    return (struct sc_pairs){ at, s.n };
}

struct endpoint endpoint_copy(struct arena *a, const struct endpoint *e)
{
    struct endpoint c = *e;

    c.id = copy_text(a, e->id);
    c.host = copy_text(a, e->host);
    c.path = copy_text(a, e->path);
    c.wrong = copy_text(a, e->wrong);
    c.zone = copy_text(a, e->zone);
    c.node = copy_text(a, e->node);
    c.tags = copy_strings(a, e->tags);
    c.meta = copy_pairs(a, e->meta);
    return c;
}

size_t endpoint_room(unsigned n)
{
    enum { EACH = 320, LEAST = 512, MOST = 1 << 20 };

    return n < LEAST / EACH + 1 ? LEAST : n > MOST / EACH ? MOST : n * (size_t)EACH;
}

const char *endpoint_print(struct arena *a, const struct endpoint *e)
{
    if (e->path != NULL)
        return arena_printf(a, "unix:%s", e->path);
    if (e->host == NULL)
        return e->id == NULL ? "(no host)" : arena_dupz(a, str_of(e->id));
    return arena_printf(a, strchr(e->host, ':') == NULL ? "%s:%u" : "[%s]:%u", e->host, (unsigned)e->port);
}
