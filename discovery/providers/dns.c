/* discovery/providers/dns.c - targets from name servers: the addresses of a name, or its SRV records.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A source asks again when what it was told has run out. A name server that says no (no such name, no such record) has
 * answered: there are no targets. One that cannot say (SERVFAIL, refused, silent) has not, and the last answer stays.
 * The hosts that SRV records name are asked for at the same servers; while one of them cannot be, it keeps its addresses. */
#include "discovery/provider.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "conf/load.h"
#include "discovery/backoff.h"
#include "discovery/providers/dns_message.h"
#include "discovery/providers/dns_srv.h"
#include "loop/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    RETRY = 1000, RETRY_MAX = 30000,    /* ms after a failure, from - to */
    ROUND = 10000,                      /* ms that all tries of a question may take together, for the freshness */
    AT_ONCE = 16,                       /* questions about the hosts of one answer */
    HOSTS_MAX = 1024,
    TRIES = 3,
};

enum type { TYPE_A, TYPE_AAAA, TYPE_SRV };
enum family { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2, FAMILY_BOTH = 3 };

struct dns_conf {
    struct sc_strings server;
    sc_msec timeout, min_ttl, max_ttl;
    bool search;
};

struct dns_source {
    const char *host;
    int type, family;
    int64_t port;
};

/* A host that SRV records name. */
struct host {
    struct dns_query query;
    struct dns_watch *owner;
    bool asked[2];                  /* for IPv4, for IPv6 */
    const char *error;              /* why its addresses are not known, literal; NULL: they are, even if there are none */
    const char *none;               /* why it has none, literal */
    struct dns_host at;             /* the addresses of this round */
};

struct dns_watch {
    struct watch *watch;
    struct dns_query query;
    struct timer again;
    struct backoff backoff;
    struct arena arena;             /* of this round */
    struct dns_message message;
    uint32_t ttl;                   /* s; of all that was used in this round */
    struct host *hosts;
    unsigned nhosts, nasked, open;
    struct arena known_arena;       /* of the round before: */
    struct map known;               /* of struct dns_host, by name */
};

static const struct dns_conf *conf_of(const struct dns_watch *x)
{
    return x->watch->registry->conf;
}

static const struct dns_source *source_of(const struct dns_watch *x)
{
    return x->watch->conf;
}

static const char *name_of(const struct dns_watch *x)
{
    const struct dns_source *source = source_of(x);

    return source->host == NULL ? x->watch->service : source->host;
}

static enum dns_type type_of(const struct dns_watch *x)
{
    static const enum dns_type types[] = { [TYPE_A] = DNS_A, [TYPE_AAAA] = DNS_AAAA, [TYPE_SRV] = DNS_SRV };

    return types[source_of(x)->type];
}

/* --- rounds --- */

static void forget_round(struct dns_watch *x)
{
    for (unsigned i = 0; i < x->nhosts; i++)
        dns_cancel(&x->hosts[i].query);
    if (x->hosts != NULL)
        loop_free_later(x->watch->loop, x->hosts);
    x->hosts = NULL;
    x->nhosts = x->nasked = x->open = 0;
    arena_reset(&x->arena);
}

/* The next round; contact is expected in time for it. */
static void ask_in(struct dns_watch *x, sc_msec pause)
{
    x->watch->interval = pause + ROUND;
    timer_start(x->watch->loop, &x->again, pause);
}

static sc_msec pause_of(const struct dns_watch *x)
{
    const struct dns_conf *c = conf_of(x);
    sc_msec pause = (sc_msec)x->ttl * 1000;

    pause = pause < c->min_ttl ? c->min_ttl : pause > c->max_ttl ? c->max_ttl : pause;
    return pause + (sc_msec)rand_below((uint64_t)pause / 20 + 1);       /* not all sidecars at the same moment */
}

static void fail(struct dns_watch *x, const char *name, const char *error)
{
    watch_failed(x->watch, "%s: %s", name, error);
    forget_round(x);                    /* where `error` may live */
    ask_in(x, backoff_next(&x->backoff, RETRY, RETRY_MAX));
}

