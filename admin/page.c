/* admin/page.c - the table of pages, and the way through it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/page.h"

#include "admin/guard.h"
#include "admin/health.h"
#include "admin/loaded.h"
#include "admin/services.h"
#include "base/jsonw.h"
#include "http/uri.h"

static void index_page(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                       struct admin_answer *a);
static void version_page(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                         struct admin_answer *a);

static const struct page pages[] = {
    { "/", "this list", index_page },
    { "/health", "alive, and a summary", health_summary },
    { "/health/live", "200 while the process itself works", health_live },
    { "/health/ready", "200 while requests should be sent here", health_ready },
    { "/health/startup", "200 once it has been ready", health_startup },
    { "/health/services", "services, their sources and targets; ?strict=1: 503 if one is unhealthy", services_all },
    { "/health/services/*", "one of them; 503 when unhealthy or unknown", services_one },
    { "/routes", "the routes in force, in the order of the file", loaded_routes },
    { "/services", "the services in force, and the routes that lead to them", loaded_services },
    { "/services/*", "one of them: its configuration, sources and targets", loaded_service },
    { "/policies", "the policies there are, and which routes have them", loaded_policies },
    { "/config", "the whole configuration in force, secrets masked", loaded_config },
    { "/version", "the program, its libraries, and what is degraded by them", version_page },
    { "/livez", "as /health/live", health_live },
    { "/readyz", "as /health/ready", health_ready },
};
enum { PAGES = sizeof pages / sizeof pages[0] };

void page_problem(struct admin_answer *a, enum err e, struct sc_str detail)
{
    const struct problem *p = problem_of(e);

    buf_clear(&a->body);
    a->status = p->status;
    a->type = "application/problem+json";
    problem_body(&a->body, p, detail, STR_NONE);
}

bool page_asks(const struct admin_request *r, struct sc_str name, struct sc_str value)
{
    struct sc_str rest = r->query, n, v;

    while (uri_query_next(&rest, &n, &v))
        if (str_eq(n, name) && str_eq(v, value))
            return true;
    return false;
}

static void index_page(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                       struct admin_answer *a)
{
    (void)r;
    (void)name;
    a->type = "text/plain; charset=utf-8";
    buf_printf(&a->body, "outrider %s\n\n", state->version);
    for (unsigned i = 0; i < PAGES; i++)
        buf_printf(&a->body, "%-20s %s\n", pages[i].path, pages[i].summary);
}

static void version_page(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                         struct admin_answer *a)
{
    struct jsonw j = JSONW_INIT(&a->body);

    (void)r;
    (void)name;
    jsonw_object(&j, NULL);
    jsonw_text(&j, "name", "outrider");
    jsonw_text(&j, "version", state->version);
    jsonw_object(&j, "libraries");
    for (const struct admin_version *v = state->libraries; v != NULL && v->name != NULL; v++)
        jsonw_text(&j, v->name, v->value);
    jsonw_close(&j);
    jsonw_array(&j, "degraded");
    for (const char *const *d = state->degraded; d != NULL && *d != NULL; d++)
        jsonw_text(&j, NULL, *d);
    jsonw_close(&j);
    jsonw_close(&j);
}

/* A trailing slash is as good as none here. */
static struct sc_str without_slash(struct sc_str path)
{
    if (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    return path;
}

static bool page_matches(const struct page *p, struct sc_str path, struct arena *arena, struct sc_str *name)
{
    struct sc_str pattern = str_of(p->path);

    *name = STR_NONE;
    if (!str_ends(pattern, STR("/*")))
        return str_eq(path, pattern);
    pattern.n--;                        /* with its last slash */
    if (!str_starts(path, pattern) || path.n == pattern.n)
        return false;
    *name = str_skip(path, pattern.n);
    if (str_chr(*name, '/') != NULL)
        return false;
    *name = uri_decode(*name, false, arena);
    return true;
}

static const struct page *page_find(const struct admin_request *r, struct sc_str *name)
{
    struct sc_str path = without_slash(r->path);

    for (unsigned i = 0; i < PAGES; i++)
        if (page_matches(&pages[i], path, r->arena, name))
            return &pages[i];
    return NULL;
}

static bool is_reading(struct sc_str method)
{
    return str_eq(method, STR("GET")) || str_eq(method, STR("HEAD"));
}

void page_answer(const struct admin_state *state, const struct admin_request *r, struct admin_answer *a)
{
    const struct page *page;
    struct sc_str name;
    const char *why;

    *a = (struct admin_answer){ .status = 200, .type = "application/json" };
    if (guard_check(r, &why) != ERR_NONE) {
        page_problem(a, ERR_FORBIDDEN, str_of(why));
        return;
    }
    page = page_find(r, &name);
    if (page == NULL) {
        page_problem(a, ERR_NO_ROUTE, STR("there is no such page; / lists them"));
    } else if (!is_reading(r->method)) {
        page_problem(a, ERR_METHOD_NOT_ALLOWED, STR_NONE);
        a->allow = true;
    } else {
        page->get(state, r, name, a);
        if (str_eq(str_of(a->type), STR("application/json")))
            buf_putc(&a->body, '\n');
    }
}
