/* discovery/providers/rest_conf.c - the keys of registries over HTTP, and the URLs that are made of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/rest.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "conf/load.h"

#include <stdlib.h>
#include <string.h>

#define R struct rest_conf
const struct sc_field rest_fields[] = {
    SC_STRINGS(R, address, .max = 16,
               .doc = "Where it is: `http://host:port`, `https://host:port` or `unix:/path`. Of several the first is "
                      "asked, and the next one when an address does not answer."),
    SC_SECRETF(R, token, .doc = "What shows who we are. `token_file` is read again before every call."),
    SC_STRING(R, ca, .doc = "File with the certificates of those who may vouch for the registry, in PEM; default: the "
                            "system's."),
    SC_STRING(R, ca_path, .doc = "Directory of such files, as `openssl rehash` makes it."),
    SC_STRING(R, certificate, .doc = "File with a certificate of our own, in PEM."),
    SC_STRING(R, key, .doc = "File with its key, in PEM."),
    SC_STRING(R, server_name, .doc = "The name in the registry's certificate; default: the host of the address."),
    SC_BOOL(R, verify, .dflt = "true", .doc = "Whether the registry's certificate is checked."),
    SC_INT(R, max_connections, .dflt = "128", .min = 1, .max = 10000,
           .doc = "Requests at once. Each service that is followed takes one all the time; where there are more services, "
                  "they take turns, which makes their changes come later. (Consul has a limit of its own for each host, "
                  "`http_max_conns_per_client`, by default 200.)"),
    SC_END
};
#undef R

/* --- keys --- */

bool rest_is_plain(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return *text != '\0';
}

/* "unix:/path", also as "unix:///path". */
static const char *socket_of(const char *address)
{
    if (strncmp(address, "unix:", 5) != 0)
        return NULL;
    return strncmp(address + 5, "//", 2) == 0 ? address + 7 : address + 5;
}

static bool check_address(struct conf_load *load, const struct node *at, const char *address)
{
    const char *socket = socket_of(address), *host;

    if (socket != NULL)
        return socket[0] == '/' || load_error(load, at, "`%s`: the path of a socket starts with a slash", address);
    if (strncmp(address, "http://", 7) != 0 && strncmp(address, "https://", 8) != 0)
        return load_error(load, at, "`%s`: expected http://HOST:PORT, https://HOST:PORT or unix:/PATH", address);
    host = strchr(address, '/') + 2;
    if (!rest_is_plain(address) || host[strspn(host, "/:")] == '\0' || strpbrk(address, "@?#\"<>\\^`{|}") != NULL)
        return load_error(load, at, "`%s`: not a plain address; users, queries and escapes do not belong there", address);
    return true;
}

static bool check_token(struct conf_load *load, const struct node *at, struct sc_str token)
{
    for (size_t i = 0; i < token.n; i++)
        if (token.p[i] <= ' ' || token.p[i] > '~')
            return load_error(load, at, "`token`: only visible ASCII characters can be sent");
    return true;
}

bool rest_check(struct conf_load *load, const struct node *at, const struct rest_conf *c)
{
    const struct node *address = node_get(at, "address");
    bool ok = check_token(load, at, c->token.value);

    for (unsigned i = 0; i < c->address.n; i++)
        ok &= check_address(load, address != NULL ? address : at, c->address.at[i]);
    if ((c->certificate == NULL) != (c->key == NULL))
        ok = load_error(load, at, "`certificate` and `key` belong together");
    if (!c->verify)
        load_warning(load, at, "nobody checks who answers: TLS without `verify` protects from nothing");
    return ok;
}

void rest_add_escaped(struct buf *to, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
        if ((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || strchr("-._~", *c) != NULL)
            buf_putc(to, (char)*c);
        else
            buf_printf(to, "%%%02X", *c);
}

void rest_add_query(struct buf *to, const char *name, const char *value)
{
    buf_printf(to, "%c%s=", str_chr(buf_view(to), '?') == NULL ? '?' : '&', name);
    rest_add_escaped(to, value);
}

/* --- places --- */

/* The end of "host:port" in what follows the scheme, and where its port begins (at the colon, or the end). */
static const char *end_of_host(const char *host, const char **port)
{
    const char *end = host + (host[0] == '[' ? strcspn(host, "]") : 0);

    *port = end + strcspn(end, ":/");
    return *port + strcspn(*port, "/");
}

/* A name for the certificate takes the host's place, and the host stands beside it. */
static void place_named(struct rest_place *to, const char *address, const char *name, const char *path)
{
    const char *host = address + strlen("https://"), *port, *end = end_of_host(host, &port);
    size_t n = strlen(end);

    while (n > 0 && end[n - 1] == '/')
        n--;
    to->url = xasprintf("https://%s%.*s%.*s%s", name, (int)(end - port), port, (int)n, end, path);
    to->connect_to = xasprintf("%.*s%s", (int)(end - host), host, port == end ? ":443" : "");
}

struct rest_place rest_place(const char *address, const char *server_name, const char *path)
{
    struct rest_place to = { .socket = socket_of(address) };
    size_t n = strlen(address);

    while (n > 0 && address[n - 1] == '/')
        n--;
    if (to.socket != NULL)
        to.url = xasprintf("http://localhost%s", path);
    else if (server_name != NULL && strncmp(address, "https://", 8) == 0)
        place_named(&to, address, server_name, path);
    else
        to.url = xasprintf("%.*s%s", (int)n, address, path);
    return to;
}

void rest_place_fini(struct rest_place *p)
{
    free(p->url);
    free(p->connect_to);
}
