/* tests/unit/discovery/kube_slice.c - from an EndpointSlice to endpoints.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "conf/data.h"
#include "discovery/providers/kube_slice.h"

#include <stdio.h>
#include <stdlib.h>

static struct kube_slice *read_as(const char *text, const struct kube_want *want)
{
    struct sc_error e = SC_ERROR_INIT;
    struct data *doc = data_parse(str_of(text), &e);
    struct kube_slice *s;

    if (doc == NULL)
        fail_msg("%s: %s", text, e.text);
    s = kube_slice_new(doc, want);
    data_free(&doc);                    /* it keeps nothing of it */
    return s;
}

static struct kube_slice *read_it(const char *text)
{
    return read_as(text, &(struct kube_want){ .port = NULL });
}

#define SLICE(type, ports, endpoints) \
    "{\"metadata\":{\"name\":\"s\"},\"addressType\":\"" type "\",\"ports\":" ports ",\"endpoints\":" endpoints "}"
#define HTTP "[{\"name\":\"http\",\"port\":8080,\"protocol\":\"TCP\"}]"
#define ONE "[{\"addresses\":[\"192.0.2.1\"]}]"

static void reads_all_of_an_endpoint(void **state)
{
    struct kube_slice *s = read_it(SLICE("IPv4", HTTP,
        "[{\"addresses\":[\"192.0.2.1\",\"192.0.2.2\"],"
        "\"conditions\":{\"ready\":true,\"serving\":true,\"terminating\":false},"
        "\"targetRef\":{\"kind\":\"Pod\",\"name\":\"web-1\",\"namespace\":\"d\",\"uid\":\"u-1\"},\"hostname\":\"h\","
        "\"nodeName\":\"n1\",\"zone\":\"z1\",\"topology\":{\"topology.kubernetes.io/zone\":\"old\"}}]"));

    (void)state;
    assert_string_equal(s->name, "s");
    assert_int_equal(s->n, 1);
    assert_null(s->at[0].at.wrong);
    assert_string_equal(s->at[0].at.host, "192.0.2.1");
    assert_int_equal(s->at[0].at.port, 8080);
    assert_int_equal(s->at[0].at.weight, ENDPOINT_WEIGHT);
    assert_int_equal(s->at[0].at.state, EP_READY);
    assert_string_equal(s->at[0].at.id, "web-1");
    assert_string_equal(s->at[0].at.node, "n1");
    assert_string_equal(s->at[0].at.zone, "z1");
    assert_string_equal(s->at[0].whose, "u-1");
    kube_slice_unref(&s);
    assert_null(s);
}

static void v1beta1_has_a_topology(void **state)
{
    struct kube_slice *s = read_it(SLICE("IPv4", HTTP,
        "[{\"addresses\":[\"192.0.2.1\"],\"hostname\":\"h\",\"topology\":{\"kubernetes.io/hostname\":\"n1\","
        "\"topology.kubernetes.io/zone\":\"z1\"}},"
        "{\"addresses\":[\"192.0.2.2\"],\"topology\":{\"failure-domain.beta.kubernetes.io/zone\":\"z2\"}}]"));

    (void)state;
    assert_string_equal(s->at[0].at.node, "n1");
    assert_string_equal(s->at[0].at.zone, "z1");
    assert_string_equal(s->at[0].at.id, "h");
    assert_null(s->at[0].whose);
    assert_string_equal(s->at[1].at.zone, "z2");
    assert_null(s->at[1].at.node);
    kube_slice_unref(&s);
    s = read_it(SLICE("IP", HTTP, ONE));
    assert_null(s->at[0].at.wrong);
    kube_slice_unref(&s);
}

static void state_of(const char *conditions, enum endpoint_state want)
{
    char text[1000];
    struct kube_slice *s;

    snprintf(text, sizeof text, SLICE("IPv4", HTTP, "[{\"addresses\":[\"192.0.2.1\"],\"conditions\":%s}]"), conditions);
    s = read_it(text);
    assert_null(s->at[0].at.wrong);
    if (s->at[0].at.state != want)
        fail_msg("%s: %d, not %d", conditions, (int)s->at[0].at.state, (int)want);
    kube_slice_unref(&s);
}

