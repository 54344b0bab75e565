/* tests/mutate/text.h - bytes that grow and are changed in place.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

struct text {
    char *p; /* NULL while it has never held anything */
    size_t n, cap;
};

/* Out of memory ends the process. */
void text_add(struct text *t, const void *p, size_t n);
void text_puts(struct text *t, const char *z);
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Puts n bytes in the place of the `gone` ones at `at`; the bytes may not be of t itself. */
void text_replace(struct text *t, size_t at, size_t gone, const void *p, size_t n);
/* The last `most` bytes are kept. */
void text_trim_front(struct text *t, size_t most);
/* Zeroed afterwards. */
void text_free(struct text *t);
/* In one line, for people: at most `most` bytes of it. On standard error. */
void text_show(const char *what, const char *p, size_t n, size_t most);
