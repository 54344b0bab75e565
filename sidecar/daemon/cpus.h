/* sidecar/daemon/cpus.h - how many processors this process may use.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What affinity and the cgroup's quota (cpu.max, rounded up) allow; at least 1. Any thread. */
unsigned cpus_allowed(void);
