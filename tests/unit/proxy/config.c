/* tests/unit/proxy/config.c - whole configurations: what they become, and every mistake that needs more than one key.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "conf/describe.h"
#include "http/method.h"
#include "proxy/config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WEB "services: [ { name: web, targets: [ { host: 127.0.0.1, port: 9000 } ] } ]\n"
#define ALL "routes: [ { match: { paths: [\"/**\"] }, service: web } ]\n"

static char path[64];

static int make_file(void **state)
{
    (void)state;
    strcpy(path, "/tmp/outrider-config-XXXXXX");
    return mkdtemp(path) == NULL || strlen(strcat(path, "/f.yaml")) == 0;
}

static int remove_file(void **state)
{
    (void)state;
    unlink(path);
    *strrchr(path, '/') = '\0';
    return rmdir(path);
}

static struct config *load(const char *text, struct conf_report *report)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return config_load(path, report);
}

static struct config *load_good(const char *text)
{
    struct conf_report report;
    struct buf out = BUF_INIT;
    struct config *c;

    report_init(&report);
    c = load(text, &report);
    report_print(&report, &out);
    if (c == NULL || report.n > 0)
        fail_msg("%s\n%s", text, out.p);
    buf_fini(&out);
    report_fini(&report);
    return c;
}

static const struct service_conf *service(const struct config *c, unsigned i)
{
    assert_true(i < c->services.n);
    return &((const struct service_conf *)c->services.at)[i];
}

static const struct route_conf *route(const struct config *c, unsigned i)
{
    assert_true(i < c->routes.n);
    return &((const struct route_conf *)c->routes.at)[i];
}

static const struct listener_conf *listener(const struct config *c, unsigned i)
{
    assert_true(i < c->listeners.n);
    return &((const struct listener_conf *)c->listeners.at)[i];
}

static void two_lines_are_enough(void **state)
{
    struct config *c = load_good(WEB ALL);
    const struct service_conf *s = service(c, 0);

    (void)state;
    assert_int_equal(c->listeners.n, 1);
    assert_string_equal(listener(c, 0)->name, "default");
    assert_string_equal(listener(c, 0)->address, "127.0.0.1:8080");
    assert_int_equal(listener(c, 0)->peers, PEERS_TRUSTED);
    assert_int_equal(listener(c, 0)->header_timeout, 10000);
    assert_int_equal(listener(c, 0)->max_header_size, 8192);
    assert_int_equal(listener(c, 0)->path.encoded_slash, SLASH_REJECT);
    assert_int_equal(listener(c, 0)->path.semicolon, SEMICOLON_KEEP);
    assert_true(listener(c, 0)->path.merge_slashes);
    assert_true(c->admin.defaults);
    assert_int_equal(c->workers, 0);
    assert_int_equal(c->shutdown.deadline, 30000);
    assert_non_null(c->node.name);
    assert_string_equal(s->discovery.name, "web");
    assert_int_equal(s->discovery.targets.n, 1);
    assert_non_null(s->discovery.balancer.ops);
    assert_int_equal(s->timeout.connect, 1000);
    assert_int_equal(s->timeout.response, 30000);
    assert_int_equal(s->timeout.total, 60000);
    assert_int_equal(s->timeout.idle_stream, 300000);
    assert_int_equal(s->retry.max_retries, 2);
    assert_int_equal(s->retry.on, RETRY_CONNECT_FAILURE | RETRY_RESET | RETRY_TIMEOUT);
    assert_int_equal(s->retry.method_bits,
                     1u << METHOD_GET | 1u << METHOD_HEAD | 1u << METHOD_OPTIONS | 1u << METHOD_PUT | 1u << METHOD_DELETE);
    assert_int_equal(s->retry.budget.ratio, 200000);
    assert_int_equal(s->retry.backoff.base, 25);
    assert_int_equal(s->retry.per_try_timeout, 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(s->retry.status[i], 0);
    assert_int_equal(s->limits.max_pending, 1024);
    assert_string_equal(s->host, "preserve");
    assert_true(s->enabled);
    assert_string_equal(route(c, 0)->name, "route-1");
    assert_int_equal(route(c, 0)->service_index, 0);
    assert_int_equal(route(c, 0)->timeout.total, 0);
    config_unref(&c);
    assert_null(c);
}

static void values_land_where_they_belong(void **state)
{
    struct config *c = load_good(
        "workers: 3\n"
        "node: { name: n, zone: z }\n"
        "listeners:\n"
        "  - { name: a, address: '0.0.0.0:8443', trusted_proxies: 10.0.0.0/8, path: { encoded_slash: keep } }\n"
        "  - { address: 'unix:/tmp/x.sock', peers: untrusted }\n"
        "admin: { listeners: ['127.0.0.1:8001'] }\n"
        "services:\n"
        "  - name: web\n"
        "    targets: { host: h, port: 80 }\n"
        "    protocol: https\n"
        "    tls: { ca: /ca, server_name: x }\n"
        "    retry: { on: reset, on_status: [502, 599], methods: [GET, POST] }\n"
        "routes:\n"
        "  - { match: { paths: /a }, service: web, timeout: 10s, listeners: [a], policies: [ { request-id: {} } ] }\n");
    const struct service_conf *s = service(c, 0);

    (void)state;
    assert_int_equal(c->workers, 3);
    assert_string_equal(c->node.zone, "z");
    assert_int_equal(listener(c, 0)->peers, PEERS_UNTRUSTED);
    assert_int_equal(listener(c, 0)->trusted_proxies.n, 1);
    assert_int_equal(listener(c, 0)->path.encoded_slash, SLASH_KEEP);
    assert_string_equal(listener(c, 1)->name, "unix:/tmp/x.sock");
    assert_int_equal(listener(c, 1)->peers, PEERS_UNTRUSTED);
    assert_false(c->admin.defaults);
    assert_int_equal(s->protocol, PROTOCOL_HTTPS);
    assert_int_equal(s->retry.on, RETRY_RESET);
    assert_int_equal(s->retry.status[502 / 64], UINT64_C(1) << (502 % 64));
    assert_int_equal(s->retry.status[599 / 64], UINT64_C(1) << (599 % 64));
    assert_int_equal(s->retry.method_bits, 1u << METHOD_GET | 1u << METHOD_POST);
    assert_int_equal(route(c, 0)->timeout.total, 10000);
    assert_int_equal(route(c, 0)->timeout.response, 0);
    assert_int_equal(route(c, 0)->policies.n, 1);
    config_unref(&c);
}

static void defaults_lie_under_services_and_routes(void **state)
{
    struct config *c = load_good(
        "defaults:\n"
        "  service: { timeout: { connect: 2s, response: 3s }, retry: { max_retries: 0 } }\n"
        "  route: { timeout: 7s, policies: [ { request-id: {} } ] }\n"
        "services:\n"
        "  - { name: a, targets: [ { host: 127.0.0.1, port: 1 } ] }\n"
        "  - { name: b, targets: [ { host: 127.0.0.1, port: 1 } ], timeout: { connect: 9s } }\n"
        "routes:\n"
        "  - { match: { paths: [/a] }, service: a }\n"
        "  - { match: { paths: [/b] }, service: b, timeout: { response: 1s } }\n"
        "  - { match: { paths: [/c] }, service: b, timeout: 8s, policies: [] }\n");

    (void)state;
    assert_int_equal(service(c, 0)->timeout.connect, 2000);
    assert_int_equal(service(c, 0)->retry.max_retries, 0);
    assert_int_equal(service(c, 1)->timeout.connect, 9000);
    assert_int_equal(service(c, 1)->timeout.response, 3000);
    assert_int_equal(service(c, 1)->timeout.total, 60000);
    assert_int_equal(route(c, 0)->timeout.total, 7000);
    assert_int_equal(route(c, 0)->policies.n, 1);
    assert_int_equal(route(c, 1)->timeout.total, 7000);
    assert_int_equal(route(c, 1)->timeout.response, 1000);
    assert_int_equal(route(c, 2)->timeout.total, 8000);
    assert_int_equal(route(c, 2)->policies.n, 0);
    config_unref(&c);
}

static void what_is_not_enabled_is_not_there(void **state)
{
    struct config *c = load_good(
        "services:\n"
        "  - { name: a, enabled: false, targets: [ { host: 127.0.0.1, port: 1 } ] }\n"
        "  - { name: b, targets: [ { host: 127.0.0.1, port: 1 } ] }\n"
        "routes:\n"
        "  - { match: { paths: [/a] }, service: a, enabled: false, policies: [ { request-id: {} } ] }\n"
        "  - { match: { paths: [/b] }, service: b }\n");

    (void)state;
    assert_int_equal(c->services.n, 1);
    assert_int_equal(c->routes.n, 1);
    assert_string_equal(service(c, route(c, 0)->service_index)->discovery.name, "b");
    assert_string_equal(route(c, 0)->name, "route-2");
    config_unref(&c);
}

static void references_are_counted(void **state)
{
    struct config *c = load_good(WEB ALL), *other = config_ref(c);

    (void)state;
    config_unref(&c);
    assert_string_equal(route(other, 0)->service, "web");
    config_unref(&other);
    config_unref(&other);
}

/* --- mistakes; F stands for the file's name --- */

