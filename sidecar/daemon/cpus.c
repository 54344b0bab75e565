/* sidecar/daemon/cpus.c - how many processors this process may use.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cpus.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

/* The path of our cgroup (v2) below the mount point, from /proc/self/cgroup: "0::/system.slice/outrider.service". */
static int own_cgroup(char *to, size_t n)
{
    FILE *f = fopen("/proc/self/cgroup", "re");
    char line[1024];
    int found = 0;

    if (f == NULL)
        return 0;
    while (!found && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "0::", 3) == 0) {
            line[strcspn(line, "\n")] = '\0';
            found = snprintf(to, n, "/sys/fs/cgroup%s/cpu.max", line + 3) < (int)n;
        }
    fclose(f);
    return found;
}

static unsigned quota(void)
{
    char path[1200];
    long long most, period;
    unsigned n = 0;
    FILE *f;

    if (!own_cgroup(path, sizeof path) || (f = fopen(path, "re")) == NULL)
        return 0;
    if (fscanf(f, "%lld %lld", &most, &period) == 2 && most > 0 && period > 0)
        n = (unsigned)((most + period - 1) / period);
    fclose(f);
    return n;
}

unsigned cpus_allowed(void)
{
    cpu_set_t set;
    unsigned n = 1, q = quota();

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = (unsigned)CPU_COUNT(&set);
    if (q > 0 && q < n)
        n = q;
    return n > 0 ? n : 1;
}
