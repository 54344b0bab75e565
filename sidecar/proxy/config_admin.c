/* sidecar/proxy/config_admin.c - the admin section: addresses, and what is public.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/config_priv.h"

#include "loop/listen.h"
#include "proxy/reserved.h"

static void link_addresses(struct config *c, struct conf_load *l, const struct node *root)
{
    const struct node *list = node_get(node_get(root, "admin"), "listeners");
    size_t outer = load_enter(l, "admin"), inner = load_enter(l, "listeners");

    c->admin.defaults = c->admin.listeners.n == 0;
    for (unsigned i = 0; i < c->admin.listeners.n; i++) {
        const struct node *at = config_item(list, i);
        const char *address = c->admin.listeners.at[i];
        struct sc_error e = SC_ERROR_INIT;
        size_t mark = load_enter_index(l, i);

        if (address != NULL && !listener_check(address, &e))
            load_error(l, at, "%s", e.text);
        load_leave(l, mark);
    }
    load_leave(l, inner);
    load_leave(l, outer);
}

/* A path that routes also name belongs to the sidecar: whoever wrote both should know. */
static void warn_taken(struct config *c, struct conf_load *l, const struct node *root)
{
    const struct node *list = node_get(root, "routes");
    const struct route_conf *all = c->routes.at;
    size_t outer = load_enter(l, "routes");

    for (unsigned i = 0; i < c->routes.n; i++) {
        const struct sc_strings *paths = &all[i].match.paths;
        size_t mark = load_enter_index(l, i);
        unsigned taken = 0;

        while (all[i].enabled && taken < paths->n && reserved_has(&c->admin.public, str_of(paths->at[taken])))
            taken++;
        if (taken > 0 && taken == paths->n)
            load_warning(l, config_item(list, i), "can never match: its paths are served by the sidecar (`admin.public`)");
        load_leave(l, mark);
    }
    load_leave(l, outer);
}

static void link_public(struct config *c, struct conf_load *l, const struct node *root)
{
    const struct node *list = node_get(node_get(root, "admin"), "public");
    size_t outer = load_enter(l, "admin"), inner = load_enter(l, "public");

    for (unsigned i = 0; i < c->admin.public.n; i++) {
        const char *path = c->admin.public.at[i], *why = path == NULL ? NULL : reserved_check(str_of(path));
        size_t mark = load_enter_index(l, i);

        if (why != NULL)
            load_error(l, config_item(list, i), "\"%s\": %s", path, why);
        load_leave(l, mark);
    }
    load_leave(l, inner);
    load_leave(l, outer);
    if (c->admin.public.n > 0)
        warn_taken(c, l, root);
}

void config_link_admin(struct config *c, struct conf_load *l, const struct node *root)
{
    link_addresses(c, l, root);
    link_public(c, l, root);
}
