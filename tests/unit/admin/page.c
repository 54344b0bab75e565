/* tests/unit/admin/page.c - which page answers, and what it says.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "admin/page.h"
#include "admin/services.h"
#include "base/alloc.h"
#include "discovery/status.h"

#include <stdlib.h>

/* ---- what the pages are told ---- */

static struct admin_facts facts;
static struct discovery_status *known;

static void give_facts(void *arg, struct admin_facts *f)
{
    assert_ptr_equal(arg, &facts);
    *f = facts;
}

static struct discovery_status *give_services(void *arg)
{
    assert_ptr_equal(arg, &facts);
    if (known != NULL)
        atomic_fetch_add(&known->refs, 1);
    return known;
}

static unsigned drains;

static void count_drain(void *arg)
{
    assert_ptr_equal(arg, &facts);
    drains++;
}

static const struct admin_version libraries[] = { { "libcurl", "7.88.1" }, { "jansson", "2.14" }, { NULL, NULL } };
static const char *const degraded[] = { "no transport seam", NULL };
static const struct admin_state state_of_things = {
    .arg = &facts, .facts = give_facts, .services = give_services, .drain = count_drain,
    .node = "web-7", .zone = "a", .version = "1.2.3",
    .libraries = libraries, .degraded = degraded,
};

static const struct admin_facts all_well = {
    .started = true, .listening = true, .targets = true, .workers = 2, .generation = 3, .in_flight = 1,
    .started_wall_ms = 1795166165007,
};

/* ---- asking ---- */

static struct arena arena;
static struct admin_answer got;

static void ask(const char *method, const char *path, const char *query)
{
    struct admin_request r = {
        .arena = &arena, .method = str_of(method), .path = str_of(path), .query = str_of(query),
        .host = STR("localhost"), .loopback = true,
    };

    buf_fini(&got.body);
    page_answer(&state_of_things, &r, &got);
}

static void get(const char *path)
{
    ask("GET", path, NULL);
}

static void expect(unsigned status, const char *body)
{
    assert_int_equal(got.status, status);
    assert_string_equal(got.type, "application/json");
    assert_string_equal(got.body.p, body);
}

static void expect_problem(unsigned status, const char *code)
{
    assert_int_equal(got.status, status);
    assert_string_equal(got.type, "application/problem+json");
    assert_non_null(strstr(got.body.p, code));
}

