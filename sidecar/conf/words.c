/* sidecar/conf/words.c - what was probably meant.
 * SPDX-License-Identifier: Apache-2.0 */
#include "conf/load.h"

#define WORD_MAX 64

static size_t least(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

static char folded(char c)
{
    return c == '-' ? '_' : (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* Insertions, deletions, replacements and swaps of neighbours; case and `-`/`_` are one. Up to WORD_MAX bytes each. */
static size_t distance(struct sc_str a, struct sc_str b)
{
    size_t rows[3][WORD_MAX + 1], *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b.n; j++)
        above[j] = before[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t *old = before;

        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            bool same = folded(a.p[i - 1]) == folded(b.p[j - 1]);

            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + !same);
            if (i > 1 && j > 1 && folded(a.p[i - 1]) == folded(b.p[j - 2]) &&
                folded(a.p[i - 2]) == folded(b.p[j - 1]) && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        before = above;
        above = row;
        row = old;
    }
    return above[b.n];
}

const char *nearest_word(struct sc_str word, const char *const *words)
{
    const char *best = NULL;
    size_t best_distance = word.n < 6 ? 1 : word.n < 9 ? 2 : 3;       /* a third of the letters may be wrong */

    if (word.n == 0 || word.n > WORD_MAX)
        return NULL;
    for (; *words != NULL; words++) {
        struct sc_str candidate = str_of(*words);
        size_t d;

        if (candidate.n > WORD_MAX || candidate.n > word.n + 3 || word.n > candidate.n + 3)
            continue;
        d = distance(word, candidate);
        if (d < candidate.n && (d < best_distance || (d == best_distance && best == NULL))) {
            best = *words;
            best_distance = d;
        }
    }
    return best;
}

struct foreign {
    const char *theirs, *ours;
};

static const char *find(struct sc_str word, const struct foreign *table)
{
    for (; table->theirs != NULL; table++)
        if (str_ieq(word, str_of(table->theirs)))
            return table->ours;
    return NULL;
}

/* Only for the hint of a mistake; nothing here is accepted. Sentence parts that follow "here it is ". */
const char *foreign_key(struct sc_str word)
{
    static const struct foreign table[] = {
        { "gateway", "`listeners` (and `admin.listeners`)" },
        { "host_port", "`address: host:port`" },
        { "admin_port", "`admin.listeners`" },
        { "admin_enabled", "`admin.listeners`" },
        { "upstream", "`service`" },
        { "upstreams", "`services`" },
        { "target_service", "`service`" },
        { "backend", "`service`" },
        { "instances", "`targets`" },
        { "endpoints", "`targets`" },
        { "url", "`targets: [ { host, port } ]`" },
        { "base_url", "`targets: [ { host, port } ]`" },
        { "algorithm", "`balancer`" },
        { "load_balancing", "`balancer`" },
        { "load_balancer", "`balancer`" },
        { "lb_strategy", "`balancer`" },
        { "routing", "`routes`" },
        { "rules", "`routes`" },
        { "path_pattern", "`match.paths`" },
        { "path", "`match.paths`" },
        { "paths", "`match.paths`" },
        { "hosts", "`match.hosts`" },
        { "method", "`match.methods`" },
        { "strip_path", "`rewrite.strip_prefix`" },
        { "path_rewrite", "`rewrite`" },
        { "plugins", "`policies`" },
        { "middleware", "`policies`" },
        { "middlewares", "`policies`" },
        { "require_auth", "`policies`: who may pass is a policy's to say" },
        { "auth_required", "`policies`: who may pass is a policy's to say" },
        { "rate_limit", "`policies`: how often somebody may call is a policy's to say" },
        { "enable_caching", "`policies`: what is kept is a policy's to say" },
        { "cache_ttl", "`policies`: what is kept is a policy's to say" },
        { "retry_attempts", "`retry.max_retries`, which counts extra tries" },
        { "retry_count", "`retry.max_retries`, which counts extra tries" },
        { "retries", "`retry.max_retries`, which counts extra tries" },
        { "attempts", "`max_retries`, which counts extra tries: one less" },
        { "connect_timeout", "`timeout.connect`" },
        { "read_timeout", "`timeout.response`" },
        { "request_timeout", "`timeout.total`" },
        { "log_level", "`telemetry.log.level`" },
        { "service_discovery", "`registries`" },
        { "discovery", "`registries`, and the `source` of a service" },
        { "logging", "`telemetry.log` and `telemetry.access_log`" },
        { NULL, NULL },
    };

    return find(word, table);
}

const char *foreign_value(struct sc_str word)
{
    static const struct foreign table[] = {
        { "round-robin", "round_robin" },
        { "roundrobin", "round_robin" },
        { "round robin", "round_robin" },
        { "least-connections", "least_request" },
        { "least_connections", "least_request" },
        { "least connections", "least_request" },
        { "least_conn", "least_request" },
        { "leastconn", "least_request" },
        { "weighted_round_robin", "weighted" },
        { "weighted-round-robin", "weighted" },
        { "weighted round robin", "weighted" },
        { "ip-hash", "ip_hash" },
        { "consistent-hash", "consistent_hash" },
        { "consistent hash", "consistent_hash" },
        { "warning", "warn" },
        { "critical", "error" },
        { NULL, NULL },
    };

    return find(word, table);
}
