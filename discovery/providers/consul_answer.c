/* discovery/providers/consul_answer.c - an answer of Consul's /v1/health/service/NAME as endpoints.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/consul_answer.h"

#include "base/alloc.h"
#include "base/map.h"
#include "conf/data.h"

#include <stdlib.h>
#include <string.h>

enum {
    ENTRY_MAX = 1 << 20,            /* bytes; a usual one has 1500 */
    ENTRIES_MAX = 1 << 17,          /* twice as many as one service may have */
    ABOUT = 16,                     /* entries, where nothing is known */
};
#define CONSUL_ANSWER_MAX ((size_t)32 << 20)            /* 20 000 of them */

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

/* --- the answer before --- */

static const struct endpoint *find_known(const struct consul_memory *m, uint64_t hash)
{
    if (m == NULL || m->slots == NULL)
        return NULL;
    for (unsigned at = (unsigned)hash & m->mask; m->slots[at] != 0; at = (at + 1) & m->mask)
        if (m->entries[m->slots[at] - 1].hash == hash)
            return m->entries[m->slots[at] - 1].at;
    return NULL;
}

void consul_memory_fini(struct consul_memory *m)
{
    arena_fini(&m->arena);
    free(m->entries);
    free(m->slots);
    *m = (struct consul_memory){ .n = 0 };
}

static void index_entries(struct consul_memory *m)
{
    unsigned size = 8;

    while (size < m->n * 2)
        size *= 2;
    m->slots = xcalloc(size, sizeof *m->slots);
    m->mask = size - 1;
    for (unsigned i = 0; i < m->n; i++) {
        unsigned at = (unsigned)m->entries[i].hash & m->mask;

        while (m->slots[at] != 0)
            at = (at + 1) & m->mask;
        m->slots[at] = i + 1;
    }
}

void consul_answer_remember(struct consul_answer *a, struct consul_memory *m)
{
    consul_memory_fini(m);
    *m = (struct consul_memory){ .n = a->nentries, .all = a->all };
    if (a->prepared)
        return;
    m->arena = a->arena;
    m->entries = xrealloc(a->entries, (a->nentries + 1) * sizeof *a->entries);
    arena_init(&a->arena, 0);
    a->entries = NULL;
    a->nentries = a->cap = 0;
    index_entries(m);
}

/* --- entries --- */

static void keep(struct consul_answer *a, struct consul_entry entry)
{
    if (a->nentries == a->cap) {
        a->cap = a->cap == 0 ? 16 : a->cap * 2;
        a->entries = xrealloc(a->entries, a->cap * sizeof *a->entries);
    }
    a->entries[a->nentries++] = entry;
    a->all = (a->all ^ entry.hash) * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static void add(struct consul_answer *a, const struct endpoint *e, uint64_t hash)
{
    struct endpoint *at = arena_alloc(&a->arena, sizeof *at);

    *at = endpoint_copy(&a->arena, e);
    keep(a, (struct consul_entry){ at, hash });
}

static void add_new(struct consul_answer *a, const struct consul_want *want, const struct data *entry, uint64_t hash)
{
    struct arena lists;
    struct endpoint e;

    arena_init(&lists, 512);
    e = read_entry(&lists, entry, want);
    add(a, &e, hash);
    arena_fini(&lists);
}

static bool add_item(struct consul_answer *a, const struct consul_want *want, const struct consul_memory *m,
                     struct sc_str item, struct sc_error *e)
{
    uint64_t hash = hash_bytes(item.p, item.n);
    const struct endpoint *known = find_known(m, hash);
    struct data *doc;

    if (a->nentries == ENTRIES_MAX)
        return sc_error_set(e, "the answer has too many entries");
    if (known != NULL) {
        add(a, known, hash);
        return true;
    }
    doc = data_parse(item, e);
    if (doc == NULL) {
        sc_error_wrap(e, "not JSON: entry %u", a->nentries + 1);
        return false;
    }
    add_new(a, want, doc, hash);
    data_free(&doc);
    return true;
}

/* --- the answer --- */

void consul_answer_init(struct consul_answer *a, unsigned about)
{
    *a = (struct consul_answer){ .nentries = 0 };
    arena_init(&a->arena, endpoint_room(about > ABOUT ? about : ABOUT));
    items_init(&a->items, ENTRY_MAX);
}

void consul_answer_fini(struct consul_answer *a)
{
    arena_fini(&a->arena);
    items_fini(&a->items);
    free(a->entries);
    free(a->report);
}

void consul_answer_reset(struct consul_answer *a, unsigned about)
{
    consul_answer_fini(a);
    consul_answer_init(a, about);
}

bool consul_answer_piece(struct consul_answer *a, const struct consul_want *want, const struct consul_memory *m,
                         struct sc_str piece, struct sc_error *e)
{
    enum items_got got;
    struct sc_str item;

    a->bytes += piece.n;
    if (a->bytes > CONSUL_ANSWER_MAX)
        return sc_error_set(e, "the answer is too long");
    items_feed(&a->items, piece);
    while ((got = items_next(&a->items, &item)) == ITEMS_ONE)
        if (!add_item(a, want, m, item, e))
            return false;
    if (got == ITEMS_NO_MORE)
        return true;
    return sc_error_set(e, "%s%s", strncmp(a->items.wrong, "not ", 4) == 0 ? "" : "not JSON: ", a->items.wrong);
}

bool consul_answer_is_whole(const struct consul_answer *a, struct sc_error *e)
{
    return items_is_whole(&a->items) || sc_error_set(e, "not JSON: the list does not end");
}

static bool read_prepared(struct consul_answer *a, const struct consul_want *want, struct sc_str text, struct sc_error *e)
{
    struct data *doc = data_parse(text, e);
    const struct data *list = data_get(doc, "Nodes");
    bool ok = data_is_list(list);

    if (doc == NULL)
        return sc_error_wrap(e, "not JSON");
    if (!ok)
        sc_error_set(e, "no list of instances (`Nodes`)");
    for (size_t i = 0; i < data_size(list); i++)
        add_new(a, want, data_at(list, i), 0);
    a->all = hash_bytes(text.p, text.n);
    a->prepared = true;
    data_free(&doc);
    return ok;
}

bool consul_answer_read(struct consul_answer *a, const struct consul_want *want, struct sc_str text, struct sc_error *e)
{
    if (want->prepared)
        return read_prepared(a, want, text, e);
    return consul_answer_piece(a, want, NULL, text, e) && consul_answer_is_whole(a, e);
}

bool consul_answer_is_same(const struct consul_answer *a, const struct consul_memory *m)
{
    return a->nentries == m->n && a->all == m->all;
}

/* --- the report --- */

static int compare_text(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b);
}

static int compare(const void *x, const void *y)
{
    const struct endpoint *a = ((const struct consul_entry *)x)->at, *b = ((const struct consul_entry *)y)->at;
    int order = compare_text(a->id, b->id);

    if (order == 0)
        order = compare_text(a->node, b->node);
    if (order == 0)
        order = compare_text(a->host, b->host);
    return order != 0 ? order : (a->port > b->port) - (a->port < b->port);
}

const struct endpoint *consul_answer_end(struct consul_answer *a, unsigned *n)
{
    if (a->nentries > 0)
        qsort(a->entries, a->nentries, sizeof a->entries[0], compare);
    free(a->report);
    a->report = xcalloc(a->nentries + 1, sizeof *a->report);
    for (unsigned i = 0; i < a->nentries; i++)
        a->report[i] = *a->entries[i].at;
    *n = a->nentries;
    return a->report;
}
