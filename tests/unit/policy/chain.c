/* tests/unit/policy/chain.c - policy/chain.c, policy/chain_set.c and policy/instance.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/refs.h"
#include "policy/chain.h"
#include "tests/unit/policy/fake.h"

#include <stdio.h>
#include <stdlib.h>

/* --- policies that write down what happens to them --- */

static struct buf story;                /* "req:a req:b done:b ..." */

/* The configuration of a test policy: its name in the story, and what its hooks say. */
struct test_conf {
    char name;
    enum sc_verdict request, attempt, response;
    unsigned rank;
    bool refuse;                        /* open() fails */
    bool broken;                        /* worker_open() fails */
    bool hold_body;                     /* the body is kept back until its end */
};

struct test_local {
    char mark[16];                      /* filled by on_request, checked by the others */
    unsigned held;
};

static enum sc_verdict say(struct sc_self *self, const char *what, enum sc_verdict v)
{
    const struct test_conf *conf = self->conf;

    buf_printf(&story, "%s:%c ", what, conf->name);
    return v;
}

static const char *told(void)
{
    static char text[1024];

    if (story.n > 0 && story.p[story.n - 1] == ' ')
        story.n--;
    snprintf(text, sizeof text, "%.*s", (int)story.n, story.n > 0 ? story.p : "");
    buf_clear(&story);
    return text;
}

static enum sc_verdict on_request(struct sc_self *self, struct sc_exchange *x)
{
    const struct test_conf *conf = self->conf;
    struct test_local *local = self->local;

    assert_int_equal(local->mark[0], 0);
    memset(local->mark, conf->name, sizeof local->mark);
    if (conf->request == SC_RESPOND)
        sc_reply(x, 403, "forbidden", "by %c", conf->name);
    return say(self, "req", conf->request);
}

static enum sc_verdict on_attempt(struct sc_self *self, struct sc_exchange *x)
{
    const struct test_conf *conf = self->conf;

    (void)x;
    return say(self, "try", conf->attempt);
}

static enum sc_verdict on_response(struct sc_self *self, struct sc_exchange *x)
{
    const struct test_conf *conf = self->conf;

    (void)x;
    return say(self, "res", conf->response);
}

static void on_cancel(struct sc_self *self, struct sc_exchange *x)
{
    (void)x;
    say(self, "cancel", SC_CONTINUE);
}

static void on_done(struct sc_self *self, struct sc_exchange *x, const struct sc_outcome *o)
{
    const struct test_conf *conf = self->conf;
    struct test_local *local = self->local;

    (void)x;
    assert_int_equal(o->status, 200);
    assert_int_equal(local->mark[0], conf->name);
    assert_int_equal(local->mark[15], conf->name);
    sc_count(self, 0, 2);
    say(self, "done", SC_CONTINUE);
}

static unsigned opened, closed, workers_opened, workers_closed;
static void *seen_previous;

static bool open_shared(const void *c, void *previous, void **shared, struct sc_error *e)
{
    const struct test_conf *conf = c;

    if (conf->refuse)
        return sc_error_set(e, "not today");
    opened++;
    seen_previous = previous;
    *shared = xstrdup("shared");
    return true;
}

static void close_shared(void *shared)
{
    closed++;
    free(shared);
}

static bool worker_open(struct sc_self *self, struct sc_worker *w)
{
    const struct test_conf *conf = self->conf;

    workers_opened++;
    self->worker = w;
    return !conf->broken;
}

static void worker_close(struct sc_self *self, struct sc_worker *w)
{
    assert_ptr_equal(self->worker, w);
    workers_closed++;
}

static uint16_t rank_of(const void *c)
{
    const struct test_conf *conf = c;

    return (uint16_t)conf->rank;
}

static const struct sc_counter counters[] = { { "done_total", "done" }, { NULL, NULL } };

