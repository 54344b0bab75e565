/* sidecar/proxy/rewrite.c - the path that the target gets to see.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/rewrite.h"

#include "proxy/route_path.h"

const struct sc_field rewrite_fields[] = {
    SC_STRING(struct rewrite_conf, strip_prefix,
        .doc = "Taken from the front of the path where it stands there as whole segments: `/api` is taken from "
               "`/api` and `/api/x`, not from `/apis`. A path without it stays as it is."),
    SC_STRING(struct rewrite_conf, prefix,
        .doc = "Put before the path, after something was taken from it: with `strip_prefix: /api` and `prefix: /v1`, "
               "`/api/users` becomes `/v1/users`."),
    SC_INT(struct rewrite_conf, strip_segments, .dflt = "0", .min = 0, .max = ROUTE_SEGMENTS_MAX,
        .doc = "How many segments to take from the front of the path: 2 makes `/a/b/c` into `/c`."),
    SC_STRING(struct rewrite_conf, path,
        .doc = "The whole new path, instead of the keys above. `{name}` is the segment of that name in the "
               "route's path, `**` as the last segment is what `**` stood for there: `/users/{id}/**`."),
    SC_END
};

/* --- checking --- */

/* What is written here is sent as it is, so it has to be written as it is sent. */
static bool is_normal(const struct route_path *p, const char *text, struct sc_error *e)
{
    struct sc_str rest = str_skip(str_of(text), 1), raw;

    for (unsigned i = 0; i < p->n && str_split(&rest, '/', &raw); i++)
        if (!p->at[i].wild && !str_eq(p->at[i].text, raw))
            return sc_error_set(e, "write \"%.*s\" as \"%.*s\"", STR_ARG(raw), STR_ARG(p->at[i].text));
    return true;
}

static bool parse(struct route_path *p, const char *text, struct arena *a, struct sc_error *e)
{
    if (!route_path_parse(p, text, a, e))
        return false;
    if (p->is_regex)
        return sc_error_set(e, "a path, not an expression, is wanted here");
    if (p->has_empty)
        return sc_error_set(e, "an empty segment in \"%s\"", text);
    return is_normal(p, text, e);
}

static bool check_literal(const char *key, const char *text, struct arena *a, struct sc_error *e)
{
    struct route_path p;
    bool ok;

    if (text == NULL)
        return true;
    ok = parse(&p, text, a, e);
    for (unsigned i = 0; ok && i < p.n; i++)
        ok = !p.at[i].wild || sc_error_set(e, "only literal segments are possible here");
    if (ok && p.has_rest)
        ok = sc_error_set(e, "\"**\" is not possible here");
    return ok || sc_error_wrap(e, "%s", key);
}

static bool has_name(const struct route_path *p, struct sc_str name)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->at[i].wild && str_eq(p->at[i].text, name))
            return true;
    return false;
}

/* What the new path uses must be there whichever of the route's paths was the one that matched. */
static bool check_names(const struct route_path *p, const char *from, struct arena *a, struct sc_error *e)
{
    struct sc_error unused;
    struct route_path source;

    if (!route_path_parse(&source, from, a, &unused))
        return true;                /* reported with the route's paths */
    if (p->has_rest && !source.has_rest)
        return sc_error_set(e, "\"**\": the route's path \"%s\" has none", from);
    for (unsigned i = 0; i < p->n; i++)
        if (p->at[i].wild && !has_name(&source, p->at[i].text))
            return sc_error_set(e, "\"{%.*s}\": the route's path \"%s\" has no such segment", STR_ARG(p->at[i].text),
                                from);
    return true;
}

static bool check_path(const char *text, const struct route_match *match, struct arena *a, struct sc_error *e)
{
    struct route_path p;

    if (!parse(&p, text, a, e))
        return false;
    for (unsigned i = 0; i < p.n; i++)
        if (p.at[i].wild && p.at[i].text.n == 0)
            return sc_error_set(e, "\"*\" has no name to be told by: use \"{name}\" here and in the route's path");
    if ((p.nnames > 0 || p.has_rest) && match->paths.n == 0)
        return sc_error_set(e, "the route has no path that this could be taken from");
    for (unsigned i = 0; i < match->paths.n; i++)
        if (!check_names(&p, match->paths.at[i], a, e))
            return false;
    return true;
}

