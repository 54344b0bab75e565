/* tests/unit/discovery/service.c - `registries:`, `targets:`, `source:` and `balancer:` as written.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "conf/load.h"
#include "discovery/provider.h"
#include "discovery/service.h"

#include <stdio.h>
#include <stdlib.h>

#define N(array) (sizeof(array) / sizeof (array)[0])

/* A file of its own for these tests: registries and services, as in the real one. */
struct file {
    struct registries registries;
    struct sc_list services;
};

static const struct sc_field file_fields[] = {
    SC_CUSTOM(struct file, registries, struct registries, registries_load, .schema = registries_schema, .doc = "r"),
    SC_OBJECTS(struct file, services, struct discovery_service, discovery_service_fields, .doc = "s"),
    SC_END
};

struct loaded {
    struct arena arena;
    struct conf_report report;
    struct conf_load load;
    struct file file;
    char text[2000];                /* of the report */
};

static struct discovery_service *service(const struct loaded *l, unsigned i)
{
    return &((struct discovery_service *)l->file.services.at)[i];
}

static void load(struct loaded *l, const char *yaml)
{
    struct buf out = BUF_INIT;
    struct node *root;

    arena_init(&l->arena, 4096);
    report_init(&l->report);
    conf_load_init(&l->load, &l->arena, &l->report);
    root = tree_parse(&l->arena, &l->report, "t", str_of(yaml));
    if (conf_load_object(&l->load, root, file_fields, &l->file))
        for (unsigned i = 0; i < l->file.services.n; i++) {
            size_t mark = load_enter(&l->load, "services");

            load_enter_index(&l->load, i);
            discovery_service_link(&l->load, &l->file.registries, service(l, i), node_get(root, "services")->items[i]);
            load_leave(&l->load, mark);
        }
    report_print(&l->report, &out);
    snprintf(l->text, sizeof l->text, "%s", out.p == NULL ? "" : out.p);
    buf_fini(&out);
}

static void unload(struct loaded *l)
{
    conf_load_fini(&l->load);
    report_fini(&l->report);
    arena_fini(&l->arena);
}

static void reads_targets(void **state)
{
    const struct endpoint_conf *t;
    struct loaded l;
    struct endpoint e;

    (void)state;
    load(&l, "services:\n"
             "- name: billing\n"
             "  targets:\n"
             "  - {host: 127.0.0.1, port: 8081, weight: 7, zone: a, node: n, tier: 1, tls: true, tags: [v1, x],\n"
             "     meta: {version: 1.2.0}}\n"
             "  - unix: /run/b.sock\n"
             "  balancer: {type: least_request, choices: 3}\n");
    assert_string_equal(l.text, "");
    assert_string_equal(service(&l, 0)->name, "billing");
    assert_string_equal(service(&l, 0)->balancer.ops->name, "least_request");
    assert_int_equal(*(const int64_t *)service(&l, 0)->balancer.conf, 3);
    assert_int_equal(service(&l, 0)->targets.n, 2);
    t = service(&l, 0)->targets.at;
    e = endpoint_of(&t[0]);
    assert_string_equal(e.host, "127.0.0.1");
    assert_int_equal(e.port, 8081);
    assert_int_equal(e.weight, 7);
    assert_int_equal(e.tier, 1);
    assert_true(e.tls);
    assert_string_equal(e.tags.at[1], "x");
    assert_string_equal(e.meta.at[0].value, "1.2.0");
    e = endpoint_of(&t[1]);
    assert_string_equal(e.path, "/run/b.sock");
    assert_int_equal(e.weight, ENDPOINT_WEIGHT);
    assert_int_equal(e.state, EP_READY);
    unload(&l);
}

static void finds_its_registry(void **state)
{
    struct loaded l;

    (void)state;
    load(&l, "services:\n"
             "- {name: users, source: {registry: files, service: people}}\n"
             "- {name: other, source: {registry: files}, balancer: random}\n"
             "registries:\n"
             "  files: {type: file, path: [/etc/a.yaml, /etc/b/*.json]}\n"
             "  one: {type: file, path: /etc/a.yaml}\n");
    assert_string_equal(l.text, "");
    assert_int_equal(l.file.registries.n, 2);
    assert_string_equal(service(&l, 0)->source.registry->name, "files");
    assert_string_equal(service(&l, 0)->source.registry->provider->name, "file");
    assert_int_equal(((const struct sc_strings *)l.file.registries.at[0].conf)->n, 2);
    assert_int_equal(((const struct sc_strings *)l.file.registries.at[1].conf)->n, 1);
    assert_string_equal(*(const char *const *)service(&l, 0)->source.conf, "people");
    assert_null(*(const char *const *)service(&l, 1)->source.conf);
    assert_string_equal(service(&l, 0)->balancer.ops->name, "round_robin");
    assert_string_equal(service(&l, 1)->balancer.ops->name, "random");
    unload(&l);
}