#define FULL(label)                                                                      \
    {                                                                                    \
        .abi_major = SC_ABI_MAJOR, .size = sizeof(struct sc_policy), .name = label, .rank_of = rank_of, \
        .conf_size = sizeof(struct test_conf), .local_size = sizeof(struct test_local), .counters = counters, \
        .open = open_shared, .close = close_shared, .worker_open = worker_open, .worker_close = worker_close, \
        .on_request = on_request, .on_attempt = on_attempt, .on_response = on_response, .on_cancel = on_cancel, \
        .on_done = on_done,                                                              \
    }

static const struct sc_policy full = FULL("full"), other = FULL("other"), third = FULL("third");

/* Only sees the end. */
static void quiet_done(struct sc_self *self, struct sc_exchange *x, const struct sc_outcome *o)
{
    (void)x;
    (void)o;
    assert_null(self->local);
    say(self, "done", SC_CONTINUE);
}

static const struct sc_policy quiet = {
    .name = "quiet", .conf_size = sizeof(struct test_conf), .rank_of = rank_of, .on_done = quiet_done,
};

/* --- lists by hand --- */

static struct policy_entry entry(const struct sc_policy *policy, const char *id, struct test_conf conf)
{
    struct policy_conf *c = xnew(struct policy_conf);

    refs_init(&c->refs);
    arena_init(&c->arena, 256);
    c->conf = memcpy(arena_alloc(&c->arena, sizeof conf), &conf, sizeof conf);
    c->identity = arena_dup(&c->arena, (struct sc_str){ (const char *)c->conf, sizeof conf });
    return (struct policy_entry){ .policy = policy, .id = id, .enabled = true, .conf = c };
}

static void make_list(struct policy_list *list, unsigned n, const struct policy_entry *entries)
{
    list->at = xcalloc(n, sizeof *entries);
    list->n = n;
    memcpy(list->at, entries, n * sizeof *entries);
}

#define LIST(list, ...) \
    make_list(list, sizeof((struct policy_entry[]){ __VA_ARGS__ }) / sizeof(struct policy_entry), \
              (struct policy_entry[]){ __VA_ARGS__ })

static void drop_list(struct policy_list *list)
{
    struct policy_entry *at = list->at;

    policy_list_fini(list);
    free(at);
}

/* One route with this list, and one exchange on it. */
struct fixture {
    struct policy_list list;
    struct chain_set *set;
    struct sc_worker worker;
    struct sc_exchange x;
    struct chain_run run;
};

static void setup(struct fixture *f)
{
    const struct chain_scope route = { "r", NULL };

    f->worker.index = 1;
    f->set = chain_set_build(&f->list, &route, 1, NULL, 2, NULL, NULL);
    assert_non_null(f->set);
    chain_set_worker_open(f->set, 1, &f->worker);
    fake_init(&f->x);
    chain_start(&f->run, chain_set_route(f->set, 0), &f->x, 1, &f->x.arena);
    buf_clear(&story);
}

static void finish(struct fixture *f)
{
    const struct sc_outcome outcome = { .status = 200 };

    chain_done(&f->run, &outcome);
    chain_done(&f->run, &outcome);      /* the second one does nothing */
}

static void teardown(struct fixture *f)
{
    finish(f);
    chain_set_worker_close(f->set, 1, &f->worker);
    chain_set_free(&f->set);
    drop_list(&f->list);
    fake_fini(&f->x);
}

/* --- the way of one exchange --- */

