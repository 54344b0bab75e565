/* sidecar/conf/manual.c - `outrider help KEY`.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "conf/describe.h"
#include "conf/load.h"
#include "conf/walk.h"

#include <stdlib.h>

#define COLUMNS 96
#define NAME_COLUMN 20

/* Filled to COLUMNS; `indent` spaces before each line, of which the first has `lead` instead. */
static void add_filled(struct buf *out, const char *lead, const char *text, unsigned indent)
{
    size_t column = strlen(lead);
    bool fresh = true;

    buf_puts(out, lead);
    while (*text != '\0') {
        size_t n = strcspn(text, " \n");

        if (!fresh && column + 1 + n > COLUMNS) {
            buf_putc(out, '\n');
            column = 0;
            fresh = true;
        }
        if (column < indent) {
            buf_printf(out, "%*s", (int)(indent - column), "");
            column = indent;
        } else {
            buf_puts(out, column > 0 ? " " : "");
            column += column > 0;
        }
        buf_add(out, text, n);
        column += n;
        fresh = false;
        text += n;
        text += strspn(text, " \n");
    }
    buf_putc(out, '\n');
}

static void add_prose(struct buf *out, const char *text, unsigned indent)
{
    add_filled(out, "", text, indent);
}

/* The first sentence. */
static void add_summary(struct buf *out, const char *doc)
{
    const char *end = strstr(doc, ". ");

    buf_add(out, doc, end == NULL ? strlen(doc) : (size_t)(end - doc) + 1);
}

static void add_key_row(const struct sc_field *f, size_t base, void *arg)
{
    struct buf *out = arg, text = BUF_INIT, lead = BUF_INIT;

    (void)base;
    buf_printf(&lead, "  %s ", f->name);
    add_summary(&text, f->doc == NULL ? "" : f->doc);
    add_filled(out, lead.p, text.p, NAME_COLUMN);
    buf_fini(&text);
    buf_fini(&lead);
}

static void add_field(struct buf *out, const char *path, const struct sc_field *f)
{
    struct buf line = BUF_INIT;

    buf_printf(out, "%s\n", path);
    field_line(f, &line);
    if (line.n > 0)
        add_prose(out, line.p, 2);
    buf_putc(out, '\n');
    add_prose(out, f->doc == NULL ? "" : f->doc, 0);
    if (f->fields != NULL) {
        buf_puts(out, "\nKeys:\n");
        field_each(f->fields, 0, add_key_row, out);
    }
    buf_fini(&line);
}

static void add_topic(struct buf *out, const struct conf_topic *t)
{
    buf_printf(out, "%s (in %s)\n\n", t->name, t->where);
    add_prose(out, t->summary, 0);
    if (t->fields == NULL || t->fields[0].type == SC_T_END)
        return;
    buf_puts(out, "\nKeys:\n");
    field_each(t->fields, 0, add_key_row, out);
}

/* --- finding a key --- */

/* "routes[2].policies[].x" without what stands in brackets. */
static char *plain_path(const char *key)
{
    char *copy = xmalloc(strlen(key) + 1), *to = copy;

    for (; *key != '\0'; key++) {
        if (*key == '[')
            while (key[1] != '\0' && *key != ']')
                key++;
        else
            *to++ = *key;
    }
    *to = '\0';
    return copy;
}

struct search {
    const char *key;
    struct buf *out;
    bool exact;                     /* the whole path, else the end of one */
    const struct sc_field *found;   /* the first */
    char *path;
    unsigned n;
    struct buf others;
};

static bool ends_path(const char *path, const char *key)
{
    size_t p = strlen(path), k = strlen(key);

    return p > k && path[p - k - 1] == '.' && strcmp(path + p - k, key) == 0;
}

static void look(void *arg, const char *path, const struct sc_field *f, unsigned depth, const char *again)
{
    struct search *s = arg;

    (void)depth;
    (void)again;
    if (s->exact ? strcmp(path, s->key) != 0 : !ends_path(path, s->key))
        return;
    if (s->n++ == 0) {
        s->found = f;
        s->path = xstrdup(path);
    }
    buf_printf(&s->others, "  %s\n", path);
}

