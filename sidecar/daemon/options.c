/* sidecar/daemon/options.c - the command line of one sub-command.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/options.h"

#include "conf/load.h"

#include <getopt.h>
#include <stdio.h>

#define OPTIONS_MAX 16

static const struct option_row none[] = { { .name = NULL } };

/* The table in getopt's words. Values are 256 + row, so that long forms and letters meet. */
struct table {
    char letters[2 * OPTIONS_MAX + 4];
    struct option longs[OPTIONS_MAX + 2];
    const char *names[OPTIONS_MAX + 2];
    unsigned n;
};

static void add(struct table *t, char letter, const char *name, bool has_arg, int value)
{
    size_t used = strlen(t->letters);

    t->longs[t->n] = (struct option){ name, has_arg ? required_argument : no_argument, NULL, value };
    t->names[t->n++] = name;
    if (letter != 0)
        snprintf(t->letters + used, sizeof t->letters - used, "%c%s", letter, has_arg ? ":" : "");
}

static struct table table_of(const struct option_row *rows)
{
    struct table t = { .letters = ":" };

    for (int i = 0; rows[i].name != NULL && i < OPTIONS_MAX; i++)
        add(&t, rows[i].letter, rows[i].name, rows[i].arg != NULL, 256 + i);
    add(&t, 'h', "help", false, 'h');
    return t;
}

static bool wrong(const struct command *c, const struct table *t, const char *given, bool lacks_argument)
{
    const char *name = given + strspn(given, "-");
    const char *near = strlen(given) > 2 ? nearest_word(str_of(name), t->names) : NULL;

    if (lacks_argument)
        fprintf(stderr, "outrider %s: %s needs an argument\n", c->name, given);
    else if (near != NULL)
        fprintf(stderr, "outrider %s: unknown option %s; did you mean --%s?\n", c->name, given, near);
    else
        fprintf(stderr, "outrider %s: unknown or misused option %s; see `outrider %s --help`\n", c->name, given, c->name);
    return false;
}

/* The row that getopt's return value stands for. */
static const struct option_row *row_of(const struct option_row *rows, int value)
{
    if (value >= 256)
        return &rows[value - 256];
    for (; rows->name != NULL; rows++)
        if (rows->letter == value)
            return rows;
    return NULL;
}

static bool take_argument(const struct command *c, const struct option_row *row)
{
    const char **to = row->value;

    if (row->flag != NULL)
        while (to < row->value + OPTION_AGAIN && *to != NULL)
            to++;
    if (to == row->value + OPTION_AGAIN) {
        fprintf(stderr, "outrider %s: --%s stands there more than %d times\n", c->name, row->name, OPTION_AGAIN);
        return false;
    }
    *to = optarg;
    return true;
}

static bool take(const struct command *c, const struct table *t, const struct option_row *rows, char **argv, int value,
                 bool *help)
{
    const struct option_row *row;
    char letter[3] = { '-', (char)optopt, '\0' };

    if (value == 'h') {
        *help = true;
        return true;
    }
    if (value == '?' || value == ':') {
        bool is_letter = optopt > 0 && optopt < 256;

        return wrong(c, t, is_letter ? letter : argv[optind - 1], value == ':');
    }
    row = row_of(rows, value);
    if (row->flag != NULL)
        *row->flag = true;
    return row->arg == NULL || take_argument(c, row);
}

bool options_parse(const struct command *c, int argc, char **argv, bool *help, int *n, char ***words)
{
    const struct option_row *rows = c->options == NULL ? none : c->options;
    struct table t = table_of(rows);
    int value;

    *help = false;
    optind = 1;
    opterr = 0;
    while ((value = getopt_long(argc, argv, t.letters, t.longs, NULL)) != -1)
        if (!take(c, &t, rows, argv, value, help))
            return false;
    *n = argc - optind;
    *words = argv + optind;
    if (!*help && *n > c->max_words) {
        fprintf(stderr, "outrider %s: \"%s\" is one word too many\n", c->name, (*words)[c->max_words]);
        return false;
    }
    return true;
}

static void add_row(struct buf *out, char letter, const char *name, const char *arg, const char *doc)
{
    struct buf left = BUF_INIT;

    if (letter != 0)
        buf_printf(&left, "-%c, --%s", letter, name);
    else
        buf_printf(&left, "    --%s", name);
    if (arg != NULL)
        buf_printf(&left, "=%s", arg);
    buf_printf(out, "  %-22s %s\n", left.p, doc);
    buf_fini(&left);
}

void options_help(const struct command *c, struct buf *out)
{
    buf_printf(out, "Usage: outrider %s%s%s\n\n%s\n\nOptions:\n", c->name, c->synopsis[0] == '\0' ? "" : " ", c->synopsis,
               c->doc);
    for (const struct option_row *r = c->options; r != NULL && r->name != NULL; r++)
        add_row(out, r->letter, r->name, r->arg, r->doc);
    add_row(out, 'h', "help", NULL, "shows this");
}
