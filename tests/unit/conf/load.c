/* tests/unit/conf/load.c - tables read trees; also scalar.c, secret.c, words.c, print.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "conf/describe.h"
#include "conf/load.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct inner {
    int64_t port;
    const char *host;
    sc_msec wait;
};

struct base {
    bool enabled;
    int64_t depth;
};

struct outer {
    struct base base;
    bool flag;
    int64_t count, small;
    double ratio, bounded;
    int64_t share, size;
    sc_msec wait;
    const char *text, *name;
    struct sc_secret password;
    int color;
    struct sc_cidr net;
    struct sc_strings words;
    struct sc_cidrs nets;
    struct sc_pairs pairs;
    struct inner object;
    struct inner *maybe;
    struct sc_list objects;
    int64_t odd;
};

static bool load_odd(struct conf_load *l, const struct node *at, void *to)
{
    static const char *const words[] = { "one", "three", "five", NULL };
    int64_t *odd = to;

    for (int i = 0; words[i] != NULL; i++)
        if (str_eq(at->text, str_of(words[i])))
            *odd = 2 * i + 1;
    return *odd != 0 || load_unknown(l, at, "odd number", words);
}

static void print_odd(const void *value, struct buf *out)
{
    buf_printf(out, "%d", (int)*(const int64_t *)value);
}

static const struct sc_enum colors[] = { { "red", 1 }, { "green", 2 }, { "off", 3 }, { NULL, 0 } };

static const struct sc_field base_fields[] = {
    SC_BOOL(struct base, enabled, .dflt = "true", .doc = "."),
    SC_INT(struct base, depth, .doc = "."),
    SC_END
};

#define I struct inner
static const struct sc_field inner_fields[] = {
    SC_INT(I, port, .flags = SC_REQUIRED, .min = 1, .max = 65535, .doc = "."),
    SC_STRING(I, host, .dflt = "localhost", .min = 1, .max = 255, .doc = "."),
    SC_MSEC(I, wait, .dflt = "5s", .doc = "."),
    SC_END
};
#undef I

#define O struct outer
static const struct sc_field outer_fields[] = {
    SC_INLINE(O, base, struct base, base_fields),
    SC_BOOL(O, flag, .doc = "."),
    SC_INT(O, count, .dflt = "7", .doc = "."),
    SC_INT(O, small, .min = -5, .max = 5, .doc = "."),
    SC_NUMBER(O, ratio, .dflt = "1.25", .doc = "."),
    SC_NUMBER(O, bounded, .min = 0, .max = 2, .doc = "."),
    SC_PERCENT(O, share, .dflt = "20%", .doc = "."),
    SC_SIZE(O, size, .dflt = "64KiB", .min = 1024, .max = 1 << 20, .doc = "."),
    SC_MSEC(O, wait, .dflt = "30s", .min = 10, .max = 3600000, .doc = "."),
    SC_STRING(O, text, .doc = "."),
    SC_STRING(O, name, .min = 1, .max = 8, .doc = "."),
    SC_SECRETF(O, password, .max = 8, .doc = "."),
    SC_ENUM(O, color, .names = colors, .dflt = "green", .doc = "."),
    SC_CIDR(O, net, .doc = "."),
    SC_STRINGS(O, words, .dflt = "[a, b]", .max = 3, .doc = "."),
    SC_CIDRS(O, nets, .doc = "."),
    SC_PAIRS(O, pairs, .doc = "."),
    SC_OBJECT(O, object, struct inner, inner_fields, .brief = "port", .doc = "."),
    SC_OBJECT_OPT(O, maybe, struct inner, inner_fields, .doc = "."),
    SC_OBJECTS(O, objects, struct inner, inner_fields, .brief = "port", .doc = "."),
    SC_CUSTOM(O, odd, int64_t, load_odd, .print = print_odd, .dflt = "three", .schema = "true", .doc = "."),
    SC_END
};
#undef O

#define DEFAULTS "\"enabled\":true,\"depth\":0,\"flag\":false,\"count\":7,\"small\":0,\"ratio\":1.25,\"bounded\":0," \
                 "\"share\":\"20%\",\"size\":\"64KiB\",\"wait\":\"30s\",\"text\":null,\"name\":null,\"password\":null," \
                 "\"color\":\"green\",\"net\":null,\"words\":[\"a\",\"b\"],\"nets\":[],\"pairs\":{}," \
                 "\"object\":{\"port\":0,\"host\":\"localhost\",\"wait\":\"5s\"},\"maybe\":null,\"objects\":[],\"odd\":3"

struct loading {
    const char *in;
    const char *out;            /* part of what is printed back; NULL: not looked at */
    const char *mistakes;       /* all of them; NULL: none */
};

