/* admin/process.c - what the process takes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/process.h"

#include "admin/families.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static void put_one(struct exposition *e, enum family f, uint64_t value)
{
    family_one(e, f);
    exposition_uint(e, value);
}

static void put_memory(struct exposition *e)
{
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long long size, resident;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

    if (f == NULL)
        return;
    if (fscanf(f, "%llu %llu", &size, &resident) == 2) {
        put_one(e, FAMILY_VIRTUAL, size * page);
        put_one(e, FAMILY_RESIDENT, resident * page);
    }
    fclose(f);
}

/* Without the one that looks. */
static void put_descriptors(struct exposition *e)
{
    DIR *d = opendir("/proc/self/fd");
    struct rlimit limit;
    uint64_t n = 0;

    if (d != NULL) {
        for (const struct dirent *at; (at = readdir(d)) != NULL;)
            n += at->d_name[0] != '.';
        closedir(d);
        put_one(e, FAMILY_OPEN_FDS, n > 0 ? n - 1 : 0);
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        put_one(e, FAMILY_MAX_FDS, limit.rlim_cur);
}

void process_expose(struct exposition *e, sc_msec started)
{
    family_one(e, FAMILY_CPU);
    exposition_micro(e, (uint64_t)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1000);
    family_one(e, FAMILY_START);
    exposition_milli(e, started);
    put_memory(e);
    put_descriptors(e);
}
