/* admin/hands.c - discovery in people's hands.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/hands.h"

#include "admin/services.h"
#include "base/alloc.h"
#include "base/jsonw.h"
#include "conf/load.h"
#include "discovery/address.h"
#include "discovery/hands.h"

#include <arpa/inet.h>
#include <stdlib.h>

/* ---- who is meant ---- */

/* Holds on to the status while it points into it. */
struct meant {
    struct discovery_status *known;
    bool of_registry;
    const char *name;
};

static bool is_stated(const struct source_status *s)
{
    return strcmp(s->type, "static") == 0;
}

static bool is_in(const struct meant *m, const struct service_status *service, const struct source_status *source)
{
    if (m->of_registry)
        return !is_stated(source) && strcmp(source->registry, m->name) == 0;
    return strcmp(service->name, m->name) == 0;
}

/* Any source of any service. */
static bool has_source(const struct meant *m)
{
    for (unsigned i = 0; m->known != NULL && i < m->known->n; i++)
        for (unsigned k = 0; k < m->known->services[i]->nsources; k++)
            if (is_in(m, m->known->services[i], &m->known->services[i]->sources[k]))
                return true;
    return false;
}

static void forget(struct meant *m)
{
    if (m->known != NULL)
        discovery_status_unref(&m->known);
}

/* False: the answer says that there is nobody, or that there are two. */
static bool choose(struct meant *m, bool may_be_service, bool may_be_registry, struct admin_answer *a)
{
    bool service, registry;

    m->of_registry = false;
    service = may_be_service && has_source(m);
    m->of_registry = true;
    registry = may_be_registry && has_source(m);
    m->of_registry = !service;
    if (service && registry)
        page_problem(a, ERR_BAD_REQUEST, STR("a service and a registry are called so: say service:NAME or registry:NAME"));
    else if (!service && !registry)
        page_problem(a, ERR_NO_ROUTE, STR("there is no service of this name, and no registry that a service uses"));
    return service != registry;
}

/* With false there is nothing to forget. */
static bool find(struct meant *m, const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                 struct admin_answer *a)
{
    bool service = str_starts(name, STR("service:")), registry = str_starts(name, STR("registry:")), found;
    size_t prefix = service ? strlen("service:") : registry ? strlen("registry:") : 0;

    *m = (struct meant){ .known = services_status(state), .name = arena_dupz(r->arena, str_skip(name, prefix)) };
    found = choose(m, !registry, !service, a);
    if (!found)
        forget(m);
    return found;
}

/* ---- what is wanted ---- */

struct wish {
    sc_msec ttl;
    struct sc_list targets;             /* of struct endpoint_conf */
};

#define W struct wish
static const struct sc_field wish_fields[] = {
    SC_MSEC(W, ttl, .dflt = "5m", .min = HAND_TTL_MIN, .max = HAND_TTL_MAX, .doc = "How long."),
    SC_END
};
static const struct sc_field pin_fields[] = {
    SC_MSEC(W, ttl, .dflt = "5m", .min = HAND_TTL_MIN, .max = HAND_TTL_MAX, .doc = "How long."),
    SC_OBJECTS(W, targets, struct endpoint_conf, endpoint_fields, .flags = SC_REQUIRED, .min = 1, .max = HAND_TARGETS_MAX,
               .doc = "The targets meanwhile."),
    SC_END
};
#undef W

static void put_sources(struct jsonw *j, const struct meant *m)
{
    jsonw_array(j, "sources");
    for (unsigned i = 0; i < m->known->n; i++) {
        const struct service_status *s = m->known->services[i];

        for (unsigned k = 0; k < s->nsources; k++) {
            if (!is_in(m, s, &s->sources[k]))
                continue;
            jsonw_object(j, NULL);
            jsonw_text(j, "service", s->name);
            jsonw_text(j, "registry", s->sources[k].registry);
            jsonw_close(j);
        }
    }
    jsonw_close(j);
}

