/* tests/unit/conf/tree.c - YAML, JSON and the environment become one tree; also yaml.c, json.c, parse.c, report.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "conf/describe.h"
#include "conf/tree.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    struct arena arena;
    struct conf_report report;
    struct buf out;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){ .out = BUF_INIT };
    arena_init(&f->arena, 1024);
    report_init(&f->report);
}

static void end(struct fixture *f)
{
    buf_fini(&f->out);
    report_fini(&f->report);
    arena_fini(&f->arena);
}

struct reading {
    const char *in;
    const char *out;        /* the tree as JSON; NULL: none */
    const char *mistakes;   /* as printed; NULL: none; up to a "*", where the words are a library's */
};

static bool is_as_wanted(const char *out, const char *want)
{
    const char *star = strchr(want, '*');

    return star == NULL ? strcmp(out, want) == 0 : strncmp(out, want, (size_t)(star - want)) == 0;
}

static void check(const char *name, const struct reading *c)
{
    struct fixture f;
    struct node *n;

    begin(&f);
    n = tree_parse(&f.arena, &f.report, name, str_of(c->in));
    if (n != NULL)
        conf_print_node(n, &f.out);
    if ((c->out == NULL) != (n == NULL) || (n != NULL && strcmp(f.out.p, c->out) != 0))
        fail_msg("%s\nread as: %s\nwanted:  %s", c->in, n == NULL ? "nothing" : f.out.p, c->out);
    buf_clear(&f.out);
    buf_add(&f.out, "", 0);
    report_print(&f.report, &f.out);
    if (!is_as_wanted(f.out.p, c->mistakes == NULL ? "" : c->mistakes))
        fail_msg("%s\nmistakes: %s\nwanted:   %s", c->in, f.out.p, c->mistakes);
    end(&f);
}

