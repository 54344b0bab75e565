/* sidecar/conf/schema.c - the tables as JSON Schema 2020-12, for editors and for checks elsewhere.
 * SPDX-License-Identifier: Apache-2.0
 *
 * It accepts what `outrider check` accepts as far as a schema can say it: every key may be null (not given), and where
 * another type is wanted a string may hold the value or a ${NAME}. */
#include "conf/describe.h"
#include "conf/tree.h"
#include "conf/walk.h"

#include <inttypes.h>
#include <stdio.h>

struct writer {
    struct buf *out;
    bool any;
    bool partial;           /* nothing is required */
    struct buf required;
};

static void schema_of(const struct sc_field *f, bool partial, struct buf *out);

/* The text of a limit inside a schema is only for numbers; durations and sizes have their range in the description. */
static void number_range(const struct sc_field *f, struct buf *out)
{
    if (f->min != 0 || f->max != 0)
        buf_printf(out, ",\"minimum\":%" PRId64 ",\"maximum\":%" PRId64, f->min, f->max);
}

static void length_range(const struct sc_field *f, const char *low, const char *high, struct buf *out)
{
    if (f->min > 0)
        buf_printf(out, ",\"%s\":%" PRId64, low, f->min);
    if (f->max > 0 && f->max < INT64_MAX)
        buf_printf(out, ",\"%s\":%" PRId64, high, f->max);
}

static void schema_enum(const struct sc_field *f, struct buf *out)
{
    buf_puts(out, "{\"anyOf\":[{\"enum\":[");
    for (const struct sc_enum *e = f->names; e->name != NULL; e++) {
        buf_puts(out, e == f->names ? "" : ",");
        buf_json(out, str_of(e->name));
    }
    buf_puts(out, "]},{\"$ref\":\"#/$defs/open\"}]}");
}

static void schema_member(const struct sc_field *f, size_t base, void *arg);

static void schema_object(const struct sc_field *fields, bool partial, struct buf *out)
{
    struct writer w = { .out = out, .partial = partial, .required = BUF_INIT };

    buf_puts(out, "{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,\"properties\":{");
    field_each(fields, 0, schema_member, &w);
    buf_putc(out, '}');
    if (w.required.n > 0)
        buf_printf(out, ",\"allOf\":[%s]", w.required.p);
    buf_putc(out, '}');
    buf_fini(&w.required);
}

static const struct sc_field *brief_field(const struct sc_field *f)
{
    struct sc_str rest = str_of(f->brief), part;
    const struct sc_field *at = f;

    while (str_split(&rest, '.', &part)) {
        size_t base = 0;
        bool is_file = false;

        at = field_find(at->fields, part, &base, &is_file);
        if (at == NULL)
            break;
    }
    return at;
}

/* The object, or what its short form takes. */
static void schema_item(const struct sc_field *f, bool partial, struct buf *out)
{
    if (f->brief == NULL) {
        schema_object(f->fields, partial, out);
        return;
    }
    buf_puts(out, "{\"anyOf\":[");
    schema_object(f->fields, partial, out);
    buf_putc(out, ',');
    schema_of(brief_field(f), partial, out);
    buf_puts(out, "]}");
}

/* A list, or one item of it. */
static void schema_list(const struct sc_field *f, const char *item, struct buf *out)
{
    struct buf object = BUF_INIT;

    if (item == NULL) {
        schema_item(f, false, &object);
        item = object.p;
    }
    buf_printf(out, "{\"anyOf\":[{\"type\":\"array\",\"items\":%s", item);
    length_range(f, "minItems", "maxItems", out);
    buf_printf(out, "},%s]}", item);
    buf_fini(&object);
}

static void schema_of(const struct sc_field *f, bool partial, struct buf *out)
{
    switch (f->type) {
    case SC_T_BOOL:
        buf_puts(out, "{\"$ref\":\"#/$defs/boolean\"}");
        break;
    case SC_T_INT:
        buf_puts(out, "{\"anyOf\":[{\"type\":\"integer\"");
        number_range(f, out);
        buf_puts(out, "},{\"$ref\":\"#/$defs/integer_text\"},{\"$ref\":\"#/$defs/open\"}]}");
        break;
    case SC_T_NUMBER:
        buf_puts(out, "{\"anyOf\":[{\"type\":\"number\"");
        number_range(f, out);
        buf_puts(out, "},{\"$ref\":\"#/$defs/number_text\"},{\"$ref\":\"#/$defs/open\"}]}");
        break;
    case SC_T_PERCENT:
        buf_puts(out, "{\"$ref\":\"#/$defs/share\"}");
        break;
    case SC_T_MSEC:
        buf_puts(out, "{\"$ref\":\"#/$defs/duration\"}");
        break;
    case SC_T_SIZE:
        buf_puts(out, "{\"$ref\":\"#/$defs/size\"}");
        break;
    case SC_T_STRING:
    case SC_T_SECRET:
        buf_puts(out, "{\"type\":[\"string\",\"number\",\"boolean\",\"null\"]");
        length_range(f, "minLength", "maxLength", out);
        buf_putc(out, '}');
        break;
    case SC_T_ENUM:
        schema_enum(f, out);
        break;
    case SC_T_CIDR:
        buf_puts(out, "{\"$ref\":\"#/$defs/network\"}");
        break;
    case SC_T_STRINGS:
        schema_list(f, "{\"type\":[\"string\",\"number\",\"boolean\",\"null\"]}", out);
        break;
    case SC_T_CIDRS:
        schema_list(f, "{\"$ref\":\"#/$defs/network\"}", out);
        break;
    case SC_T_PAIRS:
        buf_puts(out, "{\"type\":[\"object\",\"null\"],\"additionalProperties\":"
                      "{\"type\":[\"string\",\"number\",\"boolean\",\"null\"]}}");
        break;
    case SC_T_OBJECT:
        schema_item(f, partial, out);
        break;
    case SC_T_OBJECTS:
        schema_list(f, NULL, out);
        break;
    default:
        if (f->schema != NULL)
            buf_puts(out, f->schema);
        else if (f->fields != NULL)
            schema_object(f->fields, true, out);
        else
            buf_puts(out, "true");
    }
}

