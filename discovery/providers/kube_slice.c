/* discovery/providers/kube_slice.c - one EndpointSlice of Kubernetes as endpoints.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The rules are those of the API's own description of EndpointSlice (discovery.k8s.io/v1). */
#include "discovery/providers/kube_slice.h"

#include "base/alloc.h"
#include "conf/data.h"
#include "discovery/address.h"

#include <stdlib.h>
#include <string.h>

/* What all endpoints of a slice have in common. */
struct reader {
    struct kube_slice *slice;
    const struct kube_want *want;
    uint16_t port;
    const char *wrong;              /* with all of them; NULL: nothing */
};

/* NULL for what is not there, and for "". */
static const char *text_at(const struct data *d, const char *key)
{
    const char *text = data_text(data_get(d, key));

    return text == NULL || *text == '\0' ? NULL : text;
}

static const char *keep(struct reader *r, const char *text)
{
    return text == NULL ? NULL : arena_dupz(&r->slice->arena, str_of(text));
}

/* --- the port --- */

static bool is_number(const char *word)
{
    return word[strspn(word, "0123456789")] == '\0';
}

static bool is_tcp(const struct data *port)
{
    const char *protocol = text_at(port, "protocol");

    return protocol == NULL || strcmp(protocol, "TCP") == 0;
}

/* A port without a number stands for all of them. */
static bool is_wanted(const struct data *port, const char *want)
{
    const char *name = text_at(port, "name");
    int64_t number;

    if (want == NULL)
        return true;
    if (!is_number(want))
        return name != NULL && strcmp(name, want) == 0;
    return data_is_null(data_get(port, "port")) || (data_int(data_get(port, "port"), &number) && number == atol(want));
}

static const char *read_port(struct reader *r, const struct data *port)
{
    const char *want = r->want->port;
    int64_t number;

    if (data_is_null(data_get(port, "port"))) {
        if (want == NULL || !is_number(want))
            return "the slice does not say the number of its port";
        r->port = (uint16_t)atol(want);
        return NULL;
    }
    if (!data_int(data_get(port, "port"), &number) || number < 1 || number > 65535)
        return "`ports`: not a port from 1 to 65535";
    r->port = (uint16_t)number;
    return NULL;
}

static const char *no_port(struct reader *r)
{
    if (r->want->port == NULL)
        return "the slice has no TCP port";
    return arena_printf(&r->slice->arena, "the slice has no TCP port `%s`", r->want->port);
}

static const char *read_ports(struct reader *r, const struct data *ports)
{
    const struct data *found = NULL;

    if (!data_is_null(ports) && !data_is_list(ports))
        return "`ports` is no list";
    for (size_t i = 0; i < data_size(ports); i++) {
        const struct data *port = data_at(ports, i);

        if (!data_is_object(port))
            return "`ports` holds something that is no port";
        if (!is_tcp(port) || !is_wanted(port, r->want->port))
            continue;
        if (found != NULL && r->want->port == NULL)
            return "the slice has several ports, and `port` does not say which is meant";
        found = found == NULL ? port : found;
    }
    return found == NULL ? no_port(r) : read_port(r, found);
}

/* --- conditions --- */

static bool read_condition(const struct data *conditions, const char *name, bool otherwise, bool *to)
{
    const struct data *d = data_get(conditions, name);

    *to = otherwise;
    return data_is_null(d) || data_bool(d, to);
}

/* What is not known of `ready` is taken for yes, of `serving` for the same as `ready`, of `terminating` for no. */
static const char *read_state(struct endpoint *e, const struct data *conditions)
{
    bool ready, serving, terminating;

    if (!data_is_null(conditions) && !data_is_object(conditions))
        return "`conditions` is no object";
    if (!read_condition(conditions, "ready", true, &ready) || !read_condition(conditions, "serving", ready, &serving) ||
        !read_condition(conditions, "terminating", false, &terminating))
        return "`conditions`: neither true nor false";
    if (ready)
        e->state = EP_READY;
    else
        e->state = serving && terminating ? EP_SERVING_TERMINATING : EP_CRITICAL;
    return NULL;
}

/* --- address --- */

static bool is_of(const char *host, enum kube_family family)
{
    struct address a;

    if (family == KUBE_NAME)
        return address_is_name(host);
    return address_numeric(&a, host, 1) && a.sa.ss_family == (family == KUBE_IPV4 ? AF_INET : AF_INET6);
}

/* All addresses of an endpoint lead to the same, says the API, and only the first needs to be looked at. */
static const char *read_address(struct reader *r, struct endpoint *e, const struct data *addresses)
{
    const char *host = data_text(data_at(addresses, 0));

    if (!data_is_list(addresses) || data_size(addresses) == 0)
        return "an endpoint without an address";
    if (host == NULL)
        return "`addresses` holds something that is no text";
    e->host = keep(r, host);
    return is_of(host, r->slice->family) ? NULL : "`addresses`: not an address of the slice's `addressType`";
}

/* --- where it is, and for whom --- */

