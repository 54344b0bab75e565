/* admin/page.c - the table of pages, and the way through it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/page.h"

#include "admin/changes.h"
#include "admin/explain.h"
#include "admin/guard.h"
#include "admin/hands.h"
#include "admin/health.h"
#include "admin/loaded.h"
#include "admin/metrics.h"
#include "admin/registrations.h"
#include "admin/services.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "conf/load.h"
#include "http/uri.h"

static void index_page(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                       struct admin_answer *a);
static void version_page(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                         struct admin_answer *a);

static const struct page pages[] = {
    { "/", "this list", index_page, PAGE_READS, ROLE_VIEWER },
    { "/health", "alive, and a summary", health_summary, PAGE_READS, ROLE_VIEWER },
    { "/health/live", "200 while the process itself works", health_live, PAGE_READS, ROLE_VIEWER },
    { "/health/ready", "200 while requests should be sent here", health_ready, PAGE_READS, ROLE_VIEWER },
    { "/health/startup", "200 once it has been ready", health_startup, PAGE_READS, ROLE_VIEWER },
    { "/health/services", "services, their sources and targets; ?strict=1: 503 if one is unhealthy", services_all,
      PAGE_READS, ROLE_VIEWER },
    { "/health/services/*", "one of them; 503 when unhealthy or unknown", services_one, PAGE_READS, ROLE_VIEWER },
    { "/routes", "the routes in force, in the order of the file", loaded_routes, PAGE_READS, ROLE_VIEWER },
    { "/services", "the services in force, and the routes that lead to them", loaded_services, PAGE_READS, ROLE_VIEWER },
    { "/services/*", "one of them: its configuration, sources and targets", loaded_service, PAGE_READS, ROLE_VIEWER },
    { "/policies", "the policies there are, and which routes have them", loaded_policies, PAGE_READS, ROLE_VIEWER },
    { "/config", "the whole configuration in force, secrets masked", loaded_config, PAGE_READS, ROLE_ADMIN },
    { "/metrics", "numbers for Prometheus; OpenMetrics by Accept", metrics_page, PAGE_READS, ROLE_VIEWER },
    { "/version", "the program, its libraries, and what is degraded by them", version_page, PAGE_READS, ROLE_VIEWER },
    { "/admin/status", "as /health", health_summary, PAGE_READS, ROLE_VIEWER },
    { "/admin/routes", "as /routes", loaded_routes, PAGE_READS, ROLE_VIEWER },
    { "/admin/services", "as /services", loaded_services, PAGE_READS, ROLE_VIEWER },
    { "/admin/services/*", "as /services/*", loaded_service, PAGE_READS, ROLE_VIEWER },
    { "/admin/log-level", "what the log has: {\"level\"}", changes_log_level_now, PAGE_READS, ROLE_VIEWER },
    { "/admin/log-level", "{\"level\": error, warn, info or debug}, until the next reload", changes_log_level, PAGE_POST,
      ROLE_OPERATOR },
    { "/admin/discovery/*/freeze", "{\"ttl\"}: answers of a registry, or for a service, wait until it ends", hands_freeze,
      PAGE_POST, ROLE_OPERATOR },
    { "/admin/discovery/*/thaw", "ends a freeze, a pin or a fail", hands_thaw, PAGE_POST, ROLE_OPERATOR },
    { "/admin/discovery/*/pin", "{\"targets\", \"ttl\"}: a service has these targets until it ends", hands_pin, PAGE_POST,
      ROLE_OPERATOR },
    { "/admin/discovery/*/fail", "{\"ttl\"}: as if a registry, or that of a service, could not be reached", hands_fail,
      PAGE_POST, ROLE_OPERATOR },
    { "/admin/discovery/*/history", "what has become of targets and sources lately, the newest first", hands_history,
      PAGE_READS, ROLE_VIEWER },
    { "/admin", "this list", index_page, PAGE_READS, ROLE_VIEWER },
    { "/admin/plugins", "as /policies", loaded_policies, PAGE_READS, ROLE_VIEWER },
    { "/admin/upstreams", "as /services", loaded_services, PAGE_READS, ROLE_VIEWER },
    { "/admin/upstreams/*", "as /services/*", loaded_service, PAGE_READS, ROLE_VIEWER },
    { "/admin/upstreams/*/health", "as /health/services/*", services_one, PAGE_READS, ROLE_VIEWER },
    { "/admin/upstreams/*/targets", "the targets of one", services_targets, PAGE_READS, ROLE_VIEWER },
    { "/admin/drain", "stops gracefully, as TERM does", changes_drain, PAGE_POST, ROLE_OPERATOR },
    { "/admin/reload", "reads the configuration again, as HUP does, and says what came of it", changes_reload, PAGE_POST,
      ROLE_OPERATOR },
    { "/admin/explain", "what becomes of a request, and why; ?method=, url=, header=NAME:VALUE, listener=", explain_page,
      PAGE_READS, ROLE_VIEWER },
    { "/admin/registrations", "services of this host in registries, and how they are", registrations_all, PAGE_READS,
      ROLE_VIEWER },
    { "/admin/registrations/*", "one of them, by its id", registrations_one, PAGE_READS, ROLE_VIEWER },
    { "/admin/registrations/*/check/pass", "its application says that it is well; ?note=TEXT", registrations_pass, PAGE_PUT,
      ROLE_OPERATOR },
    { "/admin/registrations/*/check/warn", "not quite well", registrations_warn, PAGE_PUT, ROLE_OPERATOR },
    { "/admin/registrations/*/check/fail", "not well", registrations_fail, PAGE_PUT, ROLE_OPERATOR },
    { "/admin/registrations/*/maintenance", "takes it out of service; ?reason=TEXT", registrations_maintain, PAGE_PUT,
      ROLE_OPERATOR },
    { "/admin/registrations/*/maintenance", "puts it back", registrations_return, PAGE_DELETE, ROLE_OPERATOR },
    { "/livez", "as /health/live", health_live, PAGE_READS, ROLE_VIEWER },
    { "/readyz", "as /health/ready", health_ready, PAGE_READS, ROLE_VIEWER },
};
enum { PAGES = sizeof pages / sizeof pages[0] };