static int set_up(void **state)
{
    (void)state;
    facts = all_well;
    arena_init(&arena, 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_fini(&got.body);
    arena_fini(&arena);
    return 0;
}

/* ---- one service with two targets ---- */

static void fill(struct target_entry *t, const char *address, const char *reason, enum endpoint_state state)
{
    struct endpoint *record = xnew(struct endpoint);

    record->weight = 100;
    record->zone = reason == NULL ? "a" : NULL;
    record->state = state;
    t->target = aligned_alloc(64, (sizeof *t->target + 63) & ~(size_t)63);
    memset(t->target, 0, sizeof *t->target);
    t->target->address = address;
    t->target->inflight = reason == NULL ? 4 : 0;
    t->weight = 50 * WEIGHT_UNIT;
    t->record = record;
    t->eligible = reason == NULL;
    t->reason = reason;
}

static void know_one_service(bool answered, unsigned eligible)
{
    static struct source_status source;
    static const struct quarantined bad = { "users[3]", "port: 99999 is out of range" };
    struct service_status *s = xnew(struct service_status);
    struct discovery_status *d = xcalloc(1, sizeof *d + sizeof d->services[0]);

    source = (struct source_status){
        .registry = "files", .type = "file", .answered = answered, .failing = !answered, .interval = 30000,
        .index = answered ? 7 : 0, .live_mono = answered ? clock_mono_ms() : 0,
        .contact_wall = answered ? 1795166165007 : 0, .last_error = answered ? NULL : "no such file",
        .weight = 1, .serves = answered,
    };
    if (answered) {
        source.last_change.wall = 1795166160000;
        source.last_change.cause = "file changed";
    }
    s->name = "us\"ers";
    s->set = target_set_new(service_shared_new("us\"ers"), 2);
    fill(&s->set->at[0], "10.0.0.1:80", eligible > 0 ? NULL : "critical", eligible > 0 ? EP_READY : EP_CRITICAL);
    fill(&s->set->at[1], "10.0.0.2:80", eligible > 1 ? NULL : "critical", eligible > 1 ? EP_READY : EP_CRITICAL);
    s->set->eligible = eligible;
    s->nsources = 1;
    s->sources = &source;
    s->nquarantined = 1;
    s->nquarantined_all = 12;
    s->quarantined = &bad;
    atomic_init(&s->refs, 1);
    atomic_init(&d->refs, 1);
    d->n = 1;
    d->services[0] = s;
    known = d;
}

/* The library's own ends of life are not in question here. */
static void forget(void)
{
    struct service_status *s = known->services[0];

    assert_int_equal(atomic_load(&known->refs), 1);
    for (unsigned i = 0; i < 2; i++) {
        free(s->set->at[i].target);
        free((void *)s->set->at[i].record);
    }
    arena_fini(&s->set->arena);
    service_shared_unref(&(struct service_shared *){ s->set->service });
    service_shared_unref(&s->set->service);
    free(s->set);
    free(s);
    free(known);
    known = NULL;
}

/* ---- cases ---- */

static void health_pages(void **state)
{
    (void)state;
    get("/health/live");
    expect(200, "{\"status\":\"live\",\"reasons\":[]}\n");
    get("/health/ready");
    expect(200, "{\"status\":\"ready\",\"reasons\":[]}\n");
    get("/health/startup");
    expect(200, "{\"status\":\"started\",\"reasons\":[]}\n");
    get("/livez");
    expect(200, "{\"status\":\"live\",\"reasons\":[]}\n");
    get("/readyz");
    expect(200, "{\"status\":\"ready\",\"reasons\":[]}\n");
    get("/health");
    expect(200, "{\"status\":\"ok\",\"live\":true,\"ready\":true,\"reasons\":[],\"version\":\"1.2.3\",\"node\":\"web-7\","
                "\"zone\":\"a\",\"generation\":3,\"started\":\"2026-11-20T09:16:05.007Z\",\"workers\":2,\"in_flight\":1,"
                "\"services\":{\"healthy\":0,\"degraded\":0,\"unhealthy\":0,\"unknown\":0}}\n");
}

static void not_ready_yet(void **state)
{
    (void)state;
    facts.started = facts.listening = facts.targets = false;
    get("/health/ready");
    expect(503, "{\"status\":\"not-ready\",\"reasons\":[\"not all listeners are open\","
                "\"targets are not known yet\"]}\n");
    get("/health/startup");
    assert_int_equal(got.status, 503);
    get("/health/live");
    assert_int_equal(got.status, 200);
    get("/health");
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.body.p, "\"status\":\"starting\""));
}

static void draining(void **state)
{
    (void)state;
    facts.draining = true;
    facts.listening = false;
    get("/health/ready");
    expect(503, "{\"status\":\"not-ready\",\"reasons\":[\"draining: the process is stopping\"]}\n");
    get("/health/live");
    assert_int_equal(got.status, 200);
    get("/health/startup");
    assert_int_equal(got.status, 200);
    get("/health");
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.body.p, "\"status\":\"draining\""));
}

static void stuck(void **state)
{
    (void)state;
    facts.stalled = 1;
    get("/health/live");
    expect(503, "{\"status\":\"not-live\",\"reasons\":[\"1 of 2 workers are stuck\"]}\n");
    get("/health/ready");
    assert_int_equal(got.status, 503);
    get("/health");
    assert_int_equal(got.status, 503);
}

static void version_and_index(void **state)
{
    (void)state;
    get("/version");
    expect(200, "{\"name\":\"outrider\",\"version\":\"1.2.3\",\"libraries\":{\"libcurl\":\"7.88.1\","
                "\"jansson\":\"2.14\"},\"degraded\":[\"no transport seam\"]}\n");
    get("/");
    assert_int_equal(got.status, 200);
    assert_string_equal(got.type, "text/plain; charset=utf-8");
    assert_non_null(strstr(got.body.p, "/health/services"));
}

