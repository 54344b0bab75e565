/* sidecar/proxy/reply.c - answers that the sidecar makes itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/reply.h"

#include "base/buf.h"
#include "proxy/reserved.h"
#include "proxy/view.h"

void reply_error(struct sc_exchange *x, enum err e, const char *detail)
{
    x->res.own = true;
    x->res.custom = false;
    x->res.error = e;
    x->res.code = NULL;
    x->res.status = problem_of(e)->status;
    x->res.detail = detail;
}

void reply_options(struct sc_exchange *x, struct sc_str allow)
{
    reply_error(x, ERR_NONE, NULL);
    x->res.custom = true;
    x->res.status = 200;
    x->res.allow = allow;
    x->res.content_type = x->res.body = STR_NONE;
}

static struct sc_str keep(struct sc_exchange *x, struct buf *b)
{
    struct sc_str s = arena_dup(&x->arena, buf_view(b));

    buf_fini(b);
    return s;
}

/* A policy may give a code of the table with another status, or a code of its own. */
static struct problem problem_for(const struct sc_exchange *x)
{
    struct problem p = *problem_of(x->res.error != ERR_NONE ? x->res.error : ERR_INTERNAL);

    if (x->res.code != NULL && !str_eq(p.code, str_of(x->res.code))) {
        enum err e = problem_find(str_of(x->res.code));

        if (e != ERR_NONE)
            p = *problem_of(e);
        else
            p.code = p.title = str_of(x->res.code);
    }
    p.status = (uint16_t)x->res.status;
    return p;
}

static void render_problem(struct sc_exchange *x)
{
    struct problem p = problem_for(x);
    struct sc_str detail = str_of(x->res.detail);
    struct buf b = BUF_INIT;

    problem_body(&b, &p, detail, x->req.id);
    x->res.body = keep(x, &b);
    x->res.content_type = STR("application/problem+json");
    problem_proxy_status(&b, &p, str_of("outrider"), detail);
    headers_add_id(&x->response.headers, HDR_PROXY_STATUS, keep(x, &b));
    if (x->res.status == 503)
        headers_add_id(&x->response.headers, HDR_RETRY_AFTER, STR("1"));
    if (x->res.error == ERR_METHOD_NOT_ALLOWED && x->res.allow.n == 0)      /* RFC 9110 15.5.6 */
        headers_add_id(&x->response.headers, HDR_ALLOW,
                       router_allow(exchange_plan(x)->router, &x->found, &x->arena));
}

void reply_render(struct sc_exchange *x)
{
    response_init(&x->response, &x->arena, x->res_fields, EXCHANGE_FIELDS, x->req.method == METHOD_HEAD, false);
    x->response.status = (uint16_t)x->res.status;
    x->response.body = BODY_NONE;
    if (!x->res.custom)
        render_problem(x);
    if (x->res.content_type.n > 0)
        headers_add_id(&x->response.headers, HDR_CONTENT_TYPE, x->res.content_type);
    if (x->res.allow.n > 0)
        headers_add_id(&x->response.headers, HDR_ALLOW, x->res.allow);
    if (x->reserved != NULL)
        reserved_fields(x);
}
