/* sidecar/proxy/route_build.c - which route a request takes: from rules to a router.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "http/method.h"
#include "proxy/router.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* Hosts times paths of all rules. */
#define CANDIDATES_MAX 1000000

const struct sc_field route_match_fields[] = {
    SC_STRINGS(struct route_match, hosts,
        .doc = "Host names, without ports: `api.example.com`, or `*.example.com` for everything below that name. "
               "Case does not matter. An exact name goes before the longest `*.`, which goes before a route "
               "without hosts."),
    SC_STRINGS(struct route_match, paths,
        .doc = "Paths from `/` on: literal segments; `*` or `{name}` for one segment; `**` as the last one for "
               "the rest, which may be empty (`/a/**` takes `/a`, `/a/` and all below); or `~` and a regular "
               "expression, which is searched for in the path and anchors itself with `^` and `$`. Exact paths go "
               "before templates, from the left a literal segment before a named one, then expressions in file "
               "order, then `**`. Case and a slash at the end matter."),
    SC_STRINGS(struct route_match, methods,
        .doc = "Methods, as they are written in requests: GET, POST. GET takes HEAD along, unless another route with "
               "the same host and path names HEAD. A route that names methods goes before one that does not. When only "
               "the method fails, the answer is 405 with `Allow`. A preflight is matched by the method it asks about."),
    SC_PAIRS(struct route_match, headers,
        .doc = "Conditions on request headers, all of which must hold: a value, `~` and a regular expression to "
               "be found in the value, or null: the header is present. Of a header that stands there several "
               "times, one must do."),
    SC_PAIRS(struct route_match, query,
        .doc = "Conditions on parameters of the query, as for headers; names and values are compared decoded."),
    SC_END
};

struct build {
    struct router *router;
    const struct route_rule *rules;
    route_report_fn *report;
    void *arg;
    unsigned rule;
    size_t candidates;
    bool failed;
};

static void tell(struct build *b, bool warning, const char *key, int item, const char *name, const char *text)
{
    const struct route_problem p = { warning, b->rule, key, item, name, text };

    b->failed |= !warning;
    if (b->report != NULL)
        b->report(b->arg, &p);
}

/* --- hosts --- */

static bool host_check(struct sc_str host, struct sc_error *e)
{
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        return true;                /* an IPv6 address */
    if (host.n == 0 || host.n > 253)
        return sc_error_set(e, "a host name has 1 to 253 characters");
    if (str_starts(host, STR(".")) || memmem(host.p, host.n, "..", 2) != NULL)
        return sc_error_set(e, "an empty label in \"%.*s\"", STR_ARG(host));
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i], l = (char)(c | 0x20);

        if (c == ':')
            return sc_error_set(e, "hosts are matched without a port");
        if (c == '*')
            return sc_error_set(e, "\"*\" can only stand before the first dot: \"*.example.com\"");
        if (!(l >= 'a' && l <= 'z') && !(c >= '0' && c <= '9') && strchr("-._~!$&'()+;=", c) == NULL)
            return sc_error_set(e, "not a host name (names beyond ASCII are written as \"xn--...\")");
    }
    return true;
}

static unsigned named_root(struct build *b, struct map *m, struct sc_str host)
{
    char lower[256];
    uintptr_t root;

    for (size_t i = 0; i < host.n; i++)
        lower[i] = (char)(host.p[i] | (host.p[i] >= 'A' && host.p[i] <= 'Z' ? 0x20 : 0));
    host.p = lower;
    root = (uintptr_t)map_get(m, host);
    if (root == 0) {
        root = trie_root(&b->router->trie);
        map_put(m, host, (void *)root);
    }
    return (unsigned)root;
}

