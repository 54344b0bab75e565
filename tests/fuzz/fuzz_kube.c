/* tests/fuzz/fuzz_kube.c - whatever an API server of Kubernetes says, in lists and watches: refused, or slices that merge.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The first byte chooses what is wanted, the second how the rest is cut. Of the lines of the rest those with a list are
 * lists, the others events; a second passes after every fourth. */
#include "conf/data.h"
#include "discovery/address.h"
#include "discovery/providers/kube_answer.h"
#include "discovery/providers/kube_slices.h"
#include "discovery/providers/lines.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A result, copied: what the slices own may be gone by the next one. */
struct before {
    struct arena arena;
    struct endpoint *at;
    unsigned n;
    bool several;
};

struct world {
    struct kube_want want;
    struct kube_prefer prefer;
    struct kube_slices slices;
    struct kube_merged merged;
    struct before before;
    sc_msec now;
    unsigned steps;
};

/* --- what must hold --- */

static void check_endpoint(const struct endpoint *e)
{
    struct sc_error err = SC_ERROR_INIT;
    struct address a;

    assert(e->weight == ENDPOINT_WEIGHT || e->wrong != NULL);
    assert(e->tier <= 2 && e->path == NULL && !e->tls);
    if (e->wrong != NULL) {
        assert(e->wrong[0] != '\0' && !endpoint_check(e, &err));
        return;
    }
    assert(endpoint_check(e, &err) && e->port > 0);
    assert(e->state == EP_READY || e->state == EP_SERVING_TERMINATING || e->state == EP_CRITICAL);
    assert(address_numeric(&a, e->host, e->port) || address_is_name(e->host));
}

/* Those that are right in order, none twice; those that are wrong behind them. */
static void check_order(const struct endpoint *a, const struct endpoint *b)
{
    int order;

    if (a->wrong != NULL || b->wrong != NULL) {
        assert(b->wrong != NULL);
        return;
    }
    order = strcmp(a->host, b->host);
    assert(order < 0 || (order == 0 && a->port < b->port));
}

static void check_size(const struct kube_slices *s)
{
    struct map_item *item;
    unsigned size = 0;

    for (unsigned i = 0; (item = map_next(&s->all, &i)) != NULL;) {
        const struct kube_slice *slice = item->value;

        assert(str_eq(item->key, str_of(slice->name)));
        size += 1 + slice->n;
    }
    assert(size == s->size);
}

static bool has_one_kind(const struct kube_merged *m)
{
    return m->families[KUBE_IPV6] == 0 && m->families[KUBE_NAME] == 0;
}

static void remember(struct world *w)
{
    struct before *b = &w->before;

    arena_reset(&b->arena);
    b->n = w->merged.n;
    b->several = has_one_kind(&w->merged) && w->merged.families[KUBE_IPV4] > 1;
    b->at = arena_alloc(&b->arena, (b->n + 1) * sizeof b->at[0]);
    for (unsigned i = 0; i < b->n; i++)
        b->at[i] = endpoint_copy(&b->arena, &w->merged.at[i]);
}

static bool has_place(const struct kube_merged *m, const struct endpoint *e)
{
    for (unsigned i = 0; i < m->n; i++)
        if (m->at[i].wrong == NULL && m->at[i].port == e->port && strcmp(m->at[i].host, e->host) == 0)
            return true;
    return false;
}

/* Of several slices nothing that could serve is gone at once. */
static void check_kept(const struct world *w)
{
    const struct before *b = &w->before;

    if (!b->several || !has_one_kind(&w->merged) || w->steps % 4 == 0)
        return;
    for (unsigned i = 0; i < b->n; i++)
        assert(b->at[i].wrong != NULL || b->at[i].state == EP_CRITICAL || has_place(&w->merged, &b->at[i]));
}

/* Made again of the same at the same time it is the same. */
static void check_again(struct world *w)
{
    const struct before *b = &w->before;

    remember(w);
    kube_merged_taken(&w->merged);
    kube_merge(&w->merged, &w->slices, &w->prefer, w->now);
    assert(w->merged.n == b->n);
    for (unsigned i = 0; i < b->n; i++)
        assert(endpoint_equal(&w->merged.at[i], &b->at[i]));
}

/* --- steps --- */

static void merge(struct world *w)
{
    kube_merged_taken(&w->merged);
    kube_merge(&w->merged, &w->slices, &w->prefer, w->now);
    for (unsigned i = 0; i < w->merged.n; i++) {
        check_endpoint(&w->merged.at[i]);
        if (i > 0)
            check_order(&w->merged.at[i - 1], &w->merged.at[i]);
    }
    assert(w->merged.until == 0 || (w->merged.until > w->now && w->merged.until <= w->now + KUBE_HANDOVER));
    check_kept(w);
    check_size(&w->slices);
    check_again(w);
}

static void take_page(struct world *w, const struct kube_page *p)
{
    kube_slices_fini(&w->slices);
    for (size_t i = 0; i < data_size(p->items); i++)
        if (kube_slice_name(data_at(p->items, i)) == NULL)
            w->slices.unnamed++;
        else
            kube_slices_put(&w->slices, kube_slice_new(data_at(p->items, i), &w->want));
}

static void take_event(struct world *w, const struct kube_event *e)
{
    assert((e->kind == KUBE_ERROR) == (e->version == NULL));
    assert(e->kind != KUBE_ERROR || e->message != NULL);
    if (e->kind == KUBE_CHANGED)
        kube_slices_put(&w->slices, kube_slice_new(e->object, &w->want));
    else if (e->kind == KUBE_DELETED)
        kube_slices_drop(&w->slices, kube_slice_name(e->object));
}

static void take_line(struct world *w, struct sc_str line)
{
    struct sc_error err = SC_ERROR_INIT;
    struct kube_event event;
    struct kube_page page;

    if (kube_page_read(&page, line, &err)) {
        assert(page.version[0] != '\0' && (page.next == NULL || page.next[0] != '\0'));
        take_page(w, &page);
        kube_page_fini(&page);
    } else if (kube_event_read(&event, line, &err)) {
        take_event(w, &event);
        kube_event_fini(&event);
    } else {
        assert(strncmp(err.text, "not ", 4) == 0 && event.doc == NULL);
    }
    free(kube_status_message(line));
    if (++w->steps % 4 == 0)
        w->now += KUBE_HANDOVER;
    merge(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const ports[] = { NULL, "http", "8080", NULL };
    struct world w = { .now = 1000 };
    struct lines lines;
    struct sc_str rest, line;
    size_t piece;

    if (size < 2)
        return 0;
    w.want = (struct kube_want){ ports[data[0] & 3], (data[0] & 4) != 0 ? "n1" : NULL, (data[0] & 8) != 0 ? "a" : "" };
    w.prefer = (struct kube_prefer){ (data[0] & 16) != 0 ? KUBE_IPV6 : (data[0] & 32) != 0 ? KUBE_BOTH : KUBE_IPV4,
                                     (data[0] & 64) == 0 };
    piece = data[1] == 0 ? size : data[1];
    arena_init(&w.before.arena, 4096);
    lines_init(&lines, 1 << 20);
    rest = (struct sc_str){ (const char *)data + 2, size - 2 };
    for (; rest.n > 0; rest = str_skip(rest, piece)) {
        lines_feed(&lines, (struct sc_str){ rest.p, rest.n < piece ? rest.n : piece });
        while (lines_next(&lines, &line) == LINES_ONE)
            take_line(&w, line);
    }
    lines_fini(&lines);
    kube_slices_fini(&w.slices);
    kube_merged_fini(&w.merged);
    arena_fini(&w.before.arena);
    return 0;
}
