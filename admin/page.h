/* admin/page.h - requests to the admin listeners, and the table of what answers them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Knows no HTTP library: a request comes in checked and normalised, an answer is a status and a body. Admin thread. */
#pragma once

#include "admin/admin.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/problem.h"
#include "proxy/config.h"

#include <stdbool.h>

struct admin_request {
    struct arena *arena;                /* of the request */
    struct sc_str method;
    struct sc_str path, query;          /* path normalised (http/uri.h) */
    struct sc_str host, origin, site;   /* Host (or the authority of the target), Origin, Sec-Fetch-Site; p NULL: absent */
    struct sc_str authorization, accept;        /* likewise */
    struct sc_str body;                 /* whole; empty: none */
    bool local;                         /* came over a unix socket */
    bool loopback;                      /* the client is on this host */
    bool trusted;                       /* over a unix socket: root, our own user, or a member of the group */
    const char *who;                    /* for the log: "uid 1000 (pid 4711)", "127.0.0.1" */
    const char *token;                  /* for pages: the name of the token that was shown; NULL: none */
    struct sc_str own[2];               /* what the listener may be called besides localhost: address, stated host */
};

struct admin_answer {
    unsigned status;
    const char *type;                   /* Content-Type */
    const char *allow;                  /* Allow of a 405, else NULL */
    const char *challenge;              /* WWW-Authenticate of a 401, else NULL */
    bool reload;                        /* not answered yet: the configuration is to be read again (changes.h) */
    struct buf body;                    /* the caller's to free */
};

/* Always makes an answer. */
void page_answer(const struct admin_state *state, const struct admin_request *r, struct admin_answer *a);
/* The same for somebody of whom nothing is known but that he got to a data listener: what viewers may look at, by GET or
 * HEAD. */
void page_answer_anybody(const struct admin_state *state, const struct admin_request *r, struct admin_answer *a);
/* An answer that is an error. `detail` may be empty. */
void page_problem(struct admin_answer *a, enum err e, struct sc_str detail);
/* 409: it cannot be done as things are, which `why` says. */
void page_conflict(struct admin_answer *a, const char *why);
/* Whether the query has name=value. */
bool page_asks(const struct admin_request *r, struct sc_str name, struct sc_str value);
/* The value of the query's first `name`, decoded, in the request's arena; p NULL: there is none. */
struct sc_str page_query(const struct admin_request *r, struct sc_str name);
/* The body, which is a JSON object, by a table of fields (conf/field.h), with their defaults; nothing is as good as an empty
 * object. False: the answer says all that is wrong with it. Texts are the request's arena's. */
bool page_read(const struct admin_request *r, const struct sc_field *fields, void *to, struct admin_answer *a);

/* The first of them is GET and HEAD and changes nothing; the others do, and who asked for them is in the log. */
enum page_verb { PAGE_READS, PAGE_POST, PAGE_PUT, PAGE_DELETE };

/* One page: fills `a`, whose status is 200 and type JSON. name: the segment (decoded) where the path has a "*". */
struct page {
    const char *path;                   /* "/health/services"; one segment may be "*", which takes a name */
    const char *summary;                /* for the index */
    void (*answer)(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                   struct admin_answer *a);
    int verb;                           /* enum page_verb */
    int role;                           /* enum admin_role: the least that is needed */
};

/* The table, in its order; NULL behind its end. */
const struct page *page_at(unsigned i);
/* "GET", static. */
const char *page_verb_name(int verb);
