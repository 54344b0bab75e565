/* tests/unit/policy/fake.h - an exchange without a proxy around it, for tests of policies.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Defines the calls of policy/policy.h that the proxy defines, with the same promises: what is handed in is copied,
 * header names are compared ignoring case, names and values that may not stand in a head are refused. Time stands
 * still until a test moves it; timers fire from fake_advance(). */
#pragma once

#include "base/arena.h"
#include "http/headers.h"
#include "policy/policy.h"

struct sc_worker {
    unsigned index;
};

struct sc_timer {
    struct sc_exchange *x;
    sc_msec at;
    void (*fn)(struct sc_exchange *x, void *arg);
    void *arg;
    struct sc_timer *next;
};

struct sc_exchange {
    struct arena arena;
    struct sc_str method, scheme, host, path, query, client_ip, route, service;
    bool trusted;
    struct headers request, outgoing, response;     /* as sent, to the target, to the client */
    unsigned status;
    unsigned reply_status;              /* 0: no reply was set */
    struct sc_str reply_code, reply_text, reply_type;
    unsigned resumed;
    enum sc_verdict verdict;            /* of the last sc_resume() */
    struct sc_str id;
    sc_msec now, wall;
    struct sc_timer *timers;
    unsigned logged;
};

/* A GET of http://h.example/ from an untrusted 192.0.2.1. */
void fake_init(struct sc_exchange *x);
void fake_fini(struct sc_exchange *x);
/* A field of the request, which is also in the head to the target. */
void fake_header(struct sc_exchange *x, const char *name, const char *value);
/* The only field of that name, as a string to compare; NULL: none or several. */
const char *fake_outgoing(struct sc_exchange *x, const char *name);
const char *fake_response(struct sc_exchange *x, const char *name);
/* Time passes; timers fire. */
void fake_advance(struct sc_exchange *x, sc_msec ms);