static void say(struct dns_watch *x, const struct endpoint *all, unsigned n, const char *cause)
{
    x->watch->index++;
    watch_report(x->watch, all, n, cause);
    x->backoff = (struct backoff){ 0 };
    ask_in(x, pause_of(x));
}

/* --- hosts of SRV records --- */

/* What was found this time is what is known the next time. */
static void remember(struct dns_watch *x)
{
    struct arena arena;
    struct map known = MAP_INIT;

    arena_init(&arena, 1024);
    for (unsigned i = 0; i < x->nhosts; i++)
        if (x->hosts[i].at.wrong == NULL)
            map_put(&known, str_of(x->hosts[i].at.name), dns_host_copy(&arena, &x->hosts[i].at));
    map_fini(&x->known);
    arena_fini(&x->known_arena);
    x->known = known;
    x->known_arena = arena;
}

/* What cannot be asked keeps what it had. */
static const char *fill_in(struct dns_watch *x)
{
    const char *error = NULL;

    for (unsigned i = 0; i < x->nhosts; i++) {
        struct host *h = &x->hosts[i];
        const struct dns_host *known = h->error == NULL ? NULL : map_get(&x->known, str_of(h->at.name));

        if (h->error != NULL)
            error = arena_printf(&x->arena, "%s: %s", h->at.name, h->error);
        if (known != NULL)
            h->at = *known;
        else
            h->at.wrong = h->error != NULL ? h->error : h->at.n == 0 ? h->none : NULL;
    }
    return error;
}

static void finish_srv(struct dns_watch *x)
{
    struct dns_host *hosts = arena_alloc(&x->arena, (x->nhosts + 1) * sizeof *hosts);
    const char *error = fill_in(x);
    struct endpoint *all;
    unsigned n;

    for (unsigned i = 0; i < x->nhosts; i++)
        hosts[i] = x->hosts[i].at;
    all = dns_srv_endpoints(&x->arena, &x->message, hosts, x->nhosts, &n);
    say(x, all, n, "DNS answer");
    remember(x);
    if (error != NULL)
        fail(x, name_of(x), error);     /* asks again sooner */
    else
        forget_round(x);
}

static void ask_hosts(struct dns_watch *x);

static void note_addresses(struct dns_watch *x, struct host *h, const struct dns_reply *reply, enum dns_type type)
{
    struct sc_error e = SC_ERROR_INIT;
    struct dns_message m;

    if (reply->outcome == DNS_REFUSED || reply->outcome == DNS_SILENT) {
        h->error = reply->error;
        return;
    }
    h->none = reply->error == NULL ? "the name has no such record" : reply->error;
    if (reply->message == NULL)
        return;
    if (!dns_message_read(&x->arena, reply->message, reply->size, type, &m, &e)) {
        h->error = "the server's answer makes no sense";
        return;
    }
    if (m.has_ttl && m.ttl < x->ttl)
        x->ttl = m.ttl;
    dns_host_add(&x->arena, &h->at, &m);
}

static bool ask_host(struct host *h)
{
    struct dns_watch *x = h->owner;
    int family = source_of(x)->family;
    unsigned which = !h->asked[0] && (family & FAMILY_IPV4) != 0 ? 0 : 1;

    if (which == 1 && (h->asked[1] || (family & FAMILY_IPV6) == 0))
        return false;
    h->asked[which] = true;
    dns_ask(x->watch->registry->state, h->at.name, which == 0 ? DNS_A : DNS_AAAA, &h->query);
    return true;
}

static void on_host(struct dns_query *q, const struct dns_reply *reply)
{
    struct host *h = list_entry(q, struct host, query);
    struct dns_watch *x = h->owner;

    note_addresses(x, h, reply, h->asked[1] ? DNS_AAAA : DNS_A);
    if (ask_host(h))
        return;
    x->open--;
    ask_hosts(x);
}

