/* sidecar/conf/yaml.c - YAML 1.2, core schema, into the tree.
 * SPDX-License-Identifier: Apache-2.0
 *
 * libyaml gives events with untyped scalars; what a plain scalar means is decided here. Left out on purpose: merge keys,
 * several documents, tags other than the core's, keys that are not scalars. */
#include "conf/parse.h"

#include "base/alloc.h"
#include "base/map.h"

#include <stdlib.h>
#include <yaml.h>

struct anchor {
    struct node *node;          /* NULL while it is being read */
    unsigned weight;            /* nodes in it, aliases followed */
};

struct reader {
    struct parse *p;
    yaml_parser_t parser;
    struct map anchors;         /* name -> struct anchor, of the arena */
    unsigned aliased;
    bool stop;                  /* after a mistake that leaves nothing to read */
};

static struct node *read_node(struct reader *r, const yaml_event_t *e, unsigned depth, unsigned *weight);

static unsigned line_of(yaml_mark_t m)
{
    return (unsigned)m.line + 1;
}

static unsigned col_of(yaml_mark_t m)
{
    return (unsigned)m.column + 1;
}

static struct node mark_node(const struct reader *r, yaml_mark_t m)
{
    return (struct node){ .file = r->p->file, .line = line_of(m), .col = col_of(m) };
}

static void fail(struct reader *r, yaml_mark_t at, const char *text)
{
    struct node n = mark_node(r, at);

    parse_error(r->p, &n, "%s", text);
    r->stop = true;
}

static void fail_syntax(struct reader *r)
{
    const yaml_parser_t *y = &r->parser;
    struct node at = mark_node(r, y->problem_mark);
    const char *problem = y->problem != NULL ? y->problem : "not readable";

    r->stop = true;
    path_back(&r->p->path, 0);
    if (y->error == YAML_READER_ERROR) {          /* no mark: only an offset in bytes */
        at.line = at.col = 0;
        parse_error(r->p, &at, "not UTF-8 text: %s (at byte %zu)", problem, y->problem_offset);
    } else if (y->context != NULL) {
        parse_error(r->p, &at, "%s %s (line %u)", problem, y->context, line_of(y->context_mark));
    } else {
        parse_error(r->p, &at, "%s", problem);
    }
}

/* The next event, to be deleted by the caller when true. */
static bool next(struct reader *r, yaml_event_t *e)
{
    if (r->stop)
        return false;
    if (yaml_parser_parse(&r->parser, e))
        return true;
    fail_syntax(r);
    return false;
}

static bool is_any(struct sc_str s, const char *const *words)
{
    for (; *words != NULL; words++)
        if (str_eq(s, str_of(*words)))
            return true;
    return false;
}

static size_t span(struct sc_str s, const char *set)
{
    size_t n = 0;

    while (n < s.n && s.p[n] != '\0' && strchr(set, s.p[n]) != NULL)
        n++;
    return n;
}

#define DIGITS "0123456789"

static bool is_based(struct sc_str s)
{
    if (str_starts(s, STR("0x")))
        return s.n > 2 && span(str_skip(s, 2), DIGITS "abcdefABCDEF") == s.n - 2;
    if (str_starts(s, STR("0o")))
        return s.n > 2 && span(str_skip(s, 2), "01234567") == s.n - 2;
    return false;
}

/* [-+]? ( digits ( . digits? )? | . digits ) ( [eE] [-+]? digits )?    (YAML 1.2.2 section 10.3.2) */
static bool is_decimal(struct sc_str s)
{
    size_t whole, part = 0;

    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        s = str_skip(s, 1);
    whole = span(s, DIGITS);
    s = str_skip(s, whole);
    if (s.n > 0 && s.p[0] == '.') {
        part = span(str_skip(s, 1), DIGITS);
        s = str_skip(s, 1 + part);
    }
    if (whole + part == 0)
        return false;
    if (s.n > 0 && (s.p[0] == 'e' || s.p[0] == 'E')) {
        s = str_skip(s, 1);
        if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
            s = str_skip(s, 1);
        whole = span(s, DIGITS);
        s = str_skip(s, whole);
        return whole > 0 && s.n == 0;
    }
    return s.n == 0;
}

static enum node_kind plain_kind(struct sc_str s)
{
    static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
    static const char *const bools[] = { "true", "True", "TRUE", "false", "False", "FALSE", NULL };
    static const char *const floats[] = { ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF",
                                          ".nan", ".NaN", ".NAN", NULL };

    if (is_any(s, nulls))
        return NODE_NULL;
    if (is_any(s, bools))
        return NODE_BOOL;
    if (is_based(s) || is_decimal(s) || is_any(s, floats))
        return NODE_NUMBER;
    return NODE_STRING;
}

