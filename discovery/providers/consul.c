/* discovery/providers/consul.c - targets in Consul, followed by blocking queries.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One query for each service that somebody uses, /v1/health/service/NAME. It comes back when something changes or when its
 * time is over; rest.c asks again, consul_index.c says with which index and how soon, consul_answer.c what the answer
 * means. Critical instances are asked for too: that a target is ill is another thing than that it is gone. A prepared query
 * cannot block: it is put every `poll`. */
#include "discovery/provider.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "conf/load.h"
#include "discovery/providers/consul.h"
#include "discovery/providers/consul_answer.h"
#include "discovery/providers/consul_index.h"
#include "discovery/providers/rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_TIME = 15000,            /* ms beyond what a query may block; a cluster without a leader takes seven to say so */
    INTERVAL_MIN = 5000,
    TURN = 1000,                    /* ms that a query blocks when others wait for its connection */
};

struct consul_source {
    const char *service, *prepared_query, *filter;
    sc_msec poll;
    struct sc_strings tags;
    bool passing_only;
    const char *tagged_address, *datacenter, *namespace, *partition;
};

struct consul_watch {
    struct rest_caller caller;
    struct watch *watch;
    uint64_t index;                 /* of the next query; 0: it does not block */
    sc_msec began;
    struct consul_pace pace;
    struct consul_answer answer;    /* the one that is coming in */
    struct consul_memory memory;    /* of the last one that was taken */
    bool known;                     /* without doubt */
};

/* --- the query --- */

static const struct consul_conf *conf_of(const struct watch *w)
{
    return w->registry->conf;
}

static void add_if(struct buf *to, const char *name, const char *value, const char *otherwise)
{
    if (value != NULL || otherwise != NULL)
        rest_add_query(to, name, value != NULL ? value : otherwise);
}

/* "a" in Service.Tags, as a string of Consul's filter language, which is one of Go. */
static void add_tag(struct buf *to, const char *tag)
{
    buf_puts(to, to->n == 0 ? "\"" : " and \"");
    for (const char *c = tag; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            buf_putc(to, '\\');
        buf_putc(to, *c);
    }
    buf_puts(to, "\" in Service.Tags");
}

static void add_filter(struct buf *to, const struct consul_source *source)
{
    struct buf filter = BUF_INIT;

    if (source->filter != NULL)
        buf_printf(&filter, source->tags.n > 0 ? "(%s)" : "%s", source->filter);
    for (unsigned i = 0; i < source->tags.n; i++)
        add_tag(&filter, source->tags.at[i]);
    if (filter.n > 0)
        rest_add_query(to, "filter", filter.p);
    buf_fini(&filter);
}

static void add_consistency(struct buf *to, int consistency)
{
    static const char *const words[] = { [CONSUL_DEFAULT] = "", [CONSUL_CONSISTENT] = "?consistent",
                                         [CONSUL_STALE] = "?stale", [CONSUL_CACHED] = "?cached" };

    buf_puts(to, words[consistency]);
}

static void add_subject(struct buf *to, const struct consul_source *source, const struct watch *w)
{
    buf_puts(to, source->prepared_query != NULL ? "/v1/query/" : "/v1/health/service/");
    rest_add_escaped(to, source->prepared_query != NULL ? source->prepared_query
                         : source->service != NULL ? source->service : w->service);
    if (source->prepared_query != NULL)
        buf_puts(to, "/execute");
}

static void on_ask(struct rest_caller *c, struct rest_ask *ask)
{
    struct consul_watch *cw = list_entry(c, struct consul_watch, caller);
    const struct consul_source *source = cw->watch->conf;
    const struct consul_conf *conf = conf_of(cw->watch);
    sc_msec wait = cw->index == 0 ? 0 : jitter(rest_is_crowded(c->rest) ? TURN : conf->wait);
    struct buf *to = &ask->path;
    char number[32];

    cw->began = loop_now(cw->watch->loop);
    consul_answer_reset(&cw->answer, cw->memory.n);
    ask->stream = source->prepared_query == NULL;
    add_subject(to, source, cw->watch);
    add_consistency(to, conf->consistency);
    add_if(to, "dc", source->datacenter, conf->datacenter);
    add_if(to, "ns", source->namespace, conf->namespace);
    add_if(to, "partition", source->partition, conf->partition);
    add_filter(to, source);
    if (cw->index > 0) {
        snprintf(number, sizeof number, "%llu", (unsigned long long)cw->index);
        rest_add_query(to, "index", number);
        snprintf(number, sizeof number, "%lldms", (long long)wait);
        rest_add_query(to, "wait", number);
    }
    ask->timeout = wait + wait / 16 + ANSWER_TIME;          /* the server adds up to a sixteenth */
}

