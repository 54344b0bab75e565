/* sidecar/http/regex.c - regular expressions that a stranger's text cannot make run away.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/regex.h"

#include "base/alloc.h"

#include <pthread.h>
#include <stdatomic.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Steps, and nesting: far above what an honest pattern needs for 8 KiB of path, far below a noticeable pause. */
#define MATCH_LIMIT   100000
#define DEPTH_LIMIT   20000
#define HEAP_LIMIT    1024              /* KiB */
#define JIT_STACK     (32 * 1024)
#define JIT_STACK_MAX (256 * 1024)

struct regex {
    pcre2_code *code;
};

/* What a thread needs to match. */
struct matcher {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

static atomic_uint_fast64_t limit_hits;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static __thread struct matcher *mine;

static void matcher_free(void *p)
{
    struct matcher *m = p;

    pcre2_match_data_free(m->data);
    pcre2_match_context_free(m->context);
    pcre2_jit_stack_free(m->stack);
    free(m);
}

/* The destructor of a thread's value does not run for the main thread when the process exits. */
static void free_mine(void)
{
    if (mine != NULL)
        matcher_free(mine);
    mine = NULL;
}

static void make_key(void)
{
    if (pthread_key_create(&key, matcher_free) != 0)
        abort();
    atexit(free_mine);
}

static struct matcher *matcher_new(void)
{
    struct matcher *m = xnew(struct matcher);

    m->data = pcre2_match_data_create(1, NULL);
    m->context = pcre2_match_context_create(NULL);
    if (m->data == NULL || m->context == NULL)
        abort();
    pcre2_set_match_limit(m->context, MATCH_LIMIT);
    pcre2_set_depth_limit(m->context, DEPTH_LIMIT);
    pcre2_set_heap_limit(m->context, HEAP_LIMIT);
    m->stack = pcre2_jit_stack_create(JIT_STACK, JIT_STACK_MAX, NULL);   /* NULL without JIT: the machine's is used */
    pcre2_jit_stack_assign(m->context, NULL, m->stack);
    return m;
}

static struct matcher *matcher(void)
{
    if (mine == NULL) {
        pthread_once(&once, make_key);
        mine = matcher_new();
        pthread_setspecific(key, mine);
    }
    return mine;
}

static bool refuse(struct sc_error *e, int code, size_t at)
{
    PCRE2_UCHAR text[256];

    pcre2_get_error_message(code, text, sizeof text);
    return sc_error_set(e, "at offset %zu: %s", at, (char *)text);
}

struct regex *regex_new(struct sc_str pattern, struct sc_error *e)
{
    const uint32_t options = PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP;
    PCRE2_SIZE at;
    struct regex *r;
    pcre2_code *code;
    int error;

    if (pattern.n > REGEX_PATTERN_MAX) {
        sc_error_set(e, "longer than %d bytes", REGEX_PATTERN_MAX);
        return NULL;
    }
    code = pcre2_compile((PCRE2_SPTR)(pattern.n > 0 ? pattern.p : ""), pattern.n, options, &error, &at, NULL);
    if (code == NULL) {
        refuse(e, error, at);
        return NULL;
    }
    /* Refused (-48 and others) where memory may not be both written and run: then it is interpreted. */
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    r = xnew(struct regex);
    r->code = code;
    return r;
}

void regex_free(struct regex **r)
{
    if (*r != NULL)
        pcre2_code_free((*r)->code);
    free(*r);
    *r = NULL;
}

bool regex_match(const struct regex *r, struct sc_str subject)
{
    struct matcher *m = matcher();
    int n = pcre2_match(r->code, (PCRE2_SPTR)(subject.n > 0 ? subject.p : ""), subject.n, 0, 0, m->data, m->context);

    if (n < 0 && n != PCRE2_ERROR_NOMATCH)
        atomic_fetch_add_explicit(&limit_hits, 1, memory_order_relaxed);
    return n >= 0;
}

uint64_t regex_limit_hits(void)
{
    return atomic_load_explicit(&limit_hits, memory_order_relaxed);
}

/* --- the literal beginning --- */

/* Past the "]" of the class that begins at p, or NULL when it has an end that is not easily told. */
static const char *skip_class(const char *p, const char *end)
{
    p++;
    if (p < end && *p == '^')
        p++;
    if (p < end && *p == ']')
        p++;
    for (; p < end && *p != ']'; p++) {
        if (*p == '[')
            return NULL;                /* [:alpha:] and the like */
        if (*p == '\\')
            p++;
        if (p < end && (*p == 'Q' || *p == 'E') && p[-1] == '\\')
            return NULL;
    }
    return p < end ? p + 1 : NULL;
}

/* True when nothing in the pattern could make its beginning optional: no alternative at the top, and no syntax that
 * would need more than this to be read. */
static bool is_one_sequence(const char *p, const char *end)
{
    unsigned depth = 0;

    while (p < end) {
        switch (*p) {
        case '\\':
            if (p + 1 == end || p[1] == 'Q' || p[1] == 'E')
                return false;
            p += 2;
            continue;
        case '[':
            p = skip_class(p, end);
            if (p == NULL)
                return false;
            continue;
        case '(':
            if (p + 1 < end && p[1] == '*')
                return false;
            if (p + 2 < end && p[1] == '?' && strchr(":<P=!>", p[2]) == NULL)
                return false;           /* comments, and options such as x */
            depth++;
            break;
        case ')':
            if (depth > 0)
                depth--;
            break;
        case '|':
            if (depth == 0)
                return false;
            break;
        }
        p++;
    }
    return true;
}

static bool is_plain(char c)
{
    return c > 0x20 && c < 0x7f && strchr("\\^$.[]|()?*+{}", c) == NULL;
}

static bool is_escaped_plain(const char *p, const char *end)
{
    return *p == '\\' && p + 1 < end && p[1] > 0x20 && p[1] < 0x7f &&
           !((p[1] | 32) >= 'a' && (p[1] | 32) <= 'z') && !(p[1] >= '0' && p[1] <= '9');
}

size_t regex_prefix(struct sc_str pattern, char *to, size_t room)
{
    const char *p = pattern.p, *end = p + pattern.n;
    size_t n = 0;

    if (pattern.n == 0 || *p != '^' || !is_one_sequence(p, end))
        return 0;
    for (p++; p < end && n < room; n++) {
        if (is_escaped_plain(p, end))
            p++;
        else if (!is_plain(*p))
            break;
        to[n] = *p++;
    }
    /* What is repeated may be there zero times. */
    if (n > 0 && p < end && strchr("?*{", *p) != NULL)
        n--;
    return n;
}

const char *regex_library_version(void)
{
    static char text[64];

    if (text[0] == '\0' && pcre2_config(PCRE2_CONFIG_VERSION, NULL) < (int)sizeof text)
        pcre2_config(PCRE2_CONFIG_VERSION, text);
    text[strcspn(text, " ")] = '\0';             /* the date behind it says nothing more */
    return text;
}

const char *regex_degraded(void)
{
    uint32_t jit = 0;

    pcre2_config(PCRE2_CONFIG_JIT, &jit);
    return jit != 0 ? NULL : "this pcre2 has no JIT: regular expressions of routes are interpreted";
}
