/* sidecar/base/error.h - the sentence that a user will read.
 * SPDX-License-Identifier: Apache-2.0
 *
 * For what a user can cause (configuration, files). Wrapped on the way up until it says where. One thread. */
#pragma once

struct sc_error {
    char text[1024];
};

#define SC_ERROR_INIT { "" }

/* Both return false, so that a caller can return what they return; e may be NULL. Too long a text is cut. */
_Bool sc_error_set(struct sc_error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts "PREFIX: " before what is there. */
_Bool sc_error_wrap(struct sc_error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
