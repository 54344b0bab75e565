/* discovery/snapshot/identity.h - what makes the answer of one source another one's.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is kept of a source on disk is only believed for the very same one. Control thread. */
#pragma once

struct conf_load;
struct registry;

/* `"SERVICE" TYPE registry.KEY=JSON ... source.KEY=JSON ...`, with every key that decides what is asked, and of whom, where
 * it differs from its default; so a key that a later version adds changes nothing. Not the registry's name, no secrets, and
 * nothing that only says how the registry is reached. source: the loaded keys of the source. In the arena of load. */
const char *identity_of(struct conf_load *load, const char *service, const struct registry *r, const void *source);
