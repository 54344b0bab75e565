/* sidecar/daemon/tell.c - the commands that tell a sidecar that runs to do something.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "daemon/commands.h"
#include "daemon/present.h"
#include "daemon/show.h"

#include <stdio.h>
#include <sysexits.h>

static void print_what(const struct data *d, struct buf *out)
{
    buf_printf(out, "%s\n", present_text(d, "status") == NULL ? "done" : present_text(d, "status"));
}

int command_drain(const struct command *self, int n, char **words)
{
    (void)n;
    (void)words;
    return present_page(self, "POST", "/admin/drain", print_what);
}

static void say_lines(const struct data *list)
{
    for (size_t i = 0; i < data_size(list); i++)
        if (data_text(data_at(list, i)) != NULL)
            fprintf(stderr, "%s\n", data_text(data_at(list, i)));
}

static void print_reload(const struct data *d, struct buf *out)
{
    bool refused = !data_is_null(data_get(d, "mistakes"));

    say_lines(data_get(d, refused ? "mistakes" : "warnings"));
    if (refused)
        fprintf(stderr, "outrider reload: the configuration has mistakes: generation %lld stays in force\n",
                (long long)present_int(d, "generation"));
    else
        buf_printf(out, "generation %lld is in force\n", (long long)present_int(d, "generation"));
}

int command_reload(const struct command *self, int n, char **words)
{
    struct reply r;
    bool refused;
    int code;

    (void)n;
    (void)words;
    if (!present_knows_output(self))
        return EX_USAGE;
    code = present_fetch(self, "POST", "/admin/reload", &r);
    if (code != EX_OK)
        return code;
    refused = r.status == 422;
    code = present_reply(self, &r, print_reload);
    return refused && code == EX_OK ? EX_CONFIG : code;
}