static struct outer load(struct arena *a, struct conf_report *r, const char *text, bool *ok)
{
    struct node *n = tree_parse(a, r, "f", str_of(text));
    struct conf_load l;
    struct outer to;

    memset(&to, 0xee, sizeof to);                 /* whatever the table describes is zeroed by the loader */
    conf_load_init(&l, a, r);
    *ok = conf_load_object(&l, n, outer_fields, &to);
    assert_int_equal(l.path.n, 0);
    conf_load_fini(&l);
    return to;
}

static void check(const struct loading *c)
{
    struct arena a;
    struct conf_report r;
    struct buf out = BUF_INIT;
    struct outer to;
    bool ok;

    arena_init(&a, 512);
    report_init(&r);
    to = load(&a, &r, c->in, &ok);
    conf_print(outer_fields, &to, &out);
    if (c->out != NULL && strstr(out.p, c->out) == NULL)
        fail_msg("%s\nloaded: %s\nwanted: %s", c->in, out.p, c->out);
    buf_clear(&out);
    buf_add(&out, "", 0);
    report_print(&r, &out);
    if (strcmp(out.p, c->mistakes == NULL ? "" : c->mistakes) != 0)
        fail_msg("%s\nmistakes: %s\nwanted:   %s", c->in, out.p, c->mistakes);
    assert_int_equal(ok, r.errors == 0);
    buf_fini(&out);
    report_fini(&r);
    arena_fini(&a);
}

static void check_all(const struct loading *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check(&all[i]);
}

#define CHECK(table) check_all(table, sizeof table / sizeof *table)

static const struct loading defaults[] = {
    { "", "{" DEFAULTS "}", NULL },
    { "{}", "{" DEFAULTS "}", NULL },
    { "{ count: null, text: ~, maybe: null, object: }", "{" DEFAULTS "}", NULL },
    { "[]", "{" DEFAULTS "}", "f:1:1: a map (`key: value`) is expected here, not a list\n" },
    { "x", "{" DEFAULTS "}", "f:1:1: a map (`key: value`) is expected here, not a string\n" },
};

static void what_is_not_given_is_the_default(void **state)
{
    (void)state;
    CHECK(defaults);
}

