/* discovery/snapshot/store_file.h - the file system's side of the store: names, owners, atomic writing.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Blocks. Any thread; descriptors are the caller's. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/map.h"

#include <stdbool.h>
#include <stdint.h>

enum { STORE_NAME_MAX = 112 };

/* "SERVICE-DIGEST.targets": what a person recognises of the service's name, and what tells identities apart. False: no
 * SHA-256 here. */
bool store_file_name(char to[STORE_NAME_MAX], const char *service, const char *identity);

/* The directory DIR/targets; with `make`, both are made when they are not there (0700). REFUSED, with the reason in e: it
 * cannot be made or opened, is a symbolic link, or belongs to, or can be written by, somebody else. */
enum { STORE_DIR_NONE = -1, STORE_DIR_REFUSED = -2 };
int store_dir_open(const char *dir, bool make, struct sc_error *e);

/* 1: read; 0: there is none; -1 with the reason in e: too long, no file, a symbolic link, of another owner, writable by
 * others, unreadable. */
int store_file_read(int dir, const char *name, size_t max, struct buf *out, struct sc_error *e);
/* All of it under that name, or no change. */
bool store_file_write(int dir, const char *name, struct sc_str head, struct sc_str body, struct sc_error *e);
/* Removes files that were not written for `unused` seconds and whose names are not in `keep`, and what a write that was cut
 * has left. How many. */
unsigned store_dir_sweep(int dir, const struct map *keep, int64_t unused);
