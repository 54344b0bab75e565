/* sidecar/conf/file.h - a whole small file in memory.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Blocks; control thread, and the discovery thread for local files (registries, tokens). */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <sys/stat.h>

/* All of `path` ("-": standard input) into *out, *st filled. False with errno set: EFBIG when it is longer than `max`,
 * EISDIR for what is no file. Named pipes and devices are read like files. */
bool file_read(const char *path, size_t max, struct buf *out, struct stat *st);
