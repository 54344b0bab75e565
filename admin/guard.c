/* admin/guard.c - who may ask the admin listeners, and from where.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/guard.h"

#include "http/uri.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static bool is_loopback_name(struct sc_str host)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr v4;

    if (str_ieq(host, STR("localhost")) || str_eq(host, STR("[::1]")))
        return true;
    if (host.n >= sizeof text)
        return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    return inet_pton(AF_INET, text, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

/* Any port: tunnels and port mappings change it, and a name that was made to resolve here is a wrong name either way. */
static bool is_our_host(const struct admin_request *r)
{
    struct sc_str host;
    uint16_t port;

    if (r->host.p == NULL)
        return true;                    /* HTTP/1.0: no browser */
    if (!uri_is_authority(r->host))
        return false;
    host = uri_host(r->host, &port);
    if (is_loopback_name(host))
        return true;
    for (unsigned i = 0; i < 2; i++)
        if (r->own[i].n > 0 && str_ieq(host, r->own[i]))
            return true;
    return false;
}

/* RFC 6454: the origin of a page of ours is "http://" and the Host that the browser sends with it. */
static bool is_our_origin(const struct admin_request *r)
{
    static const struct sc_str scheme = STR_INIT("http://");

    if (r->origin.p == NULL)
        return true;
    return r->host.p != NULL && str_starts(r->origin, scheme) && str_ieq(str_skip(r->origin, scheme.n), r->host);
}

enum err guard_check(const struct admin_request *r, const char **why)
{
    *why = NULL;
    if (!r->local && !r->loopback)
        *why = "this address serves clients on its own host only";
    else if (!r->local && !is_our_host(r))
        *why = "the Host is not a name of this address";
    else if (!is_our_origin(r))
        *why = "the request comes from a page of another origin";
    else if (r->site.p != NULL && !str_eq(r->site, STR("same-origin")) && !str_eq(r->site, STR("none")))
        *why = "the request comes from a page of another site";
    return *why == NULL ? ERR_NONE : ERR_FORBIDDEN;
}
