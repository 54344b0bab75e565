/* sidecar/proxy/named.c - services that a route's path names.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/named.h"

#include "base/alloc.h"
#include "base/refs.h"
#include "proxy/config_priv.h"

#include <fnmatch.h>
#include <stdlib.h>

bool named_is_name(struct sc_str name)
{
    if (name.n == 0 || name.n > NAMED_MAX || name.p[0] == '.' || name.p[0] == '-')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
              c == '-'))
            return false;
    }
    return true;
}

bool named_allows(const struct route_conf *r, const char *name)
{
    for (unsigned i = 0; i < r->allow.n; i++)
        if (fnmatch(r->allow.at[i], name, FNM_NOESCAPE) == 0)
            return true;
    return false;
}

bool named_is_wanted(const struct config *c, const char *registry, const char *name)
{
    const struct route_conf *all = c->routes.at;

    for (unsigned i = 0; i < c->routes.n; i++)
        if (all[i].naming != NULL && strcmp(all[i].registry, registry) == 0 && named_allows(&all[i], name))
            return true;
    return false;
}

struct sc_str named_key(char text[NAMED_KEY_MAX], struct sc_str name, const char *registry)
{
    size_t n = strlen(registry);

    if (name.n + 1 + n > NAMED_KEY_MAX)
        return STR_NONE;
    memcpy(text, name.p, name.n);
    text[name.n] = '@';
    memcpy(text + name.n + 1, registry, n);
    return (struct sc_str){ text, name.n + 1 + n };
}

/* ---- loading ---- */

static struct node *string(struct arena *a, const struct node *at, struct sc_str text)
{
    struct node *s = arena_zero(a, sizeof *s);

    *s = (struct node){ .kind = NODE_STRING, .quoted = true, .text = arena_dup(a, text), .file = at->file,
                        .line = at->line, .col = at->col };
    return s;
}

static const struct node *both(struct arena *a, const struct node *one, const char *key, const struct node *value)
{
    return tree_under(a, one, node_wrap(a, value, key));
}

/* As if the file had `{ name: NAME@REGISTRY, source: { registry: REGISTRY, service: NAME } }`. */
static const struct node *spell_out(struct arena *a, const struct node *at, const char *registry, const char *name)
{
    char key[NAMED_KEY_MAX];
    const struct node *source = node_wrap(a, string(a, at, str_of(registry)), "registry");

    source = both(a, source, "service", string(a, at, str_of(name)));
    return both(a, node_wrap(a, string(a, at, named_key(key, str_of(name), registry)), "name"), "source", source);
}

bool named_load(const struct config *c, struct conf_load *l, const struct node *at, const char *registry, const char *name,
                struct service_conf *to)
{
    unsigned before = l->report->errors;
    const struct node *item = spell_out(l->arena, at, registry, name);

    item = tree_under(l->arena, item, config_defaults(l->arena, c->tree, "service"));
    conf_load_object(l, item, service_fields, to);
    config_link_service(c, l, to, item);
    to->enabled = true;
    return l->report->errors == before;
}

static void first_mistake(const struct conf_report *r, struct sc_error *e)
{
    for (unsigned i = 0; i < r->n; i++)
        if (!r->list[i].warning) {
            sc_error_set(e, "%s", r->list[i].text);
            return;
        }
}

struct named *named_new(struct config *c, const char *registry, const char *name, struct sc_error *e)
{
    struct named *n = xnew(struct named);
    struct conf_report report;
    struct conf_load l;
    bool ok;

    refs_init(&n->refs);
    arena_init(&n->arena, 1024);
    n->config = config_ref(c);
    n->registry = arena_dupz(&n->arena, str_of(registry));
    n->name = arena_dupz(&n->arena, str_of(name));
    report_init(&report);
    conf_load_init(&l, &n->arena, &report);
    ok = named_load(c, &l, c->tree, n->registry, n->name, &n->conf);
    conf_load_fini(&l);
    if (!ok) {
        first_mistake(&report, e);
        named_unref(&n);
    }
    report_fini(&report);
    return n;
}

struct named *named_ref(struct named *n)
{
    refs_get(&n->refs);
    return n;
}

void named_unref(struct named **np)
{
    struct named *n = *np;

    *np = NULL;
    if (n == NULL || !refs_put(&n->refs))
        return;
    config_unref(&n->config);
    arena_fini(&n->arena);
    free(n);
}