static const struct reading yaml[] = {
    { "", "null", NULL },
    { "# nothing\n", "null", NULL },
    { "a: 1\nb: [x, 2.5, true]\nc: { d: null }\n", "{\"a\":1,\"b\":[\"x\",2.5,true],\"c\":{\"d\":null}}", NULL },
    /* The core schema: what the old one took for numbers, dates and truth values are strings. */
    { "[yes, no, on, off, y, n, True, FALSE, tRUE]",
      "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\",True,FALSE,\"tRUE\"]", NULL },
    { "[0123, 0o17, 0x1F, 1_000, 1:30, +1, -1, 1., .5, 1e3, 1e, 0o9, 0x, -, +, ., 2001-01-01]",
      "[0123,0o17,0x1F,\"1_000\",\"1:30\",+1,-1,1.,.5,1e3,\"1e\",\"0o9\",\"0x\",\"-\",\"+\",\".\",\"2001-01-01\"]", NULL },
    { "[.inf, -.Inf, .nan, .Nan, ~, Null, nuLL]", "[.inf,-.Inf,.nan,\".Nan\",null,null,\"nuLL\"]", NULL },
    { "a:\nb: ''\n", "{\"a\":null,\"b\":\"\"}", NULL },
    { "['1', \"true\", !!str 1, ! 1, !!str null]", "[\"1\",\"true\",\"1\",\"1\",\"null\"]", NULL },
    { "a: |\n  x\n  y\nb: >-\n  x\n  y\n", "{\"a\":\"x\\ny\\n\",\"b\":\"x y\"}", NULL },
    { "1.2: a\ntrue: b\n", "{\"1.2\":\"a\",\"true\":\"b\"}", NULL },
    { "\xef\xbb\xbf" "a: 1\n", "{\"a\":1}", NULL },
    { "a: !!seq [1]\nb: !!map {c: 1}\n", "{\"a\":[1],\"b\":{\"c\":1}}", NULL },
    { "--- {a: 1}\n...\n", "{\"a\":1}", NULL },
    /* Aliases stand for the node they name. */
    { "a: &x [1, 2]\nb: *x\n", "{\"a\":[1,2],\"b\":[1,2]}", NULL },
    { "a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}", NULL },
    { "a: *x\n", NULL, "f.yaml:1:4: a: there is no anchor of this name above\n" },
    { "a: &x [*x]\n", NULL, "f.yaml:1:8: a[0]: an alias inside its own anchor\n" },
    /* Mistakes; what can be read is read. */
    { "a: 1\nb: 2\na: 3\na: 4\n", "{\"a\":1,\"b\":2}",
      "f.yaml:3:1: a: given twice; first in line 1\nf.yaml:4:1: a: given twice; first in line 1\n" },
    { "x:\n  - { a: 1, a: 2 }\n", "{\"x\":[{\"a\":1}]}", "f.yaml:2:13: x[0].a: given twice; first in line 2\n" },
    { "a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n", "{\"a\":{\"b\":1},\"c\":{\"d\":2}}",
      "f.yaml:3:3: c: merge keys (<<) are not part of YAML 1.2; write the keys out, or use `defaults`\n" },
    { "'<<': 1\n", "{\"<<\":1}", NULL },
    { "a: 1\n--- \nb: 2\n", NULL, "f.yaml:2:1: a second document (---) begins here; one file holds one\n" },
    { "a: !x 1\nb: !!int 2\nc: !!map [1]\n", "{\"a\":\"1\",\"b\":\"2\",\"c\":[1]}",
      "f.yaml:1:4: a: the tag `!x` means nothing here\n"
      "f.yaml:2:4: b: the tag `tag:yaml.org,2002:int` means nothing here\n"
      "f.yaml:3:4: c: the tag `tag:yaml.org,2002:map` means nothing here\n" },
    { "? [a, b]\n: 1\nc: 2\n", "{\"c\":2}", "f.yaml:1:3: a key must be a plain word or a quoted string\n" },
    { "? {a: b}\n: [1, 2]\nc: 2\n", "{\"c\":2}", "f.yaml:1:3: a key must be a plain word or a quoted string\n" },
    { "'': 1\nc: 2\n", "{\"c\":2}", "f.yaml:1:1: a key cannot be empty\n" },
    { "a: \"x\\0y\"\n", "{\"a\":\"\"}", "f.yaml:1:4: a: a NUL character cannot be part of a value\n" },
    { "a: [1\nb: 2\n", NULL,
      "f.yaml:2:2: *" },
    { "a: \"x\xff\"\n", NULL, "f.yaml: not UTF-8 text: invalid leading UTF-8 octet (at byte 5)\n" },
    { "a: 1\n\tb: 2\n", NULL,
      "f.yaml:2:1: *" },
};

static void reads_yaml(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof yaml / sizeof *yaml; i++)
        check("f.yaml", &yaml[i]);
}

static const struct reading json[] = {
    { "{}", "{}", NULL },
    { " [1, -2.5e3, true, false, null, \"x\", [], {}] ", "[1,-2.5e3,true,false,null,\"x\",[],{}]", NULL },
    { "{\"b\":1,\"a\":2}", "{\"b\":1,\"a\":2}", NULL },
    { "\"\\ud83d\\ude00 \\u00e9 \\\" \\\\ \\/ \\n\"", "\"\xf0\x9f\x98\x80 \xc3\xa9 \\\" \\\\ / \\n\"", NULL },
    { "{\"a\\\"b\": {\"]}\": [\"[{\", 7]}}", "{\"a\\\"b\":{\"]}\":[\"[{\",7]}}", NULL },
    { "9223372036854775807", "9223372036854775807", NULL },
    { "{\"a\":1,\n \"a\":2}", NULL, "f.json:2:*" },
    { "{\"a\":1,}", NULL, "f.json:1:*" },
    { "{\"a\":01}", NULL, "f.json:1:*" },
    { "{a:1}", NULL, "f.json:1:*" },
    { "{\"a\":1} x", NULL, "f.json:1:*" },
    { "{\"\":1,\"b\":2}", "{\"b\":2}", "f.json:1:5: \"\": a key cannot be empty\n" },
};

static void reads_json(void **state)
{
    struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof json / sizeof *json; i++)
        check("f.json", &json[i]);
    begin(&f);
    assert_null(tree_parse(&f.arena, &f.report, "f.json", STR("")));
    assert_int_equal(f.report.errors, 1);
    end(&f);
}