static const struct {
    const char *in, *mistakes;
    bool is_ok;                 /* warnings only */
} cases[] = {
    { "", "F:1:1: warning: there are no `routes`: every request will be answered with 404\n", true },
    { WEB ALL "workers: 0\n", "F:3:10: workers: 0 is too small: at least 1\n", false },
    { WEB ALL "workers: many\n", "F:3:10: workers: \"many\" is neither \"auto\" nor a number\n", false },
    { WEB ALL "listeners: []\n", "F:3:12: `listeners` is empty; leave the key out for the default one\n", false },
    { WEB ALL "listeners: [ { name: a } ]\n", "F:3:14: listeners[0]: `address` is missing\n", false },
    { WEB ALL "listeners: [ { address: 'a:1' }, { address: 'a:1' } ]\n",
      "F:3:45: listeners[1].address: `a:1` is already the address of the one at F:3:25\n", false },
    { WEB ALL "listeners: [ { name: x, address: 'a:1' }, { name: x, address: 'a:2' } ]\n",
      "F:3:51: listeners[1].name: `x` is already the name of the one at F:3:22\n", false },
    { ALL "services: [ { name: \"w\\x1bb\", targets: [] }, { name: web, targets: [] }, { name: \"\\x9b\", targets: [] },\n"
      " { name: \"\u00fc\", targets: [] } ]\n",
      "F:2:21: services[0].name: a name has no control characters\n"
      "F:2:82: services[2].name: a name has no control characters\n", false },
    { WEB ALL "admin: { listeners: [ 'nowhere' ] }\n", NULL, false },
    { WEB ALL "listeners: [ { address: 'nowhere' } ]\n", NULL, false },
    { "services: [ { name: a, targets: [ { host: h, port: 1 } ] }, { name: a, targets: [ { host: h, port: 1 } ] } ]\n"
      "routes: [ { match: { paths: [/] }, service: a } ]\n",
      "F:1:69: services[1].name: `a` is already the name of the one at F:1:21\n", false },
    { WEB "routes: [ { match: { paths: [/] }, service: wep } ]\n",
      "F:2:45: routes[0].service: there is no service `wep`; did you mean `web`?\n", false },
    { WEB "routes: [ { match: { paths: [/] }, service: other } ]\n",
      "F:2:45: routes[0].service: there is no service `other`\n", false },
    { WEB "routes: [ { match: { paths: [/] } } ]\n", "F:2:11: routes[0]: `service` is missing\n", false },
    { WEB "routes: [ { match: { paths: [/] }, service: web, listeners: [defualt] } ]\n",
      "F:2:62: routes[0].listeners[0]: there is no listener `defualt`; did you mean `default`?\n", false },
    { WEB "routes: [ { name: r, match: { paths: [/a] }, service: web }, "
      "{ name: r, match: { paths: [/b] }, service: web } ]\n",
      "F:2:70: routes[1].name: `r` is already the name of the one at F:2:19\n", false },
    { "services: [ { name: a, enabled: false, targets: [ { host: h, port: 1 } ] } ]\n"
      "routes: [ { match: { paths: [/] }, service: a } ]\n",
      "F:2:45: routes[0].service: the service `a` is not enabled; then neither can this route be\n", false },
    { "services: [ { name: a, targets: [ { host: h, port: 1 } ], tls: { verify: false } } ]\n",
      "F:1:1: warning: there are no `routes`: every request will be answered with 404\n"
      "F:1:64: services[0].tls: these keys need `protocol: https`\n", false },
    { "services: [ { name: web, protocol: https, targets: [ { host: h, port: 1 } ], tls: { key: /k } } ]\n" ALL,
      "F:1:83: services[0].tls: `certificate` and `key` belong together\n", false },
    { "services: [ { name: web, protocol: https, targets: [ { host: h, port: 1 } ], tls: { verify: false } } ]\n" ALL,
      "F:1:93: warning: services[0].tls: nobody checks who answers: TLS without `verify` protects from nothing\n", true },
    { "services: [ { name: web, targets: [ { host: h, port: 1 } ], retry: { methods: [get], on: [reset, tiemout], "
      "on_status: 200 } } ]\n" ALL,
      "F:1:80: services[0].retry.methods[0]: \"get\" is no method that can be retried (methods are written in capitals)\n"
      "F:1:98: services[0].retry.on[1]: unknown value \"tiemout\"; did you mean \"timeout\"?\n"
      "F:1:119: services[0].retry.on_status[0]: 200 is too small: at least 400\n", false },
    { "services: [ { name: web, targets: [ { host: h, port: 1 } ], retry: { backoff: { base: 5s } } } ]\n" ALL,
      "F:1:79: services[0].retry.backoff: `base` is larger than `max`\n", false },
    { WEB ALL "defaults: { service: { timout: { connect: 1s } }, routes: {} }\n",
      "F:3:24: defaults.service.timout: unknown key; did you mean `timeout`?\n"
      "F:3:51: defaults: unknown key \"routes\"; did you mean \"route\"?\n", false },
    { WEB ALL "defaults: [1]\n", "F:3:11: defaults: a map of `service` and `route` is expected here, not a list\n", false },
    { WEB "routes: [ { match: { paths: [\"~(\"] }, service: web } ]\n", NULL, false },
    { WEB "routes: [ { match: { paths: [nope] }, service: web } ]\n", NULL, false },
    { WEB "routes: [ { match: { paths: [/a] }, service: web, rewrite: { path: '/{id}' } } ]\n", NULL, false },
    { "services: [ { name: a } ]\n" "routes: [ { match: { paths: [/] }, service: a } ]\n", NULL, false },
    { WEB ALL "policies: [ { request-idd: {} } ]\n", NULL, false },
    { "[]", NULL, false },
    { "services: 5\nroutes: x\n", NULL, false },
};

