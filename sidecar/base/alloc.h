/* sidecar/base/alloc.h - allocation that does not return on failure.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a stranger can make us allocate has a limit of its own; past that, no memory means the end of the process
 * (systemd starts the next one), never a half-served request. Any thread. */
#pragma once

#include <stddef.h>

void *xmalloc(size_t n) __attribute__((malloc, returns_nonnull));
/* Zeroed. */
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *p, size_t n) __attribute__((returns_nonnull));
/* NULL stays NULL. */
char *xstrdup(const char *z);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

#define xnew(type) ((type *)xcalloc(1, sizeof(type)))
