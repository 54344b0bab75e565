/* admin/loaded.c - the configuration in force: routes, services, policies, and all of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/loaded.h"

#include "admin/services.h"
#include "base/jsonw.h"
#include "conf/describe.h"
#include "policy/registry.h"
#include "proxy/named.h"

#include <string.h>

static const struct route_conf *route_at(const struct config *c, unsigned i)
{
    return (const struct route_conf *)c->routes.at + i;
}

static const struct service_conf *service_at(const struct config *c, unsigned i)
{
    return (const struct service_conf *)c->services.at + i;
}

/* NULL while there is none: then the answer says so. */
static struct config *config_of(const struct admin_state *state, struct admin_answer *a)
{
    struct config *c = state->config == NULL ? NULL : state->config(state->arg);

    if (c == NULL)
        page_problem(a, ERR_OVERLOADED, STR("no configuration is in force yet"));
    return c;
}

static void begin(struct jsonw *j, const struct config *c)
{
    jsonw_object(j, NULL);
    jsonw_uint(j, "generation", c->generation);
}

/* ---- all of it, and routes ---- */

void loaded_config(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                   struct admin_answer *a)
{
    struct config *c = config_of(state, a);
    struct jsonw j = JSONW_INIT(&a->body);

    (void)r;
    (void)name;
    if (c == NULL)
        return;
    begin(&j, c);
    jsonw_text(&j, "file", c->file);
    conf_print(config_fields, c, jsonw_value(&j, "config"));
    jsonw_close(&j);
    config_unref(&c);
}

void loaded_routes(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                   struct admin_answer *a)
{
    struct config *c = config_of(state, a);
    struct jsonw j = JSONW_INIT(&a->body);

    (void)r;
    (void)name;
    if (c == NULL)
        return;
    begin(&j, c);
    jsonw_array(&j, "routes");
    for (unsigned i = 0; i < c->routes.n; i++)
        conf_print(route_fields, route_at(c, i), jsonw_value(&j, NULL));
    jsonw_close(&j);
    jsonw_close(&j);
    config_unref(&c);
}

/* ---- policies ---- */

static bool lists(const struct policy_list *list, const struct sc_policy *p)
{
    for (unsigned i = 0; i < list->n; i++)
        if (list->at[i].policy == p && !list->at[i].off && list->at[i].enabled)
            return true;
    return false;
}

static void put_policy(struct jsonw *j, const struct config *c, const struct sc_policy *p)
{
    jsonw_object(j, NULL);
    jsonw_text(j, "name", p->name);
    jsonw_text(j, "summary", p->summary);
    jsonw_uint(j, "rank", p->rank);
    jsonw_bool(j, "every_route", lists(&c->policies, p));
    jsonw_array(j, "routes");
    for (unsigned i = 0; i < c->routes.n; i++)
        if (lists(&route_at(c, i)->policies, p))
            jsonw_text(j, NULL, route_at(c, i)->name);
    jsonw_close(j);
    jsonw_close(j);
}

void loaded_policies(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                     struct admin_answer *a)
{
    struct config *c = config_of(state, a);
    struct jsonw j = JSONW_INIT(&a->body);
    const struct sc_policy *p;

    (void)r;
    (void)name;
    if (c == NULL)
        return;
    begin(&j, c);
    jsonw_array(&j, "policies");
    for (unsigned i = 0; (p = policy_at(i)) != NULL; i++)
        put_policy(&j, c, p);
    jsonw_close(&j);
    jsonw_close(&j);
    config_unref(&c);
}

/* ---- services ---- */

/* One of the file, or one that a path has named: that stands in no list, and is like the template of its routes. */
struct shown {
    const struct config *c;
    const char *name;
    const struct service_conf *conf;        /* of the file; NULL: named by a path */
    const struct service_status *known;     /* NULL: nobody has told of it */
};

/* NAME@REGISTRY, split. */
static bool split_name(const char *key, char name[NAMED_KEY_MAX], const char **registry)
{
    const char *at = strchr(key, '@');

    if (at == NULL || at - key >= NAMED_KEY_MAX)
        return false;
    memcpy(name, key, (size_t)(at - key));
    name[at - key] = '\0';
    *registry = at + 1;
    return true;
}

