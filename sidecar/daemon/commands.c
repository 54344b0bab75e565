/* sidecar/daemon/commands.c - the sub-commands of `outrider`.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/commands.h"

#include "conf/describe.h"
#include "conf/load.h"
#include "daemon/control.h"
#include "daemon/show.h"
#include "proxy/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define DEFAULT_FILE SYSCONFDIR "/outrider/outrider.yaml"

static const char *config_file = DEFAULT_FILE;

static const struct option_row file_options[] = {
    { 'c', "config", "FILE", "the configuration; `-` is standard input; default " DEFAULT_FILE, &config_file, NULL },
    { .name = NULL },
};

static int command_run(const struct command *self, int n, char **words)
{
    struct run_options options = { .config = config_file };

    (void)self;
    (void)n;
    (void)words;
    return control_run(&options);
}

static int command_check(const struct command *self, int n, char **words)
{
    struct buf out = BUF_INIT;
    struct conf_report report;
    struct config *config;
    bool ok;

    (void)self;
    (void)n;
    (void)words;
    report_init(&report);
    config = config_load(config_file, &report);
    ok = config != NULL;
    report_print(&report, &out);
    if (out.n > 0)
        fwrite(out.p, 1, out.n, stderr);
    report_fini(&report);
    config_unref(&config);
    buf_clear(&out);
    if (!ok) {
        buf_fini(&out);
        return EX_CONFIG;
    }
    buf_printf(&out, "%s: ok\n", strcmp(config_file, "-") == 0 ? "standard input" : config_file);
    return commands_write(&out);
}

static int command_schema(const struct command *self, int n, char **words)
{
    struct buf out = BUF_INIT;

    (void)self;
    (void)n;
    (void)words;
    conf_schema(config_fields, "Configuration of Outrider " PACKAGE_VERSION, &out);
    return commands_write(&out);
}

const struct command commands[] = {
    { "run", "[-c FILE]", "runs the proxy in the foreground",
      "Runs the proxy in the foreground, for systemd and containers. TERM ends it gracefully (a second one at once), INT\n"
      "quickly; HUP reads the configuration again, USR1 opens log files anew, USR2 writes the state to the log. The exit\n"
      "code is 0 after a clean stop, 78 when the configuration has mistakes.",
      file_options, 0, command_run },
    { "check", "[-c FILE]", "reports every mistake of a configuration",
      "Prints `FILE:LINE:COLUMN: KEY: what is wrong` on standard error for every mistake, or `FILE: ok`. Nothing is bound,\n"
      "connected to or resolved. The exit code is 0, or 78 when there are mistakes.",
      file_options, 0, command_check },
    { "status", "[--admin ADDRESS]", "how the sidecar that runs is",
      "Asks the sidecar that runs how it is: ready or not and why, its version, how many requests are in flight. The exit\n"
      "code of this and of the commands that follow is 69 when no sidecar answers and 77 when it may not.",
      show_options, 0, command_status },
    { "health", "[SERVICE]", "how its services are", "Shows each service, or one: its status, how many targets it has and "
      "how many of them may be picked, and\nwhere they come from.", show_options, 1, command_health },
    { "targets", "[SERVICE]", "its targets, and why they get traffic or not",
      "Shows the targets of each service, or of one: state, weight, requests in flight, and why it may not be picked.",
      show_options, 1, command_targets },
    { "services", "[SERVICE]", "its services, and the routes that lead to them",
      "Shows the services in force and the routes that lead to them, or one with its targets. With `--output json`\n"
      "one comes with its configuration.", show_options, 1, command_services },
    { "routes", "", "its routes, in their order", "Shows the routes in force, in the order of the file.", show_options, 0,
      command_routes },
    { "explain", "[-c FILE] [-H 'NAME: VALUE']... METHOD URL", "what becomes of a request, and why",
      "Asks the sidecar that runs, or a configuration, what becomes of a request: the route it takes, and why not the\n"
      "others; the policies in their order; the service, and of every target whether it may be picked. Nothing is sent. Of\n"
      "a configuration the targets are not known. The exit code is 1 when the request would be refused.",
      explain_options, 2, command_explain },
    { "registrations", "[ID] | pass|warn|fail ID [NOTE] | maintain ID [REASON] | return ID",
      "services of this host in registries",
      "Shows the services of this host that the sidecar keeps registered, or one. `pass`, `warn` and `fail` say how one is\n"
      "whose check is of type ttl; `maintain` takes one out of service, to the registry it is critical then, and `return`\n"
      "puts it back.", show_options, 3, command_registrations },
    { "discovery", "freeze|fail NAME | pin SERVICE ADDRESS... | thaw NAME | history NAME",
      "takes registries and services in hand for a while",
      "NAME is a service or a registry (`service:NAME` or `registry:NAME` where it could be both). `freeze`: answers of\n"
      "the registry wait, what is in force stays. `fail`: as if it could not be reached. `pin`: the service has these\n"
      "targets, as HOST:PORT with numeric addresses. Each ends by itself after --ttl, or with `thaw`, and survives\n"
      "reloads. `history` shows what has become of targets and sources lately, the newest first.", steer_options, 200,
      command_discovery },
    { "metrics", "", "its metrics", "Prints the metrics of the sidecar that runs, as Prometheus reads them.", raw_options, 0,
      command_metrics },
    { "top", "[-d SECONDS] [-n TIMES]", "its state and targets, again and again",
      "Shows the state and the targets of the sidecar that runs, again and again.", top_options, 0, command_top },
    { "drain", "", "stops it gracefully",
      "Tells the sidecar that runs to stop gracefully, as TERM does: not ready any more, then what is in flight ends.",
      show_options, 0, command_drain },
    { "reload", "", "makes it read its configuration again",
      "Makes the sidecar that runs read its configuration again, and waits until it is in force. Mistakes go to standard\n"
      "error; then the one before stays in force, and the exit code is 78.", show_options, 0, command_reload },
    { "schema", "", "prints the JSON Schema of the configuration",
      "Prints the configuration's JSON Schema (2020-12), for editors and for checks elsewhere.", NULL, 0, command_schema },
    { "help", "[KEY | COMMAND]", "explains a key of the configuration, or a command",
      "Explains a key of the configuration (`services.retry`, or just the end of its path), a policy, or a command.",
      help_options, 1, command_help },
    { "version", "", "prints the versions of the program and its libraries",
      "Prints the versions of the program and of its libraries, and what it cannot do because of them.", NULL, 0,
      command_version },
    { .name = NULL },
};

int commands_write(struct buf *out)
{
    bool ok = fwrite(out->p, 1, out->n, stdout) == out->n;

    ok = fflush(stdout) == 0 && ok;
    buf_fini(out);
    if (!ok)
        perror("outrider: standard output");
    return ok ? EX_OK : EX_IOERR;
}

void commands_overview(struct buf *out)
{
    buf_puts(out, "Usage: outrider COMMAND [OPTION]...\n\n"
                  "An HTTP sidecar: applications call it, it finds the targets and forwards.\n\nCommands:\n");
    for (const struct command *c = commands; c->name != NULL; c++)
        buf_printf(out, "  %-14s %s\n", c->name, c->summary);
    buf_puts(out, "\n`outrider COMMAND --help` says more about one; `outrider help KEY` explains a key of the "
                  "configuration.\n");
}

static const struct command *find(const char *name)
{
    const struct command *c = commands;

    while (c->name != NULL && strcmp(c->name, name) != 0)
        c++;
    return c->name == NULL ? NULL : c;
}

static int unknown(const char *name)
{
    const char *names[sizeof commands / sizeof *commands], *near;
    unsigned n = 0;

    for (const struct command *c = commands; c->name != NULL; c++)
        names[n++] = c->name;
    names[n] = NULL;
    near = nearest_word(str_of(name), names);
    if (near != NULL)
        fprintf(stderr, "outrider: there is no command \"%s\"; did you mean \"%s\"?\n", name, near);
    else
        fprintf(stderr, "outrider: there is no command \"%s\"; see `outrider --help`\n", name);
    return EX_USAGE;
}

static int run_command(const struct command *c, int argc, char **argv)
{
    struct buf out = BUF_INIT;
    char **words;
    bool help;
    int n;

    if (!options_parse(c, argc, argv, &help, &n, &words))
        return EX_USAGE;
    if (!help)
        return c->run(c, n, words);
    options_help(c, &out);
    return commands_write(&out);
}

int commands_main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    const struct command *c;
    struct buf out = BUF_INIT;

    if (name == NULL || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        commands_overview(&out);
        if (name != NULL)
            return commands_write(&out);
        fputs(out.p, stderr);
        buf_fini(&out);
        return EX_USAGE;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";
    c = find(name);
    return c == NULL ? unknown(name) : run_command(c, argc - 1, argv + 1);
}