/* Only the tag that repeats what the node is, and !!str (and its short form "!") on a scalar. */
static bool tag_fits(const yaml_char_t *tag, const char *own)
{
    return tag == NULL || strcmp((const char *)tag, "!") == 0 || strcmp((const char *)tag, own) == 0;
}

static void check_tag(struct reader *r, const yaml_char_t *tag, const char *own, const struct node *at)
{
    if (!tag_fits(tag, own))
        parse_error(r->p, at, "the tag `%s` means nothing here", (const char *)tag);
}

static struct node *read_scalar(struct reader *r, const yaml_event_t *e)
{
    struct sc_str text = { (const char *)e->data.scalar.value, e->data.scalar.length };
    struct node *n = parse_node(r->p, NODE_STRING, line_of(e->start_mark), col_of(e->start_mark));

    check_tag(r, e->data.scalar.tag, YAML_STR_TAG, n);
    n->quoted = e->data.scalar.tag != NULL || !e->data.scalar.plain_implicit ||
                e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (memchr(text.p, '\0', text.n) != NULL) {
        parse_error(r->p, n, "a NUL character cannot be part of a value");
        return n;
    }
    n->text = parse_expand(r->p, n, text);
    if (!n->quoted)
        n->kind = plain_kind(n->text);
    return n;
}

static void remember(struct reader *r, const yaml_char_t *name, struct node *node, unsigned weight)
{
    struct anchor *a;

    if (name == NULL)
        return;
    a = arena_alloc(r->p->arena, sizeof *a);
    *a = (struct anchor){ .node = node, .weight = weight };
    map_put(&r->anchors, str_of((const char *)name), a);
}

static struct node *read_alias(struct reader *r, const yaml_event_t *e, unsigned *weight)
{
    const struct anchor *a = map_get(&r->anchors, str_of((const char *)e->data.alias.anchor));

    if (a == NULL || a->node == NULL) {
        fail(r, e->start_mark, a == NULL ? "there is no anchor of this name above" : "an alias inside its own anchor");
        return NULL;
    }
    r->aliased += a->weight;
    if (r->aliased > TREE_MAX_ALIASED) {
        fail(r, e->start_mark, "the aliases of this file stand for too much");
        return NULL;
    }
    *weight += a->weight;
    return a->node;
}

static struct node *read_list(struct reader *r, const yaml_event_t *e, unsigned depth, unsigned *weight)
{
    struct node *n = parse_node(r->p, NODE_LIST, line_of(e->start_mark), col_of(e->start_mark));
    struct children all = { .n = 0 };
    yaml_event_t item;
    bool end = false;

    check_tag(r, e->data.sequence_start.tag, YAML_SEQ_TAG, n);
    while (!end && next(r, &item)) {
        end = item.type == YAML_SEQUENCE_END_EVENT;
        if (!end) {
            size_t mark = path_index(&r->p->path, all.n);
            struct node *child = read_node(r, &item, depth + 1, weight);

            if (child != NULL)
                children_add(&all, child);
            path_back(&r->p->path, mark);
        }
        yaml_event_delete(&item);
    }
    children_into(&all, r->p->arena, n);
    return n;
}

/* The position of `key` among those read, or -1. Large maps get an index. */
struct key_index {
    struct map map;
};

#define LINEAR_KEYS 16

static int find_key(struct key_index *index, const struct children *all, struct sc_str key)
{
    if (all->n <= LINEAR_KEYS) {
        for (unsigned i = 0; i < all->n; i++)
            if (str_eq(all->keys[i], key))
                return (int)i;
        return -1;
    }
    for (unsigned i = index->map.n; i < all->n; i++)
        map_put(&index->map, all->keys[i], (void *)(uintptr_t)(i + 1));
    return (int)(uintptr_t)map_get(&index->map, key) - 1;
}

/* False when the pair cannot be used (the value must still be read over). */
static bool read_key(struct reader *r, const yaml_event_t *e, struct sc_str *key, struct node *at)
{
    *at = mark_node(r, e->start_mark);
    if (e->type != YAML_SCALAR_EVENT) {
        parse_error(r->p, at, "a key must be a plain word or a quoted string");
        return false;
    }
    *key = (struct sc_str){ (const char *)e->data.scalar.value, e->data.scalar.length };
    check_tag(r, e->data.scalar.tag, YAML_STR_TAG, at);
    if (str_eq(*key, STR("<<")) && e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        parse_error(r->p, at, "merge keys (<<) are not part of YAML 1.2; write the keys out, or use `defaults`");
        return false;
    }
    if (key->n == 0 || memchr(key->p, '\0', key->n) != NULL) {
        parse_error(r->p, at, "a key cannot be %s", key->n == 0 ? "empty" : "text with a NUL character");
        return false;
    }
    return true;
}

