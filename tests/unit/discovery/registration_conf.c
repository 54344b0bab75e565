/* tests/unit/discovery/registration_conf.c - `register:` in the configuration.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/arena.h"
#include "conf/load.h"
#include "discovery/registration/registration.h"
#include "discovery/service.h"

struct file {
    struct registries registries;
    struct sc_list registrations;
};

static const struct sc_field file_fields[] = {
    SC_CUSTOM(struct file, registries, struct registries, registries_load, .schema = registries_schema, .doc = "r"),
    SC_OBJECTS(struct file, registrations, struct registration_conf, registration_fields, .doc = "s"),
    SC_END
};

struct loaded {
    struct arena arena;
    struct conf_report report;
    struct file file;
    struct buf text;            /* of the report */
};

#define REGISTRIES "registries: { consul: { type: consul }, etcd: { type: etcd }, files: { type: file, path: /x } }\n"

static struct registration_conf *load(struct loaded *w, const char *item)
{
    struct conf_load l;
    struct buf yaml = BUF_INIT;
    struct node *root;
    struct registration_conf *c;

    *w = (struct loaded){ .text = BUF_INIT };
    arena_init(&w->arena, 4096);
    report_init(&w->report);
    conf_load_init(&l, &w->arena, &w->report);
    buf_printf(&yaml, REGISTRIES "registrations: [ { %s } ]\n", item);
    root = tree_parse(&w->arena, &w->report, "t", buf_view(&yaml));
    conf_load_object(&l, root, file_fields, &w->file);
    assert_int_equal(w->file.registrations.n, 1);
    c = w->file.registrations.at;
    registration_link(&l, &w->file.registries, c, "n1", node_get(root, "registrations")->items[0]);
    report_print(&w->report, &w->text);
    conf_load_fini(&l);
    buf_fini(&yaml);
    return c;
}

static void loaded_fini(struct loaded *w)
{
    buf_fini(&w->text);
    report_fini(&w->report);
    arena_fini(&w->arena);
}

static void the_least_has_defaults(void **state)
{
    struct loaded w;
    struct registration_conf *c = load(&w, "registry: consul, name: web, port: 8443");

    (void)state;
    assert_int_equal(w.report.n, 0);
    assert_string_equal(c->id, "web-n1-8443");
    assert_string_equal(c->instance, "n1-8443");
    assert_false(c->is_weighed);
    assert_string_equal(c->registry->name, "consul");
    assert_null(c->address);
    assert_null(c->check);
    assert_int_equal(c->weight.passing, 1);
    assert_int_equal(c->weight.warning, 1);
    loaded_fini(&w);
}

static void all_keys_are_read(void **state)
{
    struct loaded w;
    struct registration_conf *c =
        load(&w, "registry: consul, name: web, id: a:b, address: w1.example, port: 8443, tags: [v7],"
                 "meta: { version: 1.0.0 }, weight: 10, tagged_addresses: { wan: \"203.0.113.5:443\" },"
                 "check: { type: tcp, port: 9000, interval: 1s, rise: 4, fall: 5, deregister_critical_after: 1m }");

    (void)state;
    if (w.report.n > 0)
        fail_msg("%s", w.text.p);
    assert_string_equal(c->id, "a:b");
    assert_string_equal(c->instance, "a:b");
    assert_true(c->is_weighed);
    assert_string_equal(c->address, "w1.example");
    assert_string_equal(c->tags.at[0], "v7");
    assert_string_equal(c->meta.at[0].value, "1.0.0");
    assert_int_equal(c->weight.passing, 10);
    assert_int_equal(c->weight.warning, 1);
    assert_int_equal(c->check->type, REGISTRATION_TCP);
    assert_int_equal(c->check->port, 9000);
    assert_int_equal(c->check->interval, 1000);
    assert_int_equal(c->check->rise, 4);
    assert_int_equal(c->check->fall, 5);
    assert_int_equal(c->check->deregister_critical_after, 60000);
    loaded_fini(&w);
}

static void a_check_may_be_a_path_alone(void **state)
{
    struct loaded w;
    struct registration_conf *c = load(&w, "registry: consul, name: web, port: 8443, check: /health");

    (void)state;
    assert_int_equal(w.report.n, 0);
    assert_int_equal(c->check->type, REGISTRATION_HTTP);
    assert_string_equal(c->check->path, "/health");
    assert_string_equal(c->check->address, "127.0.0.1");
    assert_int_equal(c->check->port, 8443);             /* the registered one */
    loaded_fini(&w);
}

