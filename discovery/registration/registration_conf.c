/* discovery/registration/registration_conf.c - the keys of services of this host that a registry shall know.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/registration/registration.h"

#include "base/arena.h"
#include "discovery/address.h"
#include "discovery/provider.h"
#include "discovery/service.h"

#include <stdio.h>
#include <string.h>

enum { A_MINUTE = 60000, A_DAY = 86400000 };

static const struct sc_enum check_types[] = {
    { "http", REGISTRATION_HTTP }, { "tcp", REGISTRATION_TCP }, { "ttl", REGISTRATION_TTL }, { NULL, 0 }
};

#define H struct registration_check_conf
static const struct sc_field check_fields[] = {
    SC_ENUM(H, type, .dflt = "http", .names = check_types,
            .doc = "Who finds out. `http`: a GET of `path`, by the sidecar; a status of 200 to 299 passes. `tcp`: a "
                   "connection that comes about passes. `ttl`: the application says itself how it is, at least once in "
                   "`ttl`, by the admin API."),
    SC_STRING(H, path, .dflt = "/", .min = 1, .max = 1024, .doc = "What is asked for, with `type: http`."),
    SC_STRING(H, address, .dflt = "127.0.0.1", .min = 1, .max = 64, .doc = "Numeric address that is asked."),
    SC_INT(H, port, .max = 65535, .doc = "Port that is asked; default: the registered one."),
    SC_MSEC(H, interval, .dflt = "10s", .min = 100, .max = 3600000,
            .doc = "From the end of one check to the next, give or take a tenth."),
    SC_MSEC(H, timeout, .dflt = "5s", .min = 10, .max = 60000, .doc = "What takes longer has failed."),
    SC_INT(H, rise, .dflt = "2", .min = 1, .max = 100, .doc = "So many checks in a row must pass until a critical service "
                                                              "is passing again. The very first one decides at once."),
    SC_INT(H, fall, .dflt = "3", .min = 1, .max = 100, .doc = "So many in a row must fail until it is critical."),
    SC_MSEC(H, ttl, .dflt = "30s", .min = 1000, .max = A_DAY,
            .doc = "With `type: ttl`: who has said nothing for so long is critical."),
    SC_MSEC(H, deregister_critical_after, .dflt = "0s", .max = A_DAY,
            .doc = "The registry forgets a service that was critical for so long, one minute at least; `0s`: never. While "
                   "the sidecar runs it is registered again."),
    SC_END
};
#undef H

#define R struct registration_conf
#define IN(outer, member) .offset = offsetof(R, outer.member) - offsetof(R, outer)
static const struct sc_field weight_fields[] = {
    { .name = "passing", .type = SC_T_INT, IN(weight, passing), .dflt = "1", .min = 1, .max = 65535,
      .doc = "While its checks pass." },
    { .name = "warning", .type = SC_T_INT, IN(weight, warning), .dflt = "1", .min = 0, .max = 65535,
      .doc = "While one of them warns." },
    SC_END
};

const struct sc_field registration_fields[] = {
    { .name = "registry", .type = SC_T_STRING, .offset = offsetof(R, registry_name), .flags = SC_REQUIRED,
      .doc = "A name of `registries`. In Consul it is the agent at the first address, which is to be the one of this "
             "host." },
    SC_STRING(R, name, .flags = SC_REQUIRED, .min = 1, .max = 63,
              .doc = "The service, by the name that others look for: letters, digits and inner hyphens."),
    SC_STRING(R, id, .min = 1, .max = 253, .doc = "What this instance is called there. Default: NAME-NODE-PORT; in "
                                                  "etcd, where the key has the name already, NODE-PORT."),
    SC_STRING(R, address, .min = 1, .max = 253, .doc = "Where others reach it: a name or a numeric address. In Consul "
                                                       "the default is that of the node; in etcd it is needed."),
    SC_INT(R, port, .flags = SC_REQUIRED, .min = 1, .max = 65535, .doc = "Where others reach it."),
    SC_PAIRS(R, tagged_addresses, .max = 16, .doc = "Further addresses by name, `wan: \"203.0.113.5:443\"`; without a port "
                                                    "it is `port`."),
    SC_STRINGS(R, tags, .max = 64, .doc = "Tags of the instance."),
    SC_PAIRS(R, meta, .max = 64, .doc = "What else others may want to know of it."),
    { .name = "weight", .type = SC_T_OBJECT, .offset = offsetof(R, weight), .fields = weight_fields,
      .size = sizeof(((R *)0)->weight), .brief = "passing",
      .doc = "Its share of the traffic, among the other instances. A number in place of the map is `{ passing: "
             "NUMBER }`." },
    SC_OBJECT_OPT(R, check, const struct registration_check_conf, check_fields, .brief = "path",
                  .doc = "How the registry knows that it is well. The sidecar checks and reports; without this key it "
                         "counts as well while the sidecar runs. A path in place of the map is `{ path: PATH }`. When the "
                         "sidecar has not been heard for 15 seconds the instance is critical in any case."),
    SC_END
};
#undef IN
#undef R

/* --- addresses --- */

static bool is_host(const char *host)
{
    struct address a;

    return address_is_name(host) || address_numeric(&a, host, 1);
}

