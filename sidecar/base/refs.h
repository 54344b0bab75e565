/* sidecar/base/refs.h - counting the holders of a shared thing.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>

static inline void refs_init(atomic_uint *refs)
{
    atomic_init(refs, 1);
}

static inline void refs_get(atomic_uint *refs)
{
    unsigned was = atomic_fetch_add_explicit(refs, 1, memory_order_relaxed);

    assert(was > 0);
    (void)was;
}

/* True when that was the last one: the caller frees. */
static inline bool refs_put(atomic_uint *refs)
{
    unsigned was = atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel);

    assert(was > 0);
    return was == 1;
}