static void mistakes_are_reported(void **state)
{
    static const struct { const char *item, *says; } cases[] = {
        { "registry: consol, name: web, port: 1", "did you mean" },
        { "registry: files, name: web, port: 1", "a registry of type file takes no registrations" },
        { "name: web, port: 1", "registry" },
        { "registry: consul, port: 1", "name" },
        { "registry: consul, name: web", "port" },
        { "registry: consul, name: web, port: 0", "port" },
        { "registry: consul, name: a_b, port: 1", "inner hyphens" },
        { "registry: consul, name: -a, port: 1", "inner hyphens" },
        { "registry: consul, name: a, port: 1, id: \"a/b\"", "without slashes" },
        { "registry: consul, name: a, port: 1, id: 'a\"b'", "without slashes" },
        { "registry: consul, name: a, port: 1, address: \"h:1\"", "without a port" },
        { "registry: consul, name: a, port: 1, meta: { \"a b\": c }", "keys are letters" },
        { "registry: consul, name: a, port: 1, tags: [\"\"]", "cannot be empty" },
        { "registry: consul, name: a, port: 1, weight: 0", "weight" },
        { "registry: consul, name: a, port: 1, tagged_addresses: { wan: \"h:x\" }", "HOST:PORT" },
        { "registry: consul, name: a, port: 1, check: { path: health }", "begins with a slash" },
        { "registry: consul, name: a, port: 1, check: { path: \"/a b\" }", "visible ASCII" },
        { "registry: consul, name: a, port: 1, check: { address: name }", "numeric" },
        { "registry: consul, name: a, port: 1, check: { deregister_critical_after: 59s }", "one minute" },
        { "registry: etcd, name: a, port: 1", "`address` is needed" },
        { "registry: etcd, name: a, port: 1, address: h, check: { deregister_critical_after: 1m }", "is Consul's" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct loaded w;

        load(&w, cases[i].item);
        if (w.report.errors == 0 || strstr(w.text.p, cases[i].says) == NULL)
            fail_msg("%s: %s", cases[i].item, w.text.n == 0 ? "no mistake" : w.text.p);
        loaded_fini(&w);
    }
}

static void address_is(const char *text, const char *host, unsigned port)
{
    char got[256];
    uint16_t number;

    if (!registration_address(text, got, &number))
        fail_msg("%s", text);
    assert_string_equal(got, host);
    assert_int_equal(number, port);
}

static void addresses_have_hosts_and_perhaps_ports(void **state)
{
    static const char *const wrong[] = { "", "h:", "h:0", "h:65536", "h:1:2", "[::1", "[::1]x", "[::1]:", "a b", ":1",
                                         "[]:1" };
    char host[256];
    uint16_t port;

    (void)state;
    address_is("h", "h", 0);
    address_is("h:443", "h", 443);
    address_is("10.0.0.1", "10.0.0.1", 0);
    address_is("10.0.0.1:65535", "10.0.0.1", 65535);
    address_is("fd00::1", "fd00::1", 0);
    address_is("[fd00::1]", "fd00::1", 0);
    address_is("[fd00::1]:1", "fd00::1", 1);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (registration_address(wrong[i], host, &port))
            fail_msg("%s: %s %u", wrong[i], host, (unsigned)port);
}

static void the_same_is_told_from_another(void **state)
{
    static const char *const text = "registry: consul, name: web, port: 8443, tags: [a]";
    struct loaded a, b, c;
    struct registration_conf *x = load(&a, text), *y = load(&b, text),
                             *z = load(&c, "registry: consul, name: web, port: 8443, tags: [b]");

    (void)state;
    assert_true(registration_same(x, y));
    assert_false(registration_same(x, z));
    loaded_fini(&a);
    loaded_fini(&b);
    loaded_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_has_defaults),
        cmocka_unit_test(all_keys_are_read),
        cmocka_unit_test(a_check_may_be_a_path_alone),
        cmocka_unit_test(mistakes_are_reported),
        cmocka_unit_test(addresses_have_hosts_and_perhaps_ports),
        cmocka_unit_test(the_same_is_told_from_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
