/* sidecar/daemon/control.h - the life of the process: from a configuration to an exit code.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct run_options {
    const char *config;         /* path, or "-" */
};

/* Reads the configuration, starts everything, serves until it is told to stop. Returns an exit code of sysexits.h: 0
 * after a clean stop, 78 when the configuration has mistakes (they were printed on standard error). Main thread. */
int control_run(const struct run_options *options);
