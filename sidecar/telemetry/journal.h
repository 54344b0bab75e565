/* sidecar/telemetry/journal.h - the system's journal.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

/* A connected stream on which each line, with its "<N>" in front, becomes an entry; to be closed by the caller. -1 with
 * errno when there is no journal. May block. */
int journal_stream(void);
/* The journal reads what is written to the file of `st` (systemd.exec(5), $JOURNAL_STREAM). */
bool journal_reads(const struct stat *st);
