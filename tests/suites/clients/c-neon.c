/* tests/suites/clients/c-neon.c - neon, one session.
 * SPDX-License-Identifier: Apache-2.0 */
#include <strings.h>
#include <ne_request.h>
#include <ne_session.h>
#include <ne_socket.h>
#include <ne_uri.h>
#include "steps.h"

static ne_session *session;

static int take(void *to, const char *data, size_t n)
{
    if (n > 0)
        got_add((struct got *)to, data, n);
    return 0;
}

static void keep_fields(ne_request *request, struct got *got)
{
    const char *name, *value;
    for (void *at = NULL; (at = ne_response_header_iterate(request, at, &name, &value)) != NULL;)
        got_field(got, name, value);
}

static bool request(const struct ask *ask, struct got *got)
{
    ne_request *r = ne_request_create(session, ask->method, ask->path);
    if (ask->header != NULL && !ask->expect)
        ne_add_request_header(r, ask->header, ask->value);
    if (ask->body != NULL)
        ne_set_request_body_buffer(r, ask->body, ask->length);
    ne_set_request_flag(r, NE_REQFLAG_EXPECT100, ask->expect);
    ne_add_response_body_reader(r, ne_accept_always, take, got);
    bool good = ne_request_dispatch(r) == NE_OK;
    if (good) {
        got->status = ne_get_status(r)->code;
        keep_fields(r, got);
    } else {
        snprintf(got->fields, sizeof got->fields, "%s", ne_get_error(session));
    }
    ne_request_destroy(r);
    return good;
}

int main(int argc, char **argv)
{
    static const char *const skipped[] = {
        "post-chunked", "neon counts", "cookies", "neon joins the lines", "large-answer-header", "too long a line for neon",
        "trailers", "neon mixes them with the fields", "hold", "neon keeps Connection to itself", NULL };
    ne_uri uri = { 0 };
    if (argc != 2 || ne_uri_parse(argv[1], &uri) != 0)
        return 64;
    ne_sock_init();
    session = ne_session_create("http", uri.host, uri.port);
    steps_run(request, skipped);
    ne_session_destroy(session);
    ne_uri_free(&uri);
    return 0;
}
