/* discovery/snapshot/identity.c - what makes the answer of one source another one's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/snapshot/identity.h"

#include "conf/describe.h"
#include "conf/load.h"
#include "discovery/provider.h"
#include "discovery/service.h"

/* Keys of registries that change how an answer is come by, and not what it says. */
static const char *const ways[] = {
    "ca", "ca_path", "certificate", "key", "server_name", "verify", "max_connections", "wait", "consistency", "user",
    "timeout", "min_ttl", "max_ttl", NULL
};
/* And of sources: how several of them are put together. */
static const char *const shares[] = { "registry", "weight", NULL };

static const void *defaults_of(struct conf_load *load, const struct sc_field *fields, size_t size)
{
    void *values = arena_zero(load->arena, size + 1);
    bool partial = load->partial;

    load->partial = true;
    conf_load_object(load, NULL, fields, values);
    load->partial = partial;
    return values;
}

const char *identity_of(struct conf_load *load, const char *service, const struct registry *r, const void *source)
{
    const struct provider *p = r->provider;
    struct buf text = BUF_INIT;
    const char *identity;

    buf_json(&text, str_of(service));
    buf_printf(&text, " %s", p->name);
    conf_print_changed(p->fields, r->conf, defaults_of(load, p->fields, p->conf_size), ways, "registry.", &text);
    conf_print_changed(p->source_fields, source, defaults_of(load, p->source_fields, p->source_size), shares, "source.",
                       &text);
    identity = arena_dupz(load->arena, buf_view(&text));
    buf_fini(&text);
    return identity;
}