static void replace_name(struct buf *out, const char *text)
{
    const char *at;

    while ((at = strstr(text, path)) != NULL) {
        buf_add(out, text, (size_t)(at - text));
        buf_putc(out, 'F');
        text = at + strlen(path);
    }
    buf_puts(out, text);
}

static void mistakes_are_told_with_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf_report report;
        struct buf out = BUF_INIT, shown = BUF_INIT;
        struct config *c;

        report_init(&report);
        c = load(cases[i].in, &report);
        buf_add(&out, "", 0);
        report_print(&report, &out);
        replace_name(&shown, out.p);
        if ((c != NULL) != cases[i].is_ok || report.n == 0 || strncmp(shown.p, "F:", 2) != 0)
            fail_msg("%s\n%s, %s", cases[i].in, c == NULL ? "refused" : "taken", shown.p);
        if (cases[i].mistakes != NULL && strcmp(shown.p, cases[i].mistakes) != 0)
            fail_msg("%s\nsays:   %s\nwanted: %s", cases[i].in, shown.p, cases[i].mistakes);
        config_unref(&c);
        buf_fini(&shown);
        buf_fini(&out);
        report_fini(&report);
    }
}

/* A mistake in `defaults` is told once, where it stands, and not for each service it lies under. */
static void mistakes_in_defaults_are_told_once(void **state)
{
    struct conf_report report;
    struct config *c;

    (void)state;
    report_init(&report);
    c = load("defaults: { service: { timeout: { connect: soon } } }\n"
             "services:\n"
             "  - { name: a, targets: [ { host: 127.0.0.1, port: 1 } ] }\n"
             "  - { name: b, targets: [ { host: 127.0.0.1, port: 1 } ] }\n"
             "routes: [ { match: { paths: [/] }, service: a } ]\n", &report);
    assert_null(c);
    assert_int_equal(report.n, 1);
    report_fini(&report);
}