static const struct loading values[] = {
    { "{ enabled: false, depth: 3 }", "\"enabled\":false,\"depth\":3", NULL },
    { "flag: true", "\"flag\":true", NULL },
    { "flag: 'true'", "\"flag\":true", NULL },
    { "flag: off", "\"flag\":false", "f:1:7: flag: \"off\" is a string in YAML 1.2; write true or false\n" },
    { "flag: 1", "\"flag\":false", "f:1:7: flag: \"1\" is a string in YAML 1.2; write true or false\n" },
    { "flag: maybe", NULL, "f:1:7: flag: \"maybe\" is not true or false\n" },
    { "flag: [true]", NULL, "f:1:7: flag: true or false is expected here, not a list\n" },
    { "count: 0", "\"count\":0", NULL },
    { "count: -12", "\"count\":-12", NULL },
    { "count: +12", "\"count\":12", NULL },
    { "count: '12'", "\"count\":12", NULL },
    { "count: 0x1f", "\"count\":31", NULL },
    { "count: 0o17", "\"count\":15", NULL },
    { "count: 017", "\"count\":17", NULL },
    { "count: 9223372036854775807", "\"count\":9223372036854775807", NULL },
    { "count: -9223372036854775808", "\"count\":-9223372036854775808", NULL },
    { "count: 9223372036854775808", "\"count\":7", "f:1:8: count: \"9223372036854775808\" is not a whole number\n" },
    { "count: 1.0", "\"count\":7", "f:1:8: count: \"1.0\" is not a whole number\n" },
    { "count: 1e3", NULL, "f:1:8: count: \"1e3\" is not a whole number\n" },
    { "count: ' 1'", NULL, "f:1:8: count: \" 1\" is not a whole number\n" },
    { "count: ''", NULL, "f:1:8: count: \"\" is not a whole number\n" },
    { "count: 0x0x1", NULL, "f:1:8: count: \"0x0x1\" is not a whole number\n" },
    { "count: 0x-1", NULL, "f:1:8: count: \"0x-1\" is not a whole number\n" },
    { "count: true", NULL, "f:1:8: count: \"true\" is not a whole number\n" },
    { "count: {a: 1}", NULL, "f:1:8: count: a whole number is expected here, not a map\n" },
    { "small: 5", "\"small\":5", NULL },
    { "small: 6", "\"small\":0", "f:1:8: small: 6 is too large: at most 5\n" },
    { "small: -6", "\"small\":0", "f:1:8: small: -6 is too small: at least -5\n" },
    { "ratio: 2", "\"ratio\":2", NULL },
    { "ratio: .5", "\"ratio\":0.5", NULL },
    { "ratio: '1e-3'", "\"ratio\":0.001", NULL },
    { "ratio: .inf", "\"ratio\":1.25", "f:1:8: ratio: \".inf\" is not a number\n" },
    { "ratio: 1e999", NULL, "f:1:8: ratio: \"1e999\" is not a number\n" },
    { "ratio: x", NULL, "f:1:8: ratio: \"x\" is not a number\n" },
    { "bounded: 2.5", "\"bounded\":0", "f:1:10: bounded: 2.5 is out of range: 0 to 2\n" },
    { "share: 12.5%", "\"share\":\"12.5%\"", NULL },
    { "share: 100%", "\"share\":\"100%\"", NULL },
    { "share: 101%", "\"share\":\"20%\"", "f:1:8: share: 101% is too large: at most 100%\n" },
    { "share: 0.2", NULL, "f:1:8: share: \"0.2\" is not a share such as 20%\n" },
    { "size: 2KB", "\"size\":\"2KB\"", NULL },
    { "size: 4096", "\"size\":\"4KiB\"", NULL },
    { "size: '4096'", "\"size\":\"4KiB\"", NULL },
    { "size: 1B", "\"size\":\"64KiB\"", "f:1:7: size: 1B is too small: at least 1KiB\n" },
    { "size: 2MiB", NULL, "f:1:7: size: 2MiB is too large: at most 1MiB\n" },
    { "size: 64kb", NULL, "f:1:7: size: \"64kb\" is not a size such as 512B, 64KB, 10MB, 64KiB, 1GiB\n" },
    { "wait: 250ms", "\"wait\":\"250ms\"", NULL },
    { "wait: 90", "\"wait\":\"90s\"", NULL },
    { "wait: 0", "\"wait\":\"30s\"", "f:1:7: wait: 0 is too small: at least 10ms\n" },
    { "wait: 2h", NULL, "f:1:7: wait: 2h is too large: at most 1h\n" },
    { "wait: -1s", NULL, "f:1:7: wait: \"-1s\" is not a duration such as 250ms, 30s, 5m, 2h, 1d\n" },
    { "text: 1.2", "\"text\":\"1.2\"", NULL },
    { "text: true", "\"text\":\"true\"", NULL },
    { "text: 0x1F", "\"text\":\"0x1F\"", NULL },
    { "text: ''", "\"text\":\"\"", NULL },
    { "text: [a]", "\"text\":null", "f:1:7: text: a string is expected here, not a list\n" },
    { "name: ''", NULL, "f:1:7: name: cannot be empty\n" },
    { "name: 123456789", NULL, "f:1:7: name: 9 characters are too many: at most 8\n" },
    { "color: red", "\"color\":\"red\"", NULL },
    { "color: off", "\"color\":\"off\"", NULL },
    { "color: gren", "\"color\":\"green\"", "f:1:8: color: unknown value \"gren\"; did you mean \"green\"?\n" },
    { "color: mauve", NULL, "f:1:8: color: unknown value \"mauve\"; it must be red, green or off\n" },
    { "color: [red]", NULL, "f:1:8: color: a word is expected here, not a list\n" },
    { "net: 10.0.0.0/8", "\"net\":\"10.0.0.0/8\"", NULL },
    { "net: 10.1.2.3", "\"net\":\"10.1.2.3/32\"", NULL },
    { "net: '2001:db8::/32'", "\"net\":\"2001:db8::/32\"", NULL },
    { "net: ::1", "\"net\":\"::1/128\"", NULL },
    { "net: 0.0.0.0/0", "\"net\":\"0.0.0.0/0\"", NULL },
    { "net: 10.1.2.3/12", "\"net\":\"10.0.0.0/12\"",
      "f:1:6: warning: net: \"10.1.2.3/12\" has bits behind its prefix; the whole network is meant\n" },
    { "net: 10.0.0.0/33", "\"net\":null", "f:1:6: net: the prefix of \"10.0.0.0/33\" must be 0 to 32\n" },
    { "net: 10.0.0.0/", NULL, "f:1:6: net: the prefix of \"10.0.0.0/\" must be 0 to 32\n" },
    { "net: 10.0.0/8", NULL,
      "f:1:6: net: \"10.0.0/8\" is not an address or a network such as 10.0.0.0/8 or 2001:db8::/32\n" },
    { "net: localhost", NULL,
      "f:1:6: net: \"localhost\" is not an address or a network such as 10.0.0.0/8 or 2001:db8::/32\n" },
    { "words: [x, 1, true]", "\"words\":[\"x\",\"1\",\"true\"]", NULL },
    { "words: x", "\"words\":[\"x\"]", NULL },
    { "words: []", "\"words\":[]", NULL },
    { "words: [a, b, c, d]", "\"words\":[\"a\",\"b\"]", "f:1:8: words: 4 items are too many: at most 3\n" },
    { "words: [a, [b], '']", NULL,
      "f:1:12: words[1]: a string is expected here, not a list\nf:1:17: words[2]: cannot be empty\n" },
    { "words: {a: b}", NULL, "f:1:8: words: a list is expected here, not a map\n" },
    { "nets: [10.0.0.0/8, '::1']", "\"nets\":[\"10.0.0.0/8\",\"::1/128\"]", NULL },
    { "nets: 10.0.0.0/8", "\"nets\":[\"10.0.0.0/8\"]", NULL },
    { "nets: [1, 10.0.0.0/8]", "\"nets\":[]",
      "f:1:8: nets[0]: \"1\" is not an address or a network such as 10.0.0.0/8 or 2001:db8::/32\n" },
    { "pairs: { a: 1, b: null, c: 'x' }", "\"pairs\":{\"a\":\"1\",\"b\":null,\"c\":\"x\"}", NULL },
    { "pairs: { a: [1] }", "\"pairs\":{}", "f:1:13: pairs.a: a string is expected here, not a list\n" },
    { "pairs: x", NULL, "f:1:8: pairs: a map of strings is expected here, not a string\n" },
    { "odd: five", "\"odd\":5", NULL },
    { "odd: fiv", NULL, "f:1:6: odd: unknown odd number \"fiv\"; did you mean \"five\"?\n" },
    { "odd: two", NULL, "f:1:6: odd: unknown odd number \"two\"; it must be one, three or five\n" },
};

