/* discovery/providers/kubernetes.c - targets in Kubernetes: the EndpointSlices of services.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The keys, and where a sidecar inside a cluster finds what it needs; kube_watch.c follows. */
#include "discovery/provider.h"

#include "base/arena.h"
#include "base/buf.h"
#include "conf/file.h"
#include "conf/load.h"
#include "discovery/providers/kube_watch.h"

#include <stdlib.h>
#include <string.h>

/* What every pod is given, where nobody forbids it. */
#define ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/"
enum { NAMESPACE_MAX = 256 };

static const struct rest_conf *rest_conf_of(const struct registry_live *live)
{
    return &((const struct kube_conf *)live->conf)->rest;
}

static void kubernetes_open(struct registry_live *r)
{
    r->state = rest_new(r, rest_conf_of, "Authorization: Bearer ", NULL);
}

static void kubernetes_close(struct registry_live *r)
{
    struct rest *rest = r->state;

    r->state = NULL;
    rest_free(&rest);
}

/* --- inside a cluster --- */

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value == NULL || *value == '\0' ? NULL : value;
}

/* As the cluster tells its pods; without that by the name it has there. */
static const char *address_inside(struct arena *a)
{
    const char *host = environment("KUBERNETES_SERVICE_HOST"), *port = environment("KUBERNETES_SERVICE_PORT");

    if (host == NULL)
        return "https://kubernetes.default.svc";
    return arena_printf(a, strchr(host, ':') != NULL ? "https://[%s]:%s" : "https://%s:%s", host,
                        port != NULL ? port : "443");
}

static const char *namespace_inside(struct arena *a)
{
    struct buf text = BUF_INIT;
    const char *name = NULL;
    struct stat st;

    if (file_read(ACCOUNT "namespace", NAMESPACE_MAX, &text, &st)) {
        struct sc_str rest = buf_view(&text), line = STR_NONE;

        str_split(&rest, '\n', &line);
        name = arena_dupz(a, str_trim(line));
    }
    buf_fini(&text);
    return name != NULL && kube_is_name(name) ? name : NULL;
}

/* Without an address it is the cluster that we run in. */
static void default_inside(struct arena *a, struct kube_conf *c)
{
    struct rest_conf *rest = &c->rest;
    const char **at = arena_alloc(a, sizeof *at);

    *at = address_inside(a);
    rest->address = (struct sc_strings){ at, 1 };
    if (rest->token.value.p == NULL && rest->token.file == NULL && rest->certificate == NULL)
        rest->token.file = ACCOUNT "token";
    if (rest->ca == NULL && rest->ca_path == NULL)
        rest->ca = ACCOUNT "ca.crt";
    if (c->namespace == NULL)
        c->namespace = namespace_inside(a);
}

/* --- keys --- */

static bool check_name(struct conf_load *load, const struct node *at, const char *key, const char *name)
{
    const struct node *place = node_get(at, key);

    return name == NULL || kube_is_name(name) ||
           load_error(load, place != NULL ? place : at, "`%s`: up to 63 letters, digits and hyphens", key);
}

static bool kubernetes_check(struct conf_load *load, const struct node *at, void *conf)
{
    struct kube_conf *c = conf;
    bool ok;

    if (c->rest.address.n == 0)
        default_inside(load->arena, c);
    if (c->namespace == NULL)
        c->namespace = "default";
    ok = check_name(load, at, "namespace", c->namespace);
    return rest_check(load, at, &c->rest) && ok;
}

/* A number, or the name of a port, which has a letter (RFC 6335 5.1). */
static bool is_port(const char *port)
{
    size_t n = strlen(port), digits = strspn(port, "0123456789");

    if (digits == n)
        return n > 0 && n <= 5 && atol(port) >= 1 && atol(port) <= 65535;
    return n <= 63 && strspn(port, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static bool kubernetes_check_source(struct conf_load *load, const struct node *at, void *conf)
{
    const struct kube_source *s = conf;
    bool ok = check_name(load, at, "service", s->service);

    ok = check_name(load, at, "namespace", s->namespace) && ok;
    if (s->port != NULL && !is_port(s->port))
        ok = load_error(load, node_get(at, "port"), "`port`: a number from 1 to 65535, or the name of a port: small "
                        "letters, digits and hyphens");
    return ok;
}

static const struct sc_enum families[] = {
    { "ipv4", KUBE_IPV4 }, { "ipv6", KUBE_IPV6 }, { "both", KUBE_BOTH }, { NULL, 0 }
};

#define C struct kube_conf
static const struct sc_field fields[] = {
    SC_INLINE(C, rest, struct rest_conf, rest_fields),
    SC_STRING(C, namespace, .doc = "The namespace of services; default: the sidecar's own inside a cluster, else "
                                   "`default`."),
    SC_MSEC(C, wait, .dflt = "2m", .min = 5000, .max = 3600000,
            .doc = "How long a watch stays open, give or take a tenth. Changes come at once; this is how soon a server that "
                   "has fallen silent is noticed."),
    SC_END
};
#undef C

#define S struct kube_source
static const struct sc_field source_fields[] = {
    SC_STRING(S, service, .doc = "The name in Kubernetes; default: the service's own."),
    SC_STRING(S, namespace, .doc = "In place of the registry's."),
    SC_STRING(S, port, .doc = "Which port: its name in the Service, or the number that the endpoints listen on. It may be "
                              "left out where there is only one."),
    SC_ENUM(S, family, .dflt = "ipv4", .names = families,
            .doc = "Endpoints that have addresses of several kinds are reached at this one, others at what they have; "
                   "`both`: every address is a target."),
    SC_BOOL(S, hints, .dflt = "true",
            .doc = "Whether the cluster's topology hints count: endpoints that are meant for `node.name` serve before those "
                   "for `node.zone`, and these before all others, by tiers. As in kube-proxy hints count only when all "
                   "ready endpoints have them."),
    SC_END
};
#undef S

const struct provider provider_kubernetes = {
    .name = "kubernetes",
    .summary = "Targets in Kubernetes: the EndpointSlices of a Service, listed and watched. Without `address` it is the "
               "cluster that the sidecar runs in, with the token, the authority and the namespace of its pod.",
    .fields = fields, .conf_size = sizeof(struct kube_conf),
    .source_fields = source_fields, .source_size = sizeof(struct kube_source),
    .interval = 120000,
    .check = kubernetes_check, .check_source = kubernetes_check_source,
    .open = kubernetes_open, .close = kubernetes_close, .watch = kube_watch_start, .unwatch = kube_watch_stop,
};