/* What /config shows: values, not the file, and no secret. */
static void is_printed_without_secrets(void **state)
{
    static const char *const shown[] = {
        "\"registries\":{\"main\":{\"type\":\"consul\",\"address\":[\"http://127.0.0.1:8500\"],\"token\":\"***\",",
        "\"source\":{\"registry\":\"main\",\"service\":\"things\",",
        "\"balancer\":{\"type\":\"least_request\",\"choices\":3}",
        "\"source\":null", "\"balancer\":{\"type\":\"round_robin\"}",
    };
    struct config *c = load_good(
        "registries: { main: { type: consul, address: 'http://127.0.0.1:8500', token: open-sesame } }\n"
        "services:\n"
        "  - { name: a, source: { registry: main, service: things }, balancer: { type: least_request, choices: 3 } }\n"
        "  - { name: b, targets: [ { host: 127.0.0.1, port: 1 } ] }\n"
        "routes: [ { match: { paths: [/] }, service: a } ]\n");
    struct buf out = BUF_INIT;

    (void)state;
    conf_print(config_fields, c, &out);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        if (strstr(out.p, shown[i]) == NULL)
            fail_msg("%s\nlacks %s", out.p, shown[i]);
    assert_null(strstr(out.p, "sesame"));
    buf_fini(&out);
    config_unref(&c);
}

