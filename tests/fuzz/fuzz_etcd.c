/* tests/fuzz/fuzz_etcd.c - whatever etcd answers: refused, or instances of which each is a target or wrong.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The first line is the answer to a range, what follows the records of a watch; they are cut where the last byte says, and
 * have to read as they do in one piece. */
#include "discovery/address.h"
#include "discovery/providers/etcd_answer.h"
#include "discovery/providers/etcd_kept.h"
#include "discovery/providers/lines.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sc_str prefix = STR_INIT("/services/web/");

static void check(const struct endpoint *e)
{
    struct sc_error err = SC_ERROR_INIT;
    struct address a;

    assert(endpoint_equal(e, e) && e->id != NULL);
    if (!endpoint_check(e, &err)) {
        assert(err.text[0] != '\0');
        return;
    }
    assert(e->wrong == NULL && e->path == NULL && e->port > 0 && e->weight <= ENDPOINT_WEIGHT_MAX && e->tier <= 15);
    assert(address_numeric(&a, e->host, e->port) || address_is_name(e->host));
}

/* In order, none twice. */
static void check_all(const struct etcd_kept *k)
{
    for (unsigned i = 0; i < k->n; i++) {
        check(&k->at[i]);
        assert(i == 0 || strcmp(k->at[i - 1].id, k->at[i].id) <= 0);
    }
}

static void apply_all(struct etcd_kept *k, const struct etcd_events *events)
{
    for (unsigned i = 0; i < events->n; i++) {
        bool changed = false;

        assert(events->at[i].key.n > 0 && events->at[i].revision > 0);
        if (etcd_kept_apply(k, prefix, &events->at[i], &changed)) {
            changed = false;
            etcd_kept_apply(k, prefix, &events->at[i], &changed);
            assert(!changed);                   /* once more is once */
        }
    }
}

static void take_range(struct etcd_kept *k, struct sc_str text)
{
    struct sc_error err = SC_ERROR_INIT;
    struct etcd_range range;

    if (!etcd_range_read(&range, text, &err)) {
        assert(err.text[0] != '\0');
        return;
    }
    assert(range.revision > 0);
    apply_all(k, &range.events);
    etcd_range_fini(&range);
}

/* As the answer to a single call; an error and a reply are not told from one another by status here. */
static void take_reply(struct sc_str text)
{
    struct sc_error err = SC_ERROR_INIT;
    struct etcd_reply reply;

    if (!etcd_reply_read(&reply, text, &err))
        assert(err.text[0] != '\0');
    else
        assert(reply.found || reply.holder == 0);
}

static bool take_record(struct etcd_kept *k, struct sc_str line)
{
    struct sc_error err = SC_ERROR_INIT;
    struct etcd_record r;

    if (!etcd_record_read(&r, line, &err)) {
        assert(err.text[0] != '\0');
        return false;
    }
    assert((r.text != NULL) == (r.kind == ETCD_CANCELED || r.kind == ETCD_FAILED));
    assert(r.events.n == 0 || r.kind == ETCD_CHANGES);
    assert(r.kind > ETCD_PROGRESS || r.revision > 0);
    apply_all(k, &r.events);
    etcd_record_fini(&r);
    return true;
}

/* The stream until something in it is wrong; how many records it had. */
static unsigned take_stream(struct etcd_kept *k, struct sc_str stream, size_t step)
{
    struct lines lines;
    unsigned n = 0;
    bool more = true;

    lines_init(&lines, 4096);
    for (size_t at = 0; more && at < stream.n; at += step) {
        enum lines_got got = LINES_ONE;
        struct sc_str line;

        lines_feed(&lines, (struct sc_str){ stream.p + at, stream.n - at < step ? stream.n - at : step });
        while (more && (got = lines_next(&lines, &line)) == LINES_ONE) {
            assert(line.n > 0 && line.n <= 4096);
            more = take_record(k, line);
            n += more;
        }
        more = more && got == LINES_NO_MORE;
    }
    lines_fini(&lines);
    return n;
}

static void check_same(const struct etcd_kept *a, const struct etcd_kept *b)
{
    assert(a->n == b->n);
    for (unsigned i = 0; i < a->n; i++)
        assert(endpoint_equal(&a->at[i], &b->at[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str stream = { (const char *)data, size }, first = STR_NONE;
    struct etcd_kept one, two;
    unsigned n;

    if (size == 0)
        return 0;
    str_split(&stream, '\n', &first);
    etcd_kept_init(&one, 1000);
    etcd_kept_init(&two, 1000);
    take_reply(first);
    take_range(&one, first);
    take_range(&two, first);
    n = take_stream(&one, stream, stream.n + 1);
    assert(take_stream(&two, stream, 1 + data[size - 1] % 64) == n);
    check_all(&one);
    check_same(&one, &two);
    etcd_kept_fini(&one);
    etcd_kept_fini(&two);
    return 0;
}