static void every_type_takes_what_it_should(void **state)
{
    (void)state;
    CHECK(values);
}

static const struct loading objects[] = {
    { "object: { port: 80 }", "\"object\":{\"port\":80,\"host\":\"localhost\",\"wait\":\"5s\"}", NULL },
    { "object: 80", "\"object\":{\"port\":80,\"host\":\"localhost\",\"wait\":\"5s\"}", NULL },
    { "object: x", NULL, "f:1:9: object.port: \"x\" is not a whole number\n" },
    { "object: { host: a }", "\"object\":{\"port\":0,\"host\":\"a\"", "f:1:9: object: `port` is missing\n" },
    { "object: {}", NULL, "f:1:9: object: `port` is missing\n" },
    { "object: { port: null }", NULL, "f:1:9: object: `port` is missing\n" },
    { "maybe: { port: 80, wait: 1s }", "\"maybe\":{\"port\":80,\"host\":\"localhost\",\"wait\":\"1s\"}", NULL },
    { "maybe: 80", NULL, "f:1:8: maybe: a map (`key: value`) is expected here, not a number\n" },
    { "objects: [ { port: 1 }, 2, { port: 3, host: x } ]",
      "\"objects\":[{\"port\":1,\"host\":\"localhost\",\"wait\":\"5s\"},{\"port\":2,\"host\":\"localhost\",\"wait\":\"5s\"},"
      "{\"port\":3,\"host\":\"x\",\"wait\":\"5s\"}]", NULL },
    { "objects: { port: 1 }", "\"objects\":[{\"port\":1,", NULL },
    { "objects: 5", "\"objects\":[{\"port\":5,", NULL },
    { "objects: []", "\"objects\":[]", NULL },
    { "objects: [ {}, null, { port: 0 }, { port: 9, prot: 1 } ]", NULL,
      "f:1:12: objects[0]: `port` is missing\n"
      "f:1:16: objects[1]: an empty item\n"
      "f:1:30: objects[2].port: 0 is too small: at least 1\n"
      "f:1:46: objects[3].prot: unknown key; did you mean `port`?\n" },
};

