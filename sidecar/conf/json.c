/* sidecar/conf/json.c - strict JSON (RFC 8259) into the tree.
 * SPDX-License-Identifier: Apache-2.0
 *
 * jansson decides what is valid and gives the values, but not where they stood. So the text, known to be valid by then,
 * is walked once more beside them: a scanner that only has to find where each value begins and ends. */
#include "conf/parse.h"

#include <jansson.h>

struct walk {
    struct parse *p;
    const char *at, *end;
    unsigned line, col;         /* of `at`; columns count characters */
};

static void step(struct walk *w)
{
    if (w->at >= w->end)
        return;
    if (*w->at == '\n') {
        w->line++;
        w->col = 1;
    } else if (((unsigned char)*w->at & 0xc0) != 0x80) {
        w->col++;
    }
    w->at++;
}

/* White space and the punctuation between values. */
static void skip_between(struct walk *w)
{
    while (w->at < w->end && strchr(" \t\r\n,:", *w->at) != NULL && *w->at != '\0')
        step(w);
}

static void skip_string(struct walk *w)
{
    step(w);
    while (w->at < w->end && *w->at != '"') {
        if (*w->at == '\\')
            step(w);
        step(w);
    }
    step(w);
}

/* A number or a word. */
static struct sc_str skip_word(struct walk *w)
{
    const char *from = w->at;

    while (w->at < w->end && strchr(" \t\r\n,:]}", *w->at) == NULL)
        step(w);
    return str_range(from, w->at);
}

static struct node *walk_value(struct walk *w, const json_t *v, unsigned depth);

static struct node *walk_list(struct walk *w, const json_t *v, struct node *n, unsigned depth)
{
    struct children all = { .n = 0 };

    step(w);
    for (size_t i = 0; i < json_array_size(v); i++) {
        size_t mark = path_index(&w->p->path, (unsigned)i);
        struct node *child = walk_value(w, json_array_get(v, i), depth + 1);

        if (child != NULL)
            children_add(&all, child);
        path_back(&w->p->path, mark);
    }
    children_into(&all, w->p->arena, n);
    skip_between(w);
    step(w);
    return n;
}

static void walk_member(struct walk *w, const char *name, const json_t *v, struct children *all, unsigned depth)
{
    struct sc_str key = arena_dup(w->p->arena, str_of(name));
    struct conf_place place;
    struct node *child;
    size_t mark = path_key(&w->p->path, key);

    skip_between(w);
    place = (struct conf_place){ w->p->file, w->line, w->col };
    skip_string(w);
    child = walk_value(w, v, depth + 1);
    if (key.n == 0 && child != NULL)
        parse_error(w->p, child, "a key cannot be empty");
    else if (child != NULL)
        children_add_key(all, key, place, child);
    path_back(&w->p->path, mark);
}

static struct node *walk_map(struct walk *w, const json_t *v, struct node *n, unsigned depth)
{
    struct children all = { .n = 0 };
    json_t *map = (json_t *)(uintptr_t)v;          /* the iteration takes no const; nothing is changed */

    step(w);
    for (void *i = json_object_iter(map); i != NULL; i = json_object_iter_next(map, i))
        walk_member(w, json_object_iter_key(i), json_object_iter_value(i), &all, depth);
    children_into(&all, w->p->arena, n);
    skip_between(w);
    step(w);
    return n;
}

static struct node *walk_string(struct walk *w, const json_t *v, struct node *n)
{
    n->kind = NODE_STRING;
    n->quoted = true;
    n->text = parse_expand(w->p, n, (struct sc_str){ json_string_value(v), json_string_length(v) });
    skip_string(w);
    return n;
}

static struct node *walk_value(struct walk *w, const json_t *v, unsigned depth)
{
    struct node *n;

    skip_between(w);
    n = parse_node(w->p, NODE_NULL, w->line, w->col);
    if (depth > TREE_MAX_DEPTH) {
        parse_error(w->p, n, "nested too deep");
        w->at = w->end;
        return NULL;
    }
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        n->kind = NODE_MAP;
        return walk_map(w, v, n, depth);
    case JSON_ARRAY:
        n->kind = NODE_LIST;
        return walk_list(w, v, n, depth);
    case JSON_STRING:
        return walk_string(w, v, n);
    case JSON_INTEGER:
    case JSON_REAL:
        n->kind = NODE_NUMBER;
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        n->kind = NODE_BOOL;
        break;
    case JSON_NULL:
        break;
    }
    n->text = arena_dup(w->p->arena, skip_word(w));
    return n;
}

static const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;

bool json_accepts(struct sc_str text)
{
    json_t *v = json_loadb(text.p, text.n, flags, NULL);
    bool ok = v != NULL;

    json_decref(v);
    return ok;
}

struct node *json_parse(struct parse *p, struct sc_str text)
{
    json_error_t e;
    json_t *v = json_loadb(text.p, text.n, flags, &e);
    struct walk w = { p, text.p, text.p + text.n, 1, 1 };
    struct node *root;

    if (v == NULL) {
        struct node at = { .file = p->file, .line = e.line > 0 ? (unsigned)e.line : 1,
                           .col = e.column > 0 ? (unsigned)e.column : 1 };

        parse_error(p, &at, "%s", e.text);
        return NULL;
    }
    root = walk_value(&w, v, 1);
    json_decref(v);
    return root;
}

const char *json_library_version(void)
{
    return jansson_version_str();
}
