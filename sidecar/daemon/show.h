/* sidecar/daemon/show.h - the commands that ask a sidecar that runs, or tell it something.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Exit codes: 0; 69 (EX_UNAVAILABLE) nobody answers; 77 (EX_NOPERM) it will not; 78 (EX_CONFIG) a reload was refused;
 * 1 anything else that it says no to. */
#pragma once

#include "daemon/options.h"

extern const struct option_row show_options[], raw_options[], top_options[], explain_options[],
    steer_options[];

int command_status(const struct command *self, int n, char **words);
int command_health(const struct command *self, int n, char **words);
int command_targets(const struct command *self, int n, char **words);
int command_services(const struct command *self, int n, char **words);
int command_routes(const struct command *self, int n, char **words);
int command_metrics(const struct command *self, int n, char **words);
int command_top(const struct command *self, int n, char **words);
int command_registrations(const struct command *self, int n, char **words);
int command_explain(const struct command *self, int n, char **words);
int command_discovery(const struct command *self, int n, char **words);
int command_drain(const struct command *self, int n, char **words);
int command_reload(const struct command *self, int n, char **words);