static void reads_sources(void **state)
{
    const struct source_conf *list;
    struct loaded l;

    (void)state;
    load(&l, "services:\n"
             "- name: users\n"
             "  combine: weighted\n"
             "  sources: [{registry: files, service: people, weight: 80}, {registry: one, weight: 0}, {registry: files}]\n"
             "- {name: other, source: {registry: files}}\n"
             "- {name: third, targets: [{host: h, port: 1}]}\n"
             "registries: {files: {type: file, path: /x}, one: {type: file, path: /y}}\n");
    assert_string_equal(l.text, "");
    assert_int_equal(service(&l, 0)->combine, COMBINE_WEIGHTED);
    assert_int_equal(discovery_service_sources(service(&l, 0), &list), 3);
    assert_string_equal(list[0].registry->name, "files");
    assert_string_equal(*(const char *const *)list[0].conf, "people");
    assert_int_equal(list[0].weight, 80);
    assert_string_equal(list[1].registry->name, "one");
    assert_int_equal(list[1].weight, 0);
    assert_int_equal(list[2].weight, 1);
    assert_int_equal(discovery_service_sources(service(&l, 1), &list), 1);
    assert_ptr_equal(list, &service(&l, 1)->source);
    assert_int_equal(service(&l, 1)->combine, COMBINE_UNION);
    assert_int_equal(discovery_service_sources(service(&l, 2), &list), 0);
    unload(&l);
}

#define FILES "registries: {f: {type: file, path: /x}, g: {type: file, path: /y}}\n"

static void reports_mistakes_of_sources(void **state)
{
    static const struct { const char *yaml, *want; unsigned errors; } cases[] = {
        { "{name: a, source: {registry: f}, sources: [{registry: g}]}", "has more than one of", 1 },
        { "{name: a, targets: [{host: h, port: 1}], sources: [{registry: g}]}", "has more than one of", 1 },
        { "{name: a, sources: {registry: g}}", "services[0].sources: expected a list of sources, not a map", 1 },
        { "{name: a, sources: []}", "expected one to 16 sources, not 0", 1 },
        { "{name: a, sources: [g]}", "services[0].sources[0]: expected a map with the key `registry`", 1 },
        { "{name: a, sources: [{registry: g}, {registry: h}]}", "services[0].sources[1]: unknown registry \"h\"", 1 },
        { "{name: a, sources: [{registry: g}, {registry: f}, {registry: g, weight: 4}]}",
          "services[0].sources[2]: the same source is listed before", 1 },
        { "{name: a, sources: [{registry: g}, {registry: f, servce: x}]}", "did you mean `service`?", 1 },
        { "{name: a, combine: weighted, sources: [{registry: g, weight: 0}, {registry: f, weight: 0}]}",
          "services[0].sources: no source has a weight above 0", 1 },
        { "{name: a, combine: weighted, sources: [{registry: g, weight: 70000}]}", "services[0].sources[0].weight", 1 },
        { "{name: a, combine: weighted, sources: [{registry: g, weight: []}]}", "services[0].sources[0].weight", 1 },
        { "{name: a, combine: unoin, sources: [{registry: g}]}", "did you mean", 1 },
        { "{name: a, source: {registry: g, weight: 3}}", "services[0].source.weight", 1 },
        { "{name: a, sources: [{registry: g, weight: 3}]}",
          "warning: services[0].sources[0].weight: counts only with `combine: weighted`", 0 },
        { "{name: a, combine: union, source: {registry: g}}", "`combine` counts only with `sources`", 0 },
    };

    (void)state;
    for (unsigned i = 0; i < N(cases); i++) {
        char yaml[300];
        struct loaded l;

        snprintf(yaml, sizeof yaml, "%sservices: [%s]", FILES, cases[i].yaml);
        load(&l, yaml);
        if (strstr(l.text, cases[i].want) == NULL || l.report.errors != cases[i].errors)
            fail_msg("%s\nwanted: %s\ngot %u: %s", cases[i].yaml, cases[i].want, l.report.errors, l.text);
        unload(&l);
    }
}

