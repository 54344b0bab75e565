/* tests/unit/discovery/kube_answer.c - pages and events of the API server, whole, cut and odd.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "conf/data.h"
#include "discovery/providers/kube_answer.h"
#include "discovery/providers/kube_slice.h"
#include "discovery/providers/lines.h"

#include <stdlib.h>

/* --- pages --- */

static void a_page_says_what_comes_next(void **state)
{
    struct sc_error e = SC_ERROR_INIT;
    struct kube_page p;

    (void)state;
    assert_true(kube_page_read(&p, STR("{\"kind\":\"EndpointSliceList\",\"apiVersion\":\"discovery.k8s.io/v1\",\"metadata\":"
                                       "{\"resourceVersion\":\"17\",\"continue\":\"abc\"},\"items\":[{},{}]}"), &e));
    assert_string_equal(p.version, "17");
    assert_string_equal(p.next, "abc");
    assert_int_equal(data_size(p.items), 2);
    kube_page_fini(&p);
    assert_true(kube_page_read(&p, STR("{\"kind\":\"EndpointSliceList\",\"metadata\":{\"resourceVersion\":\"18\","
                                       "\"continue\":\"\"},\"items\":null}"), &e));
    assert_null(p.next);
    assert_null(p.items);
    kube_page_fini(&p);
}

static void no_page(const char *text, const char *why)
{
    struct sc_error e = SC_ERROR_INIT;
    struct kube_page p;

    if (kube_page_read(&p, str_of(text), &e))
        fail_msg("%s was taken", text);
    if (strstr(e.text, why) == NULL)
        fail_msg("%s: %s", text, e.text);
    assert_null(p.doc);
}

static void what_is_no_page_is_refused(void **state)
{
    (void)state;
    no_page("", "not JSON");
    no_page("<html>", "not JSON");
    no_page("[]", "not an object");
    no_page("{}", "not a list of EndpointSlices");
    no_page("{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}", "not a list of EndpointSlices");
    no_page("{\"kind\":\"Status\",\"status\":\"Failure\"}", "not a list of EndpointSlices");
    no_page("{\"kind\":\"EndpointSliceList\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":{}}", "`items`");
    no_page("{\"kind\":\"EndpointSliceList\",\"metadata\":{\"resourceVersion\":\"\"},\"items\":[]}", "resourceVersion");
    no_page("{\"kind\":\"EndpointSliceList\",\"metadata\":{\"resourceVersion\":17},\"items\":[]}", "resourceVersion");
    no_page("{\"kind\":\"EndpointSliceList\",\"items\":[]}", "resourceVersion");
}

/* --- events --- */

#define OBJECT "{\"kind\":\"EndpointSlice\",\"metadata\":{\"name\":\"web-1\",\"resourceVersion\":\"5\"}}"

static void kind_is(const char *text, enum kube_event_kind want)
{
    struct sc_error e = SC_ERROR_INIT;
    struct kube_event ev;

    if (!kube_event_read(&ev, str_of(text), &e))
        fail_msg("%s: %s", text, e.text);
    assert_int_equal(ev.kind, want);
    assert_string_equal(ev.version, "5");
    if (want != KUBE_BOOKMARK)
        assert_string_equal(kube_slice_name(ev.object), "web-1");
    kube_event_fini(&ev);
}

static void events_are_of_four_kinds(void **state)
{
    (void)state;
    kind_is("{\"type\":\"ADDED\",\"object\":" OBJECT "}", KUBE_CHANGED);
    kind_is("{\"type\":\"MODIFIED\",\"object\":" OBJECT "}", KUBE_CHANGED);
    kind_is("{\"object\":" OBJECT ",\"type\":\"DELETED\"}", KUBE_DELETED);
    kind_is("{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"5\"}}}", KUBE_BOOKMARK);
}

static void error_is(const char *object, bool expired, const char *message)
{
    struct sc_error e = SC_ERROR_INIT;
    struct kube_event ev;
    struct buf text = BUF_INIT;

    buf_printf(&text, "{\"type\":\"ERROR\",\"object\":%s}", object);
    assert_true(kube_event_read(&ev, buf_view(&text), &e));
    assert_int_equal(ev.kind, KUBE_ERROR);
    assert_int_equal(ev.expired, expired);
    assert_string_equal(ev.message, message);
    assert_null(ev.version);
    kube_event_fini(&ev);
    buf_fini(&text);
}

