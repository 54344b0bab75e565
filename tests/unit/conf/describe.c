/* tests/unit/conf/describe.c - help, pages and schema out of tables; also manual.c, page.c, schema.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "conf/describe.h"

#include <jansson.h>
#include <stdbool.h>

struct inner {
    int64_t port;
    sc_msec wait;
};

struct outer {
    struct inner near;
    struct sc_list far;
    struct sc_secret token;
    int mode;
    struct sc_strings words;
    const char *gone;
};

static const struct sc_enum modes[] = { { "fast", 0 }, { "slow", 1 }, { NULL, 0 } };

static const struct sc_field inner_fields[] = {
    SC_INT(struct inner, port, .flags = SC_REQUIRED, .min = 1, .max = 65535, .doc = "The port. Not the wine."),
    SC_MSEC(struct inner, wait, .dflt = "5s", .min = 10, .max = 60000, .doc = "How long `port` may take."),
    SC_END
};

static const struct sc_field root[] = {
    SC_OBJECT(struct outer, near, struct inner, inner_fields, .brief = "port", .doc = "One that is close."),
    SC_OBJECTS(struct outer, far, struct inner, inner_fields, .doc = "Those that are not."),
    SC_SECRETF(struct outer, token, .flags = SC_REQUIRED, .doc = "What lets us in."),
    SC_ENUM(struct outer, mode, .names = modes, .dflt = "fast", .flags = SC_RESTART,
            .doc = ".so /etc/passwd is no request, nor is 'this'; a \\ stays one."),
    SC_STRINGS(struct outer, words, .dflt = "[a, b]", .max = 4, .doc = "Some words."),
    SC_STRING(struct outer, gone, .flags = SC_DEPRECATED, .doc = "Use `words`."),
    SC_END
};

static const struct sc_field topic_fields[] = {
    SC_INT(struct inner, port, .dflt = "80", .doc = "Where it listens."), SC_END
};

static const struct conf_topic topics[] = {
    { "policies", "some-policy", "Does something.", topic_fields },
    { "balancers", "bare", "Has no keys.", NULL },
    { .name = NULL },
};

static const struct {
    const char *key;
    bool found;
    const char *want;       /* all of it */
} helps[] = {
    { "near.port", true, "near.port\n  whole number, 1 to 65535, required\n\nThe port. Not the wine.\n" },
    { "near[3].wait", true, "near.wait\n  duration, 10ms to 1m, default `5s`\n\nHow long `port` may take.\n" },
    { "far[0].wait", true, "far.wait\n  duration, 10ms to 1m, default `5s`\n\nHow long `port` may take.\n" },
    { "near", true,
      "near\n  map, or just its `port`\n\nOne that is close.\n\nKeys:\n  port              The port.\n"
      "  wait              How long `port` may take.\n" },
    { "mode", true, "mode\n  `fast` or `slow`, default `fast`, a change needs a restart\n\n"
                    ".so /etc/passwd is no request, nor is 'this'; a \\ stays one.\n" },
    { "token", true, "token\n  secret, required, or `token_file`: the path of a file that holds it\n\nWhat lets us in.\n" },
    { "wait", true, "near.wait\n  duration, 10ms to 1m, default `5s`\n\nHow long `port` may take.\n" },
    { "port", true, "Several keys end in `port`:\n  near.port\n  some-policy.port\n" },
    { "some-policy", true,
      "some-policy (in policies)\n\nDoes something.\n\nKeys:\n  port              Where it listens.\n" },
    { "some-policy.port", true, "some-policy.port\n  whole number, default `80`\n\nWhere it listens.\n" },
    { "bare", true, "bare (in balancers)\n\nHas no keys.\n" },
    { "tokne", false, "did you mean `token`?" },
    { "near.prot", false, "did you mean `port`?" },
    { "some_policy", false, "did you mean `some-policy`?" },
    { "zebra", false, "" },
    { "", false, "" },
    { "near.", false, "" },
    { "[", false, "" },
};

static void explains_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof helps / sizeof *helps; i++) {
        struct buf out = BUF_INIT;
        bool found;

        buf_add(&out, "", 0);
        found = conf_help(root, topics, helps[i].key, &out);
        if (found != helps[i].found || strcmp(out.p, helps[i].want) != 0)
            fail_msg("%s: %d\n%s\nwanted:\n%s", helps[i].key, found, out.p, helps[i].want);
        buf_fini(&out);
    }
}

static void lists_keys(void **state)
{
    struct buf out = BUF_INIT;

    (void)state;
    conf_keys(root, topics, &out);
    assert_string_equal(out.p, "near\nnear.port\nnear.wait\nfar.*\ntoken\nmode\nwords\ngone\nsome-policy.port\n");
    buf_fini(&out);
}

