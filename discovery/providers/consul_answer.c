/* discovery/providers/consul_answer.c - an answer of Consul's /v1/health/service/NAME as endpoints.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/consul_answer.h"

#include "conf/data.h"

#include <stdlib.h>
#include <string.h>

/* NULL for "", which is how Consul says that there is none. */
static const char *text_at(const struct data *d, const char *key)
{
    const char *text = data_text(data_get(d, key));

    return text == NULL || *text == '\0' ? NULL : text;
}

/* --- lists --- */

static struct sc_strings tags_of(struct arena *a, const struct data *list)
{
    size_t n = data_is_list(list) ? data_size(list) : 0;
    const char **at = n == 0 ? NULL : arena_alloc(a, n * sizeof *at);
    unsigned kept = 0;

    for (size_t i = 0; i < n; i++)
        if (data_text(data_at(list, i)) != NULL)
            at[kept++] = data_text(data_at(list, i));
    return (struct sc_strings){ at, kept };
}

static struct sc_pairs meta_of(struct arena *a, const struct data *map)
{
    size_t n = data_is_object(map) ? data_size(map) : 0;
    struct sc_pair *at = n == 0 ? NULL : arena_alloc(a, n * sizeof *at);
    unsigned kept = 0;

    if (n > 0)
        for (const struct data_member *it = data_first(map); it != NULL; it = data_next(map, it))
            if (data_text(data_value(it)) != NULL)
                at[kept++] = (struct sc_pair){ data_key(it), data_text(data_value(it)) };
    return (struct sc_pairs){ at, kept };
}

/* --- state --- */

static bool is_maintenance(const struct data *check)
{
    const char *id = text_at(check, "CheckID");

    return id != NULL && (strcmp(id, "_node_maintenance") == 0 || strncmp(id, "_service_maintenance", 20) == 0);
}

static enum endpoint_state state_of_check(const struct data *check, const struct consul_want *want)
{
    const char *status = text_at(check, "Status");

    if (status != NULL && strcmp(status, "passing") == 0)
        return EP_READY;
    if (status != NULL && strcmp(status, "warning") == 0)
        return want->passing_only ? EP_NOT_PASSING : EP_WARNING;
    return is_maintenance(check) ? EP_MAINTENANCE : EP_CRITICAL;    /* what nobody understands is no good sign */
}

/* From good to bad. */
static unsigned badness(enum endpoint_state s)
{
    static const unsigned char by_state[] = {
        [EP_READY] = 0, [EP_WARNING] = 1, [EP_NOT_PASSING] = 2, [EP_SERVING_TERMINATING] = 3, [EP_CRITICAL] = 4,
        [EP_MAINTENANCE] = 5,
    };

    return by_state[s];
}

/* The worst of all checks. */
static const char *read_state(struct endpoint *e, const struct data *checks, const struct consul_want *want)
{
    e->state = EP_READY;
    if (data_is_null(checks))
        return NULL;
    if (!data_is_list(checks))
        return "`Checks` is no list";
    for (size_t i = 0; i < data_size(checks); i++) {
        enum endpoint_state s = state_of_check(data_at(checks, i), want);

        if (badness(s) > badness(e->state))
            e->state = s;
    }
    return NULL;
}

/* --- weight --- */

static const char *read_weight(struct endpoint *e, const struct data *service)
{
    const struct data *weights = data_get(service, "Weights");
    bool warned = e->state == EP_WARNING || e->state == EP_NOT_PASSING;
    const struct data *stated = data_get(weights, warned ? "Warning" : "Passing");
    int64_t weight = 1;

    if (!data_is_null(weights) && !data_is_object(weights))
        return "`Service.Weights` is no object";
    if (!data_is_null(stated) && (!data_int(stated, &weight) || weight < 0 || weight > ENDPOINT_WEIGHT_MAX))
        return "`Service.Weights`: not a weight from 0 to 65535";
    e->weight = (uint32_t)weight;
    return NULL;
}

/* --- address --- */

static const char *read_port(struct endpoint *e, const struct data *at)
{
    int64_t port;

    if (!data_int(at, &port) || port < 0 || port > 65535)
        return "`Service.Port`: not a port from 1 to 65535";
    if (port == 0)
        return "the service has no port";
    e->port = (uint16_t)port;
    return NULL;
}

