/* discovery/registration/enrol.c - what is to be said to a registry about a service of this host, and when.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/registration/enrol.h"

#include <assert.h>

enum {
    SETTLE = 300,                           /* ms, at least, for those who followed it: they look, build, publish */
    PAUSE_BASE = 250, PAUSE_CAP = 5000,     /* ms, after failures */
    PAUSE_CAP_LEAVING = 1000,               /* somebody waits for it */
    LOOK_PAUSE = 20, LOOK_PAUSE_MAX = 250,  /* ms between two looks; doubles */
    LOOKS = 10,                             /* in vain, before it is deregistered once more */
};

const char *enrol_standing_name(enum enrol_standing s)
{
    static const char *const names[] = { [ENROL_UNKNOWN] = "unknown", [ENROL_CRITICAL] = "critical",
                                         [ENROL_WARNING] = "warning", [ENROL_PASSING] = "passing" };

    return names[s];
}

const char *enrol_place_name(enum enrol_place p)
{
    static const char *const names[] = { [ENROL_OUT] = "out", [ENROL_MAYBE] = "maybe", [ENROL_IN] = "registered",
                                         [ENROL_TAKEN_OUT] = "deregistered", [ENROL_GONE] = "gone" };

    return names[p];
}

/* --- what comes next --- */

static enum enrol_word next_of_leaving(const struct enrol *e)
{
    switch (e->place) {
    case ENROL_MAYBE:
    case ENROL_IN:
        return ENROL_DEREGISTER;
    case ENROL_TAKEN_OUT:
        return ENROL_LOOK;
    case ENROL_OUT:
    case ENROL_GONE:
        break;
    }
    return ENROL_SILENCE;
}

/* And not before *at. */
static enum enrol_word next_of_all(const struct enrol *e, sc_msec *at)
{
    *at = e->pause;
    if (e->leaving)
        return next_of_leaving(e);
    if (e->now == ENROL_UNKNOWN)
        return ENROL_SILENCE;
    if (e->place != ENROL_IN || e->changed)
        return ENROL_REGISTER;
    if (e->told == e->now && !e->due && e->refresh > *at)
        *at = e->refresh;
    return ENROL_REPORT;
}

enum enrol_word enrol_next(struct enrol *e, sc_msec now, sc_msec *wait)
{
    enum enrol_word word;
    sc_msec at;

    *wait = ENROL_NEVER;
    if (e->word != ENROL_SILENCE)
        return ENROL_SILENCE;
    word = next_of_all(e, &at);
    if (word == ENROL_SILENCE) {
        if (e->leaving && e->place == ENROL_GONE && now < e->gone)
            *wait = e->gone - now;
        return word;
    }
    if (at > now) {
        *wait = at - now;
        return ENROL_SILENCE;
    }
    e->word = word;
    e->said = now;
    e->saying = e->now;
    e->due = false;
    if (word == ENROL_REGISTER)
        e->changed = false;
    return word;
}

/* --- what became of it --- */

static void told(struct enrol *e, sc_msec now)
{
    e->place = ENROL_IN;
    e->told = e->saying;
    e->refresh = now + jitter(ENROL_REFRESH);
}

static void taken_out(struct enrol *e)
{
    e->place = ENROL_TAKEN_OUT;
    e->looks = 0;
    if (e->out == 0)
        e->out = e->said;
}

/* An agent that said yes and still shows it was perhaps told to register it by a word that came late. */
static void still_there(struct enrol *e, sc_msec now)
{
    e->pause = now + backoff_delay(++e->looks, LOOK_PAUSE, LOOK_PAUSE_MAX, 0);
    if (e->looks == LOOKS)
        e->place = ENROL_IN;
}

static void succeeded(struct enrol *e, enum enrol_word word, sc_msec now)
{
    if (word == ENROL_REGISTER || word == ENROL_REPORT)
        told(e, now);
    else if (word == ENROL_DEREGISTER)
        taken_out(e);
    else
        still_there(e, now);
}

static void not_there(struct enrol *e, enum enrol_word word, sc_msec now)
{
    if (word == ENROL_DEREGISTER) {
        taken_out(e);
    } else if (word == ENROL_LOOK) {
        e->place = ENROL_GONE;
        e->gone = now + (now - e->out > SETTLE ? now - e->out : SETTLE);
    } else {
        e->place = ENROL_OUT;
    }
}

static void failed(struct enrol *e, enum enrol_word word, bool perhaps, sc_msec now)
{
    if (word == ENROL_REGISTER) {
        e->changed = true;
        if (perhaps && e->place == ENROL_OUT)
            e->place = ENROL_MAYBE;
    } else if (word == ENROL_REPORT) {
        e->due = true;
    }
    e->pause = now + backoff_next(&e->backoff, PAUSE_BASE, e->leaving ? PAUSE_CAP_LEAVING : PAUSE_CAP);
}

void enrol_done(struct enrol *e, enum enrol_outcome outcome, sc_msec now)
{
    enum enrol_word word = e->word;

    assert(word != ENROL_SILENCE);
    e->word = ENROL_SILENCE;
    if (outcome == ENROL_FAILED || outcome == ENROL_REFUSED) {
        failed(e, word, outcome == ENROL_FAILED, now);
        return;
    }
    e->backoff.failures = 0;
    e->pause = 0;
    if (outcome == ENROL_DONE)
        succeeded(e, word, now);
    else
        not_there(e, word, now);
}

/* --- what happens otherwise --- */

void enrol_is(struct enrol *e, enum enrol_standing s)
{
    e->now = s;
}

void enrol_tell(struct enrol *e)
{
    e->due = true;
}

void enrol_change(struct enrol *e)
{
    e->changed = true;
}

void enrol_leave(struct enrol *e)
{
    if (e->leaving)
        return;
    e->leaving = true;
    e->pause = e->out = 0;
    e->backoff.failures = 0;
}

void enrol_return(struct enrol *e)
{
    if (!e->leaving)
        return;
    e->leaving = false;
    e->pause = 0;
    e->backoff.failures = 0;
    if (e->place == ENROL_TAKEN_OUT || e->place == ENROL_GONE)
        e->place = ENROL_OUT;
}

bool enrol_is_over(const struct enrol *e, sc_msec now)
{
    if (!e->leaving || e->word != ENROL_SILENCE)
        return false;
    return e->place == ENROL_OUT || (e->place == ENROL_GONE && now >= e->gone);
}

/* --- checks --- */

bool enrol_check_take(struct enrol_check *c, bool passed, int64_t rise, int64_t fall)
{
    bool first = !c->known;

    c->known = true;
    if (!first && passed == c->good) {
        c->streak = 0;
        return false;
    }
    if (!first && ++c->streak < (passed ? rise : fall))
        return false;
    c->streak = 0;
    c->good = passed;
    return true;
}
