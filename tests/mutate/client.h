/* tests/mutate/client.h - clients: some do nothing wrong and must be served well, the others do everything wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "127.0.0.1:PORT" or "unix:PATH"; false when it is neither, or there are too many. */
bool client_add_listener(const char *address);
/* That many connections at once, the next of them with this number. Once. */
void clients_init(size_t connections, uint32_t first);
/* Opens connections until so many mutated requests more were begun; they go on while the loop turns. */
void clients_start(uint64_t mutated);
/* Connections that are open, or will be opened. */
size_t clients_busy(void);
void clients_free(void);
