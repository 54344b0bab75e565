/* tests/unit/discovery/dns_srv.c - from the records of an answer to targets.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "discovery/providers/dns_srv.h"

#include <string.h>

#define N(array) (sizeof(array) / sizeof (array)[0])

static const char *const one[] = { "10.0.0.1" }, *const two[] = { "10.0.0.2", "10.0.0.3" };

static const struct dns_host hosts[] = {
    { .name = "a", .at = (const char **)one, .n = 1 },
    { .name = "b", .at = (const char **)two, .n = 2 },
    { .name = "c", .wrong = "there is no such name" },
    { .name = "d", .n = 0 },
};

/* Targets as "HOST:PORT*WEIGHT^TIER", or "HOST:PORT (WRONG)". */
static const struct row {
    struct dns_record in[5];
    const char *want;
} rows[] = {
    { { { .host = "a", .port = 80, .weight = 10 } }, "10.0.0.1:80*10^0" },
    { { { .host = "a", .port = 80, .weight = 65535, .priority = 65535 } }, "10.0.0.1:80*65535^65535" },
    /* always in one order */
    { { { .host = "a", .port = 81, .weight = 1 }, { .host = "a", .port = 80, .weight = 2 } },
      "10.0.0.1:80*2^0 10.0.0.1:81*1^0" },
    { { { .host = "a", .port = 80, .weight = 1, .priority = 2 }, { .host = "a", .port = 81, .weight = 1, .priority = 1 } },
      "10.0.0.1:81*1^1 10.0.0.1:80*1^2" },
    /* weights divided */
    { { { .host = "a", .port = 80, .weight = 3 }, { .host = "b", .port = 80, .weight = 3 } },
      "10.0.0.1:80*300^0 10.0.0.2:80*150^0 10.0.0.3:80*150^0" },
    { { { .host = "b", .port = 80, .weight = 65535 }, { .host = "a", .port = 80, .weight = 1 } },
      "10.0.0.1:80*1^0 10.0.0.2:80*32768^0 10.0.0.3:80*32768^0" },
    { { { .host = "b", .port = 80, .weight = 1 }, { .host = "a", .port = 80, .weight = 65535 } },
      "10.0.0.1:80*65535^0 10.0.0.2:80*1^0 10.0.0.3:80*1^0" },
    /* zeros */
    { { { .host = "a", .port = 80 }, { .host = "a", .port = 81 } }, "10.0.0.1:80*100^0 10.0.0.1:81*100^0" },
    { { { .host = "a", .port = 80 }, { .host = "a", .port = 81, .weight = 5 } }, "10.0.0.1:80*1^0 10.0.0.1:81*500^0" },
    { { { .host = "a", .port = 80 }, { .host = "a", .port = 81, .weight = 5, .priority = 1 } },
      "10.0.0.1:80*100^0 10.0.0.1:81*5^1" },
    /* none, and wrong ones */
    { { { .host = "" } }, "" },
    { { { .host = "d", .port = 80, .weight = 1 } }, "" },
    { { { .host = "a", .port = 0, .weight = 1 } }, "a:0 (port 0)" },
    { { { .host = "c", .port = 80, .weight = 1 } }, "c:80 (there is no such name)" },
    { { { .host = "e", .port = 80, .weight = 1 } }, "e:80 (more hosts than one answer may name)" },
    { { { .host = "x?", .port = 80, .weight = 1, .wrong = "the record names no host" },
        { .host = "a", .port = 80, .weight = 1 } },
      "10.0.0.1:80*1^0 x?:80 (the record names no host)" },
};

static void print(const struct endpoint *all, unsigned n, struct buf *to)
{
    for (unsigned i = 0; i < n; i++) {
        buf_printf(to, "%s%s:%u", i == 0 ? "" : " ", all[i].host, all[i].port);
        if (all[i].wrong != NULL)
            buf_printf(to, " (%s)", all[i].wrong);
        else
            buf_printf(to, "*%u^%u", (unsigned)all[i].weight, all[i].tier);
    }
}

static void records_become_targets(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N(rows); i++) {
        struct dns_message m = { .at = (struct dns_record *)rows[i].in };
        struct buf got = BUF_INIT;
        struct endpoint *all;
        struct arena a;
        unsigned n;

        while (m.n < N(rows[i].in) && rows[i].in[m.n].host != NULL)
            m.n++;
        arena_init(&a, 512);
        all = dns_srv_endpoints(&a, &m, hosts, N(hosts), &n);
        print(all, n, &got);
        if (!str_eq(buf_view(&got), str_of(rows[i].want)))
            fail_msg("row %u: wanted \"%s\", got \"%.*s\"", i, rows[i].want, (int)got.n, got.p == NULL ? "" : got.p);
        buf_fini(&got);
        arena_fini(&a);
    }
}

static void addresses_are_sorted_and_single(void **state)
{
    struct dns_record in[] = { { .host = "10.0.0.2" }, { .host = "10.0.0.1" }, { .host = "10.0.0.2" } };
    struct dns_message m = { .n = 3, .at = in };
    struct dns_host h = { .name = "h" }, *copy;
    struct endpoint *all;
    struct arena a;
    unsigned n;

    (void)state;
    arena_init(&a, 512);
    all = dns_address_endpoints(&a, &m, 80, &n);
    assert_int_equal(n, 2);
    assert_string_equal(all[0].host, "10.0.0.1");
    assert_string_equal(all[1].host, "10.0.0.2");
    assert_int_equal(all[1].port, 80);
    assert_int_equal(all[1].weight, ENDPOINT_WEIGHT);
    dns_host_add(&a, &h, &m);
    dns_host_add(&a, &h, &(struct dns_message){ .n = 1, .at = &(struct dns_record){ .host = "::1" } });
    copy = dns_host_copy(&a, &h);
    assert_int_equal(copy->n, 3);
    assert_string_equal(copy->name, "h");
    assert_string_equal(copy->at[2], "::1");
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_become_targets),
        cmocka_unit_test(addresses_are_sorted_and_single),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
