/* sidecar/conf/page.c - the tables as a manual page and as a reference in Markdown.
 * SPDX-License-Identifier: Apache-2.0 */
#include "conf/describe.h"

#include <stdlib.h>

/* What a page needs of its format. */
struct format {
    void (*head)(struct buf *out, unsigned level, const char *text);
    void (*key)(struct buf *out, const char *path, const char *line, const char *doc);
    void (*more)(struct buf *out, const char *text);    /* a further paragraph of the key */
    void (*prose)(struct buf *out, const char *text);
    void (*sample)(struct buf *out, const char *text);
};

struct page {
    const struct format *format;
    struct buf *out;
};

static const char intro[] =
    "One file in YAML or JSON; the ending of its name decides (`.json` is JSON, everything else YAML, `-` is standard "
    "input). Beside it there may be a directory `conf.d` whose `*.yaml`, `*.yml` and `*.json` are read in order of "
    "name; they may only add to lists and maps. `outrider check` reports every mistake with its place and the path of "
    "the key.";
static const char sample[] =
    "services: [ { name: web, targets: [ { host: 127.0.0.1, port: 9000 } ] } ]\n"
    "routes:   [ { match: { paths: [\"/**\"] }, service: web } ]\n";
static const char values[] =
    "Durations are written `250ms`, `30s`, `5m`, `2h`, `1d`; sizes `512B`, `64KB`, `10MB`, `1GB` (thousands) and "
    "`64KiB`, `10MiB`, `1GiB` (1024); shares `20%`. A bare number is seconds or bytes. A list of one item may be "
    "written as that item. Networks are written `10.0.0.0/8` or `2001:db8::/32`.";
static const char language[] =
    "YAML is the 1.2 core schema: only `true` and `false` are truth values (`yes`, `no`, `on`, `off` are strings), and "
    "a quoted value is a string, which keys of another type take when it spells their value. Keys given twice, merge "
    "keys, several documents and tags are mistakes.";
static const char environment[] =
    "`${NAME}` and `${NAME:-default}` are replaced inside values, also quoted ones, before anything else; `$$` is a "
    "dollar sign. A name that is not set is a mistake unless there is a default.";
static const char secrets[] =
    "Every secret key also exists as `KEY_file`, the path of a file that holds the value; one line end at its end is "
    "not part of it. Secrets are never shown.";

static void page_key(void *arg, const char *path, const struct sc_field *f, unsigned depth, const char *again)
{
    struct page *p = arg;
    struct buf line = BUF_INIT;

    if (depth == 0)
        p->format->head(p->out, 3, path);
    field_line(f, &line);
    p->format->key(p->out, path, line.n == 0 ? "" : line.p, f->doc == NULL ? "" : f->doc);
    if (f->fields != NULL && again != NULL) {
        buf_clear(&line);
        buf_printf(&line, "Its keys are those of `%s`.", again);
        p->format->more(p->out, line.p);
    }
    buf_fini(&line);
}

static void page_topics(struct page *p, const struct conf_topic *topics)
{
    const char *where = NULL;
    struct buf text = BUF_INIT;

    for (; topics != NULL && topics->name != NULL; topics++) {
        struct field_walk w = { .each = page_key, .arg = p };

        if (where == NULL || strcmp(where, topics->where) != 0)
            p->format->head(p->out, 2, where = topics->where);
        buf_clear(&text);
        buf_puts(&text, topics->name);
        p->format->head(p->out, 3, text.p);
        p->format->prose(p->out, topics->summary);
        if (topics->fields != NULL)
            field_walk(&w, topics->fields, "", 1);
        field_walk_fini(&w);
    }
    buf_fini(&text);
}

static void page(struct page *p, const struct sc_field *root, const struct conf_topic *topics)
{
    const struct format *f = p->format;
    struct field_walk w = { .each = page_key, .arg = p };

    f->head(p->out, 2, "Description");
    f->prose(p->out, intro);
    f->prose(p->out, "A working sidecar needs no more than this:");
    f->sample(p->out, sample);
    f->prose(p->out, values);
    f->prose(p->out, language);
    f->prose(p->out, environment);
    f->prose(p->out, secrets);
    f->head(p->out, 2, "Keys");
    field_walk(&w, root, "", 0);
    field_walk_fini(&w);
    page_topics(p, topics);
}

