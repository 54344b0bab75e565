/* tests/suites/clients/c-libcurl.c - libcurl's multi interface, driven by hand.
 * SPDX-License-Identifier: Apache-2.0 */
#include <strings.h>
#include <curl/curl.h>
#include "steps.h"

static const char *base;
static CURLM *multi;

struct reading {
    const char *at;
    size_t left;
};

static size_t take(char *data, size_t size, size_t n, void *to)
{
    got_add((struct got *)to, data, size * n);
    return size * n;
}

static size_t give(char *to, size_t size, size_t n, void *from)
{
    struct reading *r = (struct reading *)from;
    size_t most = size * n < r->left ? size * n : r->left;
    memcpy(to, r->at, most);
    r->at += most;
    r->left -= most;
    return most;
}

/* Fields come before the body, trailers behind it. */
static size_t line(char *data, size_t size, size_t n, void *to)
{
    struct got *g = (struct got *)to;
    int length = (int)(size * n);
    while (length > 0 && (data[length - 1] == '\r' || data[length - 1] == '\n'))
        length--;
    if (g->length > 0 && strncasecmp(data, "X-Sum:", 6) == 0)
        snprintf(g->trailer, sizeof g->trailer, "%.*s", length - 7, data + 7);
    else if (strncasecmp(data, "HTTP/", 5) == 0)
        g->fields[0] = '\0';
    else
        snprintf(g->fields + strlen(g->fields), sizeof g->fields - strlen(g->fields), "%.*s\n", length, data);
    return size * n;
}

static CURLcode drive(CURL *easy)
{
    int running = 1, queued;
    curl_multi_add_handle(multi, easy);
    while (running > 0)
        if (curl_multi_perform(multi, &running) != CURLM_OK || curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK)
            return CURLE_FAILED_INIT;
    CURLMsg *message = curl_multi_info_read(multi, &queued);
    CURLcode code = message != NULL ? message->data.result : CURLE_FAILED_INIT;
    curl_multi_remove_handle(multi, easy);
    return code;
}

static void send_body(CURL *easy, const struct ask *ask, struct reading *reading, struct curl_slist **fields)
{
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, give);
    curl_easy_setopt(easy, CURLOPT_READDATA, reading);
    if (!ask->chunked)
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)ask->length);
    if (!ask->expect)
        *fields = curl_slist_append(*fields, "Expect:");
}

static bool request(const struct ask *ask, struct got *got)
{
    char url[1024], field[8192];
    struct reading reading = { ask->body, ask->length };
    struct curl_slist *fields = NULL;
    CURL *easy = curl_easy_init();
    snprintf(url, sizeof url, "%s%s", base, ask->path);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, ask->method);
    curl_easy_setopt(easy, CURLOPT_NOBODY, strcmp(ask->method, "HEAD") == 0 ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, got);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, got);
    curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 10000L);
    if (ask->body != NULL)
        send_body(easy, ask, &reading, &fields);
    if (ask->header != NULL) {
        snprintf(field, sizeof field, "%s: %s", ask->header, ask->value);
        fields = curl_slist_append(fields, field);
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fields);
    CURLcode code = drive(easy);
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    got->status = (int)status;
    if (code != CURLE_OK)
        snprintf(got->fields, sizeof got->fields, "%s", curl_easy_strerror(code));
    curl_easy_cleanup(easy);
    curl_slist_free_all(fields);
    return code == CURLE_OK;
}

int main(int argc, char **argv)
{
    static const char *const skipped[] = { NULL };
    if (argc != 2)
        return 64;
    base = argv[1];
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    steps_run(request, skipped);
    curl_multi_cleanup(multi);
    curl_global_cleanup();
    return 0;
}
