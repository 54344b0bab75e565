/* sidecar/telemetry/journal.c - the system's journal.
 * SPDX-License-Identifier: Apache-2.0
 *
 * As a stream: sd_journal_send() waits for the journal, and is a system call for each line. */
#include "telemetry/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-journal.h>
#endif

#ifdef HAVE_SYSTEMD
int journal_stream(void)
{
    int fd = sd_journal_stream_fd("outrider", LOG_INFO, true);

    if (fd >= 0)
        return fd;
    errno = -fd;
    return -1;
}
#else
/* Built without libsystemd. */
int journal_stream(void)
{
    errno = ENOTSUP;
    return -1;
}
#endif

bool journal_reads(const struct stat *st)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long dev, ino;

    return stream != NULL && sscanf(stream, "%lu:%lu", &dev, &ino) == 2 && st->st_dev == dev && st->st_ino == ino;
}