static void methods_and_paths(void **state)
{
    static const char *const methods[] = { "POST", "PUT", "DELETE", "OPTIONS", "get", "TRACE", "PATCH" };

    (void)state;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        ask(methods[i], "/health", NULL);
        expect_problem(405, "\"code\":\"method-not-allowed\"");
        assert_string_equal(got.allow, "GET, HEAD");
    }
    ask("HEAD", "/health/live", NULL);
    expect(200, "{\"status\":\"live\",\"reasons\":[]}\n");
    assert_null(got.allow);
    get("/health/");
    assert_int_equal(got.status, 200);
    get("/healthy");
    expect_problem(404, "\"code\":\"no-route\"");
    get("/health/live/x");
    expect_problem(404, "\"code\":\"no-route\"");
    ask("POST", "/nowhere", NULL);
    expect_problem(404, "\"code\":\"no-route\"");
    get("*");
    expect_problem(404, "\"code\":\"no-route\"");
}

static void refused(void **state)
{
    struct admin_request r = {
        .arena = &arena, .method = STR("GET"), .path = STR("/health"), .host = STR("evil.example"), .loopback = true,
    };

    (void)state;
    buf_fini(&got.body);
    page_answer(&state_of_things, &r, &got);
    expect_problem(403, "\"code\":\"forbidden\"");
}

static void ask_as(bool local, bool trusted, const char *method, const char *path)
{
    struct admin_request r = {
        .arena = &arena, .method = str_of(method), .path = str_of(path), .host = STR("localhost"), .loopback = true,
        .local = local, .trusted = trusted, .who = "uid 7 (pid 8)",
    };

    buf_fini(&got.body);
    page_answer(&state_of_things, &r, &got);
}

/* GET changes nothing; POST is for those who may. */
static void changes(void **state)
{
    static const char *const paths[] = { "/admin/drain", "/admin/reload" };

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        drains = 0;
        ask_as(true, true, "GET", paths[i]);
        expect_problem(405, "\"code\":\"method-not-allowed\"");
        assert_string_equal(got.allow, "POST");
        ask_as(true, true, "HEAD", paths[i]);
        expect_problem(405, "");
        ask_as(true, false, "POST", paths[i]);
        expect_problem(403, "root, our own user");
        ask_as(false, false, "POST", paths[i]);
        expect_problem(403, "none is configured");
        assert_false(got.reload);
        assert_int_equal(drains, 0);
        ask_as(true, true, "POST", paths[i]);
        assert_int_equal(drains, i == 0);
        assert_true(got.reload == (i == 1));
    }
    ask_as(true, true, "POST", "/admin/drain");
    expect(202, "{\"status\":\"draining\"}\n");
}

static void config_is_for_admins(void **state)
{
    (void)state;
    ask_as(false, false, "GET", "/config");
    expect_problem(403, "needs a token");
    ask_as(true, false, "GET", "/config");
    expect_problem(403, "root, our own user");
    ask_as(true, true, "GET", "/config");
    expect_problem(503, "no configuration is in force yet");
}

/* Whatever the configuration lets through, nobody gets more than a viewer. */
static void anybody(void **state)
{
    static const struct { const char *path; unsigned status; } asked[] = {
        { "/health", 200 }, { "/health/live", 200 }, { "/health/services", 200 }, { "/version", 200 }, { "/config", 404 },
        { "/admin/drain", 404 }, { "/admin/reload", 404 }, { "/nothing", 404 },
    };

    (void)state;
    drains = 0;
    for (unsigned i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        struct admin_request r = { .arena = &arena, .method = STR("GET"), .path = str_of(asked[i].path) };

        buf_fini(&got.body);
        page_answer_anybody(&state_of_things, &r, &got);
        assert_int_equal(got.status, asked[i].status);
        r.method = STR("POST");
        buf_fini(&got.body);
        page_answer_anybody(&state_of_things, &r, &got);
        assert_int_equal(got.status, 404);
        assert_false(got.reload);
    }
    assert_int_equal(drains, 0);
}

