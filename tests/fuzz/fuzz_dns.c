/* tests/fuzz/fuzz_dns.c - whatever a name server says: refused as a whole, or records of which each is a target or wrong.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The first byte chooses what was asked for, the rest is the message. */
#include "base/arena.h"
#include "discovery/address.h"
#include "discovery/providers/dns_srv.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct endpoint *all, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct sc_error err = SC_ERROR_INIT;
        struct address a;

        assert(all[i].weight >= 1 && all[i].weight <= ENDPOINT_WEIGHT_MAX && all[i].path == NULL);
        if (endpoint_check(&all[i], &err))
            assert(address_numeric(&a, all[i].host, all[i].port));
        else
            assert(err.text[0] != '\0');
    }
}

/* Every other host has an address, every third one is not known. */
static struct dns_host *make_hosts(struct arena *a, const struct dns_message *m, unsigned *n)
{
    static const char *addresses[] = { "192.0.2.1", "192.0.2.2" };
    struct dns_host *hosts = arena_zero(a, (m->n + 1) * sizeof *hosts);

    for (unsigned i = 0; i < m->n; i++) {
        if (m->at[i].host[0] == '\0')
            continue;
        hosts[*n] = (struct dns_host){ .name = m->at[i].host, .at = addresses, .n = i % 3 };
        if (i % 3 == 2)
            hosts[*n].wrong = "not known";
        ++*n;
    }
    return hosts;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_SRV };
    struct sc_error e = SC_ERROR_INIT;
    struct dns_message m;
    struct arena a;

    if (size == 0)
        return 0;
    arena_init(&a, 1024);
    if (!dns_message_read(&a, data + 1, size - 1, types[data[0] % 3], &m, &e)) {
        assert(e.text[0] != '\0');
    } else {
        unsigned n = 0, nhosts = 0;
        struct dns_host *hosts = make_hosts(&a, &m, &nhosts);
        struct endpoint *all = types[data[0] % 3] == DNS_SRV ? dns_srv_endpoints(&a, &m, hosts, nhosts, &n) :
                               dns_address_endpoints(&a, &m, 80, &n);

        assert(m.n <= size / 11);
        check(all, n);
    }
    arena_fini(&a);
    return 0;
}
