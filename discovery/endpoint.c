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

/* A copy is one run of bytes: the lists, and behind them all texts. Of some services there are very many. */
struct packing {
    char *text;                     /* where the next one goes */
};

static size_t room_of(const char *z)
{
    return z == NULL ? 0 : strlen(z) + 1;
}

static size_t room_of_texts(const struct endpoint *e)
{
    const char *const single[] = { e->id, e->host, e->path, e->wrong, e->zone, e->node };
    size_t n = 0;

    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++)
        n += room_of(single[i]);
    for (unsigned i = 0; i < e->tags.n; i++)
        n += room_of(e->tags.at[i]);
    for (unsigned i = 0; i < e->meta.n; i++)
        n += room_of(e->meta.at[i].name) + room_of(e->meta.at[i].value);
    return n;
}

static const char *pack(struct packing *p, const char *z)
{
    size_t n = room_of(z);
    char *to = p->text;

    if (z == NULL)
        return NULL;
    p->text += n;
    return memcpy(to, z, n);
}

static struct sc_strings pack_strings(struct packing *p, const char **at, struct sc_strings s)
{
    for (unsigned i = 0; i < s.n; i++)
        at[i] = pack(p, s.at[i]);
    return (struct sc_strings){ s.n == 0 ? NULL : at, s.n };
}

static struct sc_pairs pack_pairs(struct packing *p, struct sc_pair *at, struct sc_pairs s)
{
    for (unsigned i = 0; i < s.n; i++) {
        at[i].name = pack(p, s.at[i].name);
        at[i].value = pack(p, s.at[i].value);
    }
    return (struct sc_pairs){ s.n == 0 ? NULL : at, s.n };
}

struct endpoint endpoint_copy(struct arena *a, const struct endpoint *e)
{
    size_t pairs = e->meta.n * sizeof(struct sc_pair), lists = pairs + e->tags.n * sizeof(const char *);
    char *room = arena_alloc(a, lists + room_of_texts(e));
    struct packing p = { room + lists };
    struct endpoint c = *e;

    c.id = pack(&p, e->id);
    c.host = pack(&p, e->host);
    c.path = pack(&p, e->path);
    c.wrong = pack(&p, e->wrong);
    c.zone = pack(&p, e->zone);
    c.node = pack(&p, e->node);
    c.meta = pack_pairs(&p, (struct sc_pair *)(void *)room, e->meta);
    c.tags = pack_strings(&p, (const char **)(void *)(room + pairs), e->tags);
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