bool registration_address(const char *text, char host[256], uint16_t *port)
{
    const char *end, *begin = text[0] == '[' ? text + 1 : text;
    unsigned long long number;
    struct address a;

    *port = 0;
    if (address_numeric(&a, text, 1) || (text[0] != '[' && strchr(text, ':') == NULL)) {    /* an IPv6 one has colons */
        end = text + strlen(text);
        begin = text;
    } else {
        const char *colon = strrchr(text, ':');

        end = text[0] == '[' ? strchr(text, ']') : colon;
        if (end == NULL || (text[0] == '[' && end[1] != '\0' && end + 1 != colon))
            return false;
        if (text[0] != '[' || end[1] != '\0') {
            if (!str_u64(str_of(colon + 1), &number) || number < 1 || number > 65535)
                return false;
            *port = (uint16_t)number;
        }
    }
    if (end - begin > 253)
        return false;
    snprintf(host, 256, "%.*s", (int)(end - begin), begin);
    return is_host(host);
}

/* --- checks --- */

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static bool is_made_of(const char *text, const char *these)
{
    return *text != '\0' && text[strspn(text, these)] == '\0';
}

static bool is_label(const char *name)
{
    return is_made_of(name, LETTERS_AND_DIGITS "-") && name[0] != '-' && name[strlen(name) - 1] != '-';
}

static bool is_meta_key(const char *key)
{
    return strlen(key) <= 128 && is_made_of(key, LETTERS_AND_DIGITS "_-");
}

static const struct node *place(const struct node *at, const char *key)
{
    const struct node *n = node_get(at, key);

    return n != NULL ? n : at;
}

static bool wrong(struct conf_load *load, const struct node *at, const char *key, const char *text)
{
    size_t mark = load_enter(load, key);

    load_error(load, place(at, key), "%s", text);
    load_leave(load, mark);
    return false;
}

static bool check_names(struct conf_load *load, const struct registration_conf *c, const struct node *at)
{
    bool ok = true;

    if (c->name != NULL && !is_label(c->name))
        ok = wrong(load, at, "name", "expected letters, digits and inner hyphens (RFC 1123), as a name to be looked up");
    if (c->id != NULL)
        for (const char *p = c->id; *p != '\0'; p++)
            if (*p <= ' ' || *p > '~' || strchr("/\"\\", *p) != NULL) {
                ok = wrong(load, at, "id", "expected visible ASCII characters without slashes and quotes");
                break;
            }
    if (c->address != NULL && !is_host(c->address))
        ok = wrong(load, at, "address", "expected a name or a numeric address, without a port");
    return ok;
}

static bool check_maps(struct conf_load *load, const struct registration_conf *c, const struct node *at)
{
    bool ok = true;
    char host[256];
    uint16_t port;

    for (unsigned i = 0; i < c->meta.n; i++)
        if (!is_meta_key(c->meta.at[i].name) || c->meta.at[i].value == NULL || strlen(c->meta.at[i].value) > 512)
            ok = wrong(load, at, "meta", "keys are letters, digits, `_` and `-`, 128 at most; values 512 bytes at most");
    for (unsigned i = 0; i < c->tagged_addresses.n; i++)
        if (c->tagged_addresses.at[i].value == NULL ||
            !registration_address(c->tagged_addresses.at[i].value, host, &port))
            ok = wrong(load, at, "tagged_addresses", "expected HOST:PORT or HOST");
    return ok;
}

static bool check_check(struct conf_load *load, const struct registration_check_conf *c, const struct node *at)
{
    size_t mark = load_enter(load, "check");
    const struct node *inner = place(at, "check");
    struct address a;
    bool ok = true;

    if (c->path[0] != '/')
        ok = wrong(load, inner, "path", "the path begins with a slash");
    for (const char *p = c->path; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~' || *p == '#') {
            ok = wrong(load, inner, "path", "the path holds something else than visible ASCII characters, or a `#`");
            break;
        }
    if (!address_numeric(&a, c->address, 1))
        ok = wrong(load, inner, "address", "expected a numeric address, without a port");
    if (c->deregister_critical_after > 0 && c->deregister_critical_after < A_MINUTE)
        ok = wrong(load, inner, "deregister_critical_after", "one minute at least, or `0s`");
    load_leave(load, mark);
    return ok;
}

static bool find_registry(struct conf_load *load, const struct registries *all, struct registration_conf *c,
                          const struct node *at)
{
    char text[300];

    if (c->registry_name == NULL)
        return false;                               /* reported already */
    c->registry = registries_find(all, c->registry_name);
    if (c->registry == NULL)
        return registries_unknown(load, all, place(at, "registry"));
    if (c->registry->provider->say != NULL)
        return true;
    snprintf(text, sizeof text, "a registry of type %s takes no registrations", c->registry->provider->name);
    return wrong(load, at, "registry", text);
}

static void fill_in(struct arena *arena, struct registration_conf *c, const char *node)
{
    struct registration_check_conf *check;

    c->is_weighed = node_get(c->at, "weight") != NULL;
    c->instance = c->id != NULL ? c->id : arena_printf(arena, "%s-%u", node, (unsigned)c->port);
    if (c->id == NULL && c->name != NULL)
        c->id = arena_printf(arena, "%s-%s", c->name, c->instance);
    if (c->check == NULL || c->check->port != 0)
        return;
    check = arena_alloc(arena, sizeof *check);
    *check = *c->check;
    check->port = c->port;
    c->check = check;
}

bool registration_link(struct conf_load *load, const struct registries *registries, struct registration_conf *c,
                       const char *node, const struct node *at)
{
    bool ok;

    c->at = at;
    ok = find_registry(load, registries, c, at);
    ok &= check_names(load, c, at);
    ok &= check_maps(load, c, at);
    if (c->check != NULL)
        ok &= check_check(load, c->check, at);
    if (c->registry != NULL && c->registry->provider->check_entry != NULL)
        ok &= c->registry->provider->check_entry(load, at, c);
    fill_in(load->arena, c, node);
    return ok;
}

bool registration_same(const struct registration_conf *a, const struct registration_conf *b)
{
    return strcmp(a->id, b->id) == 0 && node_same(a->at, b->at);
}
