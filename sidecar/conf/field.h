/* sidecar/conf/field.h - configuration declared in tables (public: part of the policy interface).
 * SPDX-License-Identifier: Apache-2.0
 *
 * One table of struct sc_field describes one object: from it come checking, typed loading, defaults, the JSON Schema,
 * `outrider help`, the man page and the reference. Values land in a plain struct at `offset`. All memory of a loaded
 * value belongs to the arena it was loaded into. */
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

struct arena;
struct buf;
struct node;
struct conf_load;

enum sc_type {
    SC_T_END,
    SC_T_BOOL,          /* bool                                               */
    SC_T_INT,           /* int64_t                                            */
    SC_T_NUMBER,        /* double                                             */
    SC_T_PERCENT,       /* int64_t, millionths: 20% = 200000                  */
    SC_T_MSEC,          /* sc_msec                                            */
    SC_T_SIZE,          /* int64_t, bytes                                     */
    SC_T_STRING,        /* const char *, NUL-terminated; NULL = not given     */
    SC_T_SECRET,        /* struct sc_secret; the key also exists as KEY_file  */
    SC_T_ENUM,          /* int, one of .names                                 */
    SC_T_CIDR,          /* struct sc_cidr                                     */
    SC_T_STRINGS,       /* struct sc_strings                                  */
    SC_T_CIDRS,         /* struct sc_cidrs                                    */
    SC_T_PAIRS,         /* struct sc_pairs: a map of strings; null = p NULL   */
    SC_T_OBJECT,        /* the member is a struct described by .fields        */
    SC_T_OBJECTS,       /* struct sc_list of structs of .size, .fields        */
    SC_T_CUSTOM,        /* .custom does it                                    */
    SC_T_INLINE,        /* no key of its own: the rows of .fields, at .offset; lets two layers share one object */
};

enum {
    SC_REQUIRED   = 1,  /* must be given                                      */
    SC_RESTART    = 2,  /* a change needs a restart                           */
    SC_DEPRECATED = 4,
    SC_OPTIONAL   = 8,  /* SC_T_OBJECT: the member is `struct x *`, NULL until the key is present */
};

struct sc_enum {
    const char *name;                    /* NULL ends the list                 */
    int value;
};

struct sc_secret {
    struct sc_str value;                 /* .p NULL: not given                 */
    const char *file;                    /* from KEY_file, else NULL           */
};

struct sc_cidr {
    uint8_t family;                      /* AF_INET, AF_INET6; 0 = not given   */
    uint8_t bits;
    struct in6_addr address;             /* IPv4 in the first four bytes       */
};

struct sc_strings { const char *const *at; unsigned n; };
struct sc_cidrs { const struct sc_cidr *at; unsigned n; };
struct sc_pair { const char *name, *value; };
struct sc_pairs { const struct sc_pair *at; unsigned n; };
struct sc_list { void *at; unsigned n; };

struct sc_field {
    const char *name;                    /* the key; NULL name in an END row   */
    enum sc_type type;
    unsigned flags;
    size_t offset;                       /* where the value lands              */
    const char *dflt;                    /* as a user would write it: "30s", "[GET, HEAD]"; NULL = zero value */
    int64_t min, max;                    /* inclusive; both 0 = the type's own. Strings, lists: of their length */
    const struct sc_enum *names;         /* SC_T_ENUM                          */
    const struct sc_field *fields;       /* SC_T_OBJECT, SC_T_OBJECTS          */
    size_t size;                         /* SC_T_OBJECT(S), SC_T_CUSTOM: of one struct */
    /* Short forms. SC_T_OBJECT, and the items of SC_T_OBJECTS: what is not a map stands for this one key, which may be
     * nested ("a.b"): `timeout: 10s` = `timeout: { total: 10s }`. SC_T_STRINGS, SC_T_CIDRS, SC_T_OBJECTS take one item
     * for a list of one without it. */
    const char *brief;
    /* SC_T_CUSTOM: reads `at` (never NULL, never a null node) into `to` (zeroed); reports its mistakes through
     * load_error() and returns false after one. Not called while the key is absent, unless there is a .dflt.
     * `schema` is the JSON Schema of what it takes; `print` (may be NULL: shown as null) writes the value back as JSON.
     * .fields of a custom row only document what stands inside. */
    bool (*custom)(struct conf_load *load, const struct node *at, void *to);
    const char *schema;
    void (*print)(const void *value, struct buf *out);
    const char *doc;                     /* one paragraph                      */
};

