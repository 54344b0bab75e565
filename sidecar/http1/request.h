/* sidecar/http1/request.h - the writer of request heads.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Any thread. Writes what it is given, in order, once: fields are validated where they come from (framing.h for a
 * client's, http_is_value for what policies set). As a last line of defence the finished head is counted: a byte that
 * would begin another line makes the write fail. */
#pragma once

#include "base/str.h"
#include "http/headers.h"

#include <stddef.h>
#include <sys/types.h>

struct request_line {
    struct sc_str method;
    struct sc_str path;         /* begins with '/', or "*" */
    struct sc_str query;
    bool has_query;             /* write '?' and the query */
};

/* An upper bound of what request_write needs. */
size_t request_size(const struct request_line *line, const struct headers *fields, const struct header *extra,
                    unsigned extra_n);

/* Writes "METHOD path?query HTTP/1.1", the fields that are not gone, the extra ones that are not gone, and the empty line.
 * Returns the length; 0 when it does not fit into cap bytes; -1 when a CR, LF or NUL hides in a part: then nothing in
 * `to` may be sent. */
ssize_t request_write(char *to, size_t cap, const struct request_line *line, const struct headers *fields,
                      const struct header *extra, unsigned extra_n);