/* Every kind of damage at every byte: refused or taken, never a crash (run with sanitizers for the rest). */
static void survives_damage(void **state)
{
    static const char whole[] =
        "listeners: [ { name: a, address: '127.0.0.1:1' } ]\n"
        "services: [ { name: web, targets: [ { host: 127.0.0.1, port: 9000 } ], retry: { on: [reset] } } ]\n"
        "routes: [ { match: { paths: [\"/x/{id}/**\"] }, service: web, policies: [ { request-id: { } } ] } ]\n";
    static const char damage[] = { '[', ']', '{', '}', ':', ',', ' ', '\n', '\'', '"', '-', '*', '&', '0', '\t' };

    (void)state;
    for (size_t i = 0; i < sizeof whole - 1; i += 3) {
        for (size_t k = 0; k < sizeof damage; k += 1 + i % 3) {
            char text[sizeof whole];
            struct conf_report report;
            struct config *c;

            memcpy(text, whole, sizeof whole);
            text[i] = damage[k];
            report_init(&report);
            c = load(text, &report);
            assert_true((c == NULL) == (report.errors > 0));
            config_unref(&c);
            report_fini(&report);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_lines_are_enough),
        cmocka_unit_test(values_land_where_they_belong),
        cmocka_unit_test(defaults_lie_under_services_and_routes),
        cmocka_unit_test(what_is_not_enabled_is_not_there),
        cmocka_unit_test(references_are_counted),
        cmocka_unit_test(mistakes_are_told_with_their_place),
        cmocka_unit_test(mistakes_in_defaults_are_told_once),
        cmocka_unit_test(is_printed_without_secrets),
        cmocka_unit_test(survives_damage),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