static void what_is_not_known_of_a_condition_is_taken_as_the_api_says(void **state)
{
    (void)state;
    state_of("null", EP_READY);
    state_of("{}", EP_READY);
    state_of("{\"ready\":null}", EP_READY);
    state_of("{\"ready\":null,\"terminating\":true}", EP_READY);
    state_of("{\"ready\":true,\"serving\":true,\"terminating\":true}", EP_READY);   /* publishNotReadyAddresses */
    state_of("{\"ready\":false}", EP_CRITICAL);
    state_of("{\"ready\":false,\"terminating\":true}", EP_CRITICAL);                /* serving: as ready */
    state_of("{\"ready\":false,\"serving\":true}", EP_CRITICAL);
    state_of("{\"ready\":false,\"serving\":true,\"terminating\":null}", EP_CRITICAL);
    state_of("{\"ready\":false,\"serving\":true,\"terminating\":false}", EP_CRITICAL);
    state_of("{\"ready\":false,\"serving\":false,\"terminating\":true}", EP_CRITICAL);
    state_of("{\"ready\":false,\"serving\":true,\"terminating\":true}", EP_SERVING_TERMINATING);
}

static void port_is(const char *want, const char *ports, unsigned port, const char *wrong)
{
    char text[1000];
    struct kube_slice *s;

    snprintf(text, sizeof text, SLICE("IPv4", "%s", ONE), ports);
    s = read_as(text, &(struct kube_want){ .port = want });
    if (wrong == NULL ? s->at[0].at.wrong != NULL : s->at[0].at.wrong == NULL || strstr(s->at[0].at.wrong, wrong) == NULL)
        fail_msg("%s of %s: %s", want, ports, s->at[0].at.wrong);
    if (wrong == NULL)
        assert_int_equal(s->at[0].at.port, port);
    kube_slice_unref(&s);
}

static void ports_have_names_and_numbers(void **state)
{
    static const char two[] = "[{\"name\":\"http\",\"port\":80},{\"name\":\"admin\",\"port\":9000,\"protocol\":\"TCP\"},"
                              "{\"name\":\"dns\",\"port\":53,\"protocol\":\"UDP\"}]";

    (void)state;
    port_is("http", two, 80, NULL);
    port_is("admin", two, 9000, NULL);
    port_is("9000", two, 9000, NULL);
    port_is("dns", two, 0, "no TCP port `dns`");
    port_is("53", two, 0, "no TCP port `53`");
    port_is("https", two, 0, "no TCP port `https`");
    port_is(NULL, two, 0, "several ports");
    port_is(NULL, "[{\"port\":80}]", 80, NULL);
    port_is(NULL, "[{\"name\":\"\",\"port\":80}]", 80, NULL);
    port_is(NULL, "[{\"port\":80},{\"port\":53,\"protocol\":\"UDP\"}]", 80, NULL);
    port_is("80", "[{\"name\":null,\"port\":80,\"protocol\":null}]", 80, NULL);
    port_is("http", "[{\"name\":\"http\",\"port\":53,\"protocol\":\"UDP\"},{\"name\":\"http\",\"port\":80}]", 80, NULL);
    port_is(NULL, "[]", 0, "no TCP port");
    port_is(NULL, "null", 0, "no TCP port");
    port_is("http", "null", 0, "no TCP port `http`");
    port_is("8080", "[{}]", 8080, NULL);                /* without a number: all of them */
    port_is("8080", "[{\"port\":null}]", 8080, NULL);
    port_is(NULL, "[{\"port\":null}]", 0, "does not say the number");
    port_is("http", "[{\"name\":\"http\"}]", 0, "does not say the number");
    port_is(NULL, "{}", 0, "`ports` is no list");
    port_is(NULL, "[7]", 0, "no port");
    port_is(NULL, "[{\"port\":0}]", 0, "not a port");
    port_is(NULL, "[{\"port\":65536}]", 0, "not a port");
    port_is(NULL, "[{\"port\":\"80\"}]", 0, "not a port");
    port_is(NULL, "[{\"port\":1.5}]", 0, "not a port");
}