static void order(const struct admin_state *state, const struct meant *m, struct hand_order *o, struct admin_answer *a)
{
    struct jsonw j = JSONW_INIT(&a->body);

    o->of_registry = m->of_registry;
    o->name = m->name;
    state->hand(state->arg, o);
    a->status = 202;
    jsonw_object(&j, NULL);
    jsonw_text(&j, m->of_registry ? "registry" : "service", m->name);
    jsonw_text(&j, "action", hand_name(o->kind));
    if (o->kind != HAND_NONE)
        jsonw_time(&j, "until", clock_wall_ms() + o->ttl);
    jsonw_text(&j, "by", o->by);
    put_sources(&j, m);
    jsonw_close(&j);
}

/* Who asks, in words for the log and the status. */
static const char *name_of(const struct admin_request *r)
{
    const char *who = r->who == NULL ? "somebody" : r->who;

    return r->token == NULL ? who : arena_printf(r->arena, "%s (%s)", r->token, who);
}

/* Stated targets have no registry that could say something else, or fail. */
static bool has_registry(const struct meant *m, struct admin_answer *a)
{
    const struct service_status *s;

    if (m->of_registry)
        return true;
    s = discovery_status_find(m->known, str_of(m->name));
    for (unsigned i = 0; i < s->nsources; i++)
        if (!is_stated(&s->sources[i]))
            return true;
    page_conflict(a, "its targets stand in the configuration: there is no registry");
    return false;
}

static void take(const struct admin_state *state, const struct admin_request *r, struct sc_str name, enum source_hand kind,
                 struct admin_answer *a)
{
    struct wish wish = { .ttl = HAND_TTL };
    struct meant m;

    if (!page_read(r, wish_fields, &wish, a) || !find(&m, state, r, name, a))
        return;
    if (has_registry(&m, a))
        order(state, &m, &(struct hand_order){ .kind = kind, .ttl = wish.ttl, .by = name_of(r) }, a);
    forget(&m);
}

void hands_freeze(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                  struct admin_answer *a)
{
    take(state, r, name, HAND_FREEZE, a);
}

void hands_fail(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                struct admin_answer *a)
{
    take(state, r, name, HAND_FAIL, a);
}

void hands_thaw(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                struct admin_answer *a)
{
    struct meant m;

    if (!find(&m, state, r, name, a))
        return;
    order(state, &m, &(struct hand_order){ .kind = HAND_NONE, .by = name_of(r) }, a);
    forget(&m);
}

/* ---- pinned targets ---- */

/* Metadata services of clouds live on link-local addresses; nobody should be led there, nor to a group. */
static bool is_allowed_v4(uint32_t a)
{
    return (a >> 16) != 0xa9fe && (a >> 28) != 0xe && (a >> 24) != 0 && a != 0xffffffff;
}

static bool is_allowed(const struct address *at)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&at->sa;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&at->sa;
    const uint8_t *b = v6->sin6_addr.s6_addr;

    if (at->sa.ss_family == AF_INET)
        return is_allowed_v4(ntohl(v4->sin_addr.s_addr));
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        return is_allowed_v4((uint32_t)b[12] << 24 | (uint32_t)b[13] << 16 | (uint32_t)b[14] << 8 | b[15]);
    return !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) && !IN6_IS_ADDR_MULTICAST(&v6->sin6_addr) &&
           !IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
}

/* A name would be looked up, and lead who knows where; a socket would be one of this host. */
static bool check_target(const struct endpoint *e, struct sc_error *err)
{
    struct address at;

    if (!endpoint_check(e, err))
        return false;
    if (e->path != NULL || !address_numeric(&at, e->host, e->port))
        return sc_error_set(err, "only numeric addresses can be pinned");
    return is_allowed(&at) || sc_error_set(err, "not an address that a target may have");
}

static bool read_targets(const struct admin_request *r, const struct sc_list *list, struct endpoint *all,
                         struct admin_answer *a)
{
    const struct endpoint_conf *at = list->at;