static void ask_hosts(struct dns_watch *x)
{
    while (x->open < AT_ONCE && x->nasked < x->nhosts) {
        ask_host(&x->hosts[x->nasked++]);
        x->open++;
    }
    if (x->open == 0)
        finish_srv(x);
}

/* Each host once, however many records name it. */
static void find_hosts(struct dns_watch *x)
{
    struct map seen = MAP_INIT;

    x->hosts = xcalloc(x->message.n + 1, sizeof *x->hosts);
    for (unsigned i = 0; i < x->message.n && x->nhosts < HOSTS_MAX; i++) {
        const struct dns_record *r = &x->message.at[i];

        if (r->wrong != NULL || r->host[0] == '\0' || map_put(&seen, str_of(r->host), x) != NULL)
            continue;
        x->hosts[x->nhosts++] = (struct host){ .query.done = on_host, .owner = x, .at.name = r->host };
    }
    map_fini(&seen);
}

/* --- the question --- */

static void finish_addresses(struct dns_watch *x)
{
    unsigned n;
    struct endpoint *all = dns_address_endpoints(&x->arena, &x->message, (uint16_t)source_of(x)->port, &n);

    say(x, all, n, "DNS answer");
    forget_round(x);
}

/* The name, or its records, are not there: an answer. */
static void deny(struct dns_watch *x, enum dns_outcome outcome)
{
    x->ttl = x->message.has_ttl ? x->message.ttl : 0;       /* RFC 2308 5: without a SOA a "no" is not to be kept */
    say(x, NULL, 0, outcome == DNS_NO_NAME ? "NXDOMAIN" : "no such record");
    forget_round(x);
}

static void accept_answer(struct dns_watch *x)
{
    x->ttl = x->message.has_ttl ? x->message.ttl : 0;
    if (type_of(x) != DNS_SRV) {
        finish_addresses(x);
        return;
    }
    find_hosts(x);
    ask_hosts(x);
}

static void on_reply(struct dns_query *q, const struct dns_reply *reply)
{
    struct dns_watch *x = list_entry(q, struct dns_watch, query);
    struct sc_error e = SC_ERROR_INIT;

    x->message = (struct dns_message){ .n = 0 };
    if (reply->outcome == DNS_REFUSED || reply->outcome == DNS_SILENT)
        fail(x, name_of(x), reply->error);
    else if (reply->message != NULL &&
             !dns_message_read(&x->arena, reply->message, reply->size, type_of(x), &x->message, &e))
        fail(x, name_of(x), e.text);
    else if (reply->outcome == DNS_FOUND && x->message.n > 0)
        accept_answer(x);
    else
        deny(x, reply->outcome);
}

static void begin(struct timer *t)
{
    struct dns_watch *x = list_entry(t, struct dns_watch, again);
    struct dns *dns = x->watch->registry->state;

    if (dns == NULL)
        fail(x, name_of(x), "there is nothing to ask with");
    else if (!dns_name_is_valid(name_of(x)))
        fail(x, name_of(x), "not a name that can be asked for");
    else
        dns_ask(dns, name_of(x), type_of(x), &x->query);
}

/* --- the provider --- */

static void dns_open(struct registry_live *r)
{
    const struct dns_conf *c = r->conf;

    r->state = dns_new(r->loop, &(struct dns_options){ &c->server, c->timeout, TRIES, c->search });
}

static void dns_close(struct registry_live *r)
{
    struct dns *d = r->state;

    r->state = NULL;
    dns_free(&d);
}

static void dns_watch(struct watch *w)
{
    struct dns_watch *x = xnew(struct dns_watch);

    w->state = x;
    x->watch = w;
    x->query.done = on_reply;
    x->again.fn = begin;
    x->known = (struct map)MAP_INIT;
    arena_init(&x->arena, 1024);
    arena_init(&x->known_arena, 256);
    begin(&x->again);
}

