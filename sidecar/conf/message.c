/* sidecar/conf/message.c - what is said about a key, and where.
 * SPDX-License-Identifier: Apache-2.0 */
#include "conf/parse.h"
#include "conf/walk.h"

#include <stdarg.h>

void conf_load_init(struct conf_load *l, struct arena *arena, struct conf_report *report)
{
    *l = (struct conf_load){ .arena = arena, .report = report, .path = BUF_INIT };
}

void conf_load_fini(struct conf_load *l)
{
    buf_fini(&l->path);
}

size_t load_enter(struct conf_load *l, const char *key)
{
    return path_key(&l->path, str_of(key));
}

size_t load_enter_index(struct conf_load *l, unsigned i)
{
    return path_index(&l->path, i);
}

void load_leave(struct conf_load *l, size_t mark)
{
    path_back(&l->path, mark);
}

static const char *path_of(const struct conf_load *l)
{
    return l->path.n == 0 ? "" : l->path.p;
}

bool load_error(struct conf_load *l, const struct node *at, const char *fmt, ...)
{
    struct buf text = BUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    report_error(l->report, at, path_of(l), "%s", text.p);
    buf_fini(&text);
    return false;
}

void load_warning(struct conf_load *l, const struct node *at, const char *fmt, ...)
{
    struct buf text = BUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    report_warning(l->report, at, path_of(l), "%s", text.p);
    buf_fini(&text);
}

static void add_words(struct buf *out, const char *const *words)
{
    for (unsigned i = 0; words[i] != NULL; i++)
        buf_printf(out, "%s%s", i == 0 ? "" : words[i + 1] == NULL ? " or " : ", ", words[i]);
}

bool is_among(const char *word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

bool load_unknown(struct conf_load *l, const struct node *at, const char *what, const char *const *words)
{
    const char *near = foreign_value(at->text);
    struct buf all = BUF_INIT;

    if (near == NULL || !is_among(near, words))
        near = nearest_word(at->text, words);
    if (near != NULL) {
        load_error(l, at, "unknown %s \"%.*s\"; did you mean \"%s\"?", what,
                   (int)(at->text.n > 60 ? 60 : at->text.n), at->text.p, near);
    } else {
        add_words(&all, words);
        load_error(l, at, "unknown %s \"%.*s\"; it must be %s", what, (int)(at->text.n > 60 ? 60 : at->text.n),
                   at->text.p, all.p);
    }
    buf_fini(&all);
    return false;
}

const char *node_kind_name(const struct node *n)
{
    static const char *const names[] = {
        [NODE_NULL] = "nothing",  [NODE_BOOL] = "true or false", [NODE_NUMBER] = "a number",
        [NODE_STRING] = "a string", [NODE_LIST] = "a list",      [NODE_MAP] = "a map",
    };

    return n == NULL ? "nothing" : names[n->kind];
}
