/* discovery/providers/etcd_answer.c - what etcd's JSON gateway says, read strictly.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/etcd_answer.h"

#include "base/base64.h"
#include "conf/data.h"

/* A number of 64 bits: a string of digits. Not there: 0. */
static bool read_u64(const struct data *d, uint64_t *to)
{
    unsigned long long value = 0;

    if (!data_is_null(d) && !str_u64(str_of(data_text(d)), &value))
        return false;
    *to = value;
    return true;
}

static bool read_flag(const struct data *d, bool *to)
{
    *to = false;
    return data_is_null(d) || data_bool(d, to);
}

static bool read_header(const struct data *of, uint64_t *cluster, uint64_t *revision, struct sc_error *e)
{
    const struct data *header = data_get(of, "header");

    if (!data_is_object(header))
        return sc_error_set(e, "an answer without a header");
    if (!read_u64(data_get(header, "cluster_id"), cluster) || !read_u64(data_get(header, "revision"), revision))
        return sc_error_set(e, "header: not a number");
    return true;
}

/* --- keys and values --- */

/* Not there: no bytes. */
static bool read_bytes(struct arena *a, const struct data *d, struct sc_str *to)
{
    struct buf bytes = BUF_INIT;
    bool ok;

    *to = STR("");
    if (data_is_null(d))
        return true;
    ok = data_text(d) != NULL && base64_read(&bytes, str_of(data_text(d)));
    if (ok && bytes.n > 0)
        *to = arena_dup(a, buf_view(&bytes));
    buf_fini(&bytes);
    return ok;
}

static bool read_kv(struct arena *a, struct etcd_event *to, const struct data *kv, struct sc_error *e)
{
    if (!data_is_object(kv) || !read_bytes(a, data_get(kv, "key"), &to->key) || to->key.n == 0)
        return sc_error_set(e, "a key that is not base64");
    if (!read_u64(data_get(kv, "mod_revision"), &to->revision) || to->revision == 0)
        return sc_error_set(e, "a key without its revision");
    to->garbled = !read_bytes(a, data_get(kv, "value"), &to->value);
    return true;
}

static bool read_event(struct arena *a, struct etcd_event *to, const struct data *event, struct sc_error *e)
{
    const char *type = data_text(data_get(event, "type"));

    if (type != NULL && strcmp(type, "DELETE") == 0)
        to->deleted = true;
    else if (!data_is_null(data_get(event, "type")) && (type == NULL || strcmp(type, "PUT") != 0))
        return sc_error_set(e, "a change of a kind that nobody knows");
    return read_kv(a, to, data_get(event, "kv"), e);
}

/* A list of what `read` reads; not there: none. */
static bool read_list(struct arena *a, struct etcd_events *to, const struct data *list, struct sc_error *e,
                      bool (*read)(struct arena *a, struct etcd_event *to, const struct data *d, struct sc_error *e))
{
    size_t n = data_size(list);

    *to = (struct etcd_events){ NULL, 0 };
    if (data_is_null(list))
        return true;
    if (!data_is_list(list))
        return sc_error_set(e, "not a list of keys");
    to->at = arena_zero(a, (n + 1) * sizeof to->at[0]);
    for (; to->n < n; to->n++)
        if (!read(a, &to->at[to->n], data_at(list, to->n), e))
            return false;
    return true;
}

/* --- a range --- */

static bool read_range(struct etcd_range *to, const struct data *doc, struct sc_error *e)
{
    bool more;

    if (!read_header(doc, &to->cluster, &to->revision, e))
        return false;
    if (to->revision == 0)
        return sc_error_set(e, "header: no revision");
    if (!read_flag(data_get(doc, "more"), &more) || more)
        return sc_error_set(e, "not all keys that were asked for");
    return read_list(&to->arena, &to->events, data_get(doc, "kvs"), e, read_kv);
}

bool etcd_range_read(struct etcd_range *to, struct sc_str text, struct sc_error *e)
{
    struct data *doc = data_parse(text, e);
    bool ok;

    *to = (struct etcd_range){ .cluster = 0 };
    arena_init(&to->arena, text.n < 4096 ? 2048 : 65536);
    ok = doc == NULL ? sc_error_wrap(e, "not JSON") : read_range(to, doc, e);
    data_free(&doc);
    if (!ok)
        etcd_range_fini(to);
    return ok;
}

void etcd_range_fini(struct etcd_range *r)
{
    arena_fini(&r->arena);
}

/* --- errors --- */

/* 3.4 says "error" beside "message", or for it. */
static const char *message_of(const struct data *error)
{
    const char *text = data_text(data_get(error, "message"));

    return text != NULL ? text : data_text(data_get(error, "error"));
}

const char *etcd_error_read(struct arena *a, struct sc_str text)
{
    struct sc_error ignored = SC_ERROR_INIT;
    struct data *doc = data_parse(text, &ignored);
    const char *message = message_of(doc);

    if (message != NULL)
        message = arena_dupz(a, str_of(message));
    data_free(&doc);
    return message;
}

