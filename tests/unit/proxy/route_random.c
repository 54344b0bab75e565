/* tests/unit/proxy/route_random.c - the router against the rules of ranking, written down as plainly as possible.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Random rules and requests from a small vocabulary, so that most requests have several candidates. The model looks at
 * every rule, host and path, gives each one that matches a rank, and takes the best. */
#include "tests/unit/unit.h"

#include "base/arena.h"
#include "http/headers.h"
#include "http/regex.h"
#include "proxy/route.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUNDS   400
#define REQUESTS 40
#define RULES    24

static uint64_t seed = 0x243f6a8885a308d3u;

static unsigned below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

#define PICK(array) (array)[below(sizeof(array) / sizeof((array)[0]))]

static const char *const hosts[] = { "x.t", "y.x.t", "*.x.t", "*.y.x.t", "*.t" };
static const char *const asked_hosts[] = { "x.t", "y.x.t", "z.y.x.t", "Z.X.T", "q.t", "other", "" };
static const char *const segments[] = { "a", "b", "c", "{p}", "{q}", "*" };
static const char *const asked_segments[] = { "a", "b", "c", "d", "a" };
static const char *const expressions[] = { "~^/a/", "~b$", "~^/a/b/c", "~^/[ab]/", "~^/(a|b)/c", "~^/a/b?", "~c" };
static const char *const methods[] = { "GET", "POST", "PURGE", "HEAD" };
static const char *const asked_methods[] = { "GET", "POST", "PURGE", "PUT", "HEAD" };
static const char *const asked_values[] = { "1", "2", "3" };
static const char *const values[] = { "1", "2", "~^1", "~2", NULL };

/* --- making rules and requests --- */

static const char *random_path(struct arena *a)
{
    char text[64] = "";
    const char *names = "pq";
    unsigned n = below(4);

    if (below(6) == 0)
        return PICK(expressions);
    for (unsigned i = 0; i < n; i++) {
        const char *s = PICK(segments);

        if (s[0] == '{' && (names[0] == '\0' || strchr(names, s[1]) == NULL))
            s = "*";                    /* a name stands once in a path */
        else if (s[0] == '{')
            names = s[1] == 'p' ? "q" : "";
        strcat(strcat(text, "/"), s);
    }
    n = below(4);
    strcat(text, n == 0 ? "/**" : n == 1 || text[0] == '\0' ? "/" : "");
    return arena_dupz(a, str_of(text));
}

static struct sc_strings random_list(struct arena *a, unsigned max, const char *(*one)(struct arena *))
{
    unsigned n = below(max + 1);
    const char **at = arena_zero(a, (n + 1) * sizeof *at);

    for (unsigned i = 0; i < n; i++)
        at[i] = one(a);
    return (struct sc_strings){ at, n };
}

static const char *random_host(struct arena *a)
{
    (void)a;
    return PICK(hosts);
}

static const char *random_method(struct arena *a)
{
    (void)a;
    return PICK(methods);
}

static struct sc_pairs random_pairs(struct arena *a, const char *x, const char *y)
{
    struct sc_pair *at = arena_zero(a, 2 * sizeof *at);
    unsigned n = below(6) == 0 ? 1 + below(2) : 0;

    at[0] = (struct sc_pair){ x, PICK(values) };
    at[1] = (struct sc_pair){ y, PICK(values) };
    return (struct sc_pairs){ at, n };
}

static void random_rule(struct arena *a, struct route_rule *rule)
{
    struct route_match *m = arena_zero(a, sizeof *m);

    m->hosts = random_list(a, below(2) * 2, random_host);
    m->paths = random_list(a, 3, random_path);
    m->methods = random_list(a, below(2) * 2, random_method);
    m->headers = random_pairs(a, "h", "X-Request-ID");
    m->query = random_pairs(a, "k", "l");
    *rule = (struct route_rule){ .match = m, .listeners = below(5) == 0 ? 1 + below(3) : 0 };
}

static void random_request(struct arena *a, struct route_request *q, struct headers *h)
{
    char text[128] = "";
    unsigned n = below(5);

    for (unsigned i = 0; i < n; i++)
        strcat(strcat(text, "/"), PICK(asked_segments));
    if (n == 0 || below(4) == 0)
        strcat(text, "/");
    headers_init(h, a, NULL, 0);
    if (below(2) == 0)
        headers_add(h, STR("H"), str_of(PICK(asked_values)));
    if (below(4) == 0)
        headers_add(h, STR("h"), STR("2"));
    if (below(2) == 0)
        headers_add(h, STR("x-request-id"), STR("12"));
    *q = (struct route_request){ .method = str_of(PICK(asked_methods)), .host = str_of(PICK(asked_hosts)),
                                 .path = arena_dup(a, str_of(text)), .headers = h, .listener = below(2) };
    q->query = below(2) == 0 ? STR("k=1&l=2") : below(2) == 0 ? STR("l&k=%32") : STR("");
}