static void objects_nest(void **state)
{
    (void)state;
    CHECK(objects);
}

/* One run shows every mistake, in order of place. */
static void all_mistakes_in_one_run(void **state)
{
    static const struct loading one = {
        "colour: red\n"
        "count: lots\n"
        "wait: 3 s\n"
        "object: { prot: 1 }\n"
        "objects:\n"
        "  - { port: 70000 }\n"
        "  - { port: 1, wait: [] }\n"
        "net: 10.0.0.300\n"
        "depht: 1\n",
        "\"count\":7",
        "f:1:1: colour: unknown key; did you mean `color`?\n"
        "f:2:8: count: \"lots\" is not a whole number\n"
        "f:3:7: wait: \"3 s\" is not a duration such as 250ms, 30s, 5m, 2h, 1d\n"
        "f:4:9: object: `port` is missing\n"
        "f:4:11: object.prot: unknown key; did you mean `port`?\n"
        "f:6:13: objects[0].port: 70000 is too large: at most 65535\n"
        "f:7:22: objects[1].wait: a duration such as 250ms, 30s, 5m, 2h, 1d is expected here, not a list\n"
        "f:8:6: net: \"10.0.0.300\" is not an address or a network such as 10.0.0.0/8 or 2001:db8::/32\n"
        "f:9:1: depht: unknown key; did you mean `depth`?\n"
    };

    (void)state;
    check(&one);
}

static void keys_left_to_the_caller(void **state)
{
    static const char *const but[] = { "type", NULL };
    struct arena a;
    struct conf_report r;
    struct conf_load l;
    struct inner to;

    (void)state;
    arena_init(&a, 512);
    report_init(&r);
    conf_load_init(&l, &a, &r);
    assert_true(conf_load_object_but(&l, tree_parse(&a, &r, "f", STR("{ type: x, port: 5 }")), inner_fields, &to, but));
    assert_int_equal(to.port, 5);
    assert_false(conf_load_object(&l, tree_parse(&a, &r, "f", STR("{ type: x, port: 5 }")), inner_fields, &to));
    l.partial = true;
    assert_true(conf_load_object(&l, tree_parse(&a, &r, "f", STR("{ host: x }")), inner_fields, &to));
    assert_string_equal(to.host, "x");
    conf_load_fini(&l);
    report_fini(&r);
    arena_fini(&a);
}

/* --- secrets --- */

static void put(const char *path, const char *text, size_t n, mode_t mode)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static void secrets_come_from_files(void **state)
{
    static const struct {
        const char *text;
        size_t n;
        mode_t mode;
        const char *value;      /* NULL: refused */
        unsigned mistakes;
    } cases[] = {
        { "s3cret", 6, 0600, "s3cret", 0 },      { "s3cret\n", 7, 0600, "s3cret", 0 },
        { "s3cret\r\n", 8, 0600, "s3cret", 0 },  { "s3cret\n\n", 8, 0600, "s3cret\n", 0 },
        { " s p ", 5, 0640, " s p ", 0 },        { "s3cret", 6, 0604, "s3cret", 1 },
        { "", 0, 0600, NULL, 1 },                { "\n", 1, 0600, NULL, 1 },
        { "a\0b", 3, 0600, NULL, 1 },          { "12345678\n", 9, 0600, "12345678", 0 },
        { "123456789", 9, 0600, NULL, 1 },      /* what holds for the key holds for its file */
    };
    char path[] = "/tmp/outrider-secret-XXXXXX", text[128];
    bool ok;

    (void)state;
    close(mkstemp(path));
    snprintf(text, sizeof text, "password_file: %s\n", path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a;
        struct conf_report r;
        struct buf out = BUF_INIT;
        struct outer to;

        arena_init(&a, 512);
        report_init(&r);
        put(path, cases[i].text, cases[i].n, cases[i].mode);
        to = load(&a, &r, text, &ok);
        assert_int_equal(ok, cases[i].value != NULL);
        assert_int_equal(r.n, cases[i].mistakes);
        if (ok) {
            assert_str(to.password.value, cases[i].value);
            assert_string_equal(to.password.file, path);
            conf_print(outer_fields, &to, &out);
            assert_non_null(strstr(out.p, "\"password\":\"***\""));
            assert_null(strstr(out.p, "s3cret"));
        }
        buf_fini(&out);
        report_fini(&r);
        arena_fini(&a);
    }
    unlink(path);
}

