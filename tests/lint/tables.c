/* tests/lint/tables.c - every declared table: prose, names, defaults, ranges.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Walks the root table and the tables of every policy, kind of registry and balancer. TAP. */
#include "base/buf.h"
#include "conf/describe.h"
#include "conf/load.h"
#include "discovery/balance/balancer.h"
#include "discovery/provider.h"
#include "policy/registry.h"
#include "proxy/config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static struct buf broken = BUF_INIT;
static unsigned number, failed, rows;

static void __attribute__((format(printf, 2, 3))) wrong(const char *path, const char *fmt, ...)
{
    va_list ap;

    buf_printf(&broken, "# %s: ", path);
    va_start(ap, fmt);
    buf_vprintf(&broken, fmt, ap);
    va_end(ap);
    buf_putc(&broken, '\n');
}

static bool is_spelt(const char *name, char joint)
{
    if (name[0] < 'a' || name[0] > 'z')
        return false;
    for (const char *c = name; *c != '\0'; c++)
        if ((*c < 'a' || *c > 'z') && (*c < '0' || *c > '9') && (*c != joint || c[1] == joint || c[1] == '\0'))
            return false;
    return true;
}

static void check_prose(const char *path, const struct sc_field *f)
{
    size_t n = f->doc == NULL ? 0 : strlen(f->doc), quotes = 0;

    for (size_t i = 0; i < n; i++)
        quotes += f->doc[i] == '`';
    if (n < 5)
        wrong(path, "no prose");
    else if (strchr(".:`)", f->doc[n - 1]) == NULL)
        wrong(path, "the prose does not end like a sentence");
    if (quotes % 2 != 0)
        wrong(path, "an odd number of backquotes");
}

static void check_enum(const char *path, const struct sc_field *f)
{
    if (f->names == NULL || f->names[0].name == NULL) {
        wrong(path, "an enumeration without names");
        return;
    }
    for (const struct sc_enum *a = f->names; a->name != NULL; a++)
        for (const struct sc_enum *b = a + 1; b->name != NULL; b++)
            if (strcmp(a->name, b->name) == 0)
                wrong(path, "`%s` twice", a->name);
}

static void check_shape(const char *path, const struct sc_field *f)
{
    bool has_table = f->type == SC_T_OBJECT || f->type == SC_T_OBJECTS;

    if (!is_spelt(f->name, '_'))
        wrong(path, "not in snake_case");
    if (f->min > f->max)
        wrong(path, "the range is empty");
    if (has_table && (f->fields == NULL || f->size == 0))
        wrong(path, "an object without fields or size");
    if (f->type == SC_T_ENUM)
        check_enum(path, f);
    if (f->type == SC_T_CUSTOM && (f->custom == NULL || (f->schema == NULL && f->fields == NULL)))
        wrong(path, "a custom row without a loader or a schema");
    if ((f->flags & SC_REQUIRED) != 0 && f->dflt != NULL)
        wrong(path, "required, and yet with a default");
    if (f->type == SC_T_SECRET && f->dflt != NULL)
        wrong(path, "a secret with a default");
}

static void check_schema(const char *path, const struct sc_field *f)
{
    json_error_t e;
    json_t *v = f->schema == NULL ? NULL : json_loads(f->schema, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);

    if (f->schema != NULL && v == NULL)
        wrong(path, "the schema is no JSON: %s", e.text);
    json_decref(v);
}

static void on_field(void *arg, const char *path, const struct sc_field *f, unsigned depth, const char *again)
{
    (void)arg;
    (void)depth;
    (void)again;
    rows++;
    check_prose(path, f);
    check_shape(path, f);
    check_schema(path, f);
}

/* --- names, with those of inlined tables --- */

struct names {
    const char *path;
    struct buf seen;        /* ",a,b," */
};

static void add_name(struct names *n, const char *name, const char *end)
{
    struct buf word = BUF_INIT;

    buf_printf(&word, ",%s%s,", name, end);
    if (n->seen.n > 0 && strstr(n->seen.p, word.p) != NULL)
        wrong(n->path, "the key %s%s twice", name, end);
    buf_printf(&n->seen, "%s%s,", name, end);
    buf_fini(&word);
}

static void names_of(struct names *n, const struct sc_field *fields)
{
    for (const struct sc_field *f = fields; f->type != SC_T_END; f++) {
        if (f->type == SC_T_INLINE)
            names_of(n, f->fields);
        else
            add_name(n, f->name, "");
        if (f->type == SC_T_SECRET)
            add_name(n, f->name, "_file");
    }
}

