/* tests/unit/unit.h - what every unit test includes.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"

#define assert_str(s, lit)                                                               \
    do {                                                                                 \
        struct sc_str s_ = (s);                                                          \
        assert_int_equal(s_.n, strlen(lit));                                             \
        assert_memory_equal(s_.p, lit, s_.n);                                            \
    } while (0)
