/* discovery/check.h - what came out of one check of one target.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Plain values; any thread. */
#pragma once

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

enum check_outcome {
    CHECK_NONE,                 /* there was none yet */
    CHECK_PASSED,
    CHECK_REFUSED,
    CHECK_TIMEOUT,
    CHECK_STATUS,               /* an answer, but not the right one */
    CHECK_TLS,
    CHECK_BROKEN,               /* cut, reset, not HTTP */
};

struct check_result {
    enum check_outcome outcome;
    unsigned status;            /* of CHECK_PASSED by HTTP and of CHECK_STATUS; else 0 */
};

/* "passed", "status 503", "connection refused"; with a NUL. */
enum { CHECK_TEXT_MAX = 32 };
const char *check_print(char to[CHECK_TEXT_MAX], struct check_result r);

/* With its time in one word, so that it can be read while it is written. 0: CHECK_NONE. */
uint64_t check_pack(struct check_result r, sc_msec wall);
struct check_result check_unpack(uint64_t packed, sc_msec *wall);