static void walk_all(const struct sc_field *root, const struct conf_topic *topics, struct field_walk *w)
{
    field_walk(w, root, "", 0);
    for (; topics != NULL && topics->name != NULL; topics++)
        if (topics->fields != NULL)
            field_walk(w, topics->fields, topics->name, 1);
    field_walk_fini(w);
}

static bool find(struct search *s, const struct sc_field *root, const struct conf_topic *topics)
{
    struct field_walk w = { .each = look, .arg = s };

    walk_all(root, topics, &w);
    if (s->n == 0)
        return false;
    if (s->n == 1) {
        add_field(s->out, s->path, s->found);
    } else {
        buf_printf(s->out, "Several keys end in `%s`:\n", s->key);
        buf_str(s->out, buf_view(&s->others));
    }
    return true;
}

/* A path through a table that is shown elsewhere ("defaults.service.retry"), step by step. */
static const struct sc_field *descend(const struct sc_field *fields, const char *key)
{
    struct sc_str rest = str_of(key), part;
    const struct sc_field *f = NULL;

    while (str_split(&rest, '.', &part)) {
        size_t base = 0;
        bool is_file = false;

        f = fields == NULL ? NULL : field_find(fields, part, &base, &is_file);
        if (f == NULL)
            return NULL;
        fields = f->fields;
    }
    return f;
}

struct nearest {
    struct sc_str word;
    const char *names[1024];
    unsigned n;
};

static void collect(void *arg, const char *path, const struct sc_field *f, unsigned depth, const char *again)
{
    struct nearest *all = arg;

    (void)path;
    (void)depth;
    (void)again;
    if (all->n < 1023)
        all->names[all->n++] = f->name;
}

static void say_nearest(const struct sc_field *root, const struct conf_topic *topics, const char *key, struct buf *out)
{
    struct nearest *all = xcalloc(1, sizeof *all);
    struct field_walk w = { .each = collect, .arg = all };
    const char *last = strrchr(key, '.'), *near;

    walk_all(root, topics, &w);
    for (; topics != NULL && topics->name != NULL && all->n < 1023; topics++)
        all->names[all->n++] = topics->name;
    all->names[all->n] = NULL;
    near = nearest_word(str_of(last == NULL ? key : last + 1), all->names);
    if (near != NULL)
        buf_printf(out, "did you mean `%s`?", near);
    free(all);
}

/* One word may name several: a kind of registry, and the source in one. */
static bool help_topics(const struct conf_topic *topics, const char *name, struct buf *out)
{
    size_t before = out->n;

    for (const struct conf_topic *t = topics; t != NULL && t->name != NULL; t++) {
        if (strcmp(t->name, name) != 0)
            continue;
        buf_puts(out, out->n > before ? "\n" : "");
        add_topic(out, t);
    }
    return out->n > before;
}

bool conf_help(const struct sc_field *root, const struct conf_topic *topics, const char *key, struct buf *out)
{
    char *path = plain_path(key);
    struct search s = { .key = path, .out = out, .exact = true, .others = BUF_INIT };
    const struct sc_field *f;
    bool ok = false;

    if ((f = descend(root, path)) != NULL) {
        add_field(out, path, f);
        ok = true;
    }
    ok = ok || help_topics(topics, path, out) || find(&s, root, topics);
    s.exact = false;
    ok = ok || find(&s, root, topics);
    if (!ok)
        say_nearest(root, topics, path, out);
    free(s.path);
    buf_fini(&s.others);
    free(path);
    return ok;
}

static void add_path(void *arg, const char *path, const struct sc_field *f, unsigned depth, const char *again)
{
    (void)depth;
    buf_printf(arg, "%s%s\n", path, f->fields != NULL && again != NULL ? ".*" : "");
}

void conf_keys(const struct sc_field *root, const struct conf_topic *topics, struct buf *out)
{
    struct field_walk w = { .each = add_path, .arg = out };

    walk_all(root, topics, &w);
}