static void wrong_is(const char *text, const char *want)
{
    struct kube_slice *s = read_it(text);

    assert_int_equal(s->n, 1);
    if (s->at[0].at.wrong == NULL || strstr(s->at[0].at.wrong, want) == NULL)
        fail_msg("%s: %s", text, s->at[0].at.wrong == NULL ? "fine" : s->at[0].at.wrong);
    assert_false(endpoint_check(&s->at[0].at, NULL));
    kube_slice_unref(&s);
}

static void what_makes_no_sense_is_wrong(void **state)
{
    (void)state;
    wrong_is(SLICE("IPv4", HTTP, "[null]"), "no object");
    wrong_is(SLICE("IPv4", HTTP, "[[]]"), "no object");
    wrong_is(SLICE("IPv4", HTTP, "[{}]"), "without an address");
    wrong_is(SLICE("IPv4", HTTP, "[{\"addresses\":null}]"), "without an address");
    wrong_is(SLICE("IPv4", HTTP, "[{\"addresses\":[]}]"), "without an address");
    wrong_is(SLICE("IPv4", HTTP, "[{\"addresses\":{\"a\":1}}]"), "without an address");
    wrong_is(SLICE("IPv4", HTTP, "[{\"addresses\":[7]}]"), "no text");
    wrong_is(SLICE("IPv4", HTTP, "[{\"addresses\":[\"192.0.2.1\\u0000\"]}]"), "no text");
    wrong_is(SLICE("IPv4", HTTP, "[{\"addresses\":[\"\"]}]"), "`addressType`");
    wrong_is(SLICE("IPv4", HTTP, "[{\"addresses\":[\"::1\"]}]"), "`addressType`");
    wrong_is(SLICE("IPv4", HTTP, "[{\"addresses\":[\"web.example\"]}]"), "`addressType`");
    wrong_is(SLICE("IPv6", HTTP, ONE), "`addressType`");
    wrong_is(SLICE("IPv6", HTTP, "[{\"addresses\":[\"[::1]\"]}]"), "`addressType`");
    wrong_is(SLICE("FQDN", HTTP, "[{\"addresses\":[\"not a name\"]}]"), "`addressType`");
    wrong_is(SLICE("IPX", HTTP, "[{\"addresses\":[\"::1\"]}]"), "`addressType` is not known");
    wrong_is(SLICE("IPX", HTTP, "[{\"addresses\":[\"odd\"]}]"), "`addressType` is not known");
    wrong_is("{\"metadata\":{\"name\":\"s\"},\"ports\":" HTTP ",\"endpoints\":[{\"addresses\":[\"::1\"]}]}", "not known");
    wrong_is(SLICE("IPv4", HTTP, "{}"), "`endpoints` is no list");
    wrong_is(SLICE("IPv4", HTTP, "7"), "`endpoints` is no list");
    wrong_is(SLICE("IPv4", HTTP, "[{\"addresses\":[\"192.0.2.1\"],\"conditions\":[]}]"), "`conditions` is no object");
    wrong_is(SLICE("IPv4", HTTP, "[{\"addresses\":[\"192.0.2.1\"],\"conditions\":{\"ready\":\"true\"}}]"), "neither true");
    wrong_is(SLICE("IPv4", HTTP, "[{\"addresses\":[\"192.0.2.1\"],\"conditions\":{\"terminating\":1}}]"), "neither true");
}

static void one_wrong_endpoint_touches_no_other(void **state)
{
    struct kube_slice *s =
        read_it(SLICE("IPv4", HTTP, "[{\"addresses\":[\"192.0.2.1\"]},7,{\"addresses\":[\"192.0.2.3\"]}]"));

    (void)state;
    assert_int_equal(s->n, 3);
    assert_null(s->at[0].at.wrong);
    assert_non_null(s->at[1].at.wrong);
    assert_null(s->at[2].at.wrong);
    kube_slice_unref(&s);
}