static void add_default(const struct sc_field *f, struct buf *out)
{
    struct conf_report none;
    struct arena arena;
    const struct node *n;

    if (f->dflt == NULL)
        return;
    arena_init(&arena, 1024);
    report_init(&none);
    n = tree_parse(&arena, &none, "default", str_of(f->dflt));
    if (n != NULL) {
        buf_puts(out, ",\"default\":");
        conf_print_node(n, out);
    }
    report_fini(&none);
    arena_fini(&arena);
}

static void add_member(struct writer *w, const char *name, const char *end, const struct sc_field *f)
{
    struct buf key = BUF_INIT;

    buf_printf(&key, "%s%s", name, end);
    buf_puts(w->out, w->any ? "," : "");
    w->any = true;
    buf_json(w->out, buf_view(&key));
    buf_puts(w->out, ":{\"description\":");
    buf_json(w->out, str_of(f->doc == NULL ? "" : f->doc));
    add_default(f, w->out);
    if ((f->flags & SC_DEPRECATED) != 0)
        buf_puts(w->out, ",\"deprecated\":true");
    buf_puts(w->out, ",\"allOf\":[");
    schema_of(f, w->partial, w->out);
    buf_puts(w->out, "]}");
    buf_fini(&key);
}

static void schema_member(const struct sc_field *f, size_t base, void *arg)
{
    struct writer *w = arg;

    (void)base;
    add_member(w, f->name, "", f);
    if (f->type == SC_T_SECRET)
        add_member(w, f->name, "_file", f);
    if ((f->flags & SC_REQUIRED) == 0 || w->partial)
        return;
    buf_puts(&w->required, w->required.n > 0 ? "," : "");
    if (f->type == SC_T_SECRET)
        buf_printf(&w->required, "{\"anyOf\":[{\"required\":[\"%s\"]},{\"required\":[\"%s_file\"]}]}", f->name, f->name);
    else
        buf_printf(&w->required, "{\"required\":[\"%s\"]}", f->name);
}

static const char definitions[] =
    "{\"open\":{\"description\":\"not given, or filled in from the environment\","
    "\"anyOf\":[{\"type\":\"null\"},{\"type\":\"string\",\"pattern\":\"\\\\$\\\\{\"}]},"
    "\"boolean\":{\"anyOf\":[{\"type\":\"boolean\"},{\"enum\":[\"true\",\"false\"]},{\"$ref\":\"#/$defs/open\"}]},"
    "\"integer_text\":{\"type\":\"string\",\"pattern\":\"^([-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+)$\"},"
    "\"number_text\":{\"type\":\"string\",\"pattern\":\"^[-+]?([0-9]+(\\\\.[0-9]*)?|\\\\.[0-9]+)([eE][-+]?[0-9]+)?$\"},"
    "\"duration\":{\"anyOf\":[{\"type\":\"number\",\"minimum\":0},"
    "{\"type\":\"string\",\"pattern\":\"^[0-9]+(\\\\.[0-9]+)?(ms|s|m|h|d)?$\"},{\"$ref\":\"#/$defs/open\"}]},"
    "\"size\":{\"anyOf\":[{\"type\":\"integer\",\"minimum\":0},"
    "{\"type\":\"string\",\"pattern\":\"^[0-9]+(\\\\.[0-9]+)?(B|KB|MB|GB|KiB|MiB|GiB)?$\"},{\"$ref\":\"#/$defs/open\"}]},"
    "\"share\":{\"anyOf\":[{\"type\":\"string\",\"pattern\":\"^[0-9]+(\\\\.[0-9]+)?%$\"},{\"$ref\":\"#/$defs/open\"}]},"
    "\"network\":{\"anyOf\":[{\"type\":\"string\",\"pattern\":\"^[0-9a-fA-F:.]+(/[0-9]{1,3})?$\"},"
    "{\"$ref\":\"#/$defs/open\"}]}}";

void conf_schema(const struct sc_field *root, const char *title, struct buf *out)
{
    buf_puts(out, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":");
    buf_json(out, str_of(title));
    buf_puts(out, ",\"allOf\":[");
    schema_object(root, false, out);
    buf_printf(out, "],\"$defs\":%s}\n", definitions);
}