/* --- Markdown --- */

static void md_head(struct buf *out, unsigned level, const char *text)
{
    buf_printf(out, "%.*s %s\n\n", (int)level, "######", text);
}

static void md_prose(struct buf *out, const char *text)
{
    buf_printf(out, "%s\n\n", text);
}

static void md_key(struct buf *out, const char *path, const char *line, const char *doc)
{
    buf_printf(out, "**`%s`**", path);
    if (line[0] != '\0')
        buf_printf(out, " (%s)", line);
    buf_puts(out, "\n\n");
    md_prose(out, doc);
}

static void md_sample(struct buf *out, const char *text)
{
    buf_printf(out, "```yaml\n%s```\n\n", text);
}

void conf_markdown(const struct sc_field *root, const struct conf_topic *topics, struct buf *out)
{
    static const struct format format = { md_head, md_key, md_prose, md_prose, md_sample };
    struct page p = { &format, out };

    buf_puts(out, "# Configuration reference\n\nMade from the program's own tables by `outrider help --markdown`.\n\n");
    page(&p, root, topics);
}

/* --- troff --- */

/* `words` in backquotes become bold; nothing in the text is taken for a request. */
static void roff_text(struct buf *out, const char *text)
{
    bool bold = false;

    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '`') {
            bold = !bold;
            buf_puts(out, bold ? "\\fB" : "\\fR");
        } else if (*c == '\\') {
            buf_puts(out, "\\e");
        } else if (*c == '-') {
            buf_puts(out, "\\-");
        } else if (*c == '\'' || *c == '^' || *c == '~') {
            buf_puts(out, *c == '\'' ? "\\(aq" : *c == '^' ? "\\(ha" : "\\(ti");
        } else if (*c == '.' && (c == text || c[-1] == '\n')) {
            buf_puts(out, "\\&.");
        } else {
            buf_putc(out, *c);
        }
    }
}

static void roff_head(struct buf *out, unsigned level, const char *text)
{
    buf_puts(out, level == 2 ? ".SH \"" : ".SS \"");
    for (; *text != '\0'; text++)
        buf_putc(out, level == 2 && *text >= 'a' && *text <= 'z' ? (char)(*text - 32) : *text);
    buf_puts(out, "\"\n");
}

static void roff_key(struct buf *out, const char *path, const char *line, const char *doc)
{
    buf_puts(out, ".TP\n\\fB");
    roff_text(out, path);
    buf_puts(out, "\\fR");
    if (line[0] != '\0') {
        buf_puts(out, " (");
        roff_text(out, line);
        buf_putc(out, ')');
    }
    buf_putc(out, '\n');
    roff_text(out, doc);
    buf_putc(out, '\n');
}

static void roff_more(struct buf *out, const char *text)
{
    buf_puts(out, ".IP\n");
    roff_text(out, text);
    buf_putc(out, '\n');
}

static void roff_prose(struct buf *out, const char *text)
{
    buf_puts(out, ".PP\n");
    roff_text(out, text);
    buf_putc(out, '\n');
}

static void roff_sample(struct buf *out, const char *text)
{
    buf_puts(out, ".PP\n.in +4n\n.nf\n");
    roff_text(out, text);
    buf_puts(out, ".fi\n.in\n");
}

void conf_man(const struct sc_field *root, const struct conf_topic *topics, const char *version, struct buf *out)
{
    static const struct format format = { roff_head, roff_key, roff_more, roff_prose, roff_sample };
    struct page p = { &format, out };

    buf_printf(out, ".\\\" Made from the program's own tables; edit those.\n"
                    ".TH OUTRIDER.YAML 5 \"\" \"outrider %s\" \"File formats\"\n"
                    ".SH NAME\noutrider.yaml \\- configuration of outrider(1)\n", version);
    page(&p, root, topics);
    buf_puts(out, ".SH \"SEE ALSO\"\n.BR outrider (1)\n");
}
