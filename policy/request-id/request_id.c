/* policy/request-id/request_id.c - one name for a request, at every hop.
 * SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#define ID_MAX 128                      /* longest id taken over from a client */
#define ID_ROOM 37                      /* longest id made here, and a NUL */

enum trust { TRUST_NEVER, TRUST_TRUSTED, TRUST_ALWAYS };
enum format { FORMAT_UUID7, FORMAT_UUID4, FORMAT_HEX };

struct request_id_conf {
    const char *header_name;
    int trust;
    int format;
};

enum counter { KEPT, MADE, REFUSED };

static const struct sc_counter counters[] = {
    [KEPT] = { "kept_total", "Requests whose id was taken over from the client." },
    [MADE] = { "made_total", "Requests that got a new id." },
    [REFUSED] = { "refused_total", "Ids of clients that were not taken over: not trusted, or malformed." },
    { NULL, NULL }
};

static const struct sc_enum trust_names[] = {
    { "never", TRUST_NEVER }, { "trusted", TRUST_TRUSTED }, { "always", TRUST_ALWAYS }, { NULL, 0 }
};
static const struct sc_enum format_names[] = {
    { "uuid7", FORMAT_UUID7 }, { "uuid4", FORMAT_UUID4 }, { "hex", FORMAT_HEX }, { NULL, 0 }
};

static const struct sc_field fields[] = {
    SC_STRING(struct request_id_conf, header_name, .dflt = "X-Request-ID",
        .doc = "The header that carries the id, in the request to the target and in the answer to the client."),
    SC_ENUM(struct request_id_conf, trust, .names = trust_names, .dflt = "trusted",
        .doc = "Whose id is kept when the request brings one: `trusted`, that of peers on a trusted listener and "
               "of `trusted_proxies`; `always`, anybody's; `never`, nobody's. An id has 1 to 128 characters out "
               "of letters, digits and the other characters of a token (RFC 9110 5.6.2); anything else, and an id "
               "given twice, is replaced."),
    SC_ENUM(struct request_id_conf, format, .names = format_names, .dflt = "uuid7",
        .doc = "How a new id looks: `uuid7` begins with the time in milliseconds, so that ids sort by age; "
               "`uuid4` tells nothing; `hex` is 32 hexadecimal digits without hyphens, as trace ids are. The "
               "random part is made to be unique, not to be secret."),
    SC_END
};

/* --- what an id may be made of --- */

/* RFC 9110 5.6.2: tchar. */
static bool is_token_char(unsigned char c)
{
    static const uint32_t token[8] = { 0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff, 0, 0, 0, 0 };

    return (token[c >> 5] >> (c & 31) & 1) != 0;
}

static bool is_token(struct sc_str s, size_t max)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_token_char((unsigned char)s.p[i]))
            return false;
    return s.n > 0 && s.n <= max;
}

/* Fields that the proxy writes itself, or that mean something to the connection. */
static bool request_id_check(const void *conf, struct sc_error *e)
{
    static const char *const taken[] = {
        "Host", "Connection", "Content-Length", "Content-Type", "Transfer-Encoding", "TE", "Trailer", "Upgrade",
        "Keep-Alive", "Expect", "Via", "Date", "Forwarded", "X-Forwarded-For", "Authorization", "Cookie", "Set-Cookie",
    };
    const struct request_id_conf *c = conf;

    if (!is_token(str_of(c->header_name), ID_MAX))
        return sc_error_set(e, "header_name: not the name of a header");
    for (unsigned i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (strcasecmp(c->header_name, taken[i]) == 0)
            return sc_error_set(e, "header_name: %s has a meaning of its own", taken[i]);
    return true;
}

/* --- making one --- */

/* n bytes as hexadecimal digits; returns the end. */
static char *put_hex(char *to, const unsigned char *from, unsigned n)
{
    static const char digits[] = "0123456789abcdef";

    for (unsigned i = 0; i < n; i++) {
        *to++ = digits[from[i] >> 4];
        *to++ = digits[from[i] & 15];
    }
    return to;
}

static void put_u64(unsigned char to[8], uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        to[i] = (unsigned char)v;
}

/* RFC 9562 section 4: 8-4-4-4-12 digits, the version in front of the third group, the variant of the fourth. */
static size_t put_uuid(char *to, unsigned char raw[16], unsigned version)
{
    char *at = to;

    raw[6] = (unsigned char)(version << 4 | (raw[6] & 0x0f));
    raw[8] = 0x80 | (raw[8] & 0x3f);
    at = put_hex(at, raw, 4);
    *at++ = '-';
    at = put_hex(at, raw + 4, 2);
    *at++ = '-';
    at = put_hex(at, raw + 6, 2);
    *at++ = '-';
    at = put_hex(at, raw + 8, 2);
    *at++ = '-';
    at = put_hex(at, raw + 10, 6);
    return (size_t)(at - to);
}

static struct sc_str make(char to[ID_ROOM], int format, const struct sc_exchange *x)
{
    unsigned char raw[16];
    uint64_t high = sc_random();

    if (format == FORMAT_UUID7)         /* RFC 9562 5.7: 48 bits of milliseconds in front */
        high = (uint64_t)sc_wall(x) << 16 | (high & 0xffff);
    put_u64(raw, high);
    put_u64(raw + 8, sc_random());
    if (format == FORMAT_HEX)
        return (struct sc_str){ to, (size_t)(put_hex(to, raw, 16) - to) };
    return (struct sc_str){ to, put_uuid(to, raw, format == FORMAT_UUID7 ? 7 : 4) };
}

/* --- hooks --- */

static bool may_keep(const struct request_id_conf *conf, const struct sc_exchange *x, struct sc_str id)
{
    struct sc_str second;

    if (conf->trust == TRUST_NEVER || (conf->trust == TRUST_TRUSTED && !sc_peer_is_trusted(x)))
        return false;
    return is_token(id, ID_MAX) && !sc_request_header_nth(x, conf->header_name, 1, &second);
}

static enum sc_verdict request_id_on_request(struct sc_self *self, struct sc_exchange *x)
{
    const struct request_id_conf *conf = self->conf;
    char room[ID_ROOM];
    struct sc_str id;

    if (sc_request_header(x, conf->header_name, &id)) {
        if (may_keep(conf, x, id)) {
            sc_count(self, KEPT, 1);
            sc_set_request_id(x, id);
            return SC_CONTINUE;         /* it is in the outgoing head already */
        }
        sc_count(self, REFUSED, 1);
    }
    id = make(room, conf->format, x);
    sc_count(self, MADE, 1);
    sc_set_request_id(x, id);
    sc_set_request_header(x, conf->header_name, id);
    return SC_CONTINUE;
}

static enum sc_verdict request_id_on_response(struct sc_self *self, struct sc_exchange *x)
{
    const struct request_id_conf *conf = self->conf;

    sc_set_response_header(x, conf->header_name, sc_request_id(x));
    return SC_CONTINUE;
}

SC_POLICY(request_id, "request-id",
    .summary = "Gives every request an id that the target, the client and the logs see.",
    .rank = 10,
    .fields = fields, .conf_size = sizeof(struct request_id_conf), .counters = counters,
    .check = request_id_check,
    .on_request = request_id_on_request,
    .on_response = request_id_on_response);
