/* admin/manual.c - the manual page outrider-admin(7).
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/manual.h"

#include "admin/page.h"

static const char intro[] =
    ".SH NAME\n"
    "outrider-admin \\- what a sidecar tells and does on its admin listeners\n"
    ".SH DESCRIPTION\n"
    "The admin listeners of\n"
    ".BR outrider (1)\n"
    "speak HTTP/1.1. Where they are is said by\n"
    ".B admin.listeners\n"
    "of\n"
    ".BR outrider.yaml (5);\n"
    "by itself it is\n"
    ".I admin.sock\n"
    "in the run-time directory, and 127.0.0.1:8001. Subtrees that\n"
    ".B admin.public\n"
    "names are on the data listeners, too, for what a viewer may see.\n"
    ".PP\n"
    "Answers are JSON where nothing else is said, errors\n"
    ".I application/problem+json\n"
    "(RFC 9457). GET also takes HEAD, and changes nothing; whoever asks for something else is named in the log.\n"
    ".SS Who may\n"
    "A\n"
    ".B viewer\n"
    "may look, an\n"
    ".B operator\n"
    "change what runs, an\n"
    ".B admin\n"
    "do everything. On the unix socket root, the sidecar\\(aqs own user and the group\n"
    ".B outrider\n"
    "are admin, others viewers, as far as they get there. On TCP whoever is on this host is a viewer; a token of\n"
    ".B admin.tokens\n"
    "(as Authorization: Bearer) has its own role, and clients of other hosts need one. Who may not is answered 401 or 403.\n"
    ".SH PAGES\n"
    "In braces is what the body has, a JSON object; after a question mark what the query may have; * is a name.\n";

static const char end[] =
    ".SH EXAMPLES\n"
    ".nf\n"
    "curl \\-s \\-\\-unix\\-socket /run/outrider/admin.sock http://localhost/health/services\n"
    "curl \\-s http://127.0.0.1:8001/metrics\n"
    "curl \\-s \\-\\-unix\\-socket /run/outrider/admin.sock \\-X POST http://localhost/admin/reload\n"
    ".fi\n"
    ".SH \"SEE ALSO\"\n"
    ".BR outrider (1),\n"
    ".BR outrider.yaml (5)\n";

static void put_text(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            buf_puts(out, "\\e");
        else if (*text == '-')
            buf_puts(out, "\\-");
        else if (*text == '\'')
            buf_puts(out, "\\(aq");
        else
            buf_putc(out, *text);
    }
}

static void put_page(struct buf *out, const struct page *p)
{
    static const char *const roles[] = { [ROLE_VIEWER] = "viewer", [ROLE_OPERATOR] = "operator", [ROLE_ADMIN] = "admin" };

    buf_printf(out, ".TP\n\\fB%s\\fR ", page_verb_name(p->verb));
    put_text(out, p->path);
    /* A line that begins with a dot would be a request to troff. */
    buf_puts(out, "\n\\&");
    put_text(out, p->summary);
    buf_printf(out, " (%s)\n", roles[p->role]);
}

void manual_print(const char *version, struct buf *out)
{
    const struct page *p;

    buf_puts(out, ".\\\" SPDX-License-Identifier: Apache-2.0\n.\\\" Made by `outrider help --pages`.\n");
    buf_printf(out, ".TH OUTRIDER\\-ADMIN 7 \"\" \"outrider %s\" \"Miscellaneous\"\n", version);
    buf_puts(out, intro);
    for (unsigned i = 0; (p = page_at(i)) != NULL; i++)
        put_page(out, p);
    buf_puts(out, end);
}
