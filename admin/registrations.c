/* admin/registrations.c - services of this host in registries.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/registrations.h"

#include "admin/services.h"
#include "base/jsonw.h"
#include "base/utf8.h"

enum { TEXT_MAX = 512 };                /* bytes of what somebody says; registries show it to people */

static void put_members(struct jsonw *j, const struct registration_status *s)
{
    jsonw_text(j, "id", s->id);
    jsonw_text(j, "name", s->name);
    jsonw_text(j, "registry", s->registry);
    jsonw_uint(j, "port", s->port);
    jsonw_text(j, "state", enrol_place_name(s->place));
    jsonw_bool(j, "leaving", s->leaving);
    jsonw_text(j, "check", enrol_standing_name(s->standing));
    jsonw_bool(j, "by_application", s->by_application);
    jsonw_text(j, "note", s->note);
    jsonw_text(j, "maintenance", s->maintenance);
    jsonw_text(j, "told", enrol_standing_name(s->told));
    if (s->contact_wall == 0)
        jsonw_null(j, "last_contact");
    else
        jsonw_time(j, "last_contact", s->contact_wall);
    jsonw_text(j, "last_error", s->last_error);
}

/* How much there is to be said about one: an id may stand in several registries, and move from one to another. */
static int rank(const struct registration_status *s)
{
    return s->leaving ? 1 : s->by_application ? 3 : 2;
}

static const struct registration_status *find(const struct discovery_status *d, struct sc_str id)
{
    const struct registration_status *best = NULL;

    for (unsigned i = 0; d != NULL && i < d->registrations->n; i++) {
        const struct registration_status *s = &d->registrations->at[i];

        if (str_eq(str_of(s->id), id) && (best == NULL || rank(s) > rank(best)))
            best = s;
    }
    return best;
}

static void unref(struct discovery_status **d)
{
    if (*d != NULL)
        discovery_status_unref(d);
}

/* ---- what there is ---- */

void registrations_all(const struct admin_state *state, const struct admin_request *r, struct sc_str id,
                       struct admin_answer *a)
{
    struct discovery_status *d = services_status(state);
    struct jsonw j = JSONW_INIT(&a->body);

    (void)r;
    (void)id;
    jsonw_object(&j, NULL);
    jsonw_array(&j, "registrations");
    for (unsigned i = 0; d != NULL && i < d->registrations->n; i++) {
        jsonw_object(&j, NULL);
        put_members(&j, &d->registrations->at[i]);
        jsonw_close(&j);
    }
    jsonw_close(&j);
    jsonw_close(&j);
    unref(&d);
}

void registrations_one(const struct admin_state *state, const struct admin_request *r, struct sc_str id,
                       struct admin_answer *a)
{
    struct discovery_status *d = services_status(state);
    const struct registration_status *s = find(d, id);
    struct jsonw j = JSONW_INIT(&a->body);

    (void)r;
    if (s == NULL) {
        page_problem(a, ERR_NO_ROUTE, STR("there is no registration of this id"));
    } else {
        jsonw_object(&j, NULL);
        put_members(&j, s);
        jsonw_close(&j);
    }
    unref(&d);
}

/* ---- what is said of one ---- */

/* Text of a person for people: UTF-8, and nothing that a terminal would obey. */
static bool is_text(struct sc_str s)
{
    const unsigned char *p = (const unsigned char *)s.p, *end = p + s.n;

    while (p < end) {
        size_t n = utf8_len(p, end);

        if (n == 0 || *p < ' ' || *p == 0x7f || (n == 2 && p[0] == 0xc2 && p[1] < 0xa0))
            return false;
        p += n;
    }
    return true;
}

/* The query's `name` as a string of the request, or `absent`. False: the answer says what is wrong with it. */
static bool text_of(const struct admin_request *r, struct sc_str name, const char *absent, const char **text,
                    struct admin_answer *a)
{
    struct sc_str said = page_query(r, name);

    if (said.n > TEXT_MAX || !is_text(said)) {
        page_problem(a, ERR_BAD_REQUEST, STR("a note or reason is UTF-8 without control characters, 512 bytes at most"));
        return false;
    }
    *text = said.n > 0 ? arena_dupz(r->arena, said) : absent;
    return true;
}

/* A copy of the id of a registration that is there and stays; NULL: the answer says so. application: only it may say. */
static const char *id_of(const struct admin_state *state, const struct admin_request *r, struct sc_str id, bool application,
                         struct admin_answer *a)
{
    struct discovery_status *d = services_status(state);
    const struct registration_status *s = find(d, id);
    const char *copy = NULL;

    if (s == NULL)
        page_problem(a, ERR_NO_ROUTE, STR("there is no registration of this id"));
    else if (s->leaving)
        page_conflict(a, "it is being deregistered");
    else if (application && !s->by_application)
        page_conflict(a, "the sidecar checks it itself: only with `check: { type: ttl }` does the application say how "
                         "it is");
    else
        copy = arena_dupz(r->arena, str_of(s->id));
    unref(&d);
    return copy;
}

static void report(const struct admin_state *state, const struct admin_request *r, struct sc_str id,
                   enum enrol_standing standing, struct admin_answer *a)
{
    const char *note, *copy = id_of(state, r, id, true, a);
    struct jsonw j = JSONW_INIT(&a->body);

    if (copy == NULL || !text_of(r, STR("note"), NULL, &note, a))
        return;
    state->report(state->arg, copy, standing, note);
    jsonw_object(&j, NULL);
    jsonw_text(&j, "id", copy);
    jsonw_text(&j, "check", enrol_standing_name(standing));
    jsonw_text(&j, "note", note);
    jsonw_close(&j);
}

void registrations_pass(const struct admin_state *state, const struct admin_request *r, struct sc_str id,
                        struct admin_answer *a)
{
    report(state, r, id, ENROL_PASSING, a);
}

void registrations_warn(const struct admin_state *state, const struct admin_request *r, struct sc_str id,
                        struct admin_answer *a)
{
    report(state, r, id, ENROL_WARNING, a);
}

void registrations_fail(const struct admin_state *state, const struct admin_request *r, struct sc_str id,
                        struct admin_answer *a)
{
    report(state, r, id, ENROL_CRITICAL, a);
}

static void maintain(const struct admin_state *state, const char *id, const char *why, struct admin_answer *a)
{
    struct jsonw j = JSONW_INIT(&a->body);

    state->maintain(state->arg, id, why);
    jsonw_object(&j, NULL);
    jsonw_text(&j, "id", id);
    jsonw_text(&j, "maintenance", why);
    jsonw_close(&j);
}

void registrations_maintain(const struct admin_state *state, const struct admin_request *r, struct sc_str id,
                            struct admin_answer *a)
{
    const char *why, *copy = id_of(state, r, id, false, a);

    if (copy != NULL && text_of(r, STR("reason"), "no reason was given", &why, a))
        maintain(state, copy, why, a);
}

void registrations_return(const struct admin_state *state, const struct admin_request *r, struct sc_str id,
                          struct admin_answer *a)
{
    const char *copy = id_of(state, r, id, false, a);

    if (copy != NULL)
        maintain(state, copy, NULL, a);
}