static void setup_environment(void)
{
    setenv("SET", "value", 1);
    setenv("NUMBER", "8080", 1);
    setenv("EMPTY", "", 1);
    setenv("DOLLARS", "$${SET}", 1);
    unsetenv("UNSET");
}

static const struct reading environment[] = {
    { "a: ${SET}", "{\"a\":\"value\"}", NULL },
    { "a: '${SET}'", "{\"a\":\"value\"}", NULL },
    { "a: \"x${SET}y${SET}\"", "{\"a\":\"xvalueyvalue\"}", NULL },
    { "a: ${NUMBER}", "{\"a\":8080}", NULL },                /* before typing */
    { "a: \"${NUMBER}\"", "{\"a\":\"8080\"}", NULL },
    { "a: ${EMPTY}", "{\"a\":null}", NULL },
    { "a: '${EMPTY}'", "{\"a\":\"\"}", NULL },
    { "a: ${UNSET:-5}", "{\"a\":5}", NULL },
    { "a: ${UNSET:-}", "{\"a\":null}", NULL },
    { "a: ${EMPTY:-5}", "{\"a\":5}", NULL },
    { "a: ${SET:-5}", "{\"a\":\"value\"}", NULL },
    { "a: ${UNSET:-a b:c}", "{\"a\":\"a b:c\"}", NULL },
    { "a: $SET", "{\"a\":\"$SET\"}", NULL },
    { "a: x$", "{\"a\":\"x$\"}", NULL },
    { "a: $${SET}", "{\"a\":\"${SET}\"}", NULL },
    { "a: $$$${SET}", "{\"a\":\"$${SET}\"}", NULL },
    { "a: $$${SET}", "{\"a\":\"$value\"}", NULL },
    { "a: ^x$$", "{\"a\":\"^x$\"}", NULL },
    { "a: ${DOLLARS}", "{\"a\":\"$${SET}\"}", NULL },        /* what comes in is not looked at again */
    { "${SET}: 1", "{\"${SET}\":1}", NULL },                 /* values, not keys */
    { "a: ${UNSET}", "{\"a\":null}",
      "f.yaml:1:4: a: the environment variable UNSET is not set (${UNSET:-default} would give it a default)\n" },
    { "a: [x, '${UNSET}']", "{\"a\":[\"x\",\"\"]}",
      "f.yaml:1:8: a[1]: the environment variable UNSET is not set (${UNSET:-default} would give it a default)\n" },
    { "a: ${SET-5}", "{\"a\":null}", "f.yaml:1:4: a: ${SET may only be followed by `}` or `:-default}`\n" },
    { "a: '${}'", "{\"a\":\"\"}",
      "f.yaml:1:4: a: write ${NAME} or ${NAME:-default}, and $${ for the characters themselves\n" },
    { "a: '${1A}'", "{\"a\":\"\"}",
      "f.yaml:1:4: a: write ${NAME} or ${NAME:-default}, and $${ for the characters themselves\n" },
    { "a: '${SET'", "{\"a\":\"\"}",
      "f.yaml:1:4: a: write ${NAME} or ${NAME:-default}, and $${ for the characters themselves\n" },
    { "a: '${UNSET:-${SET}}'", "{\"a\":\"${SET}\"}",
      "f.yaml:1:4: a: the default of ${UNSET} is taken as it stands, so it cannot hold a dollar sign\n" },
};

static void fills_in_the_environment(void **state)
{
    static const struct reading quoted = { "{\"a\": \"${NUMBER}\", \"b\": \"$$\"}", "{\"a\":\"8080\",\"b\":\"$\"}", NULL };

    (void)state;
    setup_environment();
    for (size_t i = 0; i < sizeof environment / sizeof *environment; i++)
        check("f.yaml", &environment[i]);
    check("f.json", &quoted);
}

static void assert_place(const struct node *n, unsigned line, unsigned col)
{
    assert_non_null(n);
    assert_int_equal(n->line, line);
    assert_int_equal(n->col, col);
    assert_string_equal(n->file, strstr(n->file, "json") != NULL ? "f.json" : "f.yaml");
}