    for (unsigned i = 0; i < list->n; i++) {
        struct sc_error e = SC_ERROR_INIT;

        all[i] = endpoint_of(&at[i]);
        if (check_target(&all[i], &e))
            continue;
        page_problem(a, ERR_BAD_REQUEST, str_of(arena_printf(r->arena, "targets[%u]: %s", i, e.text)));
        return false;
    }
    return true;
}

void hands_pin(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
               struct admin_answer *a)
{
    struct wish wish = { .ttl = HAND_TTL };
    struct endpoint *all;
    struct meant m;

    if (!page_read(r, pin_fields, &wish, a))
        return;
    all = arena_alloc(r->arena, (wish.targets.n + 1) * sizeof *all);
    if (!read_targets(r, &wish.targets, all, a) || !find(&m, state, r, name, a))
        return;
    if (m.of_registry)
        page_conflict(a, "targets are pinned for a service, not for a registry");
    else
        order(state, &m, &(struct hand_order){ .kind = HAND_PIN, .ttl = wish.ttl, .by = name_of(r), .targets = all,
                                              .ntargets = wish.targets.n }, a);
    forget(&m);
}

/* ---- history ---- */

enum { HISTORY_SHOWN = 1000 };

struct line {
    const struct history_entry *e;
    const char *service;
    unsigned number;                    /* in its service: what came at the same time keeps its order */
};

/* The newest first. */
static int compare(const void *x, const void *y)
{
    const struct line *a = x, *b = y;

    if (a->e->wall != b->e->wall)
        return a->e->wall < b->e->wall ? 1 : -1;
    return a->number < b->number ? 1 : a->number > b->number ? -1 : 0;
}

static bool is_about(const struct meant *m, const struct history_entry *e)
{
    return !m->of_registry || (e->registry != NULL && strcmp(e->registry, m->name) == 0);
}

static unsigned collect(const struct meant *m, struct arena *arena, struct line *lines)
{
    unsigned n = 0;

    for (unsigned i = 0; i < m->known->n; i++) {
        const struct service_status *s = m->known->services[i];
        const struct history_entry *list;
        unsigned count;

        if (!m->of_registry && strcmp(s->name, m->name) != 0)
            continue;
        list = history_list(s->history, arena, &count);
        for (unsigned k = 0; k < count; k++)
            if (is_about(m, &list[k]))
                lines[n++] = (struct line){ &list[k], s->name, k };
    }
    qsort(lines, n, sizeof *lines, compare);
    return n < HISTORY_SHOWN ? n : HISTORY_SHOWN;
}

static void put_line(struct jsonw *j, const struct line *l)
{
    jsonw_object(j, NULL);
    jsonw_time(j, "at", l->e->wall);
    jsonw_text(j, "service", l->service);
    jsonw_text(j, "registry", l->e->registry);
    jsonw_text(j, "event", l->e->event);
    jsonw_text(j, "cause", l->e->cause);
    jsonw_uint(j, "targets", l->e->targets);
    jsonw_uint(j, "eligible", l->e->eligible);
    jsonw_uint(j, "added", l->e->added);
    jsonw_uint(j, "removed", l->e->removed);
    jsonw_close(j);
}

void hands_history(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                   struct admin_answer *a)
{
    struct jsonw j = JSONW_INIT(&a->body);
    struct line *lines;
    struct meant m;
    unsigned n;

    if (!find(&m, state, r, name, a))
        return;
    lines = xcalloc(m.known->n + 1, HISTORY_MAX * sizeof *lines);
    n = collect(&m, r->arena, lines);
    jsonw_object(&j, NULL);
    jsonw_text(&j, m.of_registry ? "registry" : "service", m.name);
    jsonw_array(&j, "history");
    for (unsigned i = 0; i < n; i++)
        put_line(&j, &lines[i]);
    jsonw_close(&j);
    jsonw_close(&j);
    free(lines);
    forget(&m);
}
