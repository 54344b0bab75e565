/* discovery/providers/kube_answer.c - what the API server of Kubernetes answers: pages of a list, events of a watch.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/kube_answer.h"

#include "base/alloc.h"
#include "conf/data.h"
#include "discovery/providers/kube_slice.h"

#include <string.h>

enum { GONE = 410 };

static const char *text_at(const struct data *d, const char *key)
{
    const char *text = data_text(data_get(d, key));

    return text == NULL || *text == '\0' ? NULL : text;
}

static bool is_kind(const struct data *d, const char *kind)
{
    const char *text = text_at(d, "kind");

    return text != NULL && strcmp(text, kind) == 0;
}

/* An object of JSON; NULL with the reason in e. */
static struct data *read_object(struct sc_str text, struct sc_error *e)
{
    struct data *doc = data_parse(text, e);

    if (doc == NULL)
        sc_error_wrap(e, "not JSON");
    else if (!data_is_object(doc)) {
        data_free(&doc);
        sc_error_set(e, "not an object");
    }
    return doc;
}

/* --- lists --- */

static bool check_page(struct kube_page *p, struct sc_error *e)
{
    const struct data *about = data_get(p->doc, "metadata");

    if (!is_kind(p->doc, "EndpointSliceList"))
        return sc_error_set(e, "not a list of EndpointSlices");
    p->items = data_get(p->doc, "items");
    if (data_is_null(p->items))
        p->items = NULL;
    else if (!data_is_list(p->items))
        return sc_error_set(e, "not a list of EndpointSlices: `items` is none");
    p->version = text_at(about, "resourceVersion");
    p->next = text_at(about, "continue");
    return p->version != NULL || sc_error_set(e, "not a list to go on from: it has no `resourceVersion`");
}

bool kube_page_read(struct kube_page *to, struct sc_str text, struct sc_error *e)
{
    *to = (struct kube_page){ .doc = read_object(text, e) };
    if (to->doc == NULL)
        return false;
    if (check_page(to, e))
        return true;
    kube_page_fini(to);
    return false;
}

void kube_page_fini(struct kube_page *p)
{
    data_free(&p->doc);
}

/* --- events --- */

static bool read_type(const char *type, enum kube_event_kind *to)
{
    static const struct { const char *name; enum kube_event_kind kind; } types[] = {
        { "ADDED", KUBE_CHANGED }, { "MODIFIED", KUBE_CHANGED }, { "DELETED", KUBE_DELETED },
        { "BOOKMARK", KUBE_BOOKMARK }, { "ERROR", KUBE_ERROR },
    };

    for (size_t i = 0; type != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(type, types[i].name) == 0) {
            *to = types[i].kind;
            return true;
        }
    return false;
}

/* 410 by its number or by its name: both have been seen without the other. */
static void read_trouble(struct kube_event *ev, const struct data *object)
{
    const char *reason = text_at(object, "reason");
    int64_t code = 0;

    ev->expired = (data_int(data_get(object, "code"), &code) && code == GONE) ||
                  (reason != NULL && (strcmp(reason, "Expired") == 0 || strcmp(reason, "Gone") == 0));
    ev->message = text_at(object, "message");
    if (ev->message == NULL)
        ev->message = reason != NULL ? reason : "an error without a message";
}

static bool check_event(struct kube_event *ev, struct sc_error *e)
{
    const struct data *object = data_get(ev->doc, "object");

    if (!read_type(text_at(ev->doc, "type"), &ev->kind))
        return sc_error_set(e, "not an event of a known type");
    if (!data_is_object(object))
        return sc_error_set(e, "not an event with an object");
    if (ev->kind == KUBE_ERROR) {
        read_trouble(ev, object);
        return true;
    }
    ev->object = object;
    ev->version = text_at(data_get(object, "metadata"), "resourceVersion");
    if (ev->version == NULL)
        return sc_error_set(e, "not an event to go on from: it has no `resourceVersion`");
    if (ev->kind != KUBE_BOOKMARK && kube_slice_name(object) == NULL)
        return sc_error_set(e, "not an event of an EndpointSlice with a name");
    return true;
}

bool kube_event_read(struct kube_event *to, struct sc_str line, struct sc_error *e)
{
    *to = (struct kube_event){ .doc = read_object(line, e) };
    if (to->doc == NULL)
        return false;
    if (check_event(to, e))
        return true;
    kube_event_fini(to);
    return false;
}

void kube_event_fini(struct kube_event *e)
{
    data_free(&e->doc);
}

/* --- what went wrong --- */

char *kube_status_message(struct sc_str text)
{
    struct sc_error e = SC_ERROR_INIT;
    struct data *doc = read_object(text, &e);
    char *message = is_kind(doc, "Status") ? xstrdup(text_at(doc, "message")) : NULL;

    data_free(&doc);
    return message;
}
