/* discovery/answer.c - what a registry said at one moment, and the names in it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/answer.h"

#include "base/alloc.h"
#include "discovery/source.h"
#include "discovery/tracked.h"

#include <stdlib.h>

/* --- records --- */

/* From inside the resolver, where no name may be left: what follows from it is tracked_build()'s. */
static void on_name(struct name_user *u)
{
    struct record *r = list_entry(u, struct record, name);
    struct source *s = r->source;

    if (!r->known && r->answer != NULL)
        r->answer->unknown--;
    r->known = true;
    if (r->answer == NULL || r->answer == s->now || r->answer->unknown == 0)
        tracked_dirty(s->owner);
}

/* Wrong, numeric, or a name to be looked up. */
void record_init(struct source *s, struct arena *arena, struct record *r, const struct endpoint *e)
{
    struct sc_error err = SC_ERROR_INIT;
    struct address a;

    *r = (struct record){ .at = endpoint_copy(arena, e), .source = s };
    list_init(&r->name.link);
    r->name.changed = on_name;
    if (!endpoint_check(&r->at, &err))
        r->wrong = arena_dupz(arena, str_of(err.text));
    else if (r->at.path == NULL && !address_numeric(&a, r->at.host, r->at.port))
        resolver_use(s->owner->resolver, r->at.host, &r->name);
    r->known = r->name.name == NULL || name_answered(r->name.name);
}

void record_fini(struct record *r)
{
    if (r->name.name != NULL)
        resolver_leave(&r->name);
}

const struct address *record_addresses(const struct record *r, struct address *one, unsigned *n)
{
    *n = 0;
    if (r->wrong != NULL)
        return NULL;
    if (r->name.name != NULL)
        return name_addresses(r->name.name, n);
    if (r->at.path != NULL ? address_unix(one, r->at.path) : address_numeric(one, r->at.host, r->at.port))
        *n = 1;
    return one;
}

const char *record_host(const struct endpoint *e)
{
    return e->path != NULL ? "localhost" : e->host;
}

/* --- answers --- */

static struct answer *answer_new(unsigned n)
{
    struct answer *a = xcalloc(1, sizeof *a + n * sizeof a->records[0]);

    a->n = n;
    arena_init(&a->arena, endpoint_room(n));
    return a;
}

void answer_free(struct answer **ap)
{
    struct answer *a = *ap;

    *ap = NULL;
    if (a == NULL)
        return;
    for (unsigned i = 0; i < a->n; i++)
        record_fini(&a->records[i]);
    arena_fini(&a->arena);
    free(a);
}

bool answer_same(const struct answer *a, const struct endpoint *all, unsigned n)
{
    if (n != a->n)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (!endpoint_equal(&a->records[i].at, &all[i]))
            return false;
    return true;
}

struct answer *answer_of(struct source *s, const struct endpoint *all, unsigned n)
{
    struct answer *a = answer_new(n);

    for (unsigned i = 0; i < n; i++) {
        record_init(s, &a->arena, &a->records[i], &all[i]);
        a->records[i].answer = a;
        a->unknown += !a->records[i].known;
    }
    return a;
}
