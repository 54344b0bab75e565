/* discovery/providers/etcd_entry.c - a service of this host in etcd's words.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/etcd_entry.h"

#include "base/jsonw.h"
#include "discovery/provider.h"
#include "discovery/registration/registration.h"

void etcd_entry_key(struct buf *to, const char *prefix, const struct entry *e)
{
    buf_printf(to, "%s%s/%s", prefix, e->name, e->instance);
}

static const char *state_of(const struct entry *e)
{
    if (e->maintenance)
        return "maintenance";
    return e->standing == ENROL_UNKNOWN ? "critical" : enrol_standing_name(e->standing);
}

static void write_addresses(struct jsonw *j, const struct registration_conf *c)
{
    char host[256];
    uint16_t port;

    jsonw_object(j, "tagged_addresses");
    for (unsigned i = 0; i < c->tagged_addresses.n; i++) {
        const struct sc_pair *p = &c->tagged_addresses.at[i];

        if (!registration_address(p->value, host, &port))
            continue;                               /* refused when it was loaded */
        jsonw_object_at(j, str_of(p->name));
        jsonw_text(j, "host", host);
        jsonw_int(j, "port", port != 0 ? port : c->port);
        jsonw_close(j);
    }
    jsonw_close(j);
}

static void write_words(struct jsonw *j, const struct registration_conf *c)
{
    jsonw_array(j, "tags");
    for (unsigned i = 0; i < c->tags.n; i++)
        jsonw_text(j, NULL, c->tags.at[i]);
    jsonw_close(j);
    jsonw_object(j, "meta");
    for (unsigned i = 0; i < c->meta.n; i++)
        jsonw_text(j, c->meta.at[i].name, c->meta.at[i].value);     /* its letters were checked when it was loaded */
    jsonw_close(j);
}

static void text_if(struct jsonw *j, const char *key, const char *value)
{
    if (value != NULL)
        jsonw_text(j, key, value);
}

void etcd_entry_value(struct buf *to, const struct entry *e)
{
    const struct registration_conf *c = e->conf;
    struct jsonw j = JSONW_INIT(to);

    jsonw_object(&j, NULL);
    jsonw_text(&j, "host", c->address);
    jsonw_int(&j, "port", c->port);
    if (c->is_weighed)
        jsonw_int(&j, "weight", e->standing == ENROL_WARNING ? c->weight.warning : c->weight.passing);
    text_if(&j, "node", e->registry->node);
    text_if(&j, "zone", e->registry->zone);
    write_words(&j, c);
    if (c->tagged_addresses.n > 0)
        write_addresses(&j, c);
    jsonw_text(&j, "state", state_of(e));
    jsonw_close(&j);
}
