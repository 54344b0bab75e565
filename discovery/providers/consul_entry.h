/* discovery/providers/consul_entry.h - a service of this host in Consul's words.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pure. The check of a service is one with a time to live, which the sidecar renews: so a sidecar that is gone takes its
 * services with it. Its id is "service:" and the service's. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "discovery/registration/enrol.h"

struct registration_conf;

/* What the check has as its notes tells the sidecars of one host apart: who stops lets be what another one has registered by
 * the same id meanwhile. */
#define CONSUL_MARK "outrider "

/* The body of /v1/agent/service/register. mark: CONSUL_MARK and a word of this process. */
void consul_entry_write(struct buf *to, const struct registration_conf *c, const char *id, enum enrol_standing s,
                        const char *mark);
/* The body of /v1/agent/check/update/service:ID. */
void consul_entry_write_report(struct buf *to, enum enrol_standing s, const char *note);

/* What an answer of the agent with this status means; how it puts it that it does not know the service has changed with its
 * versions. */
enum enrol_outcome consul_entry_outcome(enum enrol_word word, unsigned status, struct sc_str body);
/* Whether the instance is in an answer of the health endpoint, without the mark of another process. ENROL_FAILED with the
 * reason in e: it is no such answer. */
enum enrol_outcome consul_entry_find(struct sc_str body, const char *id, const char *mark, struct sc_error *e);
/* Whether an answer of /v1/agent/checks says that it is another process' now. */
bool consul_entry_is_anothers(struct sc_str body, const char *id, const char *mark);