static const struct loading secrets[] = {
    { "password: hunter2", "\"password\":\"***\"", NULL },
    { "password: 1234", "\"password\":\"***\"", NULL },
    { "{ password: a, password_file: /dev/null }", "\"password\":null",
      "f:1:31: password: give password or password_file, not both\n" },
    { "password_file: /nonexistent", "\"password\":null",
      "f:1:16: password: /nonexistent: No such file or directory\n" },
    { "password: [a]", "\"password\":null", "f:1:11: password: a string is expected here, not a list\n" },
    { "text_file: x", NULL, "f:1:1: text_file: unknown key\n" },
};

static void secrets_are_not_shown(void **state)
{
    (void)state;
    CHECK(secrets);
}

/* --- words --- */

static void nearest_words(void **state)
{
    static const char *const words[] = { "timeout", "targets", "tls", "enabled", "max_retries", "round_robin", NULL };
    static const struct {
        const char *in, *near;
    } cases[] = {
        { "timout", "timeout" },   { "timeuot", "timeout" },  { "Timeout", "timeout" }, { "target", "targets" },
        { "tsl", "tls" },          { "enable", "enabled" },   { "maxretries", "max_retries" },
        { "max-retries", "max_retries" }, { "round-robin", "round_robin" }, { "x", NULL }, { "", NULL },
        { "time", NULL },          { "zone", NULL },          { "tx", NULL },
    };
    char long_word[200];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *near = nearest_word(str_of(cases[i].in), words);

        if (near == NULL ? cases[i].near != NULL : cases[i].near == NULL || strcmp(near, cases[i].near) != 0)
            fail_msg("%s: %s", cases[i].in, near == NULL ? "none" : near);
    }
    memset(long_word, 't', sizeof long_word);
    assert_null(nearest_word((struct sc_str){ long_word, sizeof long_word }, words));
}

static void foreign_words_are_hints_only(void **state)
{
    struct table {
        struct sc_strings balancer, match;
    };
    static const struct sc_field fields[] = {
        SC_STRINGS(struct table, balancer, .doc = "."), SC_STRINGS(struct table, match, .doc = "."), SC_END
    };
    struct arena a;
    struct conf_report r;
    struct conf_load l;
    struct table to;
    struct buf out = BUF_INIT;

    (void)state;
    arena_init(&a, 512);
    report_init(&r);
    conf_load_init(&l, &a, &r);
    conf_load_object(&l, tree_parse(&a, &r, "f", STR("{ algorithm: x, path_pattern: /, plugins: [] }")), fields, &to);
    report_print(&r, &out);
    assert_string_equal(out.p, "f:1:3: algorithm: unknown key; here it is `balancer`\n"
                               "f:1:17: path_pattern: unknown key; here it is `match.paths`\n"
                               "f:1:34: plugins: unknown key\n");
    assert_string_equal(foreign_value(STR("least-connections")), "least_request");
    assert_string_equal(foreign_value(STR("LEAST_CONNECTIONS")), "least_request");
    assert_null(foreign_value(STR("round_robin")));
    buf_fini(&out);
    conf_load_fini(&l);
    report_fini(&r);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_is_the_default),
        cmocka_unit_test(every_type_takes_what_it_should),
        cmocka_unit_test(objects_nest),
        cmocka_unit_test(all_mistakes_in_one_run),
        cmocka_unit_test(keys_left_to_the_caller),
        cmocka_unit_test(secrets_come_from_files),
        cmocka_unit_test(secrets_are_not_shown),
        cmocka_unit_test(nearest_words),
        cmocka_unit_test(foreign_words_are_hints_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
