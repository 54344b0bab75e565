/* discovery/providers/etcd_say.c - what etcd is told about services of this host.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A key with a lease of our own. A word takes one call or several: a lease is granted before the key is put, and kept alive
 * before the key is looked after. Whether others still find it is asked where they ask: of the store, not of what one member
 * thinks. */
#include "discovery/providers/etcd.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "conf/load.h"
#include "discovery/providers/etcd_call.h"
#include "discovery/providers/etcd_entry.h"
#include "discovery/registration/registration.h"

#include <stdlib.h>

enum step { GRANT, KEEP, PUT, REVOKE, DELETE, LOOK };

struct etcd_entry {
    struct etcd_call call;
    struct entry *entry;
    enum enrol_word word;
    enum step step;                 /* of the word, under way */
    struct buf key, value;          /* of the word: the configuration may be another one before its last step */
    uint64_t lease;                 /* 0: none */
    bool has_other;                 /* it keeps another key than ours: the service was renamed */
};

static void step(struct etcd_entry *c, enum step s)
{
    struct sc_str key = buf_view(&c->key);

    c->step = s;
    if (s == GRANT)
        etcd_call_grant(&c->call, ENROL_LEASE / 1000);
    else if (s == KEEP)
        etcd_call_keep_alive(&c->call, c->lease);
    else if (s == PUT)
        etcd_call_put(&c->call, key, buf_view(&c->value), c->lease);
    else if (s == REVOKE)
        etcd_call_revoke(&c->call, c->lease);
    else if (s == DELETE)
        etcd_call_delete(&c->call, key);
    else
        etcd_call_look(&c->call, key);
}

/* --- what came --- */

static void end(struct etcd_entry *c, enum enrol_outcome outcome, const char *error)
{
    c->entry->done(c->entry, outcome, error);
}

static void on_granted(struct etcd_entry *c, const char *nothing)
{
    c->lease = c->call.lease;
    c->has_other = false;
    if (c->lease > 0)
        step(c, PUT);
    else
        end(c, ENROL_FAILED, nothing);
}

/* A key with another lease is somebody else's: who starts where we stop may be there before we are gone. */
static bool is_ours(const struct etcd_entry *c)
{
    return c->lease == 0 || c->call.lease == c->lease;
}

/* The lease goes with the old key, before another one comes with the new key. */
static bool is_renaming(const struct etcd_entry *c)
{
    return c->step == REVOKE && c->word != ENROL_DEREGISTER;
}

static void on_done(struct etcd_call *call, enum enrol_outcome outcome, const char *error)
{
    struct etcd_entry *c = list_entry(call, struct etcd_entry, call);

    if (outcome == ENROL_NOT_THERE && c->step != LOOK)
        c->lease = 0;
    if (is_renaming(c) && (outcome == ENROL_DONE || outcome == ENROL_NOT_THERE))
        step(c, GRANT);
    else if (outcome != ENROL_DONE)
        end(c, outcome, error);
    else if (c->step == GRANT)
        on_granted(c, "a lease without a number");
    else if (c->step == KEEP)
        step(c, PUT);
    else
        end(c, c->step == LOOK && !is_ours(c) ? ENROL_NOT_THERE : ENROL_DONE, NULL);
}

/* --- words --- */

static void take_key(struct etcd_entry *c)
{
    const struct etcd_conf *conf = c->entry->registry->conf;
    struct buf key = BUF_INIT;

    etcd_entry_key(&key, conf->prefix, c->entry);
    if (c->key.n > 0 && !str_eq(buf_view(&key), buf_view(&c->key)))
        c->has_other = true;
    buf_fini(&c->key);
    c->key = key;
}

static void put(struct etcd_entry *c)
{
    take_key(c);
    buf_clear(&c->value);
    etcd_entry_value(&c->value, c->entry);
    if (c->lease == 0)
        step(c, GRANT);
    else
        step(c, c->has_other ? REVOKE : KEEP);
}

static struct etcd_entry *state_of(struct entry *e)
{
    struct etcd_entry *c = e->state;

    if (c == NULL) {
        e->state = c = xnew(struct etcd_entry);
        c->entry = e;
        c->call.registry = e->registry;
        c->call.done = on_done;
        take_key(c);
    }
    return c;
}

void etcd_say(struct entry *e, enum enrol_word word)
{
    struct etcd_entry *c = state_of(e);

    c->word = word;
    if (word == ENROL_REGISTER || word == ENROL_REPORT)
        put(c);
    else if (word == ENROL_DEREGISTER)
        step(c, c->lease > 0 ? REVOKE : DELETE);
    else
        step(c, LOOK);
}

void etcd_unsay(struct entry *e)
{
    struct etcd_entry *c = e->state;

    e->state = NULL;
    if (c == NULL)
        return;
    etcd_call_stop(&c->call);
    buf_fini(&c->key);
    buf_fini(&c->value);
    loop_free_later(e->registry->loop, c);
}

bool etcd_check_entry(struct conf_load *load, const struct node *at, const struct registration_conf *c)
{
    bool ok = true;

    if (c->address == NULL)
        ok = load_error(load, at, "etcd knows no address of this host: `address` is needed");
    if (c->check != NULL && c->check->deregister_critical_after > 0)
        ok = load_error(load, at, "`check.deregister_critical_after` is Consul's: etcd forgets what nobody renews");
    return ok;
}