/* Reads the value of one key; false when there is no more to be had. */
static bool read_value(struct reader *r, struct sc_str key, unsigned depth, unsigned *weight, struct node **value)
{
    yaml_event_t e;
    size_t mark = path_key(&r->p->path, key);
    bool ok = next(r, &e);

    *value = NULL;
    if (ok) {
        *value = read_node(r, &e, depth + 1, weight);
        yaml_event_delete(&e);
    }
    path_back(&r->p->path, mark);
    return ok;
}

static void read_pair(struct reader *r, const yaml_event_t *e, struct children *all, struct key_index *index,
                      unsigned depth, unsigned *weight)
{
    struct sc_str key = STR("?");
    struct node at, *value, *other;
    bool usable = read_key(r, e, &key, &at);
    int was = -1;

    if (e->type == YAML_ALIAS_EVENT || e->type == YAML_SCALAR_EVENT) {
        was = usable ? find_key(index, all, key) : -1;
    } else {                                      /* a list or map as key: read over it, it brings its own events */
        other = read_node(r, e, depth + 1, weight);
        (void)other;
    }
    if (was >= 0) {
        size_t mark = path_key(&r->p->path, key);

        parse_error(r->p, &at, "given twice; first in line %u", all->places[was].line);
        path_back(&r->p->path, mark);
        usable = false;
    }
    key = arena_dup(r->p->arena, key);
    if (read_value(r, key, depth, weight, &value) && usable && value != NULL)
        children_add_key(all, key, (struct conf_place){ at.file, at.line, at.col }, value);
}

static struct node *read_map(struct reader *r, const yaml_event_t *e, unsigned depth, unsigned *weight)
{
    struct node *n = parse_node(r->p, NODE_MAP, line_of(e->start_mark), col_of(e->start_mark));
    struct children all = { .n = 0 };
    struct key_index index = { MAP_INIT };
    yaml_event_t key;
    bool end = false;

    check_tag(r, e->data.mapping_start.tag, YAML_MAP_TAG, n);
    while (!end && next(r, &key)) {
        end = key.type == YAML_MAPPING_END_EVENT;
        if (!end)
            read_pair(r, &key, &all, &index, depth, weight);
        yaml_event_delete(&key);
    }
    map_fini(&index.map);
    children_into(&all, r->p->arena, n);
    return n;
}

/* The node that begins with e. Adds what it holds to *weight. */
static struct node *read_node(struct reader *r, const yaml_event_t *e, unsigned depth, unsigned *weight)
{
    const yaml_char_t *anchor = NULL;
    struct node *n = NULL;
    unsigned own = 1;

    if (depth > TREE_MAX_DEPTH) {
        fail(r, e->start_mark, "nested too deep");
        return NULL;
    }
    switch (e->type) {
    case YAML_ALIAS_EVENT:
        return read_alias(r, e, weight);
    case YAML_SCALAR_EVENT:
        anchor = e->data.scalar.anchor;
        n = read_scalar(r, e);
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = e->data.sequence_start.anchor;
        remember(r, anchor, NULL, 0);
        n = read_list(r, e, depth, &own);
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = e->data.mapping_start.anchor;
        remember(r, anchor, NULL, 0);
        n = read_map(r, e, depth, &own);
        break;
    default:
        fail(r, e->start_mark, "no value here");
        return NULL;
    }
    remember(r, anchor, n, own);
    *weight += own;
    return n;
}

static struct node *read_stream(struct reader *r)
{
    struct node *root = NULL;
    yaml_event_t e;
    bool end = false;
    unsigned documents = 0, weight = 0;

    while (!end && next(r, &e)) {
        switch (e.type) {
        case YAML_STREAM_END_EVENT:
            end = true;
            break;
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_DOCUMENT_START_EVENT:
            if (++documents > 1)
                fail(r, e.start_mark, "a second document (---) begins here; one file holds one");
            break;
        default:
            root = read_node(r, &e, 1, &weight);
        }
        yaml_event_delete(&e);
    }
    if (root == NULL && !r->stop)
        root = parse_node(r->p, NODE_NULL, 1, 1);
    return root;
}

struct node *yaml_parse(struct parse *p, struct sc_str text)
{
    struct reader r = { .p = p, .anchors = MAP_INIT };
    struct node *root;

    if (!yaml_parser_initialize(&r.parser))
        abort();                                  /* it fails for want of memory only */
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.p, text.n);
    root = read_stream(&r);
    yaml_parser_delete(&r.parser);
    map_fini(&r.anchors);
    return r.stop ? NULL : root;                  /* half a tree would only bring mistakes that are none */
}

const char *yaml_library_version(void)
{
    return yaml_get_version_string();
}
