/* discovery/address.c - socket addresses, from text and back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/address.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <assert.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static bool scoped(struct sockaddr_in6 *in6, const char *host, const char *scope)
{
    char bare[INET6_ADDRSTRLEN];
    size_t n = (size_t)(scope - host);

    if (n >= sizeof bare)
        return false;
    memcpy(bare, host, n);
    bare[n] = '\0';
    in6->sin6_scope_id = if_nametoindex(scope + 1);
    return in6->sin6_scope_id != 0 && inet_pton(AF_INET6, bare, &in6->sin6_addr) == 1;
}

bool address_numeric(struct address *to, const char *host, uint16_t port)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&to->sa;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&to->sa;
    const char *scope = strchr(host, '%');

    memset(to, 0, sizeof *to);
    if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        to->n = sizeof *in;
        return true;
    }
    if (scope != NULL ? !scoped(in6, host, scope) : inet_pton(AF_INET6, host, &in6->sin6_addr) != 1)
        return false;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    to->n = sizeof *in6;
    return true;
}

bool address_unix(struct address *to, const char *path)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&to->sa;

    memset(to, 0, sizeof *to);
    if (strlen(path) >= sizeof un->sun_path)
        return false;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, strlen(path) + 1);
    to->n = sizeof *un;
    return true;
}

bool address_of(struct address *to, const struct sockaddr *sa, socklen_t n)
{
    memset(to, 0, sizeof *to);
    if ((sa->sa_family != AF_INET && sa->sa_family != AF_INET6 && sa->sa_family != AF_UNIX) || n > sizeof to->sa)
        return false;
    memcpy(&to->sa, sa, n);
    to->n = n;
    return true;
}

void address_set_port(struct address *a, uint16_t port)
{
    if (a->sa.ss_family == AF_INET)
        ((struct sockaddr_in *)&a->sa)->sin_port = htons(port);
    else if (a->sa.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&a->sa)->sin6_port = htons(port);
}

bool address_equal(const struct address *a, const struct address *b)
{
    char x[ADDRESS_TEXT_MAX], y[ADDRESS_TEXT_MAX];

    if (a->sa.ss_family != b->sa.ss_family)
        return false;
    address_print(x, (const struct sockaddr *)&a->sa);
    address_print(y, (const struct sockaddr *)&b->sa);
    return strcmp(x, y) == 0;
}

static void print_in6(char to[ADDRESS_TEXT_MAX], const struct sockaddr_in6 *in6)
{
    char text[INET6_ADDRSTRLEN], scope[IF_NAMESIZE] = "";

    inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
    if (in6->sin6_scope_id != 0 && if_indextoname(in6->sin6_scope_id, scope) == NULL)
        snprintf(scope, sizeof scope, "%u", (unsigned)in6->sin6_scope_id);
    snprintf(to, ADDRESS_TEXT_MAX, "[%s%s%s]:%u", text, *scope == '\0' ? "" : "%", scope,
             (unsigned)ntohs(in6->sin6_port));
}

void address_print(char to[ADDRESS_TEXT_MAX], const struct sockaddr *sa)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
    char text[INET_ADDRSTRLEN];

    switch (sa->sa_family) {
    case AF_INET:
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
        snprintf(to, ADDRESS_TEXT_MAX, "%s:%u", text, (unsigned)ntohs(in->sin_port));
        return;
    case AF_INET6:
        print_in6(to, (const struct sockaddr_in6 *)sa);
        return;
    default:
        assert(sa->sa_family == AF_UNIX);
        snprintf(to, ADDRESS_TEXT_MAX, "unix:%s", ((const struct sockaddr_un *)sa)->sun_path);
    }
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* As inet_aton() would read it, which resolvers use on names too. */
static bool is_number(const char *label, size_t n)
{
    if (n > 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
        return strspn(label + 2, "0123456789abcdefABCDEF.") >= n - 2;
    return strspn(label, "0123456789") >= n;
}

static bool is_label(const char *label, size_t n)
{
    if (n == 0 || n > 63 || label[0] == '-' || label[n - 1] == '-')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!is_alnum(label[i]) && label[i] != '-' && label[i] != '_')
            return false;
    return true;
}

bool address_is_name(const char *host)
{
    struct sc_str rest = str_of(host), label, last = STR_NONE;

    if (rest.n == 0 || rest.n > 253)
        return false;
    if (host[rest.n - 1] == '.')                /* fully qualified */
        rest.n--;
    while (str_split(&rest, '.', &label)) {
        if (!is_label(label.p, label.n))
            return false;
        last = label;
    }
    return last.n > 0 && !is_number(last.p, last.n);
}
