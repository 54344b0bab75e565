/* sidecar/daemon/tell.c - the commands that tell a sidecar that runs to do something.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "daemon/commands.h"
#include "daemon/present.h"
#include "daemon/show.h"

#include <stdio.h>
#include <string.h>
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

/* ---- services of this host ---- */

static void add_registration(struct columns *c, const struct data *r)
{
    static const char *const keys[] = { "id", "registry", "state", "check", "maintenance", "note", "last_error" };

    for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++)
        columns_add(c, present_text(r, keys[i]));
}

static const char *const registration_heads[] = { "ID", "REGISTRY", "STATE", "CHECK", "MAINTENANCE", "NOTE", "ERROR" };

static void print_registrations(const struct data *d, struct buf *out)
{
    const struct data *all = data_get(d, "registrations");
    struct columns c;

    present_head(&c, 7, registration_heads);
    for (size_t i = 0; i < data_size(all); i++)
        add_registration(&c, data_at(all, i));
    present_finish(&c, out);
}

static void print_registration(const struct data *d, struct buf *out)
{
    struct columns c;

    present_head(&c, 7, registration_heads);
    add_registration(&c, d);
    present_finish(&c, out);
}

static const struct telling { const char *word, *method, *path, *parameter; } tellings[] = {
    { "pass", "PUT", "check/pass", "note" }, { "warn", "PUT", "check/warn", "note" },
    { "fail", "PUT", "check/fail", "note" }, { "maintain", "PUT", "maintenance", "reason" },
    { "return", "DELETE", "maintenance", NULL }, { NULL, NULL, NULL, NULL },
};

static void print_told(const struct data *d, struct buf *out)
{
    const char *check = present_text(d, "check"), *maintenance = present_text(d, "maintenance");

    if (check != NULL)
        buf_printf(out, "%s is %s\n", present_text(d, "id"), check);
    else
        buf_printf(out, "%s is %s service\n", present_text(d, "id"), maintenance == NULL ? "back in" : "out of");
}

/* words: the word, the id, and perhaps why. */
static int tell(const struct command *self, const struct telling *t, int n, char **words)
{
    struct buf path = BUF_INIT;
    int code;

    if (n < 2 || (n > 2 && t->parameter == NULL)) {
        fprintf(stderr, "outrider %s: %s ID%s\n", self->name, t->word, t->parameter == NULL ? "" : " [TEXT]");
        return EX_USAGE;
    }
    buf_puts(&path, "/admin/registrations/");
    ask_segment(&path, words[1]);
    buf_printf(&path, "/%s", t->path);
    if (n > 2) {
        buf_printf(&path, "?%s=", t->parameter);
        ask_segment(&path, words[2]);
    }
    code = present_page(self, t->method, path.p, print_told);
    buf_fini(&path);
    return code;
}

int command_registrations(const struct command *self, int n, char **words)
{
    const struct telling *t = tellings;

    while (n > 0 && t->word != NULL && strcmp(words[0], t->word) != 0)
        t++;
    if (n > 0 && t->word != NULL)
        return tell(self, t, n, words);
    if (n > 1) {
        fprintf(stderr, "outrider %s: \"%s\" is none of pass, warn, fail, maintain, return\n", self->name, words[0]);
        return EX_USAGE;
    }
    return present_one(self, "/admin/registrations", n > 0 ? words[0] : NULL, print_registrations, print_registration);
}
