/* admin/loaded.c - the configuration in force: routes, services, policies, and all of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/loaded.h"

#include "admin/services.h"
#include "base/jsonw.h"
#include "conf/describe.h"
#include "policy/registry.h"
#include "proxy/config.h"

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

static void put_service_routes(struct jsonw *j, const struct config *c, unsigned service)
{
    jsonw_array(j, "routes");
    for (unsigned i = 0; i < c->routes.n; i++)
        if (route_at(c, i)->service_index == service)
            jsonw_text(j, NULL, route_at(c, i)->name);
    jsonw_close(j);
}

/* known: what discovery knows of it; NULL: nothing yet. */
static void put_brief(struct jsonw *j, const struct config *c, unsigned i, const struct service_status *known)
{
    jsonw_object(j, NULL);
    jsonw_text(j, "name", service_at(c, i)->discovery.name);
    jsonw_text(j, "status", services_health_name(known, clock_mono_ms()));
    jsonw_uint(j, "targets", known == NULL ? 0 : known->set->n);
    jsonw_uint(j, "eligible", known == NULL ? 0 : known->set->eligible);
    put_service_routes(j, c, i);
    jsonw_close(j);
}

static const struct service_status *known_as(const struct discovery_status *d, const char *name)
{
    return d == NULL ? NULL : discovery_status_find(d, str_of(name));
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
    for (unsigned i = 0; i < c->services.n; i++)
        put_brief(&j, c, i, known_as(d, service_at(c, i)->discovery.name));
    jsonw_close(&j);
    jsonw_close(&j);
    if (d != NULL)
        discovery_status_unref(&d);
    config_unref(&c);
}

static void put_whole(struct jsonw *j, const struct config *c, unsigned i, const struct service_status *known)
{
    begin(j, c);
    jsonw_text(j, "name", service_at(c, i)->discovery.name);
    put_service_routes(j, c, i);
    conf_print(service_fields, service_at(c, i), jsonw_value(j, "config"));
    if (known != NULL)
        services_put(j, known, clock_mono_ms());
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
    unsigned i = 0;

    (void)r;
    if (c == NULL)
        return;
    d = services_status(state);
    while (i < c->services.n && !str_eq(name, str_of(service_at(c, i)->discovery.name)))
        i++;
    if (i < c->services.n)
        put_whole(&j, c, i, known_as(d, service_at(c, i)->discovery.name));
    else
        page_problem(a, ERR_NO_ROUTE, STR("there is no service of this name"));
    if (d != NULL)
        discovery_status_unref(&d);
    config_unref(&c);
}