/* One document in both languages: every value and key stands at the same place. */
static void knows_places(void **state)
{
    static const char text[] = "{\"a\": [1, \"\xc3\xa9\xf0\x9f\x98\x80\", {\"b\": 2}],\n"
                               "  \"cd\": {\n"
                               "    \"e\": \"x\\\"y\", \"f\": null } }\n";
    const char *const names[] = { "f.json", "f.yaml" };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct fixture f;
        struct node *n;

        begin(&f);
        n = tree_parse(&f.arena, &f.report, names[i], str_of(text));
        assert_place(n, 1, 1);
        assert_place(node_get(n, "a"), 1, 7);
        assert_place(node_get(n, "a")->items[0], 1, 8);
        assert_place(node_get(n, "a")->items[1], 1, 11);
        assert_place(node_get(n, "a")->items[2], 1, 17);           /* columns count characters */
        assert_place(node_get(node_get(n, "a")->items[2], "b"), 1, 23);
        assert_place(node_get(n, "cd"), 2, 9);
        assert_int_equal(n->key_at[1].line, 2);
        assert_int_equal(n->key_at[1].col, 3);
        assert_place(node_get(node_get(n, "cd"), "e"), 3, 10);
        assert_place(node_get(node_get(n, "cd"), "f"), 3, 23);
        assert_int_equal(node_get(n, "cd")->key_at[1].col, 18);
        end(&f);
    }
}

static void nests(struct buf *b, unsigned depth)
{
    buf_clear(b);
    for (unsigned i = 0; i < depth; i++)
        buf_putc(b, '[');
    for (unsigned i = 0; i < depth; i++)
        buf_putc(b, ']');
}

static void nesting_has_a_limit(void **state)
{
    const char *const names[] = { "f.json", "f.yaml" };
    struct buf text = BUF_INIT;

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct fixture f;

        begin(&f);
        nests(&text, TREE_MAX_DEPTH);
        assert_non_null(tree_parse(&f.arena, &f.report, names[i], buf_view(&text)));
        assert_int_equal(f.report.errors, 0);
        nests(&text, TREE_MAX_DEPTH + 1);
        tree_parse(&f.arena, &f.report, names[i], buf_view(&text));
        assert_int_equal(f.report.errors, 1);
        nests(&text, 100000);
        tree_parse(&f.arena, &f.report, names[i], buf_view(&text));
        assert_true(f.report.errors > 1);
        end(&f);
    }
    buf_fini(&text);
}

/* Nine lines that would stand for a billion nodes. */
static void aliases_cannot_blow_up(void **state)
{
    struct fixture f;
    struct buf text = BUF_INIT;

    (void)state;
    begin(&f);
    buf_puts(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 9; i++)
        buf_printf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1,
                   i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    assert_null(tree_parse(&f.arena, &f.report, "f.yaml", buf_view(&text)));
    assert_int_equal(f.report.errors, 1);
    assert_string_equal(f.report.list[0].text, "the aliases of this file stand for too much");
    buf_fini(&text);
    end(&f);
}

static void many_mistakes_end_somewhere(void **state)
{
    struct fixture f;
    struct buf text = BUF_INIT;

    (void)state;
    begin(&f);
    for (int i = 0; i < 20000; i++)
        buf_puts(&text, "a: 1\n");
    tree_parse(&f.arena, &f.report, "f.yaml", buf_view(&text));
    assert_int_equal(f.report.errors, 19999);
    assert_in_range(f.report.n, 100, 1000);
    report_print(&f.report, &f.out);
    assert_non_null(strstr(f.out.p, "\nand 19"));
    buf_fini(&text);
    end(&f);
}

/* --- files --- */

static void put(const char *dir, const char *name, const char *text)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static char *make_directory(char *to)
{
    char parts[256];

    strcpy(to, "/tmp/outrider-tree-XXXXXX");
    assert_non_null(mkdtemp(to));
    snprintf(parts, sizeof parts, "%s/conf.d", to);
    assert_int_equal(mkdir(parts, 0700), 0);
    return to;
}