/* 0, or a compile error when member m of S is not of type T. */
#define SC_IS(S, m, T) (0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((S *)0)->m), T) ? 1 : -1]))
#define SC_FIELD(S, m, T, ty, ...) \
    { .name = #m, .type = (ty), .offset = offsetof(S, m) + SC_IS(S, m, T), __VA_ARGS__ }
#define SC_BOOL(S, m, ...)    SC_FIELD(S, m, bool, SC_T_BOOL, __VA_ARGS__)
#define SC_INT(S, m, ...)     SC_FIELD(S, m, int64_t, SC_T_INT, __VA_ARGS__)
#define SC_NUMBER(S, m, ...)  SC_FIELD(S, m, double, SC_T_NUMBER, __VA_ARGS__)
#define SC_PERCENT(S, m, ...) SC_FIELD(S, m, int64_t, SC_T_PERCENT, __VA_ARGS__)
#define SC_MSEC(S, m, ...)    SC_FIELD(S, m, sc_msec, SC_T_MSEC, __VA_ARGS__)
#define SC_SIZE(S, m, ...)    SC_FIELD(S, m, int64_t, SC_T_SIZE, __VA_ARGS__)
#define SC_STRING(S, m, ...)  SC_FIELD(S, m, const char *, SC_T_STRING, __VA_ARGS__)
#define SC_SECRETF(S, m, ...) SC_FIELD(S, m, struct sc_secret, SC_T_SECRET, __VA_ARGS__)
#define SC_ENUM(S, m, ...)    SC_FIELD(S, m, int, SC_T_ENUM, __VA_ARGS__)
#define SC_CIDR(S, m, ...)    SC_FIELD(S, m, struct sc_cidr, SC_T_CIDR, __VA_ARGS__)
#define SC_STRINGS(S, m, ...) SC_FIELD(S, m, struct sc_strings, SC_T_STRINGS, __VA_ARGS__)
#define SC_CIDRS(S, m, ...)   SC_FIELD(S, m, struct sc_cidrs, SC_T_CIDRS, __VA_ARGS__)
#define SC_PAIRS(S, m, ...)   SC_FIELD(S, m, struct sc_pairs, SC_T_PAIRS, __VA_ARGS__)
#define SC_OBJECT(S, m, T, F, ...) \
    { .name = #m, .type = SC_T_OBJECT, .offset = offsetof(S, m) + SC_IS(S, m, T), .fields = (F), .size = sizeof(T), \
      __VA_ARGS__ }
/* The member is a pointer: NULL while the key is absent. */
#define SC_OBJECT_OPT(S, m, T, F, ...) \
    { .name = #m, .type = SC_T_OBJECT, .offset = offsetof(S, m) + SC_IS(S, m, T *), .fields = (F), .size = sizeof(T), \
      .flags = SC_OPTIONAL, __VA_ARGS__ }
#define SC_OBJECTS(S, m, T, F, ...) \
    { .name = #m, .type = SC_T_OBJECTS, .offset = offsetof(S, m) + SC_IS(S, m, struct sc_list), .fields = (F), \
      .size = sizeof(T), __VA_ARGS__ }
#define SC_CUSTOM(S, m, T, fn, ...) \
    { .name = #m, .type = SC_T_CUSTOM, .offset = offsetof(S, m) + SC_IS(S, m, T), .custom = (fn), \
      .size = sizeof(T), __VA_ARGS__ }
#define SC_INLINE(S, m, T, F) \
    { .name = #m, .type = SC_T_INLINE, .offset = offsetof(S, m) + SC_IS(S, m, T), .fields = (F), .size = sizeof(T) }
#define SC_END { .type = SC_T_END }
