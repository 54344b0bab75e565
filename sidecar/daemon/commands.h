/* sidecar/daemon/commands.h - the sub-commands of `outrider`.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Answers go to standard output, mistakes to standard error; exit codes are those of sysexits.h. Main thread. */
#pragma once

#include "daemon/options.h"

extern const struct command commands[];

int commands_main(int argc, char **argv);
/* Standard output, whole or not at all: the exit code. Frees the buffer. */
int commands_write(struct buf *out);

int command_help(const struct command *self, int n, char **words);
int command_version(const struct command *self, int n, char **words);
extern const struct option_row help_options[];
/* What `outrider --help` says. */
void commands_overview(struct buf *out);