static void remove_directory(const char *dir)
{
    char command[300];

    snprintf(command, sizeof command, "rm -r '%s'", dir);
    assert_int_equal(system(command), 0);
}

static struct node *read_in(struct fixture *f, const char *dir)
{
    char path[256];
    struct node *n;

    snprintf(path, sizeof path, "%s/main.yaml", dir);
    n = tree_read_all(&f->arena, &f->report, path);
    if (n != NULL)
        conf_print_node(n, &f->out);
    return n;
}

static void conf_d_adds(void **state)
{
    struct fixture f;
    char dir[64];

    (void)state;
    make_directory(dir);
    put(dir, "main.yaml", "workers: 2\nservices: [ { name: a } ]\nnode: { name: x }\nempty:\n");
    put(dir, "conf.d/20.json", "{\"services\": [{\"name\": \"c\"}], \"empty\": [1]}");
    put(dir, "conf.d/10.yml", "services: [ { name: b } ]\nnode: { zone: z }\nroutes: [ 1 ]\n");
    put(dir, "conf.d/30.yaml", "# nothing yet\n");
    put(dir, "conf.d/.hidden.yaml", "workers: 3\n");
    put(dir, "conf.d/README", "workers: 3\n");
    begin(&f);
    read_in(&f, dir);
    assert_int_equal(f.report.n, 0);
    assert_string_equal(f.out.p, "{\"workers\":2,\"services\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}],"
                                 "\"node\":{\"name\":\"x\",\"zone\":\"z\"},\"empty\":[1],\"routes\":[1]}");
    end(&f);
    remove_directory(dir);
}

static void conf_d_may_not_replace(void **state)
{
    struct fixture f;
    char dir[64], want[1024];

    (void)state;
    make_directory(dir);
    put(dir, "main.yaml", "workers: 2\nservices:\n  - name: a\nlist: [1]\n");
    put(dir, "conf.d/a.yaml", "workers: 3\nservices: [ { name: b }, { name: a } ]\nlist: { a: 1 }\n");
    put(dir, "conf.d/b.yaml", "- a list\n");
    put(dir, "conf.d/c.yaml", "services: [ { name: b } ]\n");
    begin(&f);
    read_in(&f, dir);
    buf_clear(&f.out);
    report_print(&f.report, &f.out);
    snprintf(want, sizeof want,
             "%1$s/conf.d/a.yaml:1:10: workers: this is already given at %1$s/main.yaml:1:10\n"
             "%1$s/conf.d/a.yaml:2:34: services[2]: `a` is already given at %1$s/main.yaml:3:5\n"
             "%1$s/conf.d/a.yaml:3:7: list: this is already given at %1$s/main.yaml:4:7\n"
             "%1$s/conf.d/b.yaml:1:1: the file must hold a map (`key: value`)\n"
             "%1$s/conf.d/c.yaml:1:21: services[3]: `b` is already given at %1$s/conf.d/a.yaml:2:13\n", dir);
    assert_string_equal(f.out.p, want);
    end(&f);
    remove_directory(dir);
}

/* Half a configuration is none, but mistakes are told of all files. */
static void one_broken_part_breaks_the_whole(void **state)
{
    struct fixture f;
    char dir[64], want[512];

    (void)state;
    make_directory(dir);
    put(dir, "main.yaml", "a: [\n");
    put(dir, "conf.d/a.yaml", "b: 1\nb: 2\n");
    begin(&f);
    assert_null(read_in(&f, dir));
    report_print(&f.report, &f.out);
    snprintf(want, sizeof want, "%1$s/conf.d/a.yaml:2:1: b: given twice; first in line 1\n%1$s/main.yaml:2:1: ", dir);
    assert_int_equal(strncmp(f.out.p, want, strlen(want)), 0);
    assert_int_equal(f.report.n, 2);
    end(&f);
    begin(&f);
    put(dir, "main.yaml", "a: 1\n");
    put(dir, "conf.d/a.yaml", "b: [\n");
    assert_null(read_in(&f, dir));
    assert_int_equal(f.report.n, 1);
    end(&f);
    remove_directory(dir);
}

