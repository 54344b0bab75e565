/* discovery/providers/etcd_conf.c - the keys of a registry that is etcd.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/etcd.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "conf/load.h"

#include <stdlib.h>
#include <string.h>

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value == NULL || *value == '\0' ? NULL : value;
}

static void from_environment(const char **key, const char *name)
{
    if (*key == NULL)
        *key = environment(name);
}

/* --- addresses --- */

static const char *with_scheme(struct arena *a, struct sc_str word, bool tls)
{
    const char *text = arena_dupz(a, word);

    if (strstr(text, "://") != NULL || strncmp(text, "unix:", 5) == 0)
        return text;
    return arena_printf(a, "%s://%s", tls ? "https" : "http", text);
}

/* "host:port,host:port", perhaps with schemes; certificates stand for https, as for etcdctl. */
static void default_address(struct arena *a, struct rest_conf *rest)
{
    struct sc_str words = str_of(environment("ETCDCTL_ENDPOINTS")), word;
    const char **at;
    unsigned n = 0;

    if (rest->address.n > 0)
        return;
    if (words.n == 0)
        words = STR("127.0.0.1:2379");
    at = arena_alloc(a, (words.n + 1) * sizeof *at);
    while (str_split(&words, ',', &word))
        if (str_trim(word).n > 0)
            at[n++] = with_scheme(a, str_trim(word), rest->ca != NULL || rest->certificate != NULL);
    rest->address = (struct sc_strings){ at, n };
}

/* --- users --- */

/* "name:password", or a name with ETCDCTL_PASSWORD. */
static void default_user(struct arena *a, struct etcd_conf *c)
{
    const char *word = environment("ETCDCTL_USER"), *password = environment("ETCDCTL_PASSWORD"), *colon;

    if (c->user != NULL || word == NULL)
        return;
    colon = password != NULL ? NULL : strchr(word, ':');
    c->user = colon == NULL ? word : arena_dupz(a, str_range(word, colon));
    if (c->password.value.p == NULL && c->password.file == NULL)
        c->password.value = str_of(colon != NULL ? colon + 1 : password);
}

static bool check_user(struct conf_load *load, const struct node *at, const struct etcd_conf *c)
{
    bool has_password = c->password.value.p != NULL || c->password.file != NULL;

    if ((c->user != NULL) != has_password)
        return load_error(load, at, "`user` and `password` belong together");
    if (c->user != NULL && (c->rest.token.value.p != NULL || c->rest.token.file != NULL))
        return load_error(load, at, "either `token`, or `user` and `password`");
    return true;
}

/* --- keys --- */

static bool has_control(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return true;
    return false;
}

static bool is_true(const char *word)
{
    return word != NULL && (strcmp(word, "true") == 0 || strcmp(word, "1") == 0);
}

/* Configuration wins over environment, key by key. */
bool etcd_check(struct conf_load *load, const struct node *at, void *conf)
{
    struct etcd_conf *c = conf;
    struct rest_conf *rest = &c->rest;

    from_environment(&rest->ca, "ETCDCTL_CACERT");
    if (rest->certificate == NULL && rest->key == NULL) {
        rest->certificate = environment("ETCDCTL_CERT");
        rest->key = environment("ETCDCTL_KEY");
    }
    default_address(load->arena, rest);
    default_user(load->arena, c);
    if (node_get(at, "verify") == NULL && is_true(environment("ETCDCTL_INSECURE_SKIP_TLS_VERIFY")))
        rest->verify = false;
    if (has_control(c->prefix))
        return load_error(load, node_get(at, "prefix"), "a prefix holds a control character");
    return check_user(load, at, c) && rest_check(load, at, rest);
}

bool etcd_check_source(struct conf_load *load, const struct node *at, void *conf)
{
    const struct etcd_source *s = conf;

    if (s->service != NULL && has_control(s->service))
        return load_error(load, node_get(at, "service"), "a name holds a control character");
    return true;
}

char *etcd_prefix_of(const struct watch *w)
{
    const struct etcd_conf *conf = w->registry->conf;
    const struct etcd_source *source = w->conf;

    return xasprintf("%s%s/", conf->prefix, source->service != NULL ? source->service : w->service);
}

#define C struct etcd_conf
const struct sc_field etcd_fields[] = {
    SC_INLINE(C, rest, struct rest_conf, rest_fields),
    SC_STRING(C, prefix, .dflt = "/services/", .max = 1024,
              .doc = "What the keys begin with. `PREFIX` and the service's name, a slash and the name of an instance make a "
                     "key; what has further slashes is passed over. The value is `host:port` (an IPv6 address in "
                     "brackets), or an object of JSON with the keys of a target in a file (`host`, `port`, `weight`, "
                     "`zone`, `node`, `tags`, `meta`, `tls`, `tier`) and `state`: `passing`, `warning`, "
                     "`critical` or `maintenance`."),
    SC_STRING(C, user, .doc = "Who we are, with `password`: etcd gives a token for it, which is renewed when it is "
                              "refused."),
    SC_SECRETF(C, password, .doc = "The user's. `password_file` is read again whenever a token is asked for."),
    SC_MSEC(C, wait, .dflt = "60s", .min = 1000, .max = 600000,
            .doc = "A watch is begun anew after this time, give or take a tenth, where it was. That is how soon a silent "
                   "member is noticed, not how soon a change is."),
    SC_END
};
#undef C

#define S struct etcd_source
const struct sc_field etcd_source_fields[] = {
    SC_STRING(S, service, .min = 1, .max = 1024, .doc = "The name in etcd, behind the prefix; default: the service's own."),
    SC_END
};
#undef S
