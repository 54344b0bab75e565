/* tests/mutate/reader.h - reads HTTP/1.1 messages by the letter of RFC 9112: what is not exactly right is an error.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Incremental; the caller says by callbacks what it wants to know. Nothing of the product is in it. */
#pragma once

#include "text.h"

#include <stdbool.h>
#include <stdint.h>

enum { READER_FIELDS = 1024, READER_HEAD = 256 * 1024 };

enum reader_phase {
    READER_HEAD_PHASE, READER_COUNTED, READER_SIZE, READER_DATA, READER_DATA_END, READER_TRAILER, READER_TO_CLOSE,
    READER_MAYBE,      /* a body that begins with '{', or none */
    READER_RAW,        /* no longer HTTP */
    READER_ENDED,      /* no message may follow: a byte is an error */
    READER_BROKEN,     /* error says why */
};

/* What the head of an answer says of its body when only the caller knows the request. */
enum reader_body { READER_AS_FRAMED, READER_NO_BODY, READER_MAYBE_BODY, READER_SWITCHED };

struct field {
    const char *name, *value; /* inside the head: until the end of on_head */
    size_t name_len, value_len;
};

struct reader;

struct reader_ops {
    /* A head that is right; may call reader_refuse(). The result matters for answers. */
    enum reader_body (*on_head)(struct reader *r);
    void (*on_body)(struct reader *r, const char *p, size_t n);
    void (*on_end)(struct reader *r);
};

struct reader {
    const struct reader_ops *ops;
    void *user;
    bool requests;         /* that is what is read; else answers */
    bool lenient;          /* as much as a server may be: an empty line before a request, extensions of chunks */
    enum reader_phase phase;
    const char *error;
    struct text held;      /* a head or a line that is not whole */
    uint64_t left, seen;   /* of the body or chunk; bytes of body */
    /* of the head that was read last */
    const char *head, *method, *target;
    size_t head_len, method_len, target_len;
    unsigned minor, status;
    bool chunked, has_length, close, keep_alive, upgrade, to_close;
    unsigned trailers;
    uint64_t length;
    struct field *fields;
    size_t nfields;
};

/* Zeroes it but for what the caller set: ops, user, requests, lenient. */
void reader_init(struct reader *r);
void reader_fini(struct reader *r);
/* False when it is broken. Stops early only then. */
bool reader_feed(struct reader *r, const char *p, size_t n);
/* The other side ended its stream: false if that was in the middle of a message. */
bool reader_eof(struct reader *r);
/* Between two messages. */
bool reader_is_idle(const struct reader *r);
void reader_refuse(struct reader *r, const char *error);
/* The first field of that name (in lower case), or NULL. Inside on_head. */
const struct field *reader_field(const struct reader *r, const char *name);
size_t reader_count(const struct reader *r, const char *name);
bool field_has_token(const struct field *f, const char *token);