/* --- the answer --- */

/* Why Consul itself does not vouch for it. */
static const char *doubt(const struct fetch *f, unsigned n)
{
    unsigned long long age;

    if (str_ieq(fetch_header(f, STR("X-Consul-KnownLeader")), STR("false")))
        return "Consul knows no leader";
    if (str_u64(fetch_header(f, STR("Age")), &age) && age > 0)
        return "the agent has lost its servers and answers from its cache";
    if (n == 0 && str_ieq(fetch_header(f, STR("X-Consul-Results-Filtered-By-ACLs")), STR("true")))
        return "the token may not see the instances of this service";
    return NULL;
}

static void go_on(struct consul_watch *cw, const struct fetch *f, bool news, struct rest_verdict *v)
{
    const struct consul_source *source = cw->watch->conf;
    bool blocked = cw->index > 0;

    if (source->prepared_query != NULL) {
        v->ok = true;
        v->pause = jitter(source->poll);
        return;
    }
    cw->index = consul_index_next(cw->index, fetch_header(f, STR("X-Consul-Index")));
    v->ok = true;
    if (blocked)
        v->pause = consul_pace_next(&cw->pace, news, loop_now(cw->watch->loop) - cw->began);
    if (v->pause > 0)
        v->pause = jitter(v->pause);
}

static struct consul_want want_of(const struct watch *w)
{
    const struct consul_source *source = w->conf;

    return (struct consul_want){ source->passing_only, source->tagged_address, source->prepared_query != NULL };
}

/* Whether that is news. */
static bool take(struct consul_watch *cw, const struct fetch *f)
{
    struct watch *w = cw->watch;
    unsigned n;
    const struct endpoint *all = consul_answer_end(&cw->answer, &n);
    bool news;

    w->doubt = doubt(f, n);
    news = watch_report(w, all, n, "registry");
    consul_answer_remember(&cw->answer, &cw->memory);
    return news;
}

static bool is_whole(struct consul_watch *cw, const struct fetch *f, struct sc_error *e)
{
    struct consul_want want = want_of(cw->watch);

    return want.prepared ? consul_answer_read(&cw->answer, &want, fetch_body(f), e)
                         : consul_answer_is_whole(&cw->answer, e);
}

static void refuse(struct rest_verdict *v, const struct sc_error *e)
{
    snprintf(v->error, sizeof v->error, "%s", log_safe(str_of(e->text)));
}

/* Most answers are the one before: a query that has waited in vain brings every byte of it again. */
static void on_answered(struct rest_caller *c, const struct fetch *f, struct rest_verdict *v)
{
    struct consul_watch *cw = list_entry(c, struct consul_watch, caller);
    struct sc_error e = SC_ERROR_INIT;
    unsigned long long index;
    bool same, news = false;

    cw->watch->index = str_u64(fetch_header(f, STR("X-Consul-Index")), &index) ? index : 0;
    if (!is_whole(cw, f, &e)) {
        refuse(v, &e);
        return;
    }
    same = cw->known && consul_answer_is_same(&cw->answer, &cw->memory) && doubt(f, cw->answer.nentries) == NULL;
    if (same)
        watch_contact(cw->watch);
    else
        news = take(cw, f);
    cw->known = same || cw->watch->doubt == NULL;
    consul_answer_reset(&cw->answer, cw->memory.n);
    go_on(cw, f, news, v);
}

/* Read as it comes: of a service with thousands of instances nobody holds the whole text, and little is left to do at its
 * end. */
