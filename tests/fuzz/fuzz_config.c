/* tests/fuzz/fuzz_config.c - any text as a configuration: taken, or refused with reasons.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The first byte says which language the rest is in. What is taken prints as JSON, and loads the same again. */
#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "conf/describe.h"
#include "proxy/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_report(struct conf_report *r)
{
    struct buf out = BUF_INIT;
    unsigned lines = 0;

    report_print(r, &out);
    for (size_t i = 0; i < out.n; i++) {
        assert((unsigned char)out.p[i] >= 0x20 || out.p[i] == '\n');
        lines += out.p[i] == '\n';
    }
    assert(lines == r->n + (r->left_out > 0));
    for (unsigned i = 0; i < r->n; i++)
        assert(r->list[i].text[0] != '\0' && (r->list[i].line > 0) == (r->list[i].col > 0));
    buf_fini(&out);
}

/* How the configuration looks from outside, or nothing when it was refused. */
static struct buf load(const char *name, struct sc_str text)
{
    struct buf out = BUF_INIT;
    struct conf_report r;
    struct config *c;

    report_init(&r);
    c = config_load_text(name, text, &r);
    assert((c == NULL) == (r.errors > 0));
    check_report(&r);
    if (c != NULL)
        conf_print(config_fields, c, &out);
    config_unref(&c);
    report_fini(&r);
    return out;
}

static void check_json(struct sc_str text)
{
    json_t *v = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);

    assert(v != NULL && json_is_object(v));
    json_decref(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *name = size > 0 && data[0] == 'j' ? "f.json" : "f.yaml";
    struct sc_str text = { (const char *)data + (size > 0), size > 0 ? size - 1 : 0 };
    struct buf once, twice;

    if (size > 65536)
        return 0;
    setenv("SET", "127.0.0.1", 1);
    once = load(name, text);
    twice = load(name, text);
    assert(once.n == twice.n && (once.n == 0 || memcmp(once.p, twice.p, once.n) == 0));
    if (once.n > 0)
        check_json(buf_view(&once));
    buf_fini(&once);
    buf_fini(&twice);
    return 0;
}
