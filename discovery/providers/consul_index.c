/* discovery/providers/consul_index.c - Consul's rules for whoever asks blocking queries in a loop.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/consul_index.h"

enum {
    BURST = 2,
    AT_ONCE = 1000,             /* ms: what ends sooner has not blocked */
    NEWS_PAUSE = 100,
    IDLE_PAUSE = 250, IDLE_PAUSE_MAX = 15000,
};

uint64_t consul_index_next(uint64_t asked, struct sc_str field)
{
    unsigned long long index;

    if (!str_u64(field, &index) || index < 1)
        return 1;
    return index < asked ? 0 : index;
}

sc_msec consul_pace_next(struct consul_pace *p, bool news, sc_msec took)
{
    if (took >= AT_ONCE) {
        *p = (struct consul_pace){ 0, 0 };
        return 0;
    }
    if (++p->quick <= BURST)
        return 0;
    if (news)
        p->pause = NEWS_PAUSE;
    else if (p->pause < IDLE_PAUSE)
        p->pause = IDLE_PAUSE;
    else
        p->pause = p->pause * 2 > IDLE_PAUSE_MAX ? IDLE_PAUSE_MAX : p->pause * 2;
    return p->pause;
}