static void by_rank_and_back_in_reverse(void **state)
{
    struct fixture f;
    bool replaced;

    (void)state;
    LIST(&f.list, entry(&full, "", (struct test_conf){ .name = 'c', .rank = 30 }),
         entry(&other, "", (struct test_conf){ .name = 'a', .rank = 10 }),
         entry(&third, "", (struct test_conf){ .name = 'd', .rank = 30 }),
         entry(&quiet, "", (struct test_conf){ .name = 'b', .rank = 20 }));
    setup(&f);
    assert_int_equal(chain_length(f.run.chain), 4);
    assert_ptr_equal(chain_policy(f.run.chain, 1)->policy, &quiet);
    assert_int_equal(chain_request(&f.run), SC_CONTINUE);
    assert_int_equal(chain_attempt(&f.run), SC_CONTINUE);
    assert_int_equal(chain_attempt(&f.run), SC_CONTINUE);
    assert_int_equal(chain_response(&f.run, &replaced), SC_CONTINUE);
    assert_false(replaced);
    finish(&f);
    assert_string_equal(told(), "req:a req:c req:d try:a try:c try:d try:a try:c try:d "
                                "res:d res:c res:a done:d done:c done:b done:a");
    assert_int_equal(instance_counter(chain_policy(f.run.chain, 0), 0), 2);
    teardown(&f);
}

static void a_reply_passes_those_before(void **state)
{
    struct fixture f;
    bool replaced;

    (void)state;
    LIST(&f.list, entry(&full, "", (struct test_conf){ .name = 'a', .rank = 10 }),
         entry(&quiet, "", (struct test_conf){ .name = 'b', .rank = 20 }),
         entry(&other, "", (struct test_conf){ .name = 'c', .rank = 30, .request = SC_RESPOND }),
         entry(&third, "", (struct test_conf){ .name = 'd', .rank = 40 }));
    setup(&f);
    assert_int_equal(chain_request(&f.run), SC_RESPOND);
    assert_int_equal(f.x.reply_status, 403);
    assert_int_equal(chain_response(&f.run, &replaced), SC_CONTINUE);
    finish(&f);
    assert_string_equal(told(), "req:a req:c res:a done:c done:b done:a");
    teardown(&f);
}

static void an_attempt_can_be_answered_too(void **state)
{
    struct fixture f;
    bool replaced;

    (void)state;
    LIST(&f.list, entry(&full, "", (struct test_conf){ .name = 'a', .rank = 10 }),
         entry(&other, "", (struct test_conf){ .name = 'b', .rank = 20, .attempt = SC_RESPOND }),
         entry(&third, "", (struct test_conf){ .name = 'c', .rank = 30 }));
    setup(&f);
    assert_int_equal(chain_request(&f.run), SC_CONTINUE);
    assert_int_equal(chain_attempt(&f.run), SC_RESPOND);
    assert_int_equal(chain_response(&f.run, &replaced), SC_CONTINUE);
    finish(&f);
    assert_string_equal(told(), "req:a req:b req:c try:a try:b res:a done:c done:b done:a");
    teardown(&f);
}

static void an_answer_can_be_replaced_on_its_way_back(void **state)
{
    struct fixture f;
    bool replaced;

    (void)state;
    LIST(&f.list, entry(&full, "", (struct test_conf){ .name = 'a', .rank = 10 }),
         entry(&other, "", (struct test_conf){ .name = 'b', .rank = 20, .response = SC_RESPOND }),
         entry(&third, "", (struct test_conf){ .name = 'c', .rank = 30 }));
    setup(&f);
    assert_int_equal(chain_request(&f.run), SC_CONTINUE);
    assert_int_equal(chain_response(&f.run, &replaced), SC_CONTINUE);
    assert_true(replaced);
    assert_string_equal(told(), "req:a req:b req:c res:c res:b res:a");
    teardown(&f);
}

static void suspends_and_goes_on(void **state)
{
    struct fixture f;
    bool replaced = false;

    (void)state;
    LIST(&f.list, entry(&full, "", (struct test_conf){ .name = 'a', .rank = 10, .response = SC_SUSPEND }),
         entry(&other, "", (struct test_conf){ .name = 'b', .rank = 20, .request = SC_SUSPEND }),
         entry(&third, "", (struct test_conf){ .name = 'c', .rank = 30, .attempt = SC_SUSPEND }));
    setup(&f);
    assert_int_equal(chain_request(&f.run), SC_SUSPEND);
    assert_string_equal(told(), "req:a req:b");
    assert_int_equal(chain_resume(&f.run, SC_CONTINUE, &replaced), SC_CONTINUE);
    assert_string_equal(told(), "req:c");
    assert_int_equal(chain_attempt(&f.run), SC_SUSPEND);
    assert_int_equal(chain_resume(&f.run, SC_CONTINUE, &replaced), SC_CONTINUE);
    assert_int_equal(chain_response(&f.run, &replaced), SC_SUSPEND);
    assert_int_equal(chain_resume(&f.run, SC_RESPOND, &replaced), SC_CONTINUE);
    assert_true(replaced);
    finish(&f);
    assert_string_equal(told(), "try:a try:b try:c res:c res:b res:a done:c done:b done:a");
    teardown(&f);
}