static void dns_unwatch(struct watch *w)
{
    struct dns_watch *x = w->state;

    w->state = NULL;
    dns_cancel(&x->query);
    timer_stop(&x->again);
    forget_round(x);
    map_fini(&x->known);
    arena_fini(&x->arena);
    arena_fini(&x->known_arena);
    loop_free_later(w->loop, x);
}

static bool check(struct conf_load *load, const struct node *at, void *conf)
{
    const struct dns_conf *c = conf;
    bool ok = true;

    for (unsigned i = 0; i < c->server.n; i++)
        if (!dns_server_is_valid(c->server.at[i]))
            ok = load_error(load, at, "server: \"%s\" is no numeric address, with or without a port", c->server.at[i]);
    if (c->min_ttl > c->max_ttl)
        ok = load_error(load, at, "`min_ttl` is more than `max_ttl`");
    return ok;
}

static bool check_source(struct conf_load *load, const struct node *at, void *conf)
{
    const struct dns_source *s = conf;

    if (s->host != NULL && !dns_name_is_valid(s->host))
        return load_error(load, at, "host: \"%s\" is not a name that can be asked for", s->host);
    if (s->type == TYPE_SRV && s->port != 0)
        return load_error(load, at, "SRV records state the ports: `port` has no place here");
    if (s->type != TYPE_SRV && s->port == 0)
        return load_error(load, at, "`port` is missing: addresses have none");
    return true;
}

#define S struct dns_conf
static const struct sc_field fields[] = {
    SC_STRINGS(S, server, .max = 8,
               .doc = "Name servers to ask, in turn: numeric addresses, `192.0.2.1`, `192.0.2.1:53`, `[2001:db8::1]:53`. By "
                      "default those of /etc/resolv.conf, which is read again when it changes."),
    SC_MSEC(S, timeout, .dflt = "1s", .min = 50, .max = 30000,
            .doc = "How long a server has for its answer; it is asked three times, each time with twice as long."),
    SC_MSEC(S, min_ttl, .dflt = "1s", .min = 100, .max = 86400000,
            .doc = "No name is asked for more often than this, however short its records say they hold."),
    SC_MSEC(S, max_ttl, .dflt = "60s", .min = 100, .max = 86400000,
            .doc = "Every name is asked for at least this often, however long its records say they hold."),
    SC_BOOL(S, search,
            .doc = "Names that do not end with a dot are also looked for in the search domains of /etc/resolv.conf. Off, a "
                   "name is what it says."),
    SC_END
};
#undef S

static const struct sc_enum types[] = { { "A", TYPE_A }, { "AAAA", TYPE_AAAA }, { "SRV", TYPE_SRV }, { NULL, 0 } };
static const struct sc_enum families[] = {
    { "ipv4", FAMILY_IPV4 }, { "ipv6", FAMILY_IPV6 }, { "both", FAMILY_BOTH }, { NULL, 0 },
};

#define S struct dns_source
static const struct sc_field source_fields[] = {
    SC_STRING(S, host, .min = 1, .max = 254, .doc = "The name that is asked for; default: the service's own."),
    SC_ENUM(S, type, .dflt = "A", .names = types,
            .doc = "`A`, `AAAA`: every address of the name is a target, at `port`. `SRV`: targets as the records say: host, "
                   "port, weight, and a tier for each priority, the lowest first. The hosts are asked for at the same "
                   "servers."),
    SC_INT(S, port, .min = 1, .max = 65535, .doc = "The targets' port; not with `type: SRV`."),
    SC_ENUM(S, family, .dflt = "ipv4", .names = families,
            .doc = "With `type: SRV`: which addresses of the hosts are wanted."),
    SC_END
};
#undef S

const struct provider provider_dns = {
    .name = "dns",
    .summary = "Targets from name servers: addresses or SRV records, asked for again when they run out.",
    .fields = fields, .conf_size = sizeof(struct dns_conf),
    .source_fields = source_fields, .source_size = sizeof(struct dns_source),
    .interval = ROUND,
    .check = check, .check_source = check_source,
    .open = dns_open, .close = dns_close, .watch = dns_watch, .unwatch = dns_unwatch,
};
