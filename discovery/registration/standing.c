/* discovery/registration/standing.c - how a service of this host is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/registration/standing.h"

#include "base/alloc.h"
#include "discovery/backoff.h"
#include "discovery/registration/registration.h"

#include <stdio.h>
#include <stdlib.h>

static void is(struct standing *s, enum enrol_standing now, const char *why)
{
    enum enrol_standing was = s->now;
    char *note = xstrdup(why);

    free(s->note);
    s->note = note;
    s->now = now;
    s->changed(s, was);
}

/* --- the sidecar checks --- */

static void on_how(struct probe *p, struct probe_how *how)
{
    const struct registration_check_conf *c = list_entry(p, struct standing, probe)->conf;

    how->timeout = c->timeout;
    if (c->type == REGISTRATION_HTTP)
        how->path = c->path;
}

static void on_result(struct probe *p, struct check_result r)
{
    struct standing *s = list_entry(p, struct standing, probe);
    const struct registration_check_conf *c = s->conf;
    bool passed = r.outcome == CHECK_PASSED, first = !s->check.known;
    char text[CHECK_TEXT_MAX];

    timer_start(s->loop, &s->again, jitter(c->interval));
    if (enrol_check_take(&s->check, passed, c->rise, c->fall) || first)
        is(s, passed ? ENROL_PASSING : ENROL_CRITICAL, check_print(text, r));
}

static void on_check(struct timer *t)
{
    struct standing *s = list_entry(t, struct standing, again);

    s->probe.host = s->conf->address;
    address_numeric(&s->probe.at, s->conf->address, (uint16_t)s->conf->port);
    probe_start(s->prober, &s->probe);
}

/* --- the application says --- */

static void on_silent(struct timer *t)
{
    struct standing *s = list_entry(t, struct standing, again);
    char text[80];

    snprintf(text, sizeof text, "the application has said nothing for %lld s", (long long)s->conf->ttl / 1000);
    is(s, ENROL_CRITICAL, text);
}

bool standing_is_told(const struct standing *s)
{
    return s->conf != NULL && s->conf->type == REGISTRATION_TTL;
}

void standing_tell(struct standing *s, enum enrol_standing now, const char *note)
{
    timer_start(s->loop, &s->again, s->conf->ttl);
    is(s, now, note);
}

/* --- the whole --- */

static void start(struct standing *s, const struct registration_check_conf *c, void (*fn)(struct timer *t), sc_msec delay)
{
    s->conf = c;
    s->again.fn = fn;
    timer_start(s->loop, &s->again, delay);
}

void standing_start(struct standing *s, const struct registration_check_conf *c)
{
    standing_stop(s);
    if (c == NULL || c->type == REGISTRATION_TTL)
        s->check = (struct enrol_check){ 0 };
    if (c == NULL) {
        is(s, ENROL_PASSING, "the sidecar runs");
    } else if (c->type == REGISTRATION_TTL) {
        start(s, c, on_silent, c->ttl);
        if (s->now == ENROL_UNKNOWN)
            is(s, ENROL_CRITICAL, "the application has said nothing yet");
    } else {
        start(s, c, on_check, 0);
    }
}

void standing_repoint(struct standing *s, const struct registration_check_conf *same)
{
    s->conf = same;
    if (same != NULL)
        s->probe.host = same->address;          /* it may wait for its turn with the old one */
}

void standing_stop(struct standing *s)
{
    timer_stop(&s->again);
    probe_stop(&s->probe);
    s->conf = NULL;
}

void standing_init(struct standing *s, struct loop *loop, struct prober *prober,
                   void (*changed)(struct standing *s, enum enrol_standing was))
{
    *s = (struct standing){ .loop = loop, .prober = prober, .changed = changed, .note = xstrdup(""),
                            .probe = { .how = on_how, .done = on_result } };
}

void standing_fini(struct standing *s)
{
    standing_stop(s);
    free(s->note);
    s->note = NULL;
}