static void a_resume_can_reply_or_abort(void **state)
{
    const enum sc_verdict verdicts[] = { SC_RESPOND, SC_ABORT };

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct fixture f;
        bool replaced;

        LIST(&f.list, entry(&full, "", (struct test_conf){ .name = 'a', .rank = 10 }),
             entry(&other, "", (struct test_conf){ .name = 'b', .rank = 20, .request = SC_SUSPEND }),
             entry(&third, "", (struct test_conf){ .name = 'c', .rank = 30 }));
        setup(&f);
        assert_int_equal(chain_request(&f.run), SC_SUSPEND);
        assert_int_equal(chain_resume(&f.run, verdicts[i], &replaced), verdicts[i]);
        if (verdicts[i] == SC_RESPOND)
            assert_int_equal(chain_response(&f.run, &replaced), SC_CONTINUE);
        finish(&f);
        assert_string_equal(told(), i == 0 ? "req:a req:b res:a done:b done:a" : "req:a req:b done:b done:a");
        teardown(&f);
    }
}

static void a_suspended_policy_is_told_when_it_is_over(void **state)
{
    struct fixture f;
    bool replaced;

    (void)state;
    LIST(&f.list, entry(&full, "", (struct test_conf){ .name = 'a', .rank = 10 }),
         entry(&other, "", (struct test_conf){ .name = 'b', .rank = 20, .request = SC_SUSPEND }));
    setup(&f);
    assert_int_equal(chain_request(&f.run), SC_SUSPEND);
    chain_cancel(&f.run);
    chain_cancel(&f.run);
    assert_int_equal(chain_response(&f.run, &replaced), SC_CONTINUE);   /* the sidecar's own error */
    finish(&f);
    assert_string_equal(told(), "req:a req:b cancel:b res:a done:b done:a");
    teardown(&f);
}

static void done_without_an_answer_cancels(void **state)
{
    struct fixture f;

    (void)state;
    LIST(&f.list, entry(&full, "", (struct test_conf){ .name = 'a', .rank = 10, .request = SC_SUSPEND }));
    setup(&f);
    assert_int_equal(chain_request(&f.run), SC_SUSPEND);
    finish(&f);
    assert_string_equal(told(), "req:a cancel:a done:a");
    teardown(&f);
}

static void no_chain_is_no_trouble(void **state)
{
    struct chain_run run = { .chain = NULL };
    const struct sc_outcome outcome = { .status = 404 };
    bool replaced = true;

    (void)state;
    assert_int_equal(chain_request(&run), SC_CONTINUE);
    assert_int_equal(chain_response(&run, &replaced), SC_CONTINUE);
    assert_false(replaced);
    assert_false(chain_has_body(&run, CHAIN_RESPONSE_BODY));
    chain_cancel(&run);
    chain_done(&run, &outcome);
}

static void a_policy_that_is_broken_here_answers_500(void **state)
{
    struct fixture f;

    (void)state;
    LIST(&f.list, entry(&full, "", (struct test_conf){ .name = 'a', .rank = 10 }),
         entry(&other, "", (struct test_conf){ .name = 'b', .rank = 20, .broken = true }));
    setup(&f);
    workers_closed = 0;
    assert_int_equal(chain_request(&f.run), SC_RESPOND);
    assert_int_equal(f.x.reply_status, 500);
    assert_str(f.x.reply_code, "internal");
    teardown(&f);
    assert_string_equal(told(), "");
    assert_int_equal(workers_closed, 1);        /* not the one that never opened */
}