bool rewrite_check(const struct rewrite_conf *r, const struct route_match *match, struct sc_error *e)
{
    struct arena a;
    bool ok;

    arena_init(&a, 1024);
    ok = check_literal("strip_prefix", r->strip_prefix, &a, e) && check_literal("prefix", r->prefix, &a, e);
    if (ok && r->path != NULL) {
        if (r->strip_prefix != NULL || r->prefix != NULL || r->strip_segments != 0)
            ok = sc_error_set(e, "path: stands alone, without strip_prefix, prefix and strip_segments");
        else
            ok = check_path(r->path, match, &a, e) || sc_error_wrap(e, "path");
    }
    arena_fini(&a);
    return ok;
}

/* --- applying --- */

static struct sc_str without_last_slash(const char *text)
{
    struct sc_str s = str_of(text);

    if (s.n > 0 && s.p[s.n - 1] == '/')
        s.n--;
    return s;
}

static struct sc_str strip_segments(struct sc_str path, int64_t n)
{
    for (; n > 0 && path.n > 0; n--) {
        const char *slash = str_chr(str_skip(path, 1), '/');

        path = slash == NULL ? str_skip(path, path.n) : str_range(slash, path.p + path.n);
    }
    return path;
}

static struct sc_str strip_prefix(struct sc_str path, struct sc_str prefix)
{
    if (str_starts(path, prefix) && (path.n == prefix.n || path.p[prefix.n] == '/'))
        return str_skip(path, prefix.n);
    return path;
}

/* Where slashes are not merged, taking "/a" from "/a//b" must not leave what looks like an authority. */
static struct sc_str one_slash(struct sc_str path)
{
    while (path.n > 1 && path.p[0] == '/' && path.p[1] == '/')
        path = str_skip(path, 1);
    return path;
}

static struct sc_str join(struct sc_str prefix, struct sc_str rest, struct arena *a)
{
    char *to = arena_alloc(a, prefix.n + rest.n + 1);

    memcpy(to, prefix.p, prefix.n);
    if (rest.n > 0)
        memcpy(to + prefix.n, rest.p, rest.n);
    return (struct sc_str){ to, prefix.n + rest.n };
}

/* What a segment of the new path stands for. */
static struct sc_str value_of(struct sc_str segment, const struct route_found *found)
{
    if (segment.n == 0 || (segment.p[0] != '{' && segment.p[0] != '*'))
        return segment;
    if (segment.p[0] == '*')
        return found->has_rest ? found->rest : STR_NONE;
    segment = (struct sc_str){ segment.p + 1, segment.n - 2 };
    for (unsigned i = 0; i < found->nparams; i++)
        if (str_eq(found->params[i].name, segment))
            return found->params[i].value;
    return STR_NONE;
}

static struct sc_str expand(struct sc_str form, const struct route_found *found, struct arena *a)
{
    struct sc_str rest = str_skip(form, 1), segment;
    size_t n = 0;
    char *to;

    while (str_split(&rest, '/', &segment))
        n += 1 + value_of(segment, found).n;
    to = arena_alloc(a, n);
    rest = str_skip(form, 1);
    n = 0;
    while (str_split(&rest, '/', &segment)) {
        segment = value_of(segment, found);
        to[n++] = '/';
        if (segment.n > 0)
            memcpy(to + n, segment.p, segment.n);
        n += segment.n;
    }
    return (struct sc_str){ to, n };
}

struct sc_str rewrite_apply(const struct rewrite_conf *r, struct sc_str path, const struct route_found *found,
                            struct arena *a)
{
    struct sc_str rest = path, prefix;

    if (path.n == 0 || path.p[0] != '/')
        return path;                /* "*" */
    if (r->path != NULL)
        return one_slash(expand(str_of(r->path), found, a));
    rest = strip_segments(rest, r->strip_segments);
    if (r->strip_prefix != NULL)
        rest = strip_prefix(rest, without_last_slash(r->strip_prefix));
    if (rest.p != path.p)
        rest = one_slash(rest);
    prefix = r->prefix == NULL ? STR_NONE : without_last_slash(r->prefix);
    if (prefix.n > 0)
        return join(prefix, rest, a);
    return rest.n > 0 ? rest : STR("/");
}
