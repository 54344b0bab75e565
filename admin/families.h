/* admin/families.h - the metrics that are no counters of requests, declared; and the reference of all there are.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "telemetry/exposition.h"

/* X(ID, name, type, labels, help) */
#define FAMILIES(X)                                                                                                     \
    X(CONNECTIONS, "outrider_connections", GAUGE, "listener, state",                                                    \
      "Connections of clients; active: with a request that is not over.")                                               \
    X(UPSTREAM, "outrider_upstream_connections", GAUGE, "service, state",                                               \
      "Connections to targets; active: being opened or in use.")                                                        \
    X(TARGETS, "outrider_targets", GAUGE, "service, state", "Targets of a service.")                                    \
    X(AGE, "outrider_discovery_age_seconds", GAUGE, "service, registry",                                                \
      "How long ago what is known of a service's targets was last known to be true; 0 while it is.")                    \
    X(MODE, "outrider_discovery_mode", GAUGE, "service, registry, mode", "1 for the mode that a source is in.")         \
    X(UPDATES, "outrider_discovery_updates_total", COUNTER, "service, registry, result",                                \
      "Answers of registries: with other targets, with the same ones, or none that can be used.")                       \
    X(SERVING, "outrider_discovery_serving", GAUGE, "service, registry",                                                \
      "1 while a source has targets that may get traffic.")                                                             \
    X(QUARANTINED, "outrider_discovery_quarantined", GAUGE, "service",                                                  \
      "Records in the answers of registries of which no target can be made.")                                           \
    X(SNAPSHOTS, "outrider_discovery_snapshots_total", COUNTER, "result",                                               \
      "Files of the last good targets: read, refused because they could not be believed, written, not written, removed.") \
    X(REGISTRATION, "outrider_registration_state", GAUGE, "id, registry, state",                                        \
      "1 for what a registry knows of a service of this host.")                                                         \
    X(REGISTRATION_CHECK, "outrider_registration_check", GAUGE, "id, registry, check",                                  \
      "1 for how a service of this host is.")                                                                           \
    X(MAINTENANCE, "outrider_registration_maintenance", GAUGE, "id, registry",                                          \
      "1 while people keep a service of this host out of service.")                                                     \
    X(REGISTRATION_CONTACT, "outrider_registration_last_contact_timestamp_seconds", GAUGE, "id, registry",              \
      "When a registry last took a word about a service of this host, since unix epoch in seconds.")                    \
    X(SERVICE_HEALTH, "gateway_service_health", GAUGE, "service, status", "1 for the status that a service is in.")     \
    X(SERVICE_TIME, "gateway_service_response_time", GAUGE, "service",                                                  \
      "Mean duration of the requests of a service since the start, in seconds.")                                        \
    X(LOG_DROPPED, "outrider_log_dropped_total", COUNTER, "sink",                                                       \
      "Lines that could not be written, since the output was opened.")                                                  \
    X(OVERFLOW, "outrider_metrics_overflow_total", COUNTER, "",                                                         \
      "What was counted as other, because there were telemetry.metrics.max_series combinations of labels.")             \
    X(RELOAD_GOOD, "outrider_config_last_reload_successful", GAUGE, "",                                                 \
      "Whether the configuration was good when it was read last.")                                                      \
    X(RELOAD_TIME, "outrider_config_last_reload_success_timestamp_seconds", GAUGE, "",                                  \
      "When a good configuration was last read, since unix epoch in seconds.")                                          \
    X(BUILD, "outrider_build_info", GAUGE, "version", "1; which version runs.")                                         \
    X(CPU, "process_cpu_seconds_total", COUNTER, "", "Total user and system CPU time spent in seconds.")                \
    X(START, "process_start_time_seconds", GAUGE, "", "Start time of the process since unix epoch in seconds.")         \
    X(VIRTUAL, "process_virtual_memory_bytes", GAUGE, "", "Virtual memory size in bytes.")                              \
    X(RESIDENT, "process_resident_memory_bytes", GAUGE, "", "Resident memory size in bytes.")                           \
    X(OPEN_FDS, "process_open_fds", GAUGE, "", "Number of open file descriptors.")                                      \
    X(MAX_FDS, "process_max_fds", GAUGE, "", "Maximum number of open file descriptors.")

enum family {
#define FAMILY_ENUM(id, name, type, labels, help) FAMILY_##id,
    FAMILIES(FAMILY_ENUM)
#undef FAMILY_ENUM
    FAMILY_COUNT
};

/* Begins the family; family_one: and its first sample, which is the only one. */
void family_begin(struct exposition *e, enum family f);
void family_one(struct exposition *e, enum family f);
/* The name of a policy's counter; to be freed with the buffer. */
struct sc_policy;
void family_of_counter(struct buf *to, const struct sc_policy *policy, unsigned counter);

/* All metrics as a table in Markdown. Any thread. */
void families_markdown(struct buf *to);
