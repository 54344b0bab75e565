/* tests/mutate/origin.h - the targets: one that does nothing wrong, and one that does everything wrong.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Both read what they get by the letter, and say so when it is not a request that the sidecar may send. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct origin_addresses {
    uint16_t steady, hostile; /* ports on 127.0.0.1 */
    const char *unix_path;    /* of the hostile one, too */
};

/* Listens; fills in the ports. */
void origin_start(struct origin_addresses *a);
/* Frees what was closed in this turn. */
void origin_sweep(void);
/* Connections that are open. */
size_t origin_open(void);
/* Closes them. */
void origin_close_all(void);
void origin_stop(void);
