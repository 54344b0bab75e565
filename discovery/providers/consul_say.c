/* discovery/providers/consul_say.c - what Consul is told about services of this host.
 * SPDX-License-Identifier: Apache-2.0
 *
 * They are registered with the agent, which keeps the catalog as it knows things to be: what is written there past it does
 * not stay. Whether others still find one is asked where they ask, at the health endpoint. */
#include "discovery/providers/consul.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/rand.h"
#include "discovery/providers/consul_entry.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SAY_TIMEOUT = 5000,         /* ms; an agent answers for itself */
    LOOK_TIMEOUT = 10000,       /* ms; a cluster without a leader takes seven to say so */
};

struct consul_entry {
    struct rest_order order;
    struct entry *entry;
    enum enrol_word word;
    bool asks;                  /* whose it is, before it is deregistered */
};

/* Of this process. */
static const char *our_mark(void)
{
    static char mark[sizeof CONSUL_MARK + 16];

    if (mark[0] == '\0')
        snprintf(mark, sizeof mark, CONSUL_MARK "%016llx", (unsigned long long)rand_u64());
    return mark;
}

static void add_if(struct buf *to, const char *name, const char *value)
{
    if (value != NULL)
        rest_add_query(to, name, value);
}

static void add_place(struct buf *path, const struct entry *e)
{
    const struct consul_conf *conf = e->registry->conf;

    add_if(path, "ns", conf->namespace);
    add_if(path, "partition", conf->partition);
}

/* --- words --- */

static void say_register(struct consul_entry *c, struct buf *path)
{
    struct buf body = BUF_INIT;

    buf_puts(path, "/v1/agent/service/register?replace-existing-checks=true");
    add_place(path, c->entry);
    consul_entry_write(&body, c->entry->conf, c->entry->id, c->entry->standing, our_mark());
    rest_order(&c->order, "PUT", path->p, buf_view(&body), SAY_TIMEOUT);
    buf_fini(&body);
}

static void say_report(struct consul_entry *c, struct buf *path)
{
    struct buf body = BUF_INIT;

    buf_puts(path, "/v1/agent/check/update/service:");
    rest_add_escaped(path, c->entry->id);
    add_place(path, c->entry);
    consul_entry_write_report(&body, c->entry->standing, c->entry->note);
    rest_order(&c->order, "PUT", path->p, buf_view(&body), SAY_TIMEOUT);
    buf_fini(&body);
}

static void ask_whose(struct consul_entry *c, struct buf *path)
{
    char filter[330];

    c->asks = true;
    buf_puts(path, "/v1/agent/checks");
    add_place(path, c->entry);
    snprintf(filter, sizeof filter, "CheckID == \"service:%s\"", c->entry->id);    /* which has no quotes */
    rest_add_query(path, "filter", filter);
    rest_order(&c->order, NULL, path->p, STR_NONE, SAY_TIMEOUT);
}

static void say_deregister(struct consul_entry *c, struct buf *path)
{
    buf_puts(path, "/v1/agent/service/deregister/");
    rest_add_escaped(path, c->entry->id);
    add_place(path, c->entry);
    rest_order(&c->order, "PUT", path->p, STR_NONE, SAY_TIMEOUT);
}

/* As those ask who follow the service, but for the agent's cache: asking for what nobody else does would only fill it. */
static void look(struct consul_entry *c, struct buf *path)
{
    const struct consul_conf *conf = c->entry->registry->conf;
    char filter[320];

    buf_puts(path, "/v1/health/service/");
    rest_add_escaped(path, c->entry->name);
    if (conf->consistency == CONSUL_STALE)
        buf_puts(path, "?stale");
    else if (conf->consistency == CONSUL_CONSISTENT)
        buf_puts(path, "?consistent");
    add_place(path, c->entry);
    snprintf(filter, sizeof filter, "Service.ID == \"%s\"", c->entry->id);     /* which has no quotes */
    rest_add_query(path, "filter", filter);
    rest_order(&c->order, NULL, path->p, STR_NONE, LOOK_TIMEOUT);
}

