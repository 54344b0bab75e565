/* sidecar/base/rand.h - random numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Fast (xoshiro256**, seeded by getrandom once per thread): spreading load, jitter, request ids. Never for secrets. */
uint64_t rand_u64(void);
/* Uniform below n (n > 0). */
uint64_t rand_below(uint64_t n);
/* From the kernel: keys, tokens, hash seeds. */
void rand_secret(void *to, size_t n);