/* The group of a host, or 0 after a mistake. */
static unsigned host_group(struct build *b, const char *text, struct sc_error *e)
{
    struct router *r = b->router;
    struct sc_str host = str_of(text);
    bool below = str_starts(host, STR("*."));

    if (host.n > 1 && host.p[host.n - 1] == '.')
        host.n--;
    if (!host_check(str_skip(host, below ? 2 : 0), e))
        return 0;
    if (!below)
        return named_root(b, &r->exact, host);
    host = str_skip(host, 1);
    if (host.n > r->longest_suffix)
        r->longest_suffix = host.n;
    return named_root(b, &r->suffix, host);
}

/* --- paths --- */

static void add_path(struct build *b, unsigned root, const struct route_path *path)
{
    struct sc_error e = SC_ERROR_INIT;
    struct regex *regex = NULL;

    /* Each host group has its own copy: the trie owns what it is given. It compiled before. */
    if (path != NULL && path->is_regex) {
        regex = regex_new(path->pattern, &e);
        assert(regex != NULL);
    }
    trie_add(&b->router->trie, root, path, regex, b->rule);
}

static bool path_ok(struct build *b, struct route_path *path, unsigned i)
{
    const char *text = b->rules[b->rule].match->paths.at[i];
    struct sc_error e = SC_ERROR_INIT;
    struct regex *regex;

    if (!route_path_parse(path, text, &b->router->arena, &e)) {
        tell(b, false, "paths", (int)i, NULL, e.text);
        return false;
    }
    if (path->has_empty)
        tell(b, true, "paths", (int)i, NULL, "an empty segment is only found on listeners with merge_slashes: false");
    if (!path->is_regex)
        return true;
    regex = regex_new(path->pattern, &e);
    if (regex == NULL)
        tell(b, false, "paths", (int)i, NULL, e.text);
    else if (path->pattern.p[0] == '/')
        tell(b, true, "paths", (int)i, NULL, "found anywhere in a path; begin with \"~^/\" to match from its start");
    regex_free(&regex);
    return e.text[0] == '\0';
}

static void add_places(struct build *b, const unsigned *roots, unsigned nroots)
{
    const struct sc_strings *paths = &b->rules[b->rule].match->paths;
    struct route_path path;

    b->candidates += (size_t)nroots * (paths->n > 0 ? paths->n : 1);
    if (b->candidates > CANDIDATES_MAX) {
        tell(b, false, NULL, -1, NULL, "too many combinations of hosts and paths in all routes");
        return;
    }
    for (unsigned i = 0; i < paths->n; i++)
        if (path_ok(b, &path, i))
            for (unsigned k = 0; k < nroots; k++)
                add_path(b, roots[k], &path);
    for (unsigned k = 0; paths->n == 0 && k < nroots; k++)
        add_path(b, roots[k], NULL);
}

static void add_hosts(struct build *b)
{
    const struct sc_strings *hosts = &b->rules[b->rule].match->hosts;
    unsigned *roots = xcalloc(hosts->n + 1, sizeof *roots), n = 0;
    struct sc_error e;

    for (unsigned i = 0; i < hosts->n; i++) {
        roots[n] = host_group(b, hosts->at[i], &e);
        if (roots[n] != 0)
            n++;
        else
            tell(b, false, "hosts", (int)i, NULL, e.text);
    }
    if (hosts->n == 0) {
        if (b->router->any_host == 0)
            b->router->any_host = trie_root(&b->router->trie);
        roots[n++] = b->router->any_host;
    }
    add_places(b, roots, n);
    free(roots);
}

/* --- methods and conditions --- */

static const char *method_mistake(struct sc_str name)
{
    if (!http_is_token(name))
        return "not a method";
    for (unsigned i = 1; i < METHOD_COUNT; i++)
        if (str_ieq(name, method_info[i].name) && !str_eq(name, method_info[i].name))
            return "methods are matched as they are written: upper case";
    return NULL;
}

static uint64_t method_bit(struct build *b, struct sc_str name)
{
    struct router *r = b->router;
    uint64_t bit = router_method(r, name);

    if (bit != 0 || r->nmethods == ROUTE_METHODS_MAX)
        return bit;
    r->methods[r->nmethods] = arena_dup(&r->arena, name);
    return 1ull << r->nmethods++;
}

