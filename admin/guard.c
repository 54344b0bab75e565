/* admin/guard.c - who may ask the admin listeners, and for what.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/guard.h"

#include "http/uri.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static bool is_loopback_name(struct sc_str host)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr v4;

    if (str_ieq(host, STR("localhost")) || str_eq(host, STR("[::1]")))
        return true;
    if (host.n >= sizeof text)
        return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    return inet_pton(AF_INET, text, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

/* Any port: tunnels and port mappings change it, and a name that was made to resolve here is a wrong name either way. */
static bool is_our_host(const struct admin_request *r)
{
    struct sc_str host;
    uint16_t port;

    if (r->host.p == NULL)
        return true;                    /* HTTP/1.0: no browser */
    if (!uri_is_authority(r->host))
        return false;
    host = uri_host(r->host, &port);
    if (is_loopback_name(host))
        return true;
    for (unsigned i = 0; i < 2; i++)
        if (r->own[i].n > 0 && str_ieq(host, r->own[i]))
            return true;
    return false;
}

/* RFC 6454: the origin of a page of ours is "http://" and the Host that the browser sends with it. */
static bool is_our_origin(const struct admin_request *r)
{
    static const struct sc_str scheme = STR_INIT("http://");

    if (r->origin.p == NULL)
        return true;
    return r->host.p != NULL && str_starts(r->origin, scheme) && str_ieq(str_skip(r->origin, scheme.n), r->host);
}

/* ---- tokens ---- */

/* Takes as long for a wrong token as for a right one, wherever they differ. secret: not empty. */
static bool same_secret(struct sc_str secret, struct sc_str given)
{
    volatile unsigned char differ = secret.n != given.n;

    for (size_t i = 0; i < given.n; i++)
        differ = (unsigned char)(differ | (secret.p[i % secret.n] ^ given.p[i]));
    return differ == 0;
}

static const struct admin_token *token_find(const struct admin_conf *conf, struct sc_str given)
{
    const struct admin_token *all = conf == NULL ? NULL : conf->tokens.at, *found = NULL;

    for (unsigned i = 0; all != NULL && i < conf->tokens.n; i++)
        if (same_secret(all[i].token.value, given))
            found = &all[i];
    return found;
}

/* RFC 6750 2.1; the name of the scheme in any case (RFC 9110 11.1). */
static bool is_bearer(struct sc_str field, struct sc_str *token)
{
    static const struct sc_str scheme = STR_INIT("Bearer ");

    if (field.n <= scheme.n || !str_ieq((struct sc_str){ field.p, scheme.n }, scheme))
        return false;
    *token = str_trim(str_skip(field, scheme.n));
    return token->n > 0;
}

static bool has_tokens(const struct admin_conf *conf)
{
    return conf != NULL && conf->tokens.n > 0;
}

static enum err challenge(struct guard_pass *pass, const char *why, const char *with)
{
    pass->why = why;
    pass->challenge = with;
    return ERR_UNAUTHENTICATED;
}

static enum err forbid(struct guard_pass *pass, const char *why)
{
    pass->why = why;
    return ERR_FORBIDDEN;
}

static enum err by_token(const struct admin_request *r, const struct admin_conf *conf, struct guard_pass *pass)
{
    const struct admin_token *token;
    struct sc_str given;

    if (!is_bearer(r->authorization, &given))
        return challenge(pass, "expected a bearer token", "Bearer realm=\"outrider\"");
    token = token_find(conf, given);
    if (token == NULL)
        return challenge(pass, "the token is not known here", "Bearer realm=\"outrider\", error=\"invalid_token\"");
    pass->role = token->role;
    pass->token = token->name;
    return ERR_NONE;
}

/* ---- the ways in ---- */

static enum err without_token(const struct admin_request *r, const struct admin_conf *conf, struct guard_pass *pass)
{
    if (!r->local && !r->loopback)
        return has_tokens(conf) ? challenge(pass, "clients of other hosts need a token", "Bearer realm=\"outrider\"")
                                : forbid(pass, "this address serves clients on its own host only");
    if (!r->local && !is_our_host(r))
        return forbid(pass, "the Host is not a name of this address");
    pass->role = r->local && r->trusted ? ROLE_ADMIN : ROLE_VIEWER;
    return ERR_NONE;
}

enum err guard_check(const struct admin_request *r, const struct admin_conf *conf, struct guard_pass *pass)
{
    *pass = (struct guard_pass){ .role = ROLE_NONE };
    if (!is_our_origin(r))
        return forbid(pass, "the request comes from a page of another origin");
    if (r->site.p != NULL && !str_eq(r->site, STR("same-origin")) && !str_eq(r->site, STR("none")))
        return forbid(pass, "the request comes from a page of another site");
    return r->authorization.p != NULL ? by_token(r, conf, pass) : without_token(r, conf, pass);
}

enum err guard_allows(const struct admin_request *r, const struct admin_conf *conf, struct guard_pass *pass, int role)
{
    if (pass->role >= role)
        return ERR_NONE;
    if (pass->token != NULL)
        return forbid(pass, "the role of this token does not allow it");
    if (has_tokens(conf))
        return challenge(pass, "this needs a token", "Bearer realm=\"outrider\"");
    return forbid(pass, r->local ? "this is for root, our own user and the group outrider"
                                 : "this needs a token, and none is configured (`admin.tokens`); or use the unix socket");
}