/* By enum page_verb. */
static const struct { const char *name, *allow; } verbs[] = {
    { "GET", "GET, HEAD" }, { "POST", "POST" }, { "PUT", "PUT" }, { "DELETE", "DELETE" },
};
enum { VERBS = sizeof verbs / sizeof verbs[0] };

const struct page *page_at(unsigned i)
{
    return i < PAGES ? &pages[i] : NULL;
}

const char *page_verb_name(int verb)
{
    return verbs[verb].name;
}

void page_problem(struct admin_answer *a, enum err e, struct sc_str detail)
{
    const struct problem *p = problem_of(e);

    buf_clear(&a->body);
    a->status = p->status;
    a->type = "application/problem+json";
    problem_body(&a->body, p, detail, STR_NONE);
}

void page_conflict(struct admin_answer *a, const char *why)
{
    static const struct problem conflict = {
        STR_INIT("conflict"), STR_INIT("It cannot be done as things are"), STR_INIT("http_request_denied"), 409,
    };

    buf_clear(&a->body);
    a->status = conflict.status;
    a->type = "application/problem+json";
    problem_body(&a->body, &conflict, str_of(why), STR_NONE);
}

bool page_asks(const struct admin_request *r, struct sc_str name, struct sc_str value)
{
    struct sc_str rest = r->query, n, v;

    while (uri_query_next(&rest, &n, &v))
        if (str_eq(n, name) && str_eq(v, value))
            return true;
    return false;
}

struct sc_str page_query(const struct admin_request *r, struct sc_str name)
{
    struct sc_str rest = r->query, n, v;

    while (uri_query_next(&rest, &n, &v))
        if (str_eq(uri_decode(n, true, r->arena), name))
            return v.p == NULL ? STR("") : uri_decode(v, true, r->arena);
    return STR_NONE;
}

static void say_mistakes(struct conf_report *report, struct admin_answer *a)
{
    struct buf all = BUF_INIT;

    report_print(report, &all);
    while (all.n > 0 && all.p[all.n - 1] == '\n')
        all.n--;
    page_problem(a, ERR_BAD_REQUEST, buf_view(&all));
    buf_fini(&all);
}

bool page_read(const struct admin_request *r, const struct sc_field *fields, void *to, struct admin_answer *a)
{
    struct conf_report report;
    struct conf_load load;
    const struct node *root = NULL;

    report_init(&report);
    conf_load_init(&load, r->arena, &report);
    if (r->body.n > 0)
        root = tree_parse_sent(r->arena, &report, "body", r->body);
    if (report.errors == 0)
        conf_load_object(&load, root, fields, to);
    if (report.errors > 0)
        say_mistakes(&report, a);
    conf_load_fini(&load);
    report_fini(&report);
    return a->status == 200;
}