/* --- answers --- */

static enum enrol_outcome outcome_of_look(const struct consul_entry *c, const struct fetch *f, char *error, size_t size)
{
    struct sc_error e = SC_ERROR_INIT;
    enum enrol_outcome outcome;

    if (fetch_error(f) != NULL || fetch_status(f) != 200) {
        rest_describe(f, error, size);
        return ENROL_FAILED;
    }
    outcome = consul_entry_find(fetch_body(f), c->entry->id, our_mark(), &e);
    if (outcome == ENROL_NOT_THERE && str_ieq(fetch_header(f, STR("X-Consul-KnownLeader")), STR("false")))
        sc_error_set(&e, "Consul knows no leader");
    else if (outcome == ENROL_NOT_THERE &&
             str_ieq(fetch_header(f, STR("X-Consul-Results-Filtered-By-ACLs")), STR("true")))
        sc_error_set(&e, "the token may not see the instances of this service");
    snprintf(error, size, "%s", e.text);
    return e.text[0] != '\0' ? ENROL_FAILED : outcome;
}

static enum enrol_outcome outcome_of(const struct consul_entry *c, const struct fetch *f, char *error, size_t size)
{
    if (c->word == ENROL_LOOK)
        return outcome_of_look(c, f, error, size);
    rest_describe(f, error, size);
    if (fetch_error(f) != NULL)
        return fetch_result(f) == FETCH_UNREACHABLE || fetch_result(f) == FETCH_TLS ? ENROL_REFUSED : ENROL_FAILED;
    return consul_entry_outcome(c->word, fetch_status(f), fetch_body(f));
}

/* Only a clear word that it is another one's stops us; where we may not ask, it is ours. */
static void deregister_ours(struct consul_entry *c, const struct fetch *f)
{
    struct buf path = BUF_INIT;

    c->asks = false;
    if (fetch_error(f) == NULL && fetch_status(f) == 200 &&
        consul_entry_is_anothers(fetch_body(f), c->entry->id, our_mark())) {
        log_info("registration: %s is another sidecar's of this host by now", c->entry->id);
        c->entry->done(c->entry, ENROL_NOT_THERE, NULL);
        return;
    }
    say_deregister(c, &path);
    buf_fini(&path);
}

static void on_answer(struct rest_order *o, const struct fetch *f)
{
    struct consul_entry *c = list_entry(o, struct consul_entry, order);
    char error[256] = "";
    enum enrol_outcome outcome;

    if (c->asks) {
        deregister_ours(c, f);
        return;
    }
    outcome = outcome_of(c, f, error, sizeof error);
    c->entry->done(c->entry, outcome, outcome == ENROL_FAILED || outcome == ENROL_REFUSED ? error : NULL);
}

/* --- of the provider --- */

static struct consul_entry *state_of(struct entry *e)
{
    struct consul_entry *c = e->state;

    if (c == NULL) {
        e->state = c = xnew(struct consul_entry);
        c->entry = e;
        c->order.done = on_answer;
    }
    c->order.rest = e->registry->state;
    return c;
}

void consul_say(struct entry *e, enum enrol_word word)
{
    static void (*const words[])(struct consul_entry *c, struct buf *path) = {
        [ENROL_REGISTER] = say_register, [ENROL_REPORT] = say_report, [ENROL_DEREGISTER] = ask_whose,
        [ENROL_LOOK] = look,
    };
    struct consul_entry *c = state_of(e);
    struct buf path = BUF_INIT;

    c->word = word;
    c->asks = false;
    words[word](c, &path);
    buf_fini(&path);
}

void consul_unsay(struct entry *e)
{
    struct consul_entry *c = e->state;

    e->state = NULL;
    if (c == NULL)
        return;
    rest_order_stop(&c->order);
    loop_free_later(e->registry->loop, c);
}