/* --- bodies --- */

static bool body_hook(struct sc_self *self, struct sc_exchange *x, struct sc_str data, bool last, struct sc_body *next)
{
    const struct test_conf *conf = self->conf;
    char text[64];
    int n = snprintf(text, sizeof text, "%c(%.*s)", conf->name, STR_ARG(data));

    (void)x;
    if (conf->hold_body && !last)
        return true;
    return sc_body_write(next, (struct sc_str){ text, (size_t)n }, last);
}

static const struct sc_policy body_a = {
    .name = "body-a", .conf_size = sizeof(struct test_conf), .rank_of = rank_of, .on_request = NULL,
    .on_request_body = body_hook, .on_response_body = body_hook,
}, body_b = {
    .name = "body-b", .conf_size = sizeof(struct test_conf), .rank_of = rank_of,
    .on_request_body = body_hook, .on_response_body = body_hook,
};

static bool body_sink(void *arg, struct sc_str data, bool last)
{
    buf_printf(arg, "%.*s%s", STR_ARG(data), last ? "." : "|");
    return true;
}

static void bodies_pass_all_hooks_in_order(void **state)
{
    struct buf out = BUF_INIT;
    struct fixture f;

    (void)state;
    LIST(&f.list, entry(&body_b, "", (struct test_conf){ .name = 'b', .rank = 20 }),
         entry(&body_a, "", (struct test_conf){ .name = 'a', .rank = 10 }));
    setup(&f);
    assert_int_equal(chain_request(&f.run), SC_CONTINUE);
    assert_true(chain_has_body(&f.run, CHAIN_REQUEST_BODY));
    chain_body_open(&f.run, CHAIN_REQUEST_BODY, body_sink, &out, &f.x.arena);
    assert_true(chain_body_write(&f.run, CHAIN_REQUEST_BODY, STR("x"), false));
    assert_true(chain_body_write(&f.run, CHAIN_REQUEST_BODY, STR("y"), true));
    assert_false(chain_body_write(&f.run, CHAIN_REQUEST_BODY, STR("z"), false));
    assert_string_equal(out.p, "b(a(x))|b(a(y)).");
    buf_clear(&out);
    assert_true(chain_has_body(&f.run, CHAIN_RESPONSE_BODY));
    chain_body_open(&f.run, CHAIN_RESPONSE_BODY, body_sink, &out, &f.x.arena);
    assert_true(chain_body_write(&f.run, CHAIN_RESPONSE_BODY, STR("x"), true));
    assert_string_equal(out.p, "a(b(x)).");
    buf_fini(&out);
    teardown(&f);
}

static void a_body_can_be_kept_back(void **state)
{
    struct buf out = BUF_INIT;
    struct fixture f;

    (void)state;
    LIST(&f.list, entry(&body_a, "", (struct test_conf){ .name = 'a', .rank = 10, .hold_body = true }),
         entry(&body_b, "", (struct test_conf){ .name = 'b', .rank = 20 }));
    setup(&f);
    chain_request(&f.run);
    chain_body_open(&f.run, CHAIN_REQUEST_BODY, body_sink, &out, &f.x.arena);
    assert_true(chain_body_write(&f.run, CHAIN_REQUEST_BODY, STR("x"), false));
    assert_int_equal(out.n, 0);
    assert_true(chain_body_write(&f.run, CHAIN_REQUEST_BODY, STR("y"), true));
    assert_string_equal(out.p, "b(a(y)).");
    buf_fini(&out);
    teardown(&f);
}