/* No line of the page may be taken for a request that is not ours. */
static void the_manual_page_is_ours(void **state)
{
    static const char *const ours[] = { ".TH ", ".SH ", ".SS ", ".TP", ".PP", ".IP", ".in", ".nf", ".fi", ".BR ", ".\\\" ",
                                        NULL };
    struct buf out = BUF_INIT;
    struct sc_str rest, line;

    (void)state;
    conf_man(root, topics, "1.2", &out);
    rest = buf_view(&out);
    while (str_split(&rest, '\n', &line)) {
        bool known = line.n == 0 || (line.p[0] != '.' && line.p[0] != '\'');

        for (int i = 0; ours[i] != NULL; i++)
            known = known || str_starts(line, str_of(ours[i]));
        if (!known)
            fail_msg("%.*s", STR_ARG(line));
    }
    assert_non_null(strstr(out.p, "\n\\&.so /etc/passwd is no request, nor is \\(aqthis\\(aq; a \\e stays one.\n"));
    assert_non_null(strstr(out.p, "\n.TP\n\\fBnear.wait\\fR (duration, 10ms to 1m, default \\fB5s\\fR)\nHow long"));
    assert_non_null(strstr(out.p, ".TH OUTRIDER.YAML 5 \"\" \"outrider 1.2\""));
    assert_non_null(strstr(out.p, "Its keys are those of \\fBnear\\fR."));
    buf_fini(&out);
}

static void the_reference_names_every_key(void **state)
{
    static const char *const parts[] = {
        "\n### near\n", "\n**`near.port`** (whole number, 1 to 65535, required)\n\nThe port. Not the wine.\n",
        "\n**`token`** (secret", "\n## policies\n\n### some-policy\n\nDoes something.\n",
        "\n**`port`** (whole number, default `80`)",
        "\n## balancers\n", "Its keys are those of `near`.",
    };
    struct buf out = BUF_INIT;

    (void)state;
    conf_markdown(root, topics, &out);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(out.p, parts[i]) == NULL)
            fail_msg("no %s in\n%s", parts[i], out.p);
    buf_fini(&out);
}

static void assert_at(const json_t *root_schema, const char *key, const char *member, const char *want)
{
    const json_t *v = json_object_get(json_object_get(root_schema, "properties"), key);
    char *text = json_dumps(json_object_get(v, member), JSON_ENCODE_ANY | JSON_COMPACT);

    if (text == NULL || strcmp(text, want) != 0)
        fail_msg("%s.%s: %s", key, member, text == NULL ? "none" : text);
    free(text);
}

static void the_schema_holds_what_the_table_says(void **state)
{
    struct buf out = BUF_INIT;
    json_t *schema;
    const json_t *top;

    (void)state;
    conf_schema(root, "a \"title\"", &out);
    schema = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(schema);
    assert_string_equal(json_string_value(json_object_get(schema, "title")), "a \"title\"");
    top = json_array_get(json_object_get(schema, "allOf"), 0);
    assert_at(top, "mode", "default", "\"fast\"");
    assert_at(top, "words", "default", "[\"a\",\"b\"]");
    assert_at(top, "gone", "deprecated", "true");
    assert_at(top, "token_file", "description", "\"What lets us in.\"");
    assert_at(top, "mode", "allOf", "[{\"anyOf\":[{\"enum\":[\"fast\",\"slow\"]},{\"$ref\":\"#/$defs/open\"}]}]");
    assert_int_equal(json_array_size(json_object_get(top, "allOf")), 1);      /* token or token_file */
    json_decref(schema);
    buf_fini(&out);
}

static void a_change_that_needs_a_restart_is_seen(void **state)
{
    static const char *const one[] = { "a" }, *const two[] = { "b" };
    static const struct sc_field inner[] = {
        SC_STRINGS(struct outer, words, .flags = SC_RESTART, .doc = "."), SC_STRING(struct outer, gone, .doc = "."), SC_END
    };
    const struct sc_field nested[] = {
        { .name = "top", .type = SC_T_OBJECT, .fields = inner, .size = sizeof(struct outer), .doc = "." }, SC_END
    };
    struct outer was = { .words = { one, 1 }, .gone = "x" }, now = { .words = { one, 1 }, .gone = "y" };
    struct buf path = BUF_INIT;

    (void)state;
    assert_false(conf_needs_restart(nested, &was, &now, &path));
    assert_int_equal(path.n, 0);
    now.words.at = two;
    assert_true(conf_needs_restart(nested, &was, &now, &path));
    assert_string_equal(path.p, "top.words");
    buf_fini(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explains_keys),
        cmocka_unit_test(lists_keys),
        cmocka_unit_test(the_manual_page_is_ours),
        cmocka_unit_test(the_reference_names_every_key),
        cmocka_unit_test(the_schema_holds_what_the_table_says),
        cmocka_unit_test(a_change_that_needs_a_restart_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
