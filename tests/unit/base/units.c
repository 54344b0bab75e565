/* tests/unit/base/units.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/units.h"

#include <stdbool.h>
#include <stdio.h>

static const struct {
    const char *in;
    int64_t out;            /* -1: refused */
    const char *back;       /* how it is printed; NULL: as it came */
} durations[] = {
    { "30s", 30000, NULL },
    { "250ms", 250, NULL },
    { "5m", 300000, NULL },
    { "2h", 7200000, NULL },
    { "1d", 86400000, NULL },
    { "0", 0, "0s" },
    { "0ms", 0, "0s" },
    { "30", 30000, "30s" },
    { "90s", 90000, NULL },
    { "60s", 60000, "1m" },
    { "1.5s", 1500, "1500ms" },
    { "0.25", 250, "250ms" },
    { "1.5d", 129600000, "36h" },
    { "1500ms", 1500, NULL },
    { "0.0001s", -1, NULL },
    { "1.5ms", -1, NULL },
    { "-1s", -1, NULL },
    { "+1s", -1, NULL },
    { " 1s", -1, NULL },
    { "1s ", -1, NULL },
    { "1 s", -1, NULL },
    { "1h30m", -1, NULL },
    { "1S", -1, NULL },
    { "1sec", -1, NULL },
    { "s", -1, NULL },
    { "", -1, NULL },
    { ".5s", -1, NULL },
    { "5.s", -1, NULL },
    { "5.", -1, NULL },
    { "1..5s", -1, NULL },
    { "1.2.3s", -1, NULL },
    { "1e3", -1, NULL },
    { "0x10", -1, NULL },
    { "1.0000000000s", -1, NULL },
    { "9223372036854775807", -1, NULL },
    { "9223372036854775807ms", INT64_MAX, NULL },
    { "9223372036854775808ms", -1, NULL },
    { "18446744073709551616ms", -1, NULL },
    { "9223372036854775807h", -1, NULL },
};

static void reads_and_prints_durations(void **state)
{
    char text[UNITS_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
        sc_msec v = -1;
        bool ok = units_duration(str_of(durations[i].in), &v);

        if (ok != (durations[i].out >= 0) || v != durations[i].out)
            fail_msg("%s: %d, %lld", durations[i].in, ok, (long long)v);
        if (ok)
            assert_ptr_equal(units_print_duration(text, v), text);
        if (ok)
            assert_string_equal(text, durations[i].back ? durations[i].back : durations[i].in);
    }
}

static const struct {
    const char *in;
    int64_t out;
    const char *back;
} sizes[] = {
    { "512B", 512, NULL },
    { "64KB", 64000, NULL },
    { "10MB", 10000000, NULL },
    { "1GB", 1000000000, NULL },
    { "64KiB", 65536, NULL },
    { "3MiB", 3145728, NULL },
    { "2GiB", 2147483648, NULL },
    { "0", 0, "0B" },
    { "1500", 1500, "1500B" },
    { "2000", 2000, "2KB" },
    { "1024B", 1024, "1KiB" },
    { "1.5KiB", 1536, "1536B" },
    { "1.5MiB", 1572864, "1536KiB" },
    { "0.5B", -1, NULL },
    { "1kb", -1, NULL },
    { "1K", -1, NULL },
    { "1TB", -1, NULL },
    { "-1", -1, NULL },
    { "9223372036854775807B", INT64_MAX, NULL },
    { "8589934592GiB", -1, NULL },
};

static void reads_and_prints_sizes(void **state)
{
    char text[UNITS_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int64_t v = -1;
        bool ok = units_size(str_of(sizes[i].in), &v);

        if (ok != (sizes[i].out >= 0) || v != sizes[i].out)
            fail_msg("%s: %d, %lld", sizes[i].in, ok, (long long)v);
        if (ok)
            assert_ptr_equal(units_print_size(text, v), text);
        if (ok)
            assert_string_equal(text, sizes[i].back ? sizes[i].back : sizes[i].in);
    }
}

static const struct {
    const char *in;
    int64_t out;
    const char *back;
} percents[] = {
    { "20%", 200000, NULL },     { "0%", 0, NULL },           { "100%", 1000000, NULL }, { "1000%", 10000000, NULL },
    { "0.5%", 5000, NULL },      { "0.0001%", 1, NULL },      { "12.50%", 125000, "12.5%" },
    { "1001%", -1, NULL },       { "0.00001%", -1, NULL },    { "20", -1, NULL },        { "0.2", -1, NULL },
    { "20 %", -1, NULL },        { "%", -1, NULL },           { "-5%", -1, NULL },       { "20%%", -1, NULL },
};

static void reads_and_prints_shares(void **state)
{
    char text[UNITS_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        int64_t v = -1;
        bool ok = units_percent(str_of(percents[i].in), &v);

        if (ok != (percents[i].out >= 0) || v != percents[i].out)
            fail_msg("%s: %d, %lld", percents[i].in, ok, (long long)v);
        if (ok)
            assert_string_equal(units_print_percent(text, v), percents[i].back ? percents[i].back : percents[i].in);
    }
}

/* Whatever is printed reads back to the same value. */
static void what_is_printed_reads_back(void **state)
{
    uint64_t seed = 88172645463325252u;
    char text[UNITS_MAX];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        int64_t v, back;

        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        v = (int64_t)(seed >> (1 + seed % 60));
        assert_true(units_duration(str_of(units_print_duration(text, v)), &back));
        assert_int_equal(back, v);
        assert_true(units_size(str_of(units_print_size(text, v)), &back));
        assert_int_equal(back, v);
        assert_true(units_percent(str_of(units_print_percent(text, v % 10000001)), &back));
        assert_int_equal(back, v % 10000001);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_prints_durations),
        cmocka_unit_test(reads_and_prints_sizes),
        cmocka_unit_test(reads_and_prints_shares),
        cmocka_unit_test(what_is_printed_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