/* --- the model --- */

struct rank {
    unsigned host;                  /* 0 exact, 1000 - length of the suffix, 2000 none */
    unsigned kind;                  /* 0 path, 1 expression, 2 rest, 3 none */
    unsigned order;                 /* of expressions: file order of rule, then of path */
    char steps[ROUTE_SEGMENTS_MAX]; /* a literal, b wild, c rest */
    const char *pattern;            /* of expressions */
    unsigned method;                /* 0 named, 1 HEAD as GET, 2 any */
    unsigned missing;               /* 1000 - conditions */
    unsigned rule;
};

static int rank_cmp(const struct rank *a, const struct rank *b)
{
    int steps = strcmp(a->steps, b->steps);

    if (a->host != b->host)
        return a->host < b->host ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->order != b->order && !(a->pattern != NULL && b->pattern != NULL && strcmp(a->pattern, b->pattern) == 0 &&
                                  a->method == 0 && b->method == 1))
        return a->order < b->order ? -1 : 1;
    if (steps != 0)
        return steps;
    if (a->method != b->method)
        return a->method < b->method ? -1 : 1;
    if (a->missing != b->missing)
        return a->missing < b->missing ? -1 : 1;
    return (a->rule > b->rule) - (a->rule < b->rule);
}

static bool model_host(const char *host, struct sc_str asked, unsigned *rank)
{
    struct sc_str suffix = str_of(host + 1);

    if (host[0] != '*') {
        *rank = 0;
        return str_ieq(str_of(host), asked);
    }
    *rank = 1000 - (unsigned)suffix.n;
    return asked.n > suffix.n && str_ieq(str_skip(asked, asked.n - suffix.n), suffix);
}

static bool model_regex(const char *pattern, struct sc_str subject)
{
    struct sc_error e;
    struct regex *r = regex_new(str_of(pattern), &e);
    bool found = regex_match(r, subject);

    regex_free(&r);
    return found;
}

static bool model_path(const char *path, struct sc_str asked, char *steps)
{
    struct sc_str have = str_skip(str_of(path), 1), want = str_skip(asked, 1), segment, part;

    while (str_split(&have, '/', &segment)) {
        if (str_eq(segment, STR("**"))) {
            *steps++ = 'c';
            *steps = '\0';
            return true;
        }
        if (!str_split(&want, '/', &part))
            return false;
        *steps = segment.n > 0 && (segment.p[0] == '{' || segment.p[0] == '*') ? 'b' : 'a';
        if (*steps == 'a' ? !str_eq(segment, part) : part.n == 0)
            return false;
        steps++;
    }
    *steps = '\0';
    return want.p == NULL;
}

static bool model_value(const char *want, struct sc_str value)
{
    return want == NULL || (want[0] == '~' ? model_regex(want + 1, value) : str_eq(str_of(want), value));
}

static bool model_headers(const struct sc_pairs *pairs, const struct headers *h)
{
    for (unsigned i = 0; i < pairs->n; i++) {
        bool met = false;

        for (unsigned k = 0; k < h->n; k++)
            met |= str_ieq(h->at[k].name, str_of(pairs->at[i].name)) && model_value(pairs->at[i].value, h->at[k].value);
        if (!met)
            return false;
    }
    return true;
}

static bool model_query(const struct sc_pairs *pairs, struct sc_str query)
{
    bool first = str_eq(query, STR("k=1&l=2"));

    for (unsigned i = 0; i < pairs->n; i++) {
        bool is_k = pairs->at[i].name[0] == 'k';

        if (query.n == 0 || !model_value(pairs->at[i].value, first ? (is_k ? STR("1") : STR("2")) :
                                                             (is_k ? STR("2") : STR(""))))
            return false;
    }
    return true;
}

static bool model_method(const struct sc_strings *methods_, struct sc_str method, unsigned *rank)
{
    bool as_get = false;

    *rank = 0;
    for (unsigned i = 0; i < methods_->n; i++) {
        if (str_eq(str_of(methods_->at[i]), method))
            return true;
        as_get |= strcmp(methods_->at[i], "GET") == 0 && str_eq(method, STR("HEAD"));
    }
    *rank = as_get ? 1 : 2;
    return as_get || methods_->n == 0;
}