/* By the name that was asked for, the service's own, the node's by that name, the node's: the first that is there. */
static const char *read_address(struct endpoint *e, const struct data *node, const struct data *service,
                                const struct consul_want *want)
{
    const char *tag = want->tagged_address;
    const struct data *tagged = tag == NULL ? NULL : data_get(data_get(service, "TaggedAddresses"), tag);

    if (text_at(service, "SocketPath") != NULL)
        return "a unix socket, which only its own node can reach";
    if ((e->host = text_at(tagged, "Address")) != NULL)
        return read_port(e, data_get(tagged, "Port"));
    e->host = text_at(service, "Address");
    if (e->host == NULL && tag != NULL)
        e->host = text_at(data_get(node, "TaggedAddresses"), tag);
    if (e->host == NULL)
        e->host = text_at(node, "Address");
    return e->host == NULL ? "neither the service nor its node has an address" : read_port(e, data_get(service, "Port"));
}

/* --- an entry --- */

static const char *zone_of(const struct data *node, const struct data *service)
{
    const char *zone = text_at(data_get(service, "Locality"), "Zone");

    if (zone == NULL)
        zone = text_at(data_get(node, "Locality"), "Zone");
    if (zone == NULL)
        zone = text_at(data_get(service, "Meta"), "zone");
    return zone == NULL ? text_at(data_get(node, "Meta"), "zone") : zone;
}

static void describe(struct endpoint *e, struct arena *a, const struct data *node, const struct data *service)
{
    e->id = text_at(service, "ID");
    e->node = text_at(node, "Node");
    e->zone = zone_of(node, service);
    e->tags = tags_of(a, data_get(service, "Tags"));
    e->meta = meta_of(a, data_get(service, "Meta"));
}

static struct endpoint read_entry(struct arena *a, const struct data *entry, const struct consul_want *want)
{
    const struct data *node = data_get(entry, "Node"), *service = data_get(entry, "Service");
    struct endpoint e = { .weight = 1 };

    if (!data_is_object(service)) {
        e.wrong = "an entry without `Service`";
        return e;
    }
    describe(&e, a, node, service);
    e.wrong = read_state(&e, data_get(entry, "Checks"), want);
    if (e.wrong == NULL)
        e.wrong = read_weight(&e, service);
    if (e.wrong == NULL)
        e.wrong = read_address(&e, node, service, want);
    return e;
}

/* --- the list --- */

static int compare_text(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b);
}

static int compare(const void *x, const void *y)
{
    const struct endpoint *a = x, *b = y;
    int order = compare_text(a->id, b->id);

    if (order == 0)
        order = compare_text(a->node, b->node);
    if (order == 0)
        order = compare_text(a->host, b->host);
    return order != 0 ? order : (a->port > b->port) - (a->port < b->port);
}

/* NULL with e: there is none. */
static const struct data *list_in(const struct data *doc, const struct consul_want *want, struct sc_error *e)
{
    const struct data *list = want->prepared ? data_get(doc, "Nodes") : doc;

    if (data_is_list(list))
        return list;
    sc_error_set(e, want->prepared ? "no list of instances (`Nodes`)" : "not a list of instances");
    return NULL;
}

bool consul_answer_read(struct consul_answer *to, struct sc_str text, const struct consul_want *want, struct sc_error *e)
{
    struct data *doc = data_parse(text, e);
    const struct data *list;
    size_t n;

    *to = (struct consul_answer){ .doc = doc };
    if (doc == NULL)
        return sc_error_wrap(e, "not JSON");
    list = list_in(doc, want, e);
    if (list == NULL) {
        data_free(&to->doc);
        return false;
    }
    n = data_size(list);
    arena_init(&to->arena, n < 16 ? 2048 : 65536);
    to->at = arena_alloc(&to->arena, (n + 1) * sizeof to->at[0]);
    to->n = (unsigned)n;
    for (size_t i = 0; i < n; i++)
        to->at[i] = read_entry(&to->arena, data_at(list, i), want);
    qsort(to->at, n, sizeof to->at[0], compare);
    return true;
}

void consul_answer_fini(struct consul_answer *a)
{
    arena_fini(&a->arena);
    data_free(&a->doc);
}
