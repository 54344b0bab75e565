/* discovery/balance/balancer.c - the list of balancers, and `balancer:` in the configuration.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/balance/balancer.h"

#include "base/arena.h"
#include "conf/describe.h"
#include "conf/load.h"
#include "discovery/balance/tables.h"

#define ROW(name) &balancer_##name,
const struct balancer *const balancers[] = { BALANCERS(ROW) NULL };
#undef ROW

#define NAME(name) #name,
static const char *const names[] = { BALANCERS(NAME) NULL };
#undef NAME

#define TYPES \
    "\"enum\":[\"round_robin\",\"strict_round_robin\",\"weighted\",\"least_request\",\"random\"]"
const char balancer_schema[] =
    "{\"oneOf\":[{" TYPES "},{\"type\":\"object\",\"required\":[\"type\"],\"additionalProperties\":false,"
    "\"properties\":{\"type\":{" TYPES "},\"choices\":{\"type\":\"integer\",\"minimum\":2,\"maximum\":10}}}]}";
#undef TYPES

const struct balancer *balancer_find(struct sc_str name)
{
    for (unsigned i = 0; balancers[i] != NULL; i++)
        if (str_eq(name, str_of(balancers[i]->name)))
            return balancers[i];
    return NULL;
}

static bool load_keys(struct conf_load *load, const struct node *at, struct balancer_choice *choice)
{
    static const char *const but[] = { "type", NULL };
    static const struct sc_field none[] = { SC_END };
    const struct sc_field *fields = choice->ops->fields;
    void *conf = choice->ops->conf_size == 0 ? NULL : arena_zero(load->arena, choice->ops->conf_size);

    choice->conf = conf;
    return conf_load_object_but(load, at, fields == NULL ? none : fields, conf, but);
}

bool balancer_load(struct conf_load *load, const struct node *at, void *to)
{
    struct balancer_choice *choice = to;
    const struct node *type = at->kind == NODE_MAP ? node_get(at, "type") : at;

    *choice = (struct balancer_choice){ balancers[0], NULL, at };
    if (type == NULL)
        return load_error(load, at, "`type` is missing");
    if (type->kind != NODE_STRING)
        return load_error(load, type, "expected the name of a balancer, not %s", node_kind_name(type));
    choice->ops = balancer_find(type->text);
    if (choice->ops == NULL) {
        choice->ops = balancers[0];
        return load_unknown(load, type, "balancer", names);
    }
    return load_keys(load, at->kind == NODE_MAP ? at : NULL, choice);
}

void balancer_print(const void *value, struct buf *out)
{
    const struct balancer_choice *choice = value;

    if (choice->ops == NULL)
        buf_puts(out, "null");
    else
        conf_print_choice("type", choice->ops->name, choice->ops->fields, choice->conf, out);
}