static void consider(const struct route_rule *rules, unsigned i, const struct route_request *q, struct rank *best,
                     bool *method_failed)
{
    const struct route_match *m = rules[i].match;

    if ((rules[i].listeners != 0 && (rules[i].listeners >> q->listener & 1) == 0) ||
        !model_headers(&m->headers, q->headers) || !model_query(&m->query, q->query))
        return;
    for (unsigned h = 0; h < m->hosts.n || (h == 0 && m->hosts.n == 0); h++) {
        struct rank r = { .host = 2000, .rule = i,
                          .missing = 1000 - m->headers.n - m->query.n };

        if (m->hosts.n > 0 && !model_host(m->hosts.at[h], q->host, &r.host))
            continue;
        for (unsigned p = 0; p < m->paths.n || (p == 0 && m->paths.n == 0); p++) {
            const char *path = m->paths.n > 0 ? m->paths.at[p] : NULL;

            r.order = 0;
            r.steps[0] = '\0';
            r.kind = path == NULL ? 3 : path[0] == '~' ? 1 : strstr(path, "**") != NULL ? 2 : 0;
            if (r.kind == 1) {
                r.order = i * 10 + p;
                if (!model_regex(path + 1, q->path))
                    continue;
            } else if (path != NULL && !model_path(path, q->path, r.steps)) {
                continue;
            }
            r.pattern = r.kind == 1 ? path : NULL;
            if (!model_method(&m->methods, q->method, &r.method))
                *method_failed = true;
            else if (rank_cmp(&r, best) < 0)
                *best = r;
        }
    }
}

/* --- comparing --- */

static unsigned several;            /* requests that matched; to see that the vocabulary is a good one */
static unsigned refused;

static void compare(const struct router *router, const struct route_rule *rules, unsigned n,
                    const struct route_request *q)
{
    struct rank best = { .host = 9999 };
    struct route_found found;
    bool method_failed = false, ok;

    for (unsigned i = 0; i < n; i++)
        consider(rules, i, q, &best, &method_failed);
    ok = router_find(router, q, &found);
    assert_int_equal(ok, best.host != 9999);
    if (!ok) {
        assert_int_equal(found.status, method_failed ? 405 : 404);
        refused += method_failed;
        return;
    }
    several++;
    if (found.rule != (int)best.rule)
        fail_msg("%.*s %.*s%.*s?%.*s: rule %d instead of %u (%u %u %s)", STR_ARG(q->method), STR_ARG(q->host),
                 STR_ARG(q->path), STR_ARG(q->query), found.rule, best.rule, best.host, best.kind, best.steps);
    assert_int_equal(found.has_rest, best.kind == 2);
}

/* What is explained agrees with what is found, on 16 000 requests: of those whom all fits one is taken, and the model says
 * the same of each rule by itself. */
static void compare_verdicts(const struct router *router, const struct route_rule *rules, unsigned n,
                             const struct route_request *q, struct arena *a)
{
    struct route_verdict all[RULES];
    bool any = false, method = false;
    struct route_found found;

    router_explain(router, q, a, all);
    for (unsigned i = 0; i < n; i++) {
        struct rank best = { .host = 9999 };
        bool method_failed = false;

        consider(rules, i, q, &best, &method_failed);
        assert_int_equal(all[i].why == ROUTE_FITS, best.host != 9999);
        assert_int_equal(all[i].why == ROUTE_METHOD, best.host == 9999 && method_failed);
        any |= all[i].why == ROUTE_FITS;
        method |= all[i].why == ROUTE_METHOD;
    }
    assert_int_equal(router_find(router, q, &found), any);
    if (any)
        assert_int_equal(all[found.rule].why, ROUTE_FITS);
    else
        assert_int_equal(found.status, method ? 405 : 404);
}

static void agrees_with_the_plain_rules(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct route_rule rules[RULES];
        struct router *router;
        struct arena a;
        unsigned n = 1 + below(RULES);

        arena_init(&a, 16384);
        for (unsigned i = 0; i < n; i++)
            random_rule(&a, &rules[i]);
        router = router_build(rules, n, NULL, NULL);
        assert_non_null(router);
        for (unsigned i = 0; i < REQUESTS; i++) {
            struct route_request q;
            struct headers h;

            random_request(&a, &q, &h);
            compare(router, rules, n, &q);
            compare_verdicts(router, rules, n, &q, &a);
        }
        router_free(&router);
        arena_fini(&a);
    }
    assert_true(several > ROUNDS * REQUESTS / 4);
    assert_true(refused > ROUNDS * REQUESTS / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_plain_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
