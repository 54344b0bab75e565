/* tests/suites/clients/c-soup.c - libsoup 3, one session.
 * SPDX-License-Identifier: Apache-2.0 */
#include <strings.h>
#include <libsoup/soup.h>
#include "steps.h"

static const char *base;
static SoupSession *session;

static void keep(const char *name, const char *value, gpointer to)
{
    got_field((struct got *)to, name, value);
}

static void send_body(SoupMessage *message, const struct ask *ask)
{
    GInputStream *body = g_memory_input_stream_new_from_data(ask->body, (gssize)ask->length, NULL);
    soup_message_set_request_body(message, "application/octet-stream", body, ask->chunked ? -1 : (gssize)ask->length);
    g_object_unref(body);
}

static bool request(const struct ask *ask, struct got *got)
{
    char *url = g_strconcat(base, ask->path, NULL);
    GUri *uri = g_uri_parse(url, G_URI_FLAGS_ENCODED | G_URI_FLAGS_HAS_PASSWORD, NULL);
    SoupMessage *message = soup_message_new_from_uri(ask->method, uri);
    GError *error = NULL;
    soup_message_set_flags(message, SOUP_MESSAGE_NO_REDIRECT);
    if (ask->header != NULL)
        soup_message_headers_replace(soup_message_get_request_headers(message), ask->header, ask->value);
    if (ask->body != NULL)
        send_body(message, ask);
    GBytes *body = soup_session_send_and_read(session, message, NULL, &error);
    if (body != NULL) {
        gsize length;
        const char *data = (const char *)g_bytes_get_data(body, &length);
        got->status = (int)soup_message_get_status(message);
        got_add(got, data != NULL ? data : "", length);
        soup_message_headers_foreach(soup_message_get_response_headers(message), keep, got);
        g_bytes_unref(body);
    } else {
        snprintf(got->fields, sizeof got->fields, "%s", error->message);
        g_error_free(error);
    }
    g_object_unref(message);
    g_uri_unref(uri);
    g_free(url);
    return body != NULL;
}

int main(int argc, char **argv)
{
    static const char *const skipped[] = { "trailers", "libsoup drops them", NULL };
    if (argc != 2)
        return 64;
    base = argv[1];
    session = soup_session_new_with_options("proxy-resolver", NULL, "timeout", 30, NULL);
    steps_run(request, skipped);
    g_object_unref(session);
    return 0;
}