static bool on_piece(struct rest_caller *c, struct sc_str piece, struct rest_verdict *v)
{
    struct consul_watch *cw = list_entry(c, struct consul_watch, caller);
    struct consul_want want = want_of(cw->watch);
    struct sc_error e = SC_ERROR_INIT;

    if (consul_answer_piece(&cw->answer, &want, &cw->memory, piece, &e))
        return true;
    refuse(v, &e);
    return false;
}

/* After an error the registry may be another one, whose index we may be ahead of: then a query would block for nothing. */
static void on_failed(struct rest_caller *c, const char *text)
{
    (void)text;
    list_entry(c, struct consul_watch, caller)->index = 0;
}

/* --- the provider --- */

static const struct rest_conf *rest_conf_of(const struct registry_live *live)
{
    return &((const struct consul_conf *)live->conf)->rest;
}

static void consul_open(struct registry_live *r)
{
    r->state = rest_new(r, rest_conf_of, "X-Consul-Token: ", NULL);
}

static void consul_close(struct registry_live *r)
{
    struct rest *rest = r->state;

    r->state = NULL;
    rest_free(&rest);
}

static void consul_watch(struct watch *w)
{
    struct consul_watch *cw = xnew(struct consul_watch);
    const struct consul_source *source = w->conf;
    sc_msec wait = source->prepared_query != NULL ? source->poll : conf_of(w)->wait;

    cw->watch = w;
    cw->caller = (struct rest_caller){ .rest = w->registry->state, .watch = w, .ask = on_ask, .answered = on_answered,
                                       .piece = on_piece, .failed = on_failed };
    consul_answer_init(&cw->answer, 0);
    w->state = cw;
    w->interval = wait < INTERVAL_MIN ? INTERVAL_MIN : wait;
    rest_start(&cw->caller);
}

static void consul_unwatch(struct watch *w)
{
    struct consul_watch *cw = w->state;

    w->state = NULL;
    rest_stop(&cw->caller);
    consul_answer_fini(&cw->answer);
    consul_memory_fini(&cw->memory);
    loop_free_later(w->loop, cw);
}

/* --- keys --- */

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value == NULL || *value == '\0' ? NULL : value;
}

static bool is_false(const char *word)
{
    return word != NULL && (strcmp(word, "false") == 0 || strcmp(word, "0") == 0);
}

static void from_environment(const char **key, const char *name)
{
    if (*key == NULL)
        *key = environment(name);
}

/* "host:port", perhaps with a scheme; CONSUL_HTTP_SSL stands for https. */
static void default_address(struct arena *a, struct rest_conf *rest)
{
    const char *word = environment("CONSUL_HTTP_ADDR"), *ssl = environment("CONSUL_HTTP_SSL");
    const char **at;

    if (rest->address.n > 0)
        return;
    at = arena_alloc(a, sizeof *at);
    if (word == NULL)
        word = "127.0.0.1:8500";
    if (strstr(word, "://") != NULL || strncmp(word, "unix:", 5) == 0)
        *at = arena_dupz(a, str_of(word));
    else
        *at = arena_printf(a, "%s://%s", ssl != NULL && !is_false(ssl) ? "https" : "http", word);
    rest->address = (struct sc_strings){ at, 1 };
}

static void default_token(struct rest_conf *rest)
{
    const char *token = environment("CONSUL_HTTP_TOKEN");

    if (rest->token.value.p != NULL)
        return;
    if (token != NULL)
        rest->token.value = str_of(token);
    else
        rest->token.file = environment("CONSUL_HTTP_TOKEN_FILE");
}

/* Configuration wins over environment, key by key. */
static bool consul_check(struct conf_load *load, const struct node *at, void *conf)
{
    struct consul_conf *c = conf;
    struct rest_conf *rest = &c->rest;

    default_address(load->arena, rest);
    default_token(rest);
    if (rest->certificate == NULL && rest->key == NULL) {
        rest->certificate = environment("CONSUL_CLIENT_CERT");
        rest->key = environment("CONSUL_CLIENT_KEY");
    }
    from_environment(&rest->ca, "CONSUL_CACERT");
    from_environment(&rest->ca_path, "CONSUL_CAPATH");
    from_environment(&rest->server_name, "CONSUL_TLS_SERVER_NAME");
    from_environment(&c->namespace, "CONSUL_NAMESPACE");
    from_environment(&c->partition, "CONSUL_PARTITION");
    if (node_get(at, "verify") == NULL && is_false(environment("CONSUL_HTTP_SSL_VERIFY")))
        rest->verify = false;
    return rest_check(load, at, rest);
}