static void files_that_cannot_be_read(void **state)
{
    struct fixture f;
    char dir[64], path[100];
    FILE *file;

    (void)state;
    make_directory(dir);
    begin(&f);
    assert_null(tree_read(&f.arena, &f.report, "/nonexistent/x.yaml"));
    assert_null(tree_read(&f.arena, &f.report, dir));
    snprintf(path, sizeof path, "%s/large.yaml", dir);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), TREE_MAX_BYTES + 1), 0);
    fclose(file);
    assert_null(tree_read(&f.arena, &f.report, path));
    assert_int_equal(f.report.errors, 3);
    assert_string_equal(f.report.list[0].text, "cannot be read: No such file or directory");
    assert_string_equal(f.report.list[1].text, "cannot be read: Is a directory");
    assert_string_equal(f.report.list[2].text, "larger than 16 MiB");
    end(&f);
    remove_directory(dir);
}

/* --- defaults --- */

static const struct {
    const char *over, *under, *want;
} merges[] = {
    { "{a: 1}", "{a: 2, b: 3}", "{\"a\":1,\"b\":3}" },
    { "{a: {b: 1}}", "{a: {b: 2, c: 3}}", "{\"a\":{\"b\":1,\"c\":3}}" },
    { "{a: 5}", "{a: {b: 2}}", "{\"a\":5}" },
    { "{a: [1]}", "{a: [2, 3]}", "{\"a\":[1]}" },
    { "{a: null}", "{a: {b: 2}}", "{\"a\":null}" },
    { "{}", "{a: 1}", "{\"a\":1}" },
    { "null", "{a: 1}", "{\"a\":1}" },
    { "{a: 1}", "null", "{\"a\":1}" },
    { "{x: {type: p}}", "{x: {type: q, k: 1}}", "{\"x\":{\"type\":\"p\"}}" },
    { "{x: {type: q}}", "{x: {type: q, k: 1}}", "{\"x\":{\"type\":\"q\",\"k\":1}}" },
    { "{x: {j: 2}}", "{x: {type: q, k: 1}}", "{\"x\":{\"j\":2,\"type\":\"q\",\"k\":1}}" },
};

static void puts_defaults_under(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof merges / sizeof *merges; i++) {
        struct fixture f;
        const struct node *over, *under;

        begin(&f);
        over = tree_parse(&f.arena, &f.report, "f.yaml", str_of(merges[i].over));
        under = tree_parse(&f.arena, &f.report, "f.yaml", str_of(merges[i].under));
        conf_print_node(tree_under(&f.arena, over, under), &f.out);
        assert_string_equal(f.out.p, merges[i].want);
        end(&f);
    }
}

/* What somebody sends is JSON, and tells him nothing of our environment. */
static void what_was_sent_stays_as_it_is(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    conf_print_node(tree_parse_sent(&f.arena, &f.report, "body", STR("{\"${SET}\": [\"${SET}\", \"$${UNSET}\", 5]}")),
                    &f.out);
    assert_string_equal(f.out.p, "{\"${SET}\":[\"${SET}\",\"$${UNSET}\",5]}");
    assert_int_equal(f.report.errors, 0);
    assert_null(tree_parse_sent(&f.arena, &f.report, "body", STR("a: 1")));
    assert_int_equal(f.report.errors, 1);
    end(&f);
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    tree_parse(&f.arena, &f.report, "f.yaml", STR("\"a\\e[31m\": 1\n\"a\\e[31m\": 2\n"));
    report_print(&f.report, &f.out);
    assert_string_equal(f.out.p, "f.yaml:2:1: \"a\\u001b[31m\": given twice; first in line 1\n");
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_yaml),
        cmocka_unit_test(reads_json),
        cmocka_unit_test(fills_in_the_environment),
        cmocka_unit_test(knows_places),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(aliases_cannot_blow_up),
        cmocka_unit_test(many_mistakes_end_somewhere),
        cmocka_unit_test(conf_d_adds),
        cmocka_unit_test(conf_d_may_not_replace),
        cmocka_unit_test(one_broken_part_breaks_the_whole),
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(puts_defaults_under),
        cmocka_unit_test(what_was_sent_stays_as_it_is),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
