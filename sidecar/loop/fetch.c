/* sidecar/loop/fetch.c - one HTTP request of the control plane, and its whole answer in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "loop/fetch.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "loop/curlmux.h"
#include "loop/sys.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    HEAD_MAX = 65536,           /* bytes of all header fields */
    KEEPALIVE_IDLE = 15,        /* seconds without a byte until the kernel asks whether the peer's host is there */
    KEEPALIVE_GAP = 5,
};

struct fetch {
    struct curlmux_job job;
    struct curlmux *curl;
    CURL *easy;
    struct curl_slist *headers, *connect_to;
    void (*done)(void *arg, struct fetch *f);
    void *arg;
    struct buf head, body;
    size_t max_body;
    bool too_large;
    unsigned status;
    enum fetch_result result;
    char error[CURL_ERROR_SIZE];
};

static void fetch_free(struct fetch *f)
{
    curl_easy_cleanup(f->easy);
    curl_slist_free_all(f->headers);
    curl_slist_free_all(f->connect_to);
    buf_fini(&f->head);
    buf_fini(&f->body);
    free(f);
}

/* --- from libcurl --- */

static size_t take(struct fetch *f, struct buf *to, size_t max, const char *p, size_t n)
{
    if (n > max - to->n) {
        f->too_large = true;
        return 0;
    }
    buf_add(to, p, n);
    return n;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct fetch *f = arg;

    if (str_starts((struct sc_str){ p, size * n }, STR("HTTP/")))       /* interim answers before the real one */
        buf_clear(&f->head);
    return take(f, &f->head, HEAD_MAX, p, size * n);
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct fetch *f = arg;

    return take(f, &f->body, f->max_body, p, size * n);
}

/* The connection may outlive the transfer; the argument is therefore the curlmux. */
static int on_close(void *arg, curl_socket_t fd)
{
    curlmux_closing(arg, (int)fd);
    return sys_close((int)fd);
}

static enum fetch_result result_of(CURLcode r, bool too_large)
{
    if (too_large)
        return FETCH_TOO_LARGE;
    switch (r) {
    case CURLE_OK:
        return FETCH_ANSWERED;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return FETCH_UNREACHABLE;
    case CURLE_OPERATION_TIMEDOUT:
        return FETCH_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
        return FETCH_TLS;
    default:
        return FETCH_BROKEN;
    }
}

static void on_done(struct curlmux_job *job, void *easy, int result)
{
    struct fetch *f = (struct fetch *)job;
    long status = 0;

    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    f->status = (unsigned)status;
    f->result = result_of((CURLcode)result, f->too_large);
    if (f->error[0] == '\0')
        snprintf(f->error, sizeof f->error, "%s", curl_easy_strerror((CURLcode)result));
    curlmux_remove(f->curl, easy);
    f->done(f->arg, f);
    fetch_free(f);
}

/* --- the request --- */

static struct curl_slist *add(struct curl_slist *list, const char *line)
{
    list = curl_slist_append(list, line);
    if (list == NULL)
        abort();
    return list;
}

/* Two colons in front: whatever host and port the URL names. */
static struct curl_slist *connect_to(const char *where)
{
    char *line = xasprintf("::%s", where);
    struct curl_slist *list = add(NULL, line);

    free(line);
    return list;
}

static void set_tls(CURL *easy, const struct fetch_tls *tls)
{
    if (tls == NULL)
        return;
    if (tls->ca != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca);
    if (tls->ca_path != NULL)
        curl_easy_setopt(easy, CURLOPT_CAPATH, tls->ca_path);
    if (tls->certificate != NULL)
        curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->certificate);
    if (tls->key != NULL)
        curl_easy_setopt(easy, CURLOPT_SSLKEY, tls->key);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, tls->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, tls->insecure ? 0L : 2L);
}

static void set_connection(struct fetch *f, const struct fetch_request *r)
{
    CURL *easy = f->easy;

    if (r->socket != NULL)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, r->socket);
    if (r->connect_to != NULL) {
        f->connect_to = connect_to(r->connect_to);
        curl_easy_setopt(easy, CURLOPT_CONNECT_TO, f->connect_to);
    }
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, r->once ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, r->once ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_timeout);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)r->timeout);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_GAP);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, f->curl);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);     /* a look-up that hangs would hold up whoever cancels */
#endif
    set_tls(easy, r->tls);
}

/* The fields that libcurl would add of its own say a wrong type, and wait for a 100 that some servers never send. */
static void set_body(struct fetch *f, const struct fetch_request *r)
{
    curl_easy_setopt(f->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
    curl_easy_setopt(f->easy, CURLOPT_COPYPOSTFIELDS, r->body.n == 0 ? "" : r->body.p);
    curl_easy_setopt(f->easy, CURLOPT_CUSTOMREQUEST, r->method);
    f->headers = add(f->headers, r->body.n == 0 ? "Content-Type:" : "Content-Type: application/json");
    f->headers = add(f->headers, "Expect:");
}

static void set_request(struct fetch *f, const struct fetch_request *r)
{
    CURL *easy = f->easy;

    curl_easy_setopt(easy, CURLOPT_URL, r->url);
    for (const char *const *h = r->headers; h != NULL && *h != NULL; h++)
        f->headers = add(f->headers, *h);
    if (r->method != NULL)
        set_body(f, r);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, f->headers);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, f);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, f);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, f->error);
}

struct fetch *fetch_start(struct curlmux *curl, const struct fetch_request *r, void (*done)(void *arg, struct fetch *f),
                          void *arg)
{
    struct fetch *f = xnew(struct fetch);

    f->job.done = on_done;
    f->curl = curl;
    f->done = done;
    f->arg = arg;
    f->max_body = r->max_body;
    f->easy = curlmux_easy(&f->job);
    set_connection(f, r);
    set_request(f, r);
    if (!curlmux_add(curl, f->easy, &f->job))
        abort();
    return f;
}

void fetch_cancel(struct fetch **fp)
{
    struct fetch *f = *fp;

    *fp = NULL;
    if (f == NULL)
        return;
    curlmux_remove(f->curl, f->easy);
    fetch_free(f);
}

/* --- the answer --- */

enum fetch_result fetch_result(const struct fetch *f)
{
    return f->result;
}

const char *fetch_error(const struct fetch *f)
{
    return f->result == FETCH_ANSWERED ? NULL : f->too_large ? "the answer is too long" : f->error;
}

unsigned fetch_status(const struct fetch *f)
{
    return f->status;
}

struct sc_str fetch_body(const struct fetch *f)
{
    return buf_view(&f->body);
}

struct sc_str fetch_header(const struct fetch *f, struct sc_str name)
{
    struct sc_str rest = buf_view(&f->head), line;

    while (str_split(&rest, '\n', &line)) {
        const char *colon = str_chr(line, ':');

        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (colon != NULL && str_ieq(str_range(line.p, colon), name))
            return str_trim(str_range(colon + 1, line.p + line.n));
    }
    return STR_NONE;
}