/* --- a record of a watch --- */

static bool is_on(const struct data *result, const char *key)
{
    bool on = false;

    return data_bool(data_get(result, key), &on) && on;
}

static const char *copy_reason(struct arena *a, const char *text)
{
    return arena_dupz(a, str_of(text == NULL || *text == '\0' ? "no reason was given" : text));
}

/* A watch that was refused is created and cancelled in one record. */
static bool read_canceled(struct etcd_record *to, const struct data *result, struct sc_error *e)
{
    uint64_t compacted;

    if (!read_u64(data_get(result, "compact_revision"), &compacted))
        return sc_error_set(e, "compact_revision: not a number");
    to->kind = compacted > 0 ? ETCD_COMPACTED : ETCD_CANCELED;
    if (to->kind == ETCD_CANCELED)
        to->text = copy_reason(&to->arena, data_text(data_get(result, "cancel_reason")));
    return true;
}

static bool read_result(struct etcd_record *to, const struct data *result, struct sc_error *e)
{
    if (!read_header(result, &to->cluster, &to->revision, e))
        return false;
    if (is_on(result, "canceled"))
        return read_canceled(to, result, e);
    if (to->revision == 0)
        return sc_error_set(e, "header: no revision");
    if (!read_flag(data_get(result, "fragment"), &to->fragment))
        return sc_error_set(e, "fragment: neither true nor false");
    if (!read_list(&to->arena, &to->events, data_get(result, "events"), e, read_event))
        return false;
    to->kind = is_on(result, "created") ? ETCD_CREATED : to->events.n > 0 || to->fragment ? ETCD_CHANGES : ETCD_PROGRESS;
    if (to->kind == ETCD_CREATED && to->events.n > 0)
        return sc_error_set(e, "a watch that begins with changes");
    return true;
}

static bool read_record(struct etcd_record *to, const struct data *doc, struct sc_error *e)
{
    const struct data *error = data_get(doc, "error");

    if (data_is_null(error))
        return data_is_object(data_get(doc, "result")) ? read_result(to, data_get(doc, "result"), e)
                                                        : sc_error_set(e, "neither a result nor an error");
    to->kind = ETCD_FAILED;
    to->text = copy_reason(&to->arena, message_of(data_is_object(error) ? error : doc));
    return true;
}

bool etcd_record_read(struct etcd_record *to, struct sc_str line, struct sc_error *e)
{
    struct data *doc = data_parse(line, e);
    bool ok;

    *to = (struct etcd_record){ .kind = ETCD_PROGRESS };
    arena_init(&to->arena, 2048);
    ok = doc == NULL ? sc_error_wrap(e, "not JSON") : read_record(to, doc, e);
    data_free(&doc);
    if (!ok)
        etcd_record_fini(to);
    return ok;
}

void etcd_record_fini(struct etcd_record *r)
{
    arena_fini(&r->arena);
}

/* --- single calls --- */

/* The reply to a keep-alive is the first record of a stream. */
static bool read_reply(struct etcd_reply *to, const struct data *doc, struct sc_error *e)
{
    const struct data *result = data_get(doc, "result"), *error = data_get(doc, "error");
    uint64_t cluster, revision;

    if (!data_is_null(error))
        return sc_error_set(e, "%s", data_is_object(error) && message_of(error) != NULL ? message_of(error) : "an error");
    if (data_is_object(result))
        doc = result;
    if (!read_header(doc, &cluster, &revision, e))
        return false;
    if (!read_u64(data_get(doc, "ID"), &to->lease) || !read_u64(data_get(doc, "TTL"), &to->ttl))
        return sc_error_set(e, "ID or TTL: not a number");
    to->found = data_size(data_get(doc, "kvs")) > 0;
    if (!read_u64(data_get(data_at(data_get(doc, "kvs"), 0), "lease"), &to->holder))
        return sc_error_set(e, "lease: not a number");
    return true;
}

bool etcd_reply_read(struct etcd_reply *to, struct sc_str text, struct sc_error *e)
{
    struct data *doc = data_parse(text, e);
    bool ok;

    *to = (struct etcd_reply){ .lease = 0 };
    ok = doc == NULL ? sc_error_wrap(e, "not JSON") : read_reply(to, doc, e);
    data_free(&doc);
    return ok;
}

/* --- a token --- */

const char *etcd_token_read(struct arena *a, struct sc_str text, struct sc_error *e)
{
    struct data *doc = data_parse(text, e);
    const char *token = data_text(data_get(doc, "token"));

    if (doc == NULL)
        sc_error_wrap(e, "not JSON");
    else if (token == NULL)
        sc_error_set(e, "no token");
    token = token == NULL ? NULL : arena_dupz(a, str_of(token));
    data_free(&doc);
    return token;
}
