/* tests/unit/discovery/rest_conf.c - URLs of registries, and what is put into them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "discovery/providers/rest.h"

static void place_is(const char *address, const char *name, const char *url, const char *connect_to, const char *socket)
{
    struct rest_place p = rest_place(address, name, "/v1/x?y=z");

    assert_string_equal(p.url, url);
    if (connect_to == NULL)
        assert_null(p.connect_to);
    else
        assert_string_equal(p.connect_to, connect_to);
    if (socket == NULL)
        assert_null(p.socket);
    else
        assert_string_equal(p.socket, socket);
    rest_place_fini(&p);
}

static void the_path_follows_the_address(void **state)
{
    (void)state;
    place_is("http://a:1", NULL, "http://a:1/v1/x?y=z", NULL, NULL);
    place_is("http://a:1/", NULL, "http://a:1/v1/x?y=z", NULL, NULL);
    place_is("https://a/consul/", NULL, "https://a/consul/v1/x?y=z", NULL, NULL);
    place_is("http://[::1]:8500", NULL, "http://[::1]:8500/v1/x?y=z", NULL, NULL);
}

static void a_socket_has_a_path_of_its_own(void **state)
{
    (void)state;
    place_is("unix:/run/consul.sock", NULL, "http://localhost/v1/x?y=z", NULL, "/run/consul.sock");
    place_is("unix:///run/consul.sock", "name", "http://localhost/v1/x?y=z", NULL, "/run/consul.sock");
}

static void a_name_takes_the_place_of_the_host(void **state)
{
    (void)state;
    place_is("https://10.0.0.1:8501", "s.dc1.consul", "https://s.dc1.consul:8501/v1/x?y=z", "10.0.0.1:8501", NULL);
    place_is("https://10.0.0.1", "s", "https://s/v1/x?y=z", "10.0.0.1:443", NULL);
    place_is("https://10.0.0.1/p/", "s", "https://s/p/v1/x?y=z", "10.0.0.1:443", NULL);
    place_is("https://[::1]:8501/p", "s", "https://s:8501/p/v1/x?y=z", "[::1]:8501", NULL);
    place_is("https://[::1]", "s", "https://s/v1/x?y=z", "[::1]:443", NULL);
    place_is("http://a:1", "s", "http://a:1/v1/x?y=z", NULL, NULL);         /* no certificate, no name */
}

static void queries_are_escaped(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    buf_puts(&b, "/v1/");
    rest_add_escaped(&b, "a/b?c d\xc3\xa9-._~%");
    rest_add_query(&b, "k", "1&2=3+\"");
    rest_add_query(&b, "l", "");
    assert_string_equal(b.p, "/v1/a%2Fb%3Fc%20d%C3%A9-._~%25?k=1%262%3D3%2B%22&l=");
    buf_fini(&b);
}

static void only_visible_ascii_is_plain(void **state)
{
    (void)state;
    assert_true(rest_is_plain("abc~!\"#"));
    assert_false(rest_is_plain(""));
    assert_false(rest_is_plain("a b"));
    assert_false(rest_is_plain("a\r\nX: y"));
    assert_false(rest_is_plain("\xc3\xa9"));
    assert_false(rest_is_plain("\x7f"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_path_follows_the_address),
        cmocka_unit_test(a_socket_has_a_path_of_its_own),
        cmocka_unit_test(a_name_takes_the_place_of_the_host),
        cmocka_unit_test(queries_are_escaped),
        cmocka_unit_test(only_visible_ascii_is_plain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
