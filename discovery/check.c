/* discovery/check.c - what came out of one check of one target.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/check.h"

#include <stdio.h>

/* 48 bits of milliseconds, 4 of the outcome, 12 of the status. */
enum { OUTCOME_BITS = 4, STATUS_BITS = 12 };

const char *check_print(char to[CHECK_TEXT_MAX], struct check_result r)
{
    static const char *const names[] = {
        [CHECK_NONE] = "not checked", [CHECK_PASSED] = "passed", [CHECK_REFUSED] = "connection refused",
        [CHECK_TIMEOUT] = "timeout", [CHECK_TLS] = "TLS failed", [CHECK_BROKEN] = "connection lost",
    };

    if (r.outcome == CHECK_STATUS)
        snprintf(to, CHECK_TEXT_MAX, "status %u", r.status);
    else
        snprintf(to, CHECK_TEXT_MAX, "%s", names[r.outcome]);
    return to;
}

uint64_t check_pack(struct check_result r, sc_msec wall)
{
    unsigned status = r.status < 1u << STATUS_BITS ? r.status : 0;

    if (r.outcome == CHECK_NONE)
        return 0;
    return (uint64_t)wall << (OUTCOME_BITS + STATUS_BITS) | (uint64_t)r.outcome << STATUS_BITS | status;
}

struct check_result check_unpack(uint64_t packed, sc_msec *wall)
{
    *wall = (sc_msec)(packed >> (OUTCOME_BITS + STATUS_BITS));
    return (struct check_result){ (enum check_outcome)(packed >> STATUS_BITS & ((1u << OUTCOME_BITS) - 1)),
                                  (unsigned)(packed & ((1u << STATUS_BITS) - 1)) };
}
