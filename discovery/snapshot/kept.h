/* discovery/snapshot/kept.h - a source and its file: when it is written, and what is made of it at the start.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside discovery/ only; discovery thread. store.h has the files, saved.h what stands in them. */
#pragma once

#include "discovery/source.h"

struct store;

/* s has its conf; a source of a registry has a file from here on, until kept_leave(). store NULL: nothing is kept. */
void kept_join(struct source *s, struct store *store);
void kept_leave(struct source *s);

/* What s has said, or what has become of it, is another than before. */
void kept_changed(struct source *s);
/* s is live: the file has to say so now and then. */
void kept_live(struct source *s);
/* At the stop: the file says until when s was live. */
void kept_last(struct source *s);

/* s has said nothing yet: its file speaks for it until it does. Once. */
void kept_recall(struct source *s);