static void check_names(const char *path, const struct sc_field *fields)
{
    struct names n = { .path = path, .seen = BUF_INIT };

    buf_putc(&n.seen, ',');
    names_of(&n, fields);
    buf_fini(&n.seen);
    for (const struct sc_field *f = fields; f->type != SC_T_END; f++)
        if ((f->type == SC_T_OBJECT || f->type == SC_T_OBJECTS || f->type == SC_T_INLINE) && f->name != NULL)
            check_names(f->name, f->fields);
}

/* --- defaults: written out by a user they must load --- */

static void check_default(const char *path, const struct sc_field *f)
{
    const struct sc_field alone[] = { *f, { .type = SC_T_END } };
    struct conf_report r;
    struct arena a;
    struct conf_load l;
    struct buf text = BUF_INIT, out = BUF_INIT;
    char *room = calloc(1, f->offset + 65536);

    if (room == NULL)
        abort();
    arena_init(&a, 4096);
    report_init(&r);
    conf_load_init(&l, &a, &r);
    buf_printf(&text, "%s: %s\n", f->name, f->dflt);
    conf_load_object(&l, tree_parse(&a, &r, "default", buf_view(&text)), alone, room);
    report_print(&r, &out);
    if (r.n > 0)
        wrong(path, "the default `%s` does not load: %s", f->dflt, out.p);
    conf_load_fini(&l);
    report_fini(&r);
    arena_fini(&a);
    buf_fini(&text);
    buf_fini(&out);
    free(room);
}

static void on_default(void *arg, const char *path, const struct sc_field *f, unsigned depth, const char *again)
{
    (void)arg;
    (void)depth;
    (void)again;
    if (f->dflt != NULL)
        check_default(path, f);
}

/* --- all tables --- */

static void walk(const char *prefix, const struct sc_field *fields)
{
    struct field_walk shapes = { .each = on_field }, defaults = { .each = on_default };

    if (fields == NULL)
        return;
    check_names(prefix, fields);
    field_walk(&shapes, fields, prefix, 0);
    field_walk(&defaults, fields, prefix, 0);
    field_walk_fini(&shapes);
    field_walk_fini(&defaults);
}

static void result(const char *what)
{
    number++;
    if (broken.n > 0) {
        fputs(broken.p, stdout);
        failed++;
    }
    printf("%sok %u - %s\n", broken.n > 0 ? "not " : "", number, what);
    buf_clear(&broken);
}

static void check_entry(const char *kind, const char *name, const char *summary, char joint)
{
    size_t n = summary == NULL ? 0 : strlen(summary);

    if (!is_spelt(name, joint))
        wrong(name, "the name of a %s is not spelt like the others", kind);
    if (n < 10 || summary[n - 1] != '.')
        wrong(name, "the summary of a %s is a sentence", kind);
}

static void check_policies(void)
{
    const struct sc_policy *p;

    for (unsigned i = 0; (p = policy_at(i)) != NULL; i++) {
        check_entry("policy", p->name, p->summary, '-');
        walk(p->name, p->fields);
    }
    result("policies");
}

static void check_providers(void)
{
    for (unsigned i = 0; providers[i] != NULL; i++) {
        check_entry("registry", providers[i]->name, providers[i]->summary, '_');
        walk(providers[i]->name, providers[i]->fields);
        walk(providers[i]->name, providers[i]->source_fields);
    }
    result("registries");
}

static void check_balancers(void)
{
    for (unsigned i = 0; balancers[i] != NULL; i++) {
        check_entry("balancer", balancers[i]->name, balancers[i]->summary, '_');
        walk(balancers[i]->name, balancers[i]->fields);
    }
    result("balancers");
}

static void check_whole_schema(void)
{
    struct buf out = BUF_INIT;
    json_error_t e;
    json_t *v;

    conf_schema(config_fields, "test", &out);
    v = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES, &e);
    if (v == NULL)
        wrong("schema", "no JSON: %s", e.text);
    json_decref(v);
    buf_fini(&out);
    result("the JSON Schema is JSON, and no key stands in it twice");
}

int main(void)
{
    walk("", config_fields);
    result("the root table");
    check_policies();
    check_providers();
    check_balancers();
    check_whole_schema();
    if (rows < 50)
        wrong("", "only %u keys were looked at", rows);
    result("there was something to look at");
    printf("1..%u\n", number);
    buf_fini(&broken);
    return failed > 0;
}