static void a_weight_is_not_the_source(void **state)
{
    static const struct { const char *one, *two; bool same; } cases[] = {
        { "source: {registry: f}", "sources: [{registry: f, weight: 3}]", true },
        { "combine: weighted, sources: [{registry: f, service: x, weight: 1}]",
          "sources: [{weight: 9, service: x, registry: f}]", true },
        { "source: {registry: f, service: x}", "sources: [{registry: f}]", false },
        { "source: {registry: f}", "sources: [{registry: g}]", false },
    };

    (void)state;
    for (unsigned i = 0; i < N(cases); i++) {
        const struct source_conf *a, *b;
        struct loaded one, two;
        char yaml[300];

        snprintf(yaml, sizeof yaml, "%sservices: [{name: a, %s}]", FILES, cases[i].one);
        load(&one, yaml);
        snprintf(yaml, sizeof yaml, "%sservices: [{name: a, %s}]", FILES, cases[i].two);
        load(&two, yaml);
        assert_int_equal(one.report.errors + two.report.errors, 0);
        discovery_service_sources(service(&one, 0), &a);
        discovery_service_sources(service(&two, 0), &b);
        assert_int_equal(source_same(a, b), cases[i].same);
        unload(&one);
        unload(&two);
    }
}

static void reports_mistakes(void **state)
{
    static const struct { const char *yaml, *want; } cases[] = {
        { "services: [{name: a}]", "t:1:12: services[0]: needs `targets`, `source` or `sources`\n" },
        { "services: [{name: a, targets: [{host: h, port: 1}], source: {registry: f}}]",
          "t:1:12: services[0]: has more than one of `targets`, `source` and `sources`\n" },
        { "services: [{name: a, source: {registry: f}}]",
          "t:1:41: services[0].source: unknown registry \"f\"; there are no `registries`\n" },
        { "registries: {files: {type: file, path: /x}}\nservices: [{name: a, source: {registry: fils}}]",
          "t:2:41: services[0].source: unknown registry \"fils\"; did you mean \"files\"?\n" },
        { "services: [{name: a, source: {service: x}}]", "t:1:30: services[0].source: `registry` is missing\n" },
        { "registries: {files: {type: file, path: /x}}\nservices: [{name: a, source: {registry: files, servic: b}}]",
          "did you mean `service`?" },
        { "registries: {files: {type: fiel, path: /x}}", "did you mean \"file\"" },
        { "registries: {files: {path: /x}}", "t:1:21: registries.files: `type` is missing\n" },
        { "registries: {files: {type: file}}", "`path` is missing" },
        { "registries: [a]", "expected a map of registries by name, not a list" },
        { "services: [{name: a, targets: [{host: h}]}]", "t:1:32: services[0].targets[0]: port is missing\n" },
        { "services: [{name: a, targets: [{host: h, port: 70000}]}]", "services[0].targets[0].port" },
        { "services: [{name: a, targets: [{host: h, port: 1, weigth: 1}]}]", "did you mean `weight`?" },
        { "services: [{name: a, targets: [{host: h, port: 1}, {host: h, port: 1}]}]",
          "t:1:52: services[0].targets[1]: h:1 is listed twice\n" },
        { "services: [{name: a, targets: [{host: h, port: 1}], balancer: round_robbin}]",
          "did you mean \"round_robin\"" },
        { "services: [{name: a, targets: [{host: h, port: 1}], balancer: {choices: 2}}]", "`type` is missing" },
        { "services: [{name: a, targets: [{host: h, port: 1}], balancer: {type: random, choices: 2}}]",
          "services[0].balancer.choices" },
        { "services: [{name: a, targets: [{host: h, port: 1}], balancer: {type: least_request, choices: 1}}]",
          "services[0].balancer.choices" },
        { "services: [{name: a, targets: [{host: h, port: 1}], balancer: [random]}]", "not a list" },
        { "services: [{targets: [{host: h, port: 1}]}]", "`name` is missing" },
    };

    (void)state;
    for (unsigned i = 0; i < N(cases); i++) {
        struct loaded l;

        load(&l, cases[i].yaml);
        if (strstr(l.text, cases[i].want) == NULL || l.report.errors != 1)
            fail_msg("%s\nwanted: %s\ngot %u: %s", cases[i].yaml, cases[i].want, l.report.errors, l.text);
        unload(&l);
    }
}

static void tells_what_a_reload_changed(void **state)
{
    static const char before[] = "registries: {f: {type: file, path: [/x]}, g: {type: file, path: /y}}\n"
                                 "services: [{name: a, source: {registry: f, service: b}, balancer: random}]";
    static const struct { const char *yaml; bool source, balancer; } cases[] = {
        { "services: [{name: a, balancer: random, source: {registry: f, service: 'b'}}]\n"
          "registries: {g: {type: file, path: /z}, f: {type: file, path: [/x]}}", true, true },
        { "registries: {f: {type: file, path: [/x, /y]}}\n"
          "services: [{name: a, source: {registry: f, service: b}, balancer: weighted}]", false, false },
        { "registries: {f: {type: file, path: [/x]}}\n"
          "services: [{name: a, source: {registry: f}, balancer: {type: random}}]", false, false },
        { "services: [{name: a, targets: [{host: h, port: 1}], balancer: random}]", false, true },
    };

    (void)state;
    for (unsigned i = 0; i < N(cases); i++) {
        struct loaded one, two;

        load(&one, before);
        load(&two, cases[i].yaml);
        assert_string_equal(two.text, "");
        assert_int_equal(source_same(&service(&one, 0)->source, &service(&two, 0)->source), cases[i].source);
        assert_int_equal(balancer_same(&service(&one, 0)->balancer, &service(&two, 0)->balancer), cases[i].balancer);
        unload(&one);
        unload(&two);
    }
}