static void errors_say_whether_a_list_is_needed(void **state)
{
    (void)state;
    error_is("{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\",\"message\":\"too old: 1 (2)\"}", true,
             "too old: 1 (2)");
    error_is("{\"code\":410}", true, "an error without a message");
    error_is("{\"reason\":\"Gone\"}", true, "Gone");
    error_is("{\"code\":500,\"reason\":\"InternalError\",\"message\":\"etcd\"}", false, "etcd");
    error_is("{}", false, "an error without a message");
}

static void no_event(const char *text, const char *why)
{
    struct sc_error e = SC_ERROR_INIT;
    struct kube_event ev;

    if (kube_event_read(&ev, str_of(text), &e))
        fail_msg("%s was taken", text);
    if (strstr(e.text, why) == NULL)
        fail_msg("%s: %s", text, e.text);
    assert_null(ev.doc);
}

static void what_is_no_event_is_refused(void **state)
{
    (void)state;
    no_event("garbage", "not JSON");
    no_event("{\"type\":\"ADDED\",\"object\":" OBJECT "}}", "not JSON");
    no_event("7", "not an object");
    no_event("{\"object\":" OBJECT "}", "known type");
    no_event("{\"type\":\"added\",\"object\":" OBJECT "}", "known type");
    no_event("{\"type\":7,\"object\":" OBJECT "}", "known type");
    no_event("{\"type\":\"ADDED\"}", "with an object");
    no_event("{\"type\":\"ERROR\",\"object\":[]}", "with an object");
    no_event("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"5\"}}}", "with a name");
    no_event("{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"resourceVersion\":\"5\"}}}", "with a name");
    no_event("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\"}}}", "resourceVersion");
    no_event("{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{}}}", "resourceVersion");
    no_event("{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"\"}}}", "resourceVersion");
}

/* --- a watch in pieces --- */

static const char watch[] =
    "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"w\\u00e9b-1\",\"resourceVersion\":\"5\"}}}\n"
    "{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":\"w\xc3\xa9" "b-1\",\"resourceVersion\":\"6\"}}}\r\n"
    "\n"
    "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"7\"}}}\n";

static unsigned read_lines(struct lines *l, const char *from, const char *to, unsigned seen)
{
    static const enum kube_event_kind want[] = { KUBE_CHANGED, KUBE_DELETED, KUBE_BOOKMARK };
    struct sc_error e = SC_ERROR_INIT;
    struct kube_event ev;
    struct sc_str line;

    lines_feed(l, str_range(from, to));
    while (lines_next(l, &line) == LINES_ONE) {
        assert_true(seen < 3 && kube_event_read(&ev, line, &e));
        assert_int_equal(ev.kind, want[seen]);
        assert_int_equal(atoi(ev.version), 5 + seen);
        if (seen < 2)
            assert_string_equal(kube_slice_name(ev.object), "w\xc3\xa9" "b-1");
        kube_event_fini(&ev);
        seen++;
    }
    return seen;
}

static void a_watch_may_be_cut_at_every_byte(void **state)
{
    size_t n = strlen(watch);
    struct lines l;

    (void)state;
    for (size_t cut = 0; cut <= n; cut++) {
        unsigned seen;

        lines_init(&l, 1000);
        seen = read_lines(&l, watch, watch + cut, 0);
        assert_int_equal(read_lines(&l, watch + cut, watch + n, seen), 3);
        assert_false(lines_is_cut(&l));
        lines_fini(&l);
    }
    lines_init(&l, 1000);
    for (size_t i = 0, seen = 0; i < n; i++)
        seen = read_lines(&l, watch + i, watch + i + 1, (unsigned)seen);
    lines_fini(&l);
}

/* --- what went wrong --- */

static void a_status_has_a_message(void **state)
{
    char *text = kube_status_message(STR("{\"kind\":\"Status\",\"code\":403,\"message\":\"no right\"}"));

    (void)state;
    assert_string_equal(text, "no right");
    free(text);
    assert_null(kube_status_message(STR("404 page not found\n")));
    assert_null(kube_status_message(STR("{\"message\":\"x\"}")));
    assert_null(kube_status_message(STR("{\"kind\":\"Status\"}")));
    assert_null(kube_status_message(STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_says_what_comes_next),
        cmocka_unit_test(what_is_no_page_is_refused),
        cmocka_unit_test(events_are_of_four_kinds),
        cmocka_unit_test(errors_say_whether_a_list_is_needed),
        cmocka_unit_test(what_is_no_event_is_refused),
        cmocka_unit_test(a_watch_may_be_cut_at_every_byte),
        cmocka_unit_test(a_status_has_a_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
