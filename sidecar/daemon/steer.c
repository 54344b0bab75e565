/* sidecar/daemon/steer.c - `outrider discovery`: registries and services in hand for a while.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/jsonw.h"
#include "daemon/commands.h"
#include "daemon/present.h"
#include "daemon/show.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const char *ttl;

const struct option_row steer_options[] = {
    PRESENT_WHERE, PRESENT_OUTPUT,
    { 0, "ttl", "DURATION", "how long: 30s, 5m, 2h; default 5m, at most 1d", &ttl, NULL },
    { .name = NULL },
};

static int misused(const struct command *self, const char *what)
{
    fprintf(stderr, "outrider %s: %s\n", self->name, what);
    return EX_USAGE;
}

/* ---- telling ---- */

/* "HOST:PORT", "[V6]:PORT". False: it is not. */
static bool put_target(struct jsonw *j, struct sc_str text)
{
    const char *colon = text.n == 0 ? NULL : memrchr(text.p, ':', text.n);
    struct sc_str host, port;
    unsigned long long number;

    if (colon == NULL)
        return false;
    host = str_range(text.p, colon);
    port = str_skip(text, host.n + 1);
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = (struct sc_str){ host.p + 1, host.n - 2 };
    if (!str_u64(port, &number) || number == 0 || number > 65535)
        return false;
    jsonw_object(j, NULL);
    jsonw_str(j, "host", host);
    jsonw_uint(j, "port", number);
    jsonw_close(j);
    return true;
}

/* False: said on standard error. */
static bool put_targets(const struct command *self, struct jsonw *j, int n, char **words)
{
    jsonw_array(j, "targets");
    for (int i = 0; i < n; i++)
        if (!put_target(j, str_of(words[i]))) {
            fprintf(stderr, "outrider %s: \"%s\" is not HOST:PORT\n", self->name, words[i]);
            return false;
        }
    jsonw_close(j);
    return true;
}

static void print_told(const struct data *d, struct buf *out)
{
    const char *service = present_text(d, "service"), *until = present_text(d, "until");

    buf_printf(out, "%s %s: %s", service != NULL ? "service" : "registry",
               service != NULL ? service : present_text(d, "registry"), present_text(d, "action"));
    if (until != NULL)
        buf_printf(out, " until %s", until);
    buf_printf(out, " (sources: %zu)\n", data_size(data_get(d, "sources")));
}

static void put_path(struct buf *path, const char *name, const char *what)
{
    buf_puts(path, "/admin/discovery/");
    ask_segment(path, name);
    buf_printf(path, "/%s", what);
}

/* words: what, the name, targets. */
static int tell(const struct command *self, int n, char **words)
{
    struct buf path = BUF_INIT, body = BUF_INIT;
    struct jsonw j = JSONW_INIT(&body);
    int code = EX_USAGE;

    jsonw_object(&j, NULL);
    if (ttl != NULL)
        jsonw_text(&j, "ttl", ttl);
    if (n == 2 || put_targets(self, &j, n - 2, words + 2)) {
        jsonw_close(&j);
        put_path(&path, words[1], words[0]);
        present_where.body = buf_view(&body);
        code = present_page(self, "POST", path.p, print_told);
        present_where.body = STR_NONE;
    }
    buf_fini(&path);
    buf_fini(&body);
    return code;
}

/* ---- history ---- */

static void add_change(struct columns *c, const struct data *e)
{
    static const char *const keys[] = { "at", "service", "registry", "event", "cause" };
    static const char *const numbers[] = { "targets", "eligible", "added", "removed" };

    for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++)
        columns_add(c, present_text(e, keys[i]));
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        columns_add_int(c, present_int(e, numbers[i]));
}

static void print_history(const struct data *d, struct buf *out)
{
    static const char *const heads[] = { "TIME", "SERVICE", "REGISTRY", "EVENT", "CAUSE", "TARGETS", "ELIGIBLE", "ADDED",
                                         "REMOVED" };
    const struct data *list = data_get(d, "history");
    struct columns c;

    present_head(&c, sizeof heads / sizeof *heads, heads);
    for (size_t i = 0; i < data_size(list); i++)
        add_change(&c, data_at(list, i));
    present_finish(&c, out);
}

static int show_history(const struct command *self, const char *name)
{
    struct buf path = BUF_INIT;
    int code;

    put_path(&path, name, "history");
    code = present_page(self, "GET", path.p, print_history);
    buf_fini(&path);
    return code;
}

/* ---- the command ---- */

static bool is(const char *word, const char *what)
{
    return strcmp(word, what) == 0;
}

int command_discovery(const struct command *self, int n, char **words)
{
    bool pin, takes_time;

    if (n < 2)
        return misused(self, "freeze, fail, pin, thaw or history, and a name");
    pin = is(words[0], "pin");
    takes_time = pin || is(words[0], "freeze") || is(words[0], "fail");
    if (pin && n < 3)
        return misused(self, "pin SERVICE HOST:PORT...");
    if (!pin && n > 2)
        return misused(self, "one name only");
    if (ttl != NULL && !takes_time)
        return misused(self, "--ttl is for freeze, fail and pin");
    if (is(words[0], "history"))
        return show_history(self, words[1]);
    if (!takes_time && !is(words[0], "thaw")) {
        fprintf(stderr, "outrider %s: \"%s\" is none of freeze, fail, pin, thaw, history\n", self->name, words[0]);
        return EX_USAGE;
    }
    return tell(self, n, words);
}
