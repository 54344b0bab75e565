/* sidecar/loop/fetch.c - one HTTP request of the control plane, and its answer.
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
    AUTHORITIES_AGE = 5,        /* seconds that their file is not read again; libcurl's own choice is a day */
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
    bool begun;                 /* the head of the answer is there */
    unsigned status;
    enum fetch_result result;
    char error[CURL_ERROR_SIZE];
    /* Of an answer in pieces: */
    void (*piece)(void *arg, struct fetch *f, struct sc_str piece);
    bool open;                  /* it is one: with status 200 */
    bool said;                  /* that it is */
    bool over, ended;           /* its time is over; and that was its end */
    bool *gone;                 /* set when the fetch goes inside of a callback */
    sc_msec patience, idle_after;       /* until the idle timer rings; after a byte */
    struct timer idle, until;
    struct task hand_on;        /* outside of libcurl's callbacks, where everything is allowed */
};

static void fetch_free(struct fetch *f)
{
    if (f->gone != NULL)
        *f->gone = true;
    timer_stop(&f->idle);
    timer_stop(&f->until);
    loop_task_cancel(curlmux_loop(f->curl), &f->hand_on);
    curl_easy_cleanup(f->easy);
    curl_slist_free_all(f->headers);
    curl_slist_free_all(f->connect_to);
    buf_fini(&f->head);
    buf_fini(&f->body);
    free(f);
}

/* --- the end --- */

/* What has come and was not handed on yet. False: the fetch is gone. */
static bool hand_on(struct fetch *f)
{
    struct buf piece = f->body;
    bool gone = false;

    if (!f->open || (f->said && piece.n == 0))
        return true;
    f->said = true;
    f->body = (struct buf)BUF_INIT;
    f->gone = &gone;
    f->piece(f->arg, f, buf_view(&piece));
    if (gone) {
        buf_fini(&piece);
        return false;
    }
    f->gone = NULL;
    buf_clear(&piece);
    f->body = piece;
    return true;
}

/* Not from inside libcurl. */
static void end(struct fetch *f, enum fetch_result result)
{
    f->result = result;
    if (!hand_on(f))
        return;
    curlmux_remove(f->curl, f->easy);
    f->done(f->arg, f);
    fetch_free(f);
}

static void on_hand_on(struct task *t)
{
    struct fetch *f = list_entry(t, struct fetch, hand_on);

    if (hand_on(f) && f->over) {
        f->ended = true;
        end(f, FETCH_ANSWERED);
    }
}

static void on_until(struct timer *t)
{
    struct fetch *f = list_entry(t, struct fetch, until);

    f->over = true;
    if (f->begun)
        loop_task(curlmux_loop(f->curl), &f->hand_on);
}

static void on_idle(struct timer *t)
{
    struct fetch *f = list_entry(t, struct fetch, idle);

    snprintf(f->error, sizeof f->error, "no byte for %lld ms", (long long)f->patience);
    end(f, FETCH_TIMEOUT);
}

/* --- from libcurl --- */

static void wait_for_byte(struct fetch *f, sc_msec patience)
{
    f->patience = patience;
    if (patience > 0)
        timer_start(curlmux_loop(f->curl), &f->idle, patience);
    else
        timer_stop(&f->idle);
}

static void note_byte(struct fetch *f)
{
    if (f->patience > 0 || f->idle_after > 0)
        wait_for_byte(f, f->idle_after);
}

/* The end of a head, be it one of an interim answer. */
static void note_head(struct fetch *f)
{
    long status = 0;

    curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200)
        return;
    f->status = (unsigned)status;
    f->begun = true;
    f->open = f->piece != NULL && status == 200;
    if (f->over || f->open)
        loop_task(curlmux_loop(f->curl), &f->hand_on);
}

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
    struct sc_str line = { p, size * n };

    note_byte(f);
    if (str_starts(line, STR("HTTP/")))         /* interim answers before the real one */
        buf_clear(&f->head);
    if (!f->begun && (str_eq(line, STR("\r\n")) || str_eq(line, STR("\n"))))
        note_head(f);
    return take(f, &f->head, HEAD_MAX, p, size * n);
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct fetch *f = arg;

    note_byte(f);
    if (f->open)
        loop_task(curlmux_loop(f->curl), &f->hand_on);
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
    if (f->error[0] == '\0')
        snprintf(f->error, sizeof f->error, "%s", curl_easy_strerror((CURLcode)result));
    end(f, result_of((CURLcode)result, f->too_large));
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

/* Stated authorities stand in place of the system's, of which libcurl knows a file and a directory. */
static void set_authorities(CURL *easy, const struct fetch_tls *tls)
{
    if (tls->ca != NULL || tls->ca_path != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca);
        curl_easy_setopt(easy, CURLOPT_CAPATH, tls->ca_path);
    }
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, (long)AUTHORITIES_AGE);
#endif
}

static void set_tls(CURL *easy, const struct fetch_tls *tls)
{
    if (tls == NULL)
        return;
    set_authorities(easy, tls);
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

static void set_times(struct fetch *f, const struct fetch_request *r)
{
    f->idle_after = r->idle;
    f->idle.fn = on_idle;
    f->until.fn = on_until;
    wait_for_byte(f, r->first > 0 ? r->first : r->idle);
    if (r->until > 0)
        timer_start(curlmux_loop(f->curl), &f->until, r->until);
}

struct fetch *fetch_start(struct curlmux *curl, const struct fetch_request *r, void (*done)(void *arg, struct fetch *f),
                          void *arg)
{
    struct fetch *f = xnew(struct fetch);

    f->job.done = on_done;
    f->curl = curl;
    f->done = done;
    f->piece = r->piece;
    f->arg = arg;
    f->hand_on.fn = on_hand_on;
    f->max_body = r->max_body;
    set_times(f, r);
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

bool fetch_was_ended(const struct fetch *f)
{
    return f->ended;
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