static void the_body_of_a_reply_passes_those_before(void **state)
{
    struct buf out = BUF_INIT;
    struct fixture f;
    bool replaced;

    (void)state;
    LIST(&f.list, entry(&body_a, "", (struct test_conf){ .name = 'a', .rank = 10 }),
         entry(&full, "", (struct test_conf){ .name = 'c', .rank = 15, .request = SC_RESPOND }),
         entry(&body_b, "", (struct test_conf){ .name = 'b', .rank = 20 }));
    setup(&f);
    assert_int_equal(chain_request(&f.run), SC_RESPOND);
    chain_response(&f.run, &replaced);
    assert_true(chain_has_body(&f.run, CHAIN_RESPONSE_BODY));
    chain_body_open(&f.run, CHAIN_RESPONSE_BODY, body_sink, &out, &f.x.arena);
    assert_true(chain_body_write(&f.run, CHAIN_RESPONSE_BODY, STR("x"), true));
    assert_string_equal(out.p, "a(x).");
    buf_fini(&out);
    teardown(&f);
}

static void no_body_hook_no_pipe(void **state)
{
    struct fixture f;

    (void)state;
    LIST(&f.list, entry(&full, "", (struct test_conf){ .name = 'a', .rank = 10 }));
    setup(&f);
    assert_false(chain_has_body(&f.run, CHAIN_REQUEST_BODY));
    assert_false(chain_has_body(&f.run, CHAIN_RESPONSE_BODY));
    teardown(&f);
}

/* --- which policies run on a route --- */

static const char *names_of(const struct chain *c)
{
    static char text[64];
    unsigned n = chain_length(c);

    assert_true(n < sizeof text);
    for (unsigned i = 0; i < n; i++)
        text[i] = ((const struct test_conf *)chain_policy(c, i)->conf->conf)->name;
    text[n] = '\0';
    return text;
}

static void routes_replace_remove_and_add(void **state)
{
    struct policy_list global, replaced, off, both, disabled;
    struct policy_entry disabled_entry = entry(&full, "", (struct test_conf){ .name = 'z', .rank = 10 });
    struct chain_set *set;

    (void)state;
    disabled_entry.enabled = false;
    LIST(&global, entry(&full, "", (struct test_conf){ .name = 'a', .rank = 10 }),
         entry(&other, "", (struct test_conf){ .name = 'b', .rank = 20 }));
    LIST(&replaced, entry(&full, "", (struct test_conf){ .name = 'c', .rank = 30 }));
    LIST(&off, ((struct policy_entry){ .policy = &full, .id = "", .off = true, .enabled = true }));
    LIST(&both, entry(&full, "mine", (struct test_conf){ .name = 'd', .rank = 10 }),
         entry(&third, "", (struct test_conf){ .name = 'e', .rank = 5 }));
    LIST(&disabled, disabled_entry);
    const struct chain_scope routes[] = {
        { "plain", NULL }, { "replaced", &replaced }, { "off", &off }, { "both", &both }, { "disabled", &disabled },
        { "plain too", NULL },
    };
    set = chain_set_build(&global, routes, 6, NULL, 1, NULL, NULL);
    assert_string_equal(names_of(chain_set_route(set, 0)), "ab");
    assert_string_equal(names_of(chain_set_route(set, 1)), "bc");
    assert_string_equal(names_of(chain_set_route(set, 2)), "b");
    assert_string_equal(names_of(chain_set_route(set, 3)), "eadb");
    assert_string_equal(names_of(chain_set_route(set, 4)), "b");
    assert_ptr_equal(chain_set_route(set, 0), chain_set_route(set, 5));
    chain_set_free(&set);
    drop_list(&global);
    drop_list(&replaced);
    drop_list(&off);
    drop_list(&both);
    drop_list(&disabled);
}

/* --- reloads --- */

static struct chain_set *build_one(struct policy_list *list, const struct chain_set *previous)
{
    const struct chain_scope route = { "r", NULL };

    return chain_set_build(list, &route, 1, previous, 2, NULL, NULL);
}