static void names_are_in(const char *schema, const struct sc_field *fields)
{
    char quoted[64];

    for (const struct sc_field *f = fields; f->type != SC_T_END; f++) {
        if (f->type == SC_T_INLINE) {
            names_are_in(schema, f->fields);
            continue;
        }
        snprintf(quoted, sizeof quoted, "\"%s\"", f->name);
        assert_non_null(strstr(schema, quoted));
    }
}

static void schemas_name_what_there_is(void **state)
{
    (void)state;
    for (unsigned i = 0; providers[i] != NULL; i++) {
        char quoted[64];

        assert_ptr_equal(provider_find(str_of(providers[i]->name)), providers[i]);
        snprintf(quoted, sizeof quoted, "\"%s\"", providers[i]->name);
        assert_non_null(strstr(registries_schema, quoted));
        names_are_in(registries_schema, providers[i]->fields);
        names_are_in(source_schema, providers[i]->source_fields);
    }
    assert_null(provider_find(STR("static")));
}

/* What is kept on disk is believed for this text only. */
static void says_which_source_it_is(void **state)
{
    static const struct { const char *registry, *source, *identity; } cases[] = {
        { "{type: consul, address: 'http://h:1'}", "{registry: r}", "\"a b\" consul registry.address=[\"http://h:1\"]" },
        { "{type: consul, address: 'http://h:1', token: secret, ca: /x, wait: 5s, consistency: stale}", "{registry: r}",
          "\"a b\" consul registry.address=[\"http://h:1\"]" },
        { "{type: consul, address: ['http://h:1', 'http://i:1'], datacenter: d}",
          "{registry: r, service: s, tags: [v1], passing_only: true, filter: ''}",
          "\"a b\" consul registry.address=[\"http://h:1\",\"http://i:1\"] registry.datacenter=\"d\" "
          "source.service=\"s\" source.filter=\"\" source.tags=[\"v1\"] source.passing_only=true" },
        { "{type: consul, address: 'http://h:1'}", "{registry: r, passing_only: false, tags: []}",
          "\"a b\" consul registry.address=[\"http://h:1\"]" },
        { "{type: file, path: /x}", "{registry: r}", "\"a b\" file registry.path=[\"/x\"]" },
        { "{type: dns, server: 192.0.2.1, timeout: 2s, min_ttl: 2s, max_ttl: 3s}", "{registry: r, type: SRV, host: h}",
          "\"a b\" dns registry.server=[\"192.0.2.1\"] source.host=\"h\" source.type=\"SRV\"" },
    };

    (void)state;
    unsetenv("CONSUL_HTTP_ADDR");
    for (unsigned i = 0; i < N(cases); i++) {
        struct loaded l;
        char yaml[400];

        snprintf(yaml, sizeof yaml, "registries: {r: %s}\nservices: [{name: a b, source: %s}]\n", cases[i].registry,
                 cases[i].source);
        load(&l, yaml);
        assert_string_equal(l.text, "");
        assert_string_equal(service(&l, 0)->source.identity, cases[i].identity);
        unload(&l);
    }
}

/* A key that is loaded and cannot be printed would be in no identity. */
static void rows_can_be_printed(const struct sc_field *fields)
{
    for (const struct sc_field *f = fields; f->type != SC_T_END; f++) {
        assert_true(f->type != SC_T_CUSTOM || f->print != NULL);
        if (f->type == SC_T_INLINE)
            rows_can_be_printed(f->fields);
    }
}

static void every_key_can_be_told(void **state)
{
    (void)state;
    for (unsigned i = 0; providers[i] != NULL; i++) {
        rows_can_be_printed(providers[i]->fields);
        rows_can_be_printed(providers[i]->source_fields);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_targets),
        cmocka_unit_test(finds_its_registry),
        cmocka_unit_test(reads_sources),
        cmocka_unit_test(reports_mistakes),
        cmocka_unit_test(reports_mistakes_of_sources),
        cmocka_unit_test(a_weight_is_not_the_source),
        cmocka_unit_test(tells_what_a_reload_changed),
        cmocka_unit_test(schemas_name_what_there_is),
        cmocka_unit_test(says_which_source_it_is),
        cmocka_unit_test(every_key_can_be_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