static bool consul_check_source(struct conf_load *load, const struct node *at, void *conf)
{
    const struct consul_source *s = conf;

    if (s->prepared_query != NULL && (s->service != NULL || s->filter != NULL || s->tags.n > 0))
        return load_error(load, node_get(at, "prepared_query"), "the query says itself which instances it finds: without "
                          "`service`, `filter` and `tags`");
    for (unsigned i = 0; i < s->tags.n; i++)
        for (const char *c = s->tags.at[i]; *c != '\0'; c++)
            if ((unsigned char)*c < ' ')
                return load_error(load, node_get(at, "tags"), "a tag holds a control character");
    return true;
}

static const struct sc_enum consistencies[] = {
    { "default", CONSUL_DEFAULT }, { "consistent", CONSUL_CONSISTENT }, { "stale", CONSUL_STALE },
    { "cached", CONSUL_CACHED }, { NULL, 0 }
};

#define C struct consul_conf
static const struct sc_field fields[] = {
    SC_INLINE(C, rest, struct rest_conf, rest_fields),
    SC_ENUM(C, consistency, .dflt = "default", .names = consistencies,
            .doc = "`default`, `consistent` and `stale` as Consul means them; `cached`: from the agent's cache, which asks "
                   "the servers once for all clients of its host."),
    SC_STRING(C, datacenter, .doc = "Datacenter that is asked; default: the agent's own."),
    SC_STRING(C, namespace, .doc = "Namespace (Consul Enterprise)."),
    SC_STRING(C, partition, .doc = "Admin partition (Consul Enterprise)."),
    SC_MSEC(C, wait, .dflt = "60s", .min = 1000, .max = 600000,
            .doc = "A query comes back when something changes, and after this time, give or take a tenth, in any case. "
                   "That is how soon a silent registry is noticed, not how soon a change is."),
    SC_END
};
#undef C

#define S struct consul_source
static const struct sc_field source_fields[] = {
    SC_STRING(S, service, .doc = "The name in Consul; default: the service's own."),
    SC_STRING(S, prepared_query, .min = 1, .max = 253,
              .doc = "The name or the id of a prepared query, which finds the instances in place of `service`, perhaps in "
                     "another datacenter. It cannot wait for a change, so it is put every `poll`."),
    SC_MSEC(S, poll, .dflt = "10s", .min = 1000, .max = 600000, .doc = "How often a prepared query is put."),
    SC_STRING(S, filter, .doc = "Only instances for which this holds, in Consul's filter language: "
                                "`Service.Meta.version == \"2\"`."),
    SC_STRINGS(S, tags, .max = 32, .doc = "Only instances that have all these tags."),
    SC_BOOL(S, passing_only, .doc = "Instances with a warning get no traffic. Those with a critical check never do."),
    SC_STRING(S, tagged_address, .doc = "Which of its addresses is used, where an instance or its node has one of this "
                                        "name: `lan`, `wan`, `lan_ipv6`."),
    SC_STRING(S, datacenter, .doc = "In place of the registry's."),
    SC_STRING(S, namespace, .doc = "In place of the registry's."),
    SC_STRING(S, partition, .doc = "In place of the registry's."),
    SC_END
};
#undef S

const struct provider provider_consul = {
    .name = "consul",
    .summary = "Targets in Consul, followed by blocking queries. `CONSUL_HTTP_ADDR`, `CONSUL_HTTP_TOKEN` and the like stand "
               "for keys that are not given.",
    .fields = fields, .conf_size = sizeof(struct consul_conf),
    .source_fields = source_fields, .source_size = sizeof(struct consul_source),
    .interval = 60000,
    .check = consul_check, .check_source = consul_check_source,
    .open = consul_open, .close = consul_close, .watch = consul_watch, .unwatch = consul_unwatch,
    .say = consul_say, .unsay = consul_unsay,
};
