/* discovery/providers/etcd_ask.c - what etcd's JSON gateway is asked, as it wants to read it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/etcd_ask.h"

#include "base/base64.h"

#include <assert.h>
#include <stdio.h>

void etcd_add_bytes(struct jsonw *j, const char *name, struct sc_str bytes)
{
    struct buf text = BUF_INIT;

    base64_add(&text, bytes);
    jsonw_str(j, name, buf_view(&text));
    buf_fini(&text);
}

void etcd_add_number(struct jsonw *j, const char *name, uint64_t value)
{
    char text[32];

    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    jsonw_text(j, name, text);
}

/* Up to what begins with the next prefix, in the order of bytes. */
static void add_range(struct jsonw *j, const char *prefix)
{
    struct buf end = BUF_INIT;

    buf_puts(&end, prefix);
    assert(end.n > 0 && end.p[end.n - 1] == '/');
    end.p[end.n - 1]++;
    etcd_add_bytes(j, "key", str_of(prefix));
    etcd_add_bytes(j, "range_end", buf_view(&end));
    buf_fini(&end);
}

void etcd_ask_range(struct buf *body, const char *prefix)
{
    struct jsonw j = JSONW_INIT(body);

    jsonw_object(&j, NULL);
    add_range(&j, prefix);
    jsonw_close(&j);
}

void etcd_ask_watch(struct buf *body, const char *prefix, uint64_t revision)
{
    struct jsonw j = JSONW_INIT(body);

    jsonw_object(&j, NULL);
    jsonw_object(&j, "create_request");
    add_range(&j, prefix);
    etcd_add_number(&j, "start_revision", revision + 1);
    jsonw_bool(&j, "progress_notify", true);
    jsonw_bool(&j, "fragment", true);
    jsonw_close(&j);
    jsonw_close(&j);
}
