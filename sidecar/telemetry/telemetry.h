/* sidecar/telemetry/telemetry.h - the `telemetry` section of the configuration, and the process log.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "conf/field.h"

#include <stdbool.h>
#include <stdint.h>

struct writer;

/* Outputs are checked when they are loaded: "none", "stdout", "stderr", "journal", "file:/absolute/path". */
struct log_conf {
    int level;                          /* enum log_level */
    const char *output;
};

enum access_format { ACCESS_JSON };

struct access_log_conf {
    int format;                         /* enum access_format */
    const char *output;
};

struct metrics_conf {
    int64_t max_series;
    bool compat;
};

struct telemetry_conf {
    struct log_conf log;
    struct access_log_conf access_log;
    struct metrics_conf metrics;
};

/* For the root table: SC_OBJECT(S, telemetry, struct telemetry_conf, telemetry_fields, ...). */
/* Names of enum log_level, in its order. */
extern const struct sc_enum process_log_levels[];
extern const struct sc_field telemetry_fields[];

/* Sends the lines of base/log.h where `conf` says, through the writer. Again on a reload: the new output takes over,
 * and stays the old one if the new cannot be opened (false, *e). Until the first call and after process_log_stop lines
 * go straight to standard error. Control thread. */
bool process_log_apply(struct writer *w, const struct log_conf *conf, struct sc_error *e);
/* The process is up. Until this call error lines go to standard error as well, wherever the log is: who starts a program
 * by hand looks there. */
void process_log_started(void);
/* Before writer_stop. */
void process_log_stop(void);
