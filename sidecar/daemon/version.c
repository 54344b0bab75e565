/* sidecar/daemon/version.c - what runs here: the program, its libraries, what they cannot do.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/version.h"

#include "conf/tree.h"
#include "daemon/commands.h"
#include "http/regex.h"
#include "loop/curlmux.h"
#include "loop/dns.h"
#include "loop/mhdpump.h"

/* Each library is known to the one file that includes its header; that file says which version runs. */
static const struct {
    const char *name;
    const char *(*version)(void);
    const char *(*degraded)(void);      /* may be NULL, and may return it */
} libraries[] = {
    { "libmicrohttpd", mhdpump_version, mhdpump_degraded },
    { "libcurl", curlmux_version, curlmux_degraded },
    { "TLS of libcurl", curlmux_tls_version, NULL },
    { "c-ares", dns_library_version, NULL },
    { "pcre2", regex_library_version, regex_degraded },
    { "jansson", json_library_version, NULL },
    { "libyaml", yaml_library_version, NULL },
};

#define LIBRARIES (sizeof libraries / sizeof *libraries)

const struct admin_version *version_libraries(void)
{
    static struct admin_version all[LIBRARIES + 1];

    for (unsigned i = 0; i < LIBRARIES; i++)
        all[i] = (struct admin_version){ libraries[i].name, libraries[i].version() };
    return all;
}

const char *const *version_degraded(void)
{
    static const char *all[LIBRARIES + 1];
    unsigned n = 0;

    for (unsigned i = 0; i < LIBRARIES; i++) {
        const char *text = libraries[i].degraded == NULL ? NULL : libraries[i].degraded();

        if (text != NULL)
            all[n++] = text;
    }
    all[n] = NULL;
    return all;
}

int command_version(const struct command *self, int n, char **words)
{
    struct buf out = BUF_INIT;

    (void)self;
    (void)n;
    (void)words;
    buf_puts(&out, "outrider " PACKAGE_VERSION "\n");
    for (const struct admin_version *v = version_libraries(); v->name != NULL; v++)
        buf_printf(&out, "%s %s\n", v->name, v->value);
    buf_printf(&out, "strict check of requests: %s\n", pump_has_seam() ? "before libmicrohttpd's parser (transport seam)"
                                                                        : "in the first call of the handler");
    for (const char *const *d = version_degraded(); *d != NULL; d++)
        buf_printf(&out, "degraded: %s\n", *d);
    return commands_write(&out);
}
