/* tests/unit/base/map.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/map.h"

#include <stdio.h>

static void finds_what_was_put(void **state)
{
    struct map m = MAP_INIT;
    char key[32];
    intptr_t sum = 0;
    struct map_item *item;

    (void)state;
    assert_null(map_get(&m, STR("x")));
    for (intptr_t i = 1; i <= 5000; i++) {
        snprintf(key, sizeof key, "key-%d", (int)i);
        assert_null(map_put(&m, str_of(key), (void *)i));
    }
    assert_ptr_equal(map_get(&m, STR("key-77")), (void *)77);
    assert_ptr_equal(map_put(&m, STR("key-77"), (void *)78), (void *)77);
    for (int i = 1; i <= 5000; i += 2) {
        snprintf(key, sizeof key, "key-%d", i);
        assert_non_null(map_remove(&m, str_of(key)));
        assert_null(map_get(&m, str_of(key)));
    }
    assert_int_equal(m.n, 2500);
    for (unsigned i = 0; (item = map_next(&m, &i)) != NULL;)
        sum += (intptr_t)item->value;
    assert_int_equal(sum, 2500 * 2501);
    map_fini(&m);
}

static void keeps_the_order_of_insertion(void **state)
{
    struct map m = MAP_INIT;
    struct map_item *item;
    unsigned i = 0;

    (void)state;
    map_put(&m, STR("b"), "1");
    map_put(&m, STR("a"), "2");
    map_remove(&m, STR("b"));
    map_put(&m, STR("b"), "3");
    item = map_next(&m, &i);
    assert_str(item->key, "a");
    item = map_next(&m, &i);
    assert_str(item->key, "b");
    assert_null(map_next(&m, &i));
    map_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_put),
        cmocka_unit_test(keeps_the_order_of_insertion),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