static void equal_configuration_keeps_its_state(void **state)
{
    struct policy_list first, same, changed;
    struct chain_set *a, *b, *c;
    struct sc_worker w = { 0 };
    const void *shared;

    (void)state;
    opened = closed = workers_opened = workers_closed = 0;
    LIST(&first, entry(&full, "", (struct test_conf){ .name = 'a' }));
    LIST(&same, entry(&full, "", (struct test_conf){ .name = 'a' }));
    LIST(&changed, entry(&full, "", (struct test_conf){ .name = 'b' }));

    a = build_one(&first, NULL);
    chain_set_worker_open(a, 0, &w);
    shared = chain_set_instance(a, 0)->shared;
    b = build_one(&same, a);
    assert_ptr_equal(chain_set_instance(a, 0), chain_set_instance(b, 0));
    chain_set_worker_open(b, 0, &w);
    chain_set_worker_close(a, 0, &w);
    chain_set_free(&a);
    drop_list(&first);
    assert_int_equal(opened, 1);
    assert_int_equal(workers_opened, 1);
    assert_int_equal(workers_closed, 0);
    assert_int_equal(((const struct test_conf *)chain_set_instance(b, 0)->conf->conf)->name, 'a');

    c = build_one(&changed, b);
    assert_ptr_equal(seen_previous, shared);
    assert_ptr_not_equal(chain_set_instance(c, 0), chain_set_instance(b, 0));
    chain_set_worker_close(b, 0, &w);
    chain_set_free(&b);
    assert_int_equal(opened, 2);
    assert_int_equal(closed, 1);
    assert_int_equal(workers_closed, 1);
    chain_set_free(&c);
    assert_int_equal(closed, 2);
    drop_list(&same);
    drop_list(&changed);
}

static void note_failure(void *arg, unsigned scope, unsigned at, const char *text)
{
    buf_printf(arg, "%u/%u %s;", scope, at, text);
}

static void a_refused_configuration_changes_nothing(void **state)
{
    struct policy_list good, bad, route_list;
    struct buf text = BUF_INIT;
    struct chain_set *a;

    (void)state;
    opened = closed = 0;
    LIST(&good, entry(&full, "", (struct test_conf){ .name = 'a' }));
    LIST(&bad, entry(&full, "", (struct test_conf){ .name = 'a' }),
         entry(&other, "", (struct test_conf){ .name = 'b', .refuse = true }));
    LIST(&route_list, entry(&third, "", (struct test_conf){ .name = 'c', .refuse = true }));
    const struct chain_scope route = { "r", &route_list };
    a = build_one(&good, NULL);
    assert_null(chain_set_build(&bad, &route, 1, a, 2, note_failure, &text));
    assert_string_equal(text.p, "0/1 not today;1/0 not today;");
    assert_int_equal(opened, 1);
    assert_int_equal(closed, 0);
    chain_set_free(&a);
    assert_int_equal(closed, 1);
    buf_fini(&text);
    drop_list(&good);
    drop_list(&bad);
    drop_list(&route_list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_rank_and_back_in_reverse),
        cmocka_unit_test(a_reply_passes_those_before),
        cmocka_unit_test(an_attempt_can_be_answered_too),
        cmocka_unit_test(an_answer_can_be_replaced_on_its_way_back),
        cmocka_unit_test(suspends_and_goes_on),
        cmocka_unit_test(a_resume_can_reply_or_abort),
        cmocka_unit_test(a_suspended_policy_is_told_when_it_is_over),
        cmocka_unit_test(done_without_an_answer_cancels),
        cmocka_unit_test(no_chain_is_no_trouble),
        cmocka_unit_test(a_policy_that_is_broken_here_answers_500),
        cmocka_unit_test(bodies_pass_all_hooks_in_order),
        cmocka_unit_test(a_body_can_be_kept_back),
        cmocka_unit_test(the_body_of_a_reply_passes_those_before),
        cmocka_unit_test(no_body_hook_no_pipe),
        cmocka_unit_test(routes_replace_remove_and_add),
        cmocka_unit_test(equal_configuration_keeps_its_state),
        cmocka_unit_test(a_refused_configuration_changes_nothing),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    buf_fini(&story);
    return failed;
}
