/* sidecar/base/units.h - durations, sizes and shares as users write them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * "250ms" "30s" "5m" "2h" "1d"; "512B" "64KB" "10MB" "1GB" (1000), "KiB" "MiB" "GiB" (1024); "20%". A bare number is
 * seconds or bytes. One number, one unit, nothing around it; fractions ("1.5s") only where the result is whole in the
 * smallest unit. No sign. */
#pragma once

#include "base/clock.h"
#include "base/str.h"

#include <stdint.h>

/* False when s is not such a value or does not fit. */
bool units_duration(struct sc_str s, sc_msec *ms);
bool units_size(struct sc_str s, int64_t *bytes);
/* "20%" -> 200000: millionths. "0.5%" is allowed; more than 100% only up to 1000%. */
bool units_percent(struct sc_str s, int64_t *millionths);

/* The shortest spelling that reads back to the same value; NUL-terminated, at most 32 bytes. */
#define UNITS_MAX 32
const char *units_print_duration(char to[UNITS_MAX], sc_msec ms);
const char *units_print_size(char to[UNITS_MAX], int64_t bytes);
const char *units_print_percent(char to[UNITS_MAX], int64_t millionths);