static void addresses_are_of_three_kinds(void **state)
{
    struct kube_slice *s = read_it(SLICE("IPv6", HTTP, "[{\"addresses\":[\"2001:db8::1\"]}]"));

    (void)state;
    assert_null(s->at[0].at.wrong);
    assert_int_equal(s->family, KUBE_IPV6);
    kube_slice_unref(&s);
    s = read_it(SLICE("FQDN", HTTP, "[{\"addresses\":[\"web.example\"]}]"));
    assert_null(s->at[0].at.wrong);
    assert_int_equal(s->at[0].family, KUBE_NAME);
    kube_slice_unref(&s);
}

static void a_service_without_endpoints_has_an_empty_slice(void **state)
{
    static const char *const none[] = { "null", "[]" };

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        char text[300];
        struct kube_slice *s;

        snprintf(text, sizeof text, SLICE("IPv4", "null", "%s"), none[i]);
        s = read_it(text);
        assert_int_equal(s->n, 0);
        kube_slice_unref(&s);
    }
}

static void hints_are_read(void **state)
{
    static const char text[] = SLICE("IPv4", HTTP,
        "[{\"addresses\":[\"192.0.2.1\"],\"hints\":{\"forZones\":[{\"name\":\"a\"},{\"name\":\"b\"}]}},"
        "{\"addresses\":[\"192.0.2.2\"],\"hints\":{\"forNodes\":[{\"name\":\"n\"}],\"forZones\":[{\"name\":\"c\"}]}},"
        "{\"addresses\":[\"192.0.2.3\"],\"hints\":{\"forZones\":[]}},"
        "{\"addresses\":[\"192.0.2.4\"],\"hints\":7}]");
    struct kube_slice *s = read_as(text, &(struct kube_want){ .node = "n", .zone = "b" });

    (void)state;
    assert_true(s->at[0].zone_hints && s->at[0].for_zone && !s->at[0].node_hints);
    assert_true(s->at[1].zone_hints && !s->at[1].for_zone && s->at[1].node_hints && s->at[1].for_node);
    assert_false(s->at[2].zone_hints || s->at[2].node_hints);
    assert_false(s->at[3].zone_hints || s->at[3].node_hints || s->at[3].at.wrong != NULL);
    kube_slice_unref(&s);
    s = read_it(text);
    assert_false(s->at[0].for_zone || s->at[1].for_node);
    kube_slice_unref(&s);
}

static void a_slice_has_a_name(void **state)
{
    static const struct { const char *text, *name; } cases[] = {
        { "{\"metadata\":{\"name\":\"web-1\"}}", "web-1" }, { "{\"metadata\":{\"name\":\"\"}}", NULL },
        { "{\"metadata\":{\"name\":7}}", NULL }, { "{\"metadata\":{}}", NULL }, { "{}", NULL }, { "[]", NULL },
        { "7", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct data *doc = data_parse(str_of(cases[i].text), NULL);
        const char *name = kube_slice_name(doc);

        if (cases[i].name == NULL)
            assert_null(name);
        else
            assert_string_equal(name, cases[i].name);
        data_free(&doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_all_of_an_endpoint),
        cmocka_unit_test(v1beta1_has_a_topology),
        cmocka_unit_test(what_is_not_known_of_a_condition_is_taken_as_the_api_says),
        cmocka_unit_test(ports_have_names_and_numbers),
        cmocka_unit_test(what_makes_no_sense_is_wrong),
        cmocka_unit_test(one_wrong_endpoint_touches_no_other),
        cmocka_unit_test(addresses_are_of_three_kinds),
        cmocka_unit_test(a_service_without_endpoints_has_an_empty_slice),
        cmocka_unit_test(hints_are_read),
        cmocka_unit_test(a_slice_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
