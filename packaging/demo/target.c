/* packaging/demo/target.c - a target to look at: says who it is, and what it was asked.
 * SPDX-License-Identifier: Apache-2.0
 *
 * demo-target NAME [PORT]: serves on 127.0.0.1, prints the port (the system chooses one if none is given), and ends when
 * its standard input does. For packaging/quickstart; no part of the sidecar. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* JSON needs these two and controls escaped; a demonstration drops them. */
static void copy_plain(char *to, size_t room, const char *from)
{
    size_t n = 0;

    for (; *from != '\0' && n + 1 < room; from++)
        if ((unsigned char)*from >= ' ' && (unsigned char)*from < 0x7f && *from != '"' && *from != '\\')
            to[n++] = *from;
    to[n] = '\0';
}

static const char *header(struct MHD_Connection *c, const char *name)
{
    const char *value = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);

    return value != NULL ? value : "";
}

static enum MHD_Result send_answer(struct MHD_Connection *c, const char *target, const char *method, const char *url)
{
    char text[1024], path[256], id[128], host[128];
    struct MHD_Response *r;
    enum MHD_Result done;

    copy_plain(path, sizeof(path), url);
    copy_plain(id, sizeof(id), header(c, "X-Request-ID"));
    copy_plain(host, sizeof(host), header(c, "Host"));
    snprintf(text, sizeof(text),
             "{\"target\":\"%s\",\"method\":\"%.16s\",\"path\":\"%s\",\"host\":\"%s\",\"request_id\":\"%s\"}\n",
             target, method, path, host, id);
    r = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_COPY);
    if (r == NULL)
        return MHD_NO;
    MHD_add_response_header(r, "Content-Type", "application/json");
    done = MHD_queue_response(c, MHD_HTTP_OK, r);
    MHD_destroy_response(r);
    return done;
}

/* Called first with the head, then for each piece of a body (dropped here), and at last with none: then answered. */
static enum MHD_Result on_request(void *name, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **seen)
{
    static char head_seen;

    (void)version;
    (void)data;
    if (*seen == NULL) {
        *seen = &head_seen;
        return MHD_YES;
    }
    if (*size > 0) {
        *size = 0;
        return MHD_YES;
    }
    return send_answer(c, name, method, url);
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    struct MHD_Daemon *d;
    char byte;

    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: %s NAME [PORT]\n", argv[0]);
        return 64;
    }
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons((uint16_t)(argc > 2 ? strtoul(argv[2], NULL, 10) : 0));
    d = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0, NULL, NULL, on_request, argv[1],
                         MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&at, MHD_OPTION_END);
    if (d == NULL) {
        fprintf(stderr, "%s: cannot listen\n", argv[1]);
        return 1;
    }
    printf("%u\n", MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    MHD_stop_daemon(d);
    return 0;
}