static void a_service(void **state)
{
    (void)state;
    know_one_service(true, 1);
    get("/health/services");
    expect(200,
        "{\"status\":\"degraded\",\"node\":\"web-7\",\"generation\":3,\"services\":{\"us\\\"ers\":{"
        "\"status\":\"degraded\",\"breaker\":null,\"sources\":[{\"registry\":\"files\",\"type\":\"file\","
        "\"mode\":\"live\",\"index\":7,\"age_seconds\":0.000,\"last_contact\":\"2026-11-20T09:16:05.007Z\","
        "\"last_change\":{\"at\":\"2026-11-20T09:16:00.000Z\",\"cause\":\"file changed\"},\"last_error\":null,"
        "\"weight\":1,\"serves\":true,\"snapshot\":null,"
        "\"hand\":null}],"
        "\"targets\":[{\"address\":\"10.0.0.1:80\",\"registry\":\"files\",\"weight\":100,"
        "\"effective_weight\":50.000,\"zone\":\"a\","
        "\"state\":\"active\",\"eligible\":true,\"reason\":null,\"inflight\":4,\"last_check\":null},"
        "{\"address\":\"10.0.0.2:80\",\"registry\":\"files\",\"weight\":100,\"effective_weight\":50.000,\"zone\":null,"
        "\"state\":\"unhealthy\",\"eligible\":false,\"reason\":\"critical\",\"inflight\":0,\"last_check\":null}],"
        "\"quarantined\":[{\"record\":\"users[3]\",\"reason\":\"port: 99999 is out of range\"}],"
        "\"quarantined_total\":12}},"
        "\"snapshots\":{\"read\":0,\"refused\":0,\"written\":0,\"failed\":0,\"removed\":0}}\n");
    get("/health/services/us%22ers");
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.body.p, "{\"name\":\"us\\\"ers\",\"status\":\"degraded\""));
    get("/health/services/others");
    expect_problem(404, "no service of this name");
    get("/health/services/us%22ers/more");
    expect_problem(404, "no such page");
    get("/health");
    assert_non_null(strstr(got.body.p, "\"degraded\":1,"));
    forget();
}

static void a_service_without_targets(void **state)
{
    (void)state;
    know_one_service(true, 0);
    get("/health/services");
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.body.p, "{\"status\":\"unhealthy\""));
    ask("GET", "/health/services", "strict=1");
    assert_int_equal(got.status, 503);
    ask("GET", "/health/services", "strict=0");
    assert_int_equal(got.status, 200);
    get("/health/services/us%22ers");
    assert_int_equal(got.status, 503);
    get("/health/ready");
    assert_int_equal(got.status, 200);
    forget();
}

static void a_service_nobody_told_of(void **state)
{
    (void)state;
    know_one_service(false, 0);
    get("/health/services/us%22ers");
    assert_int_equal(got.status, 503);
    assert_non_null(strstr(got.body.p, "\"status\":\"unknown\""));
    assert_non_null(strstr(got.body.p, "\"mode\":\"failed\""));
    assert_non_null(strstr(got.body.p, "\"last_contact\":null,\"last_change\":null,\"last_error\":\"no such file\""));
    ask("GET", "/health/services", "strict=1");
    assert_int_equal(got.status, 200);
    forget();
}

static void all_is_well(void **state)
{
    (void)state;
    know_one_service(true, 2);
    get("/health/services/us%22ers");
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.body.p, "\"status\":\"healthy\""));
    forget();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(health_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(not_ready_yet, set_up, tear_down),
        cmocka_unit_test_setup_teardown(draining, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stuck, set_up, tear_down),
        cmocka_unit_test_setup_teardown(version_and_index, set_up, tear_down),
        cmocka_unit_test_setup_teardown(methods_and_paths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(config_is_for_admins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(anybody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_service, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_service_without_targets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_service_nobody_told_of, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_is_well, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