static void index_page(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                       struct admin_answer *a)
{
    (void)r;
    (void)name;
    a->type = "text/plain; charset=utf-8";
    buf_printf(&a->body, "outrider %s\n\n", state->version);
    for (unsigned i = 0; i < PAGES; i++)
        buf_printf(&a->body, "%-6s %-36s %s\n", verbs[pages[i].verb].name, pages[i].path, pages[i].summary);
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

/* The next segment, without its slash; false at the end. */
static bool next_segment(struct sc_str *rest, struct sc_str *segment)
{
    if (rest->n == 0)
        return false;
    *rest = str_skip(*rest, 1);
    *segment = *rest;
    for (segment->n = 0; segment->n < rest->n && rest->p[segment->n] != '/';)
        segment->n++;
    *rest = str_skip(*rest, segment->n);
    return true;
}

static bool page_matches(const struct page *p, struct sc_str path, struct arena *arena, struct sc_str *name)
{
    struct sc_str pattern = str_of(p->path), want, got;

    *name = STR_NONE;
    if (path.n == 0 || path.p[0] != '/')
        return false;
    while (next_segment(&pattern, &want)) {
        if (!next_segment(&path, &got))
            return false;
        if (str_eq(want, STR("*")) && got.n > 0)
            *name = uri_decode(got, false, arena);
        else if (!str_eq(want, got))
            return false;
    }
    return path.n == 0;
}

/* -1: no page has it. */
static int verb_of(struct sc_str method)
{
    if (str_eq(method, STR("HEAD")))
        return PAGE_READS;
    for (int i = 0; i < VERBS; i++)
        if (str_eq(method, str_of(verbs[i].name)))
            return i;
    return -1;
}

/* What a path may be asked for, by bits of its verbs. */
static const char *allow_of(unsigned seen, struct arena *arena)
{
    const char *all = NULL;

    for (unsigned i = 0; i < VERBS; i++)
        if ((seen & 1u << i) != 0)
            all = all == NULL ? verbs[i].allow : arena_printf(arena, "%s, %s", all, verbs[i].allow);
    return all;
}

/* NULL: none of this path (*allow is NULL), or none of this method. */
static const struct page *page_find(const struct admin_request *r, struct sc_str *name, const char **allow)
{
    struct sc_str path = without_slash(r->path), segment;
    int verb = verb_of(r->method);
    const struct page *found = NULL;
    unsigned seen = 0;

    for (unsigned i = 0; i < PAGES; i++) {
        if (!page_matches(&pages[i], path, r->arena, &segment))
            continue;
        seen |= 1u << pages[i].verb;
        if (pages[i].verb == verb && found == NULL) {
            found = &pages[i];
            *name = segment;
        }
    }
    *allow = allow_of(seen, r->arena);
    return found;
}

static void refuse(struct admin_answer *a, enum err e, const struct guard_pass *pass)
{
    page_problem(a, e, str_of(pass->why));
    a->challenge = pass->challenge;
}

static const char *who_of(const struct admin_request *r)
{
    return r->who == NULL ? "somebody" : r->who;
}

/* Who tries tokens is in the log, too; a line a second is enough of them. */
static void audit_stranger(const struct admin_request *r, const struct guard_pass *pass)
{
    if (r->authorization.p != NULL)
        log_limited(LOG_WARN_, "admin: %s %s by %s: refused: %s", log_safe(r->method), log_safe(r->path), who_of(r),
                    pass->why);
}

/* Who changed what is in the log, whatever its level; also who wanted to. */
static void audit(const struct page *p, const struct admin_request *r, const struct guard_pass *pass, bool may)
{
    log_always("admin: %s %s by %s%s%s%s", verbs[p->verb].name, log_safe(r->path), who_of(r),
               pass->token == NULL ? "" : " with the token of ", pass->token == NULL ? "" : pass->token,
               may ? "" : ": refused");
}

static void run(const struct page *p, const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                struct admin_answer *a)
{
    p->answer(state, r, name, a);
    if (!a->reload && str_eq(str_of(a->type), STR("application/json")))
        buf_putc(&a->body, '\n');
}

static void answer(const struct admin_state *state, const struct admin_request *r, const struct admin_conf *conf,
                   struct admin_answer *a)
{
    struct admin_request asked = *r;
    struct sc_str name = STR_NONE;
    const struct page *page;
    struct guard_pass pass;
    const char *allow;
    enum err e = guard_check(r, conf, &pass);

    if (e != ERR_NONE) {
        audit_stranger(r, &pass);
        refuse(a, e, &pass);
        return;
    }
    page = page_find(r, &name, &allow);
    if (page == NULL) {
        page_problem(a, allow == NULL ? ERR_NO_ROUTE : ERR_METHOD_NOT_ALLOWED,
                     allow == NULL ? STR("there is no such page; / lists them") : STR_NONE);
        a->allow = allow;
        return;
    }
    e = guard_allows(r, conf, &pass, page->role);
    if (page->verb != PAGE_READS)
        audit(page, r, &pass, e == ERR_NONE);
    asked.token = pass.token;
    if (e == ERR_NONE)
        run(page, state, &asked, name, a);
    else
        refuse(a, e, &pass);
}

void page_answer(const struct admin_state *state, const struct admin_request *r, struct admin_answer *a)
{
    struct config *c = state->config == NULL ? NULL : state->config(state->arg);

    *a = (struct admin_answer){ .status = 200, .type = "application/json" };
    answer(state, r, c == NULL ? NULL : &c->admin, a);
    config_unref(&c);
}

void page_answer_anybody(const struct admin_state *state, const struct admin_request *r, struct admin_answer *a)
{
    struct sc_str name = STR_NONE;
    const struct page *page;
    const char *allow;

    *a = (struct admin_answer){ .status = 200, .type = "application/json" };
    page = page_find(r, &name, &allow);
    if (page != NULL && page->role <= ROLE_VIEWER && page->verb == PAGE_READS)
        run(page, state, r, name, a);
    else
        page_problem(a, ERR_NO_ROUTE, STR("there is no such page"));
}
