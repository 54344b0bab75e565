/* sidecar/daemon/options.h - the command line of one sub-command.
 * SPDX-License-Identifier: Apache-2.0
 *
 * GNU style: "-c FILE", "-cFILE", "--config FILE", "--config=FILE", "--" ends them. Main thread. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>

struct option_row {
    char letter;                /* 0: long form only */
    const char *name;           /* NULL ends the table */
    const char *arg;            /* "FILE"; NULL: takes none */
    const char *doc;
    const char **value;         /* where the argument goes; borrowed from argv */
    bool *flag;                 /* set when the option is there; with an argument: it may be there again and again, and
                                 * `value` is the first of OPTION_AGAIN places */
};
enum { OPTION_AGAIN = 32 };

struct command {
    const char *name;           /* NULL ends the list */
    const char *synopsis;       /* "[-c FILE]" */
    const char *summary;        /* one line */
    const char *doc;            /* a paragraph */
    const struct option_row *options;
    int max_words;              /* that may follow the options */
    int (*run)(const struct command *self, int n, char **words);
};

/* Fills the values of the command's options; *words are the arguments that are none. argv[0] is the command's name.
 * False after a mistake, said on standard error. *help: --help was asked for, nothing else counts. */
bool options_parse(const struct command *c, int argc, char **argv, bool *help, int *n, char ***words);
void options_help(const struct command *c, struct buf *out);
