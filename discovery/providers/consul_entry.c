/* discovery/providers/consul_entry.c - a service of this host in Consul's words.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/consul_entry.h"

#include "base/jsonw.h"
#include "conf/data.h"
#include "discovery/registration/registration.h"

#include <stdio.h>
#include <string.h>

/* --- what is written --- */

static void milliseconds(struct jsonw *j, const char *key, sc_msec ms)
{
    char text[32];

    snprintf(text, sizeof text, "%lldms", (long long)ms);
    jsonw_text(j, key, text);
}

static const char *status_of(enum enrol_standing s)
{
    return s == ENROL_UNKNOWN ? "critical" : enrol_standing_name(s);
}

enum { CHECK_ID_MAX = 300 };

static const char *check_id(char to[CHECK_ID_MAX], const char *id)
{
    snprintf(to, CHECK_ID_MAX, "service:%s", id);
    return to;
}

static void write_check(struct jsonw *j, const struct registration_conf *c, const char *id, enum enrol_standing s,
                        const char *mark)
{
    char check[CHECK_ID_MAX];

    jsonw_object(j, "Check");
    jsonw_text(j, "CheckID", check_id(check, id));
    jsonw_text(j, "Name", "outrider");
    jsonw_text(j, "Notes", mark);
    milliseconds(j, "TTL", ENROL_LEASE);
    jsonw_text(j, "Status", status_of(s));
    if (c->check != NULL && c->check->deregister_critical_after > 0)
        milliseconds(j, "DeregisterCriticalServiceAfter", c->check->deregister_critical_after);
    jsonw_close(j);
}

static void write_addresses(struct jsonw *j, const struct registration_conf *c)
{
    char host[256];
    uint16_t port;

    jsonw_object(j, "TaggedAddresses");
    for (unsigned i = 0; i < c->tagged_addresses.n; i++) {
        const struct sc_pair *p = &c->tagged_addresses.at[i];

        if (!registration_address(p->value, host, &port))
            continue;                               /* refused when it was loaded */
        jsonw_object_at(j, str_of(p->name));
        jsonw_text(j, "Address", host);
        jsonw_int(j, "Port", port != 0 ? port : c->port);
        jsonw_close(j);
    }
    jsonw_close(j);
}

static void write_words(struct jsonw *j, const struct registration_conf *c)
{
    jsonw_array(j, "Tags");
    for (unsigned i = 0; i < c->tags.n; i++)
        jsonw_text(j, NULL, c->tags.at[i]);
    jsonw_close(j);
    jsonw_object(j, "Meta");
    for (unsigned i = 0; i < c->meta.n; i++)
        jsonw_text(j, c->meta.at[i].name, c->meta.at[i].value);     /* its letters were checked when it was loaded */
    jsonw_close(j);
}

void consul_entry_write(struct buf *to, const struct registration_conf *c, const char *id, enum enrol_standing s,
                        const char *mark)
{
    struct jsonw j = JSONW_INIT(to);

    jsonw_object(&j, NULL);
    jsonw_text(&j, "ID", id);
    jsonw_text(&j, "Name", c->name);
    if (c->address != NULL)
        jsonw_text(&j, "Address", c->address);
    jsonw_int(&j, "Port", c->port);
    if (c->tagged_addresses.n > 0)
        write_addresses(&j, c);
    write_words(&j, c);
    jsonw_object(&j, "Weights");
    jsonw_int(&j, "Passing", c->weight.passing);
    jsonw_int(&j, "Warning", c->weight.warning);
    jsonw_close(&j);
    jsonw_bool(&j, "EnableTagOverride", false);
    write_check(&j, c, id, s, mark);
    jsonw_close(&j);
}

void consul_entry_write_report(struct buf *to, enum enrol_standing s, const char *note)
{
    struct jsonw j = JSONW_INIT(to);

    jsonw_object(&j, NULL);
    jsonw_text(&j, "Status", status_of(s));
    jsonw_text(&j, "Output", note);
    jsonw_close(&j);
}

/* --- what is read --- */

static bool has(struct sc_str body, const char *words)
{
    return body.n > 0 && memmem(body.p, body.n, words, strlen(words)) != NULL;
}

static bool says_unknown(unsigned status, struct sc_str body)
{
    if (status == 404)
        return true;
    return status == 500 && (has(body, "nknown check") || has(body, "nknown service") ||
                             has(body, "does not have associated TTL") || has(body, "does not exist"));
}

enum enrol_outcome consul_entry_outcome(enum enrol_word word, unsigned status, struct sc_str body)
{
    if (status == 200)
        return ENROL_DONE;
    if ((word == ENROL_REPORT || word == ENROL_DEREGISTER) && says_unknown(status, body))
        return ENROL_NOT_THERE;
    return status / 100 == 4 ? ENROL_REFUSED : ENROL_FAILED;
}

static bool is_anothers(const struct data *check, const char *mark)
{
    const char *notes = data_text(data_get(check, "Notes"));

    return notes != NULL && str_starts(str_of(notes), STR(CONSUL_MARK)) && strcmp(notes, mark) != 0;
}

bool consul_entry_is_anothers(struct sc_str body, const char *id, const char *mark)
{
    struct sc_error ignored = SC_ERROR_INIT;
    struct data *doc = data_parse(body, &ignored);
    char check[CHECK_ID_MAX];
    bool is = is_anothers(data_get(doc, check_id(check, id)), mark);

    data_free(&doc);
    return is;
}

/* One item of an answer of the health endpoint. */
static bool is_ours(const struct data *item, const char *id, const char *mark)
{
    const char *there = data_text(data_get(data_get(item, "Service"), "ID"));
    const struct data *checks = data_get(item, "Checks");
    char check[CHECK_ID_MAX];

    if (there == NULL || strcmp(there, id) != 0)
        return false;
    check_id(check, id);
    for (size_t i = 0; i < data_size(checks); i++) {
        const char *name = data_text(data_get(data_at(checks, i), "CheckID"));

        if (name != NULL && strcmp(name, check) == 0 && is_anothers(data_at(checks, i), mark))
            return false;
    }
    return true;
}

enum enrol_outcome consul_entry_find(struct sc_str body, const char *id, const char *mark, struct sc_error *e)
{
    struct data *doc = data_parse(body, e);
    enum enrol_outcome found = ENROL_NOT_THERE;

    if (doc == NULL || !data_is_list(doc)) {
        if (doc != NULL)
            sc_error_set(e, "not a list of instances");
        data_free(&doc);
        return ENROL_FAILED;
    }
    for (size_t i = 0; i < data_size(doc); i++)
        if (is_ours(data_at(doc, i), id, mark))
            found = ENROL_DONE;
    data_free(&doc);
    return found;
}
