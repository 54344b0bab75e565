/* sidecar/daemon/present.h - asking a sidecar that runs, and presenting what it says.
 * SPDX-License-Identifier: Apache-2.0
 *
 * For the commands of show.h. What returns an int returns an exit code, and has said what was wrong. Main thread. */
#pragma once

#include "base/buf.h"
#include "conf/data.h"
#include "daemon/ask.h"
#include "daemon/columns.h"
#include "daemon/options.h"

/* Options of all that ask. */
extern struct ask_options present_where;
extern const char *present_output;
#define PRESENT_WHERE \
    { 0, "admin", "ADDRESS", "the sidecar's admin listener: unix:/PATH or HOST:PORT; default: $OUTRIDER_ADMIN, its " \
      "socket, 127.0.0.1:8001", &present_where.address, NULL }, \
    { 0, "token-file", "FILE", "file whose first line is a token of `admin.tokens`", &present_where.token_file, NULL }

#define PRESENT_OUTPUT { 'o', "output", "FORMAT", "table or json; default table", &present_output, NULL }

/* ---- asking ---- */

/* EX_OK with an answer in *r, or an exit code. */
int present_fetch(const struct command *self, const char *method, const char *path, struct reply *r);

/* Puts what is to be printed into out. */
typedef void present_fn(const struct data *d, struct buf *out);

/* Whether --output is one there is. */
bool present_knows_output(const struct command *self);
/* Prints an answer, as the user wants it, and frees it. */
int present_reply(const struct command *self, struct reply *r, present_fn *print);
/* The same of an answer that was made here. Empties it. */
int present_text_of(const struct command *self, struct buf *json, present_fn *print);
/* Asks and prints. */
int present_page(const struct command *self, const char *method, const char *path, present_fn *print);
/* `path`, or of one thing path/NAME. */
int present_one(const struct command *self, const char *path, const char *name, present_fn *all, present_fn *one);

/* ---- pieces ---- */

/* A member's text, or NULL; its number, or 0. */
const char *present_text(const struct data *d, const char *key);
int64_t present_int(const struct data *d, const char *key);
void present_head(struct columns *c, unsigned n, const char *const *names);
/* "a, b, c" in one cell; fewer when there are many. */
void present_list(struct columns *c, const struct data *list, const char *none);
void present_finish(struct columns *c, struct buf *out);