/* RFC 9110 9.3.2: HEAD is GET without the content, so who takes one takes the other. */
static void add_head(struct build *b, struct compiled_rule *rule)
{
    if ((rule->methods & router_method(b->router, STR("GET"))) == 0)
        return;
    rule->implied = method_bit(b, STR("HEAD")) & ~rule->methods;
    rule->methods |= rule->implied;
}

static void add_methods(struct build *b, struct compiled_rule *rule)
{
    const struct sc_strings *methods = &b->rules[b->rule].match->methods;

    for (unsigned i = 0; i < methods->n; i++) {
        struct sc_str name = str_of(methods->at[i]);
        const char *mistake = method_mistake(name);
        uint64_t bit = mistake == NULL ? method_bit(b, name) : 0;

        if (mistake == NULL && bit == 0)
            mistake = "more different methods in all routes than can be told apart (64)";
        if (mistake != NULL)
            tell(b, false, "methods", (int)i, NULL, mistake);
        rule->methods |= bit;
    }
    add_head(b, rule);
}

static void add_conds(struct build *b, struct compiled_rule *rule, const struct sc_pairs *pairs, bool in_query)
{
    for (unsigned i = 0; i < pairs->n; i++) {
        struct sc_error e = SC_ERROR_INIT;

        if (cond_init(&rule->conds[rule->nconds], in_query, &pairs->at[i], &e))
            rule->nconds++;
        else
            tell(b, false, in_query ? "query" : "headers", -1, pairs->at[i].name, e.text);
    }
}

static void add_rule(struct build *b, unsigned i)
{
    const struct route_match *match = b->rules[i].match;
    struct compiled_rule *rule = &b->router->rules[i];

    b->rule = i;
    rule->index = i;
    b->router->matches[i] = match;
    rule->listeners = b->rules[i].listeners;
    rule->conds = arena_zero(&b->router->arena, (match->headers.n + match->query.n) * sizeof *rule->conds);
    add_methods(b, rule);
    add_conds(b, rule, &match->headers, false);
    add_conds(b, rule, &match->query, true);
    add_hosts(b);
}

int rule_order(const void *rules, unsigned a, unsigned b)
{
    const struct compiled_rule *x = (const struct compiled_rule *)rules + a;
    const struct compiled_rule *y = (const struct compiled_rule *)rules + b;

    if ((x->methods != 0) != (y->methods != 0))
        return x->methods != 0 ? -1 : 1;
    if (x->nconds != y->nconds)
        return x->nconds > y->nconds ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

struct router *router_build(const struct route_rule *rules, unsigned n, route_report_fn *report, void *arg)
{
    struct router *r = xnew(struct router);
    struct build b = { .router = r, .rules = rules, .report = report, .arg = arg };

    arena_init(&r->arena, 4096);
    trie_init(&r->trie);
    r->rules = xcalloc(n, sizeof *r->rules);
    r->nrules = n;
    r->matches = xcalloc(n, sizeof *r->matches);
    for (unsigned i = 0; i < n; i++)
        add_rule(&b, i);
    if (b.failed) {
        router_free(&r);
        return NULL;
    }
    trie_finish(&r->trie, rule_order, r->rules);
    if (report != NULL)
        router_warn(r, rules, report, arg);
    return r;
}

void router_free(struct router **router)
{
    struct router *r = *router;

    if (r == NULL)
        return;
    for (unsigned i = 0; i < r->nrules; i++)
        for (unsigned k = 0; k < r->rules[i].nconds; k++)
            cond_fini(&r->rules[i].conds[k]);
    free(r->rules);
    free(r->matches);
    trie_fini(&r->trie);
    map_fini(&r->exact);
    map_fini(&r->suffix);
    arena_fini(&r->arena);
    free(r);
    *router = NULL;
}