static void read_place(struct reader *r, struct endpoint *e, const struct data *at)
{
    const struct data *topology = data_get(at, "topology");     /* v1beta1 */
    const char *zone = text_at(at, "zone"), *node = text_at(at, "nodeName");

    if (zone == NULL)
        zone = text_at(topology, "topology.kubernetes.io/zone");
    if (zone == NULL)
        zone = text_at(topology, "failure-domain.beta.kubernetes.io/zone");
    e->zone = keep(r, zone);
    e->node = keep(r, node != NULL ? node : text_at(topology, "kubernetes.io/hostname"));
}

static bool names(const struct data *list, const char *ours)
{
    for (size_t i = 0; ours != NULL && i < data_size(list); i++) {
        const char *name = text_at(data_at(list, i), "name");

        if (name != NULL && strcmp(name, ours) == 0)
            return true;
    }
    return false;
}

static void read_hints(struct reader *r, struct kube_endpoint *e, const struct data *hints)
{
    const struct data *nodes = data_get(hints, "forNodes"), *zones = data_get(hints, "forZones");

    e->node_hints = data_is_list(nodes) && data_size(nodes) > 0;
    e->zone_hints = data_is_list(zones) && data_size(zones) > 0;
    e->for_node = e->node_hints && names(nodes, r->want->node);
    e->for_zone = e->zone_hints && names(zones, r->want->zone);
}

static void read_owner(struct reader *r, struct kube_endpoint *e, const struct data *at)
{
    const struct data *owner = data_get(at, "targetRef");
    const char *uid = text_at(owner, "uid"), *name = text_at(owner, "name");

    e->at.id = keep(r, name != NULL ? name : text_at(at, "hostname"));
    e->whose = keep(r, uid != NULL ? uid : name);
}

/* --- the slice --- */

static void read_endpoint(struct reader *r, struct kube_endpoint *e, const struct data *at)
{
    *e = (struct kube_endpoint){ .at = { .weight = ENDPOINT_WEIGHT, .port = r->port }, .family = r->slice->family };
    if (!data_is_object(at)) {
        e->at.wrong = "an endpoint that is no object";
        return;
    }
    read_owner(r, e, at);
    read_place(r, &e->at, at);
    read_hints(r, e, data_get(at, "hints"));
    e->at.wrong = read_address(r, &e->at, data_get(at, "addresses"));
    if (r->wrong != NULL)
        e->at.wrong = r->wrong;
    else if (e->at.wrong == NULL)
        e->at.wrong = read_state(&e->at, data_get(at, "conditions"));
}

static const char *read_family(struct kube_slice *s, const struct data *object)
{
    const char *type = text_at(object, "addressType");

    s->family = KUBE_IPV4;
    if (type != NULL && (strcmp(type, "IPv4") == 0 || strcmp(type, "IP") == 0))     /* the second is an early v1beta1 */
        return NULL;
    s->family = KUBE_NAME;
    if (type != NULL && strcmp(type, "FQDN") == 0)
        return NULL;
    s->family = KUBE_IPV6;
    return type != NULL && strcmp(type, "IPv6") == 0 ? NULL : "the slice's `addressType` is not known";
}

static void read_endpoints(struct reader *r, const struct data *list)
{
    struct kube_slice *s = r->slice;

    s->n = (unsigned)data_size(list);
    s->at = arena_alloc(&s->arena, (s->n + 1) * sizeof s->at[0]);
    for (unsigned i = 0; i < s->n; i++)
        read_endpoint(r, &s->at[i], data_at(list, i));
}

/* For all that is wrong with the slice itself: one endpoint that says so. */
static void read_nothing(struct reader *r, const char *wrong)
{
    struct kube_slice *s = r->slice;

    s->n = 1;
    s->at = arena_zero(&s->arena, sizeof s->at[0]);
    s->at[0].at = (struct endpoint){ .id = s->name, .weight = ENDPOINT_WEIGHT, .wrong = wrong };
}

const char *kube_slice_name(const struct data *object)
{
    return text_at(data_get(object, "metadata"), "name");
}

struct kube_slice *kube_slice_new(const struct data *object, const struct kube_want *want)
{
    struct kube_slice *s = xnew(struct kube_slice);
    struct reader r = { .slice = s, .want = want };
    const struct data *list = data_get(object, "endpoints");

    s->refs = 1;
    arena_init(&s->arena, 512 + data_size(list) * 256);
    s->name = keep(&r, kube_slice_name(object));
    r.wrong = read_family(s, object);
    if (r.wrong == NULL)
        r.wrong = read_ports(&r, data_get(object, "ports"));
    if (data_is_null(list) || data_is_list(list))
        read_endpoints(&r, list);
    else
        read_nothing(&r, "`endpoints` is no list");
    return s;
}

void kube_slice_unref(struct kube_slice **sp)
{
    struct kube_slice *s = *sp;

    *sp = NULL;
    if (s == NULL || --s->refs > 0)
        return;
    arena_fini(&s->arena);
    free(s);
}