static bool leads_to(const struct route_conf *r, const struct shown *s)
{
    char name[NAMED_KEY_MAX];
    const char *registry;

    if (s->conf != NULL)
        return r->naming == NULL && service_at(s->c, r->service_index) == s->conf;
    return r->naming != NULL && split_name(s->name, name, &registry) && strcmp(registry, r->registry) == 0 &&
           named_allows(r, name);
}

static void put_service_routes(struct jsonw *j, const struct shown *s)
{
    jsonw_array(j, "routes");
    for (unsigned i = 0; i < s->c->routes.n; i++)
        if (leads_to(route_at(s->c, i), s))
            jsonw_text(j, NULL, route_at(s->c, i)->name);
    jsonw_close(j);
}

static void put_brief(struct jsonw *j, const struct shown *s)
{
    jsonw_object(j, NULL);
    jsonw_text(j, "name", s->name);
    jsonw_text(j, "status", services_health_name(s->known, clock_mono_ms()));
    jsonw_uint(j, "targets", s->known == NULL ? 0 : s->known->set->n);
    jsonw_uint(j, "eligible", s->known == NULL ? 0 : s->known->set->eligible);
    put_service_routes(j, s);
    jsonw_close(j);
}

static const struct service_conf *stated(const struct config *c, struct sc_str name)
{
    for (unsigned i = 0; i < c->services.n; i++)
        if (str_eq(name, str_of(service_at(c, i)->discovery.name)))
            return service_at(c, i);
    return NULL;
}

static const struct service_status *known_as(const struct discovery_status *d, struct sc_str name)
{
    return d == NULL ? NULL : discovery_status_find(d, name);
}

static void put_all(struct jsonw *j, const struct config *c, const struct discovery_status *d)
{
    for (unsigned i = 0; i < c->services.n; i++) {
        const struct service_conf *conf = service_at(c, i);
        const char *name = conf->discovery.name;

        put_brief(j, &(struct shown){ c, name, conf, known_as(d, str_of(name)) });
    }
    for (unsigned i = 0; d != NULL && i < d->n; i++)
        if (stated(c, str_of(d->services[i]->name)) == NULL)
            put_brief(j, &(struct shown){ c, d->services[i]->name, NULL, d->services[i] });
}

void loaded_services(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                     struct admin_answer *a)
{
    struct config *c = config_of(state, a);
    struct jsonw j = JSONW_INIT(&a->body);
    struct discovery_status *d;

    (void)r;
    (void)name;
    if (c == NULL)
        return;
    d = services_status(state);
    begin(&j, c);
    jsonw_array(&j, "services");
    put_all(&j, c, d);
    jsonw_close(&j);
    jsonw_close(&j);
    if (d != NULL)
        discovery_status_unref(&d);
    config_unref(&c);
}

/* Those that a path has named are all alike. */
static const struct service_conf *conf_of(const struct shown *s)
{
    for (unsigned i = 0; s->conf == NULL && i < s->c->routes.n; i++)
        if (leads_to(route_at(s->c, i), s))
            return route_at(s->c, i)->naming;
    return s->conf;
}

static void put_whole(struct jsonw *j, const struct shown *s)
{
    const struct service_conf *conf = conf_of(s);

    begin(j, s->c);
    jsonw_text(j, "name", s->name);
    put_service_routes(j, s);
    if (conf != NULL)
        conf_print(service_fields, conf, jsonw_value(j, "config"));
    else
        jsonw_null(j, "config");
    if (s->known != NULL)
        services_put(j, s->known, clock_mono_ms());
    else
        jsonw_text(j, "status", services_health_name(NULL, 0));
    jsonw_close(j);
}

void loaded_service(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                    struct admin_answer *a)
{
    struct config *c = config_of(state, a);
    struct jsonw j = JSONW_INIT(&a->body);
    struct discovery_status *d;
    struct shown s;

    (void)r;
    if (c == NULL)
        return;
    d = services_status(state);
    s = (struct shown){ .c = c, .conf = stated(c, name), .known = known_as(d, name) };
    s.name = s.conf != NULL ? s.conf->discovery.name : s.known != NULL ? s.known->name : NULL;
    if (s.name != NULL)
        put_whole(&j, &s);
    else
        page_problem(a, ERR_NO_ROUTE, STR("there is no service of this name"));
    if (d != NULL)
        discovery_status_unref(&d);
    config_unref(&c);
}
