/* tests/unit/discovery/manager.c - plans in, tables out: identity, sharing, reloads, the file registry, names.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "conf/load.h"
#include "discovery/manager.h"
#include "discovery/provider.h"
#include "loop/offload.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE = 10 };     /* seconds until a test gives up */

/* --- names under .test are ours, all others the system's --- */

static struct {
    pthread_mutex_t lock;
    const char *addresses;          /* "192.0.2.2 192.0.2.1 2001:db8::1"; NULL: there is no such name */
    unsigned asked;
    bool slow;                      /* answers only when that is taken away */
} names = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void names_set(const char *addresses, bool slow)
{
    pthread_mutex_lock(&names.lock);
    names.addresses = addresses;
    names.slow = slow;
    pthread_mutex_unlock(&names.lock);
}

static unsigned names_asked(void)
{
    unsigned n;

    pthread_mutex_lock(&names.lock);
    n = names.asked;
    pthread_mutex_unlock(&names.lock);
    return n;
}

static bool is_slow(void)
{
    bool slow;

    pthread_mutex_lock(&names.lock);
    slow = names.slow;
    pthread_mutex_unlock(&names.lock);
    return slow;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **all)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;
    struct sc_str rest, one;
    int error;

    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (!str_ends(str_of(host), STR(".test")))
        return real(host, service, hints, all);
    while (is_slow())
        usleep(1000);
    pthread_mutex_lock(&names.lock);
    names.asked++;
    rest = str_of(names.addresses);
    error = names.addresses == NULL ? EAI_NONAME : 0;
    *all = NULL;
    while (error == 0 && str_split(&rest, ' ', &one)) {
        char *text = str_dupz(one);
        struct addrinfo **end = all;

        while (*end != NULL)
            end = &(*end)->ai_next;
        error = real(text, NULL, &(struct addrinfo){ .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST }, end);
        free(text);
    }
    pthread_mutex_unlock(&names.lock);
    return error;
}

/* --- a configuration --- */

struct file {
    struct registries registries;
    struct sc_list services;
};

static const struct sc_field file_fields[] = {
    SC_CUSTOM(struct file, registries, struct registries, registries_load, .schema = registries_schema, .doc = "r"),
    SC_OBJECTS(struct file, services, struct discovery_service, discovery_service_fields, .doc = "s"),
    SC_END
};

struct config {
    struct arena arena;
    struct file file;
    const struct discovery_service *services[16];
    unsigned n;
};

static struct config *config_new(const char *yaml)
{
    struct config *c = xnew(struct config);
    struct conf_report report;
    struct conf_load load;
    struct buf text = BUF_INIT;
    struct node *root;

    arena_init(&c->arena, 4096);
    report_init(&report);
    conf_load_init(&load, &c->arena, &report);
    root = tree_parse(&c->arena, &report, "t", str_of(yaml));
    conf_load_object(&load, root, file_fields, &c->file);
    c->n = c->file.services.n;
    for (unsigned i = 0; i < c->n; i++) {
        struct discovery_service *s = &((struct discovery_service *)c->file.services.at)[i];

        discovery_service_link(&load, &c->file.registries, s, node_get(root, "services")->items[i]);
        c->services[i] = s;
    }
    report_print(&report, &text);
    if (report.errors > 0)
        fail_msg("%s", text.p);
    buf_fini(&text);
    conf_load_fini(&load);
    report_fini(&report);
    return c;
}

static void config_free(struct config *c)
{
    arena_fini(&c->arena);
    memset(c, 0x5a, sizeof *c);     /* who still looks at it will notice */
    free(c);
}

/* --- a process --- */

struct world {
    struct offload *offload;
    struct discovery *d;
    pthread_mutex_t lock;
    pthread_cond_t news;
    struct table *table;            /* the last one */
    void *tag;
    unsigned tables, released;
};

static void on_table(void *arg, void *tag, struct table *table)
{
    struct world *w = arg;
    struct table *old;

    pthread_mutex_lock(&w->lock);
    old = w->table;
    w->table = table;
    w->tag = tag;
    w->tables++;
    pthread_cond_broadcast(&w->news);
    pthread_mutex_unlock(&w->lock);
    table_unref(&old);
}

static void on_release(void *arg, void *tag)
{
    struct world *w = arg;

    pthread_mutex_lock(&w->lock);
    w->released++;
    pthread_mutex_unlock(&w->lock);
    config_free(tag);
}

static void world_start(struct world *w, sc_msec first_wait)
{
    *w = (struct world){ .offload = offload_new(2, 100) };
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->news, NULL);
    w->d = discovery_start(&(struct discovery_options){ .offload = w->offload, .first_wait = first_wait, .arg = w,
                                                        .on_table = on_table, .on_release = on_release });
}

static void world_init(struct world *w)
{
    world_start(w, 60000);
}

static void world_fini(struct world *w)
{
    discovery_stop(&w->d);
    table_unref(&w->table);         /* tables may live longer */
    offload_free(&w->offload, 1000);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->news);
}

static void plan(struct world *w, struct config *c)
{
    discovery_plan(w->d, c->services, c->n, NULL, c, false);
}

/* The first table that pleases; a reference for the caller. */
static struct table *wait_for(struct world *w, bool (*pleases)(const struct world *w, const void *arg), const void *arg)
{
    struct timespec until;
    struct table *t;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE;
    pthread_mutex_lock(&w->lock);
    while (w->table == NULL || !pleases(w, arg))
        if (pthread_cond_timedwait(&w->news, &w->lock, &until) != 0) {
            pthread_mutex_unlock(&w->lock);
            fail_msg("no such table after %u tables", w->tables);
        }
    t = table_ref(w->table);
    pthread_mutex_unlock(&w->lock);
    return t;
}

static bool is_of(const struct world *w, const void *tag)
{
    return w->tag == tag;
}

static struct table *table_of(struct world *w, struct config *c)
{
    return wait_for(w, is_of, c);
}

/* "address*weight address*weight ..." of service 0. */
static void print_set(const struct target_set *set, struct buf *out)
{
    buf_clear(out);
    buf_puts(out, "");
    for (unsigned i = 0; i < set->n; i++)
        buf_printf(out, "%s%s*%u", i == 0 ? "" : " ", set->at[i].target->address, set->at[i].weight / WEIGHT_UNIT);
}

static bool shows(const struct world *w, const void *want)
{
    struct buf text = BUF_INIT;
    bool same;

    if (w->table->n == 0)
        return false;
    print_set(table_set(w->table, 0), &text);
    same = strcmp(text.p == NULL ? "" : text.p, want) == 0;
    buf_fini(&text);
    return same;
}

static struct table *table_showing(struct world *w, const char *want)
{
    return wait_for(w, shows, want);
}

/* --- static targets, reloads --- */

static void static_targets_are_there_at_once(void **state)
{
    struct world w;
    struct config *c = config_new("services:\n"
                                  "- {name: a, targets: [{host: 127.0.0.1, port: 1}, {host: '::1', port: 2, weight: 5}]}\n"
                                  "- {name: b, targets: [{unix: /run/b.sock}]}\n");
    struct table *t;

    (void)state;
    world_init(&w);
    plan(&w, c);
    t = table_of(&w, c);
    assert_int_equal(t->n, 2);
    assert_int_equal(t->version, 1);
    assert_string_equal(table_set(t, 0)->service->name, "a");
    assert_string_equal(table_set(t, 0)->at[0].target->address, "127.0.0.1:1");
    assert_string_equal(table_set(t, 0)->at[1].target->address, "[::1]:2");
    assert_int_equal(table_set(t, 0)->at[1].weight, 5 * WEIGHT_UNIT);
    assert_string_equal(table_set(t, 1)->at[0].target->address, "unix:/run/b.sock");
    assert_string_equal(table_set(t, 1)->at[0].target->host, "localhost");
    for (unsigned i = 0; i < 2; i++)
        assert_true(table_set(t, 0)->at[i].target->slot < t->slots);
    assert_int_equal(balancer_pick(table_set(t, 0), NULL), 0);
    table_unref(&t);
    world_fini(&w);
    assert_int_equal(w.released, 1);
}

static void a_reload_keeps_what_did_not_change(void **state)
{
    struct world w;
    struct config *one = config_new("services:\n"
                                    "- {name: a, targets: [{host: 127.0.0.1, port: 1}, {host: 127.0.0.1, port: 2}]}\n"
                                    "- {name: b, targets: [{host: 127.0.0.1, port: 3}]}\n"
                                    "- {name: gone, targets: [{host: 127.0.0.1, port: 4}]}\n");
    struct config *two = config_new("services:\n"
                                    "- {name: b, targets: [{host: 127.0.0.1, port: 3}]}\n"
                                    "- {name: a, targets: [{host: 127.0.0.1, port: 9}, {host: 127.0.0.1, port: 2, zone: z,"
                                    " weight: 7}]}\n");
    struct target *kept;
    struct table *t, *u;
    uint64_t id;

    (void)state;
    world_init(&w);
    plan(&w, one);
    t = table_of(&w, one);
    kept = table_set(t, 0)->at[1].target;
    id = kept->id;
    atomic_fetch_add(&kept->inflight, 3);
    balancer_pick(table_set(t, 0), NULL);
    plan(&w, two);
    u = table_of(&w, two);
    assert_int_equal(u->n, 2);
    assert_ptr_equal(table_set(u, 0), table_set(t, 1));                   /* b: the very set */
    assert_ptr_not_equal(table_set(u, 1), table_set(t, 0));
    assert_ptr_equal(table_set(u, 1)->service, table_set(t, 0)->service); /* the turn goes on */
    assert_ptr_equal(table_set(u, 1)->at[1].target, kept);           /* a's second target, with its counter */
    assert_int_equal(table_set(u, 1)->at[1].target->id, id);
    assert_int_equal(table_set(u, 1)->at[1].target->inflight, 3);
    assert_string_equal(table_set(u, 1)->at[1].record->zone, "z");
    assert_int_equal(table_set(u, 1)->at[1].weight, 7 * WEIGHT_UNIT);
    assert_null(table_set(t, 0)->at[1].record->zone);                /* the old set is as it was */
    table_unref(&t);
    table_unref(&u);
    assert_int_equal(w.released, 1);                            /* the first plan, and nobody looked at it since */
    world_fini(&w);
    assert_int_equal(w.released, 2);
}

static void another_balancer_makes_another_set(void **state)
{
    struct world w;
    struct config *one = config_new("services: [{name: a, targets: [{host: 127.0.0.1, port: 1}]}]");
    struct config *two = config_new("services: [{name: a, targets: [{host: 127.0.0.1, port: 1}], balancer: random}]");
    struct config *same = config_new("services: [{name: a, targets: {host: 127.0.0.1, port: 1}, balancer: random}]");
    struct table *t, *u, *v;

    (void)state;
    world_init(&w);
    plan(&w, one);
    t = table_of(&w, one);
    plan(&w, two);
    u = table_of(&w, two);
    plan(&w, same);
    v = table_of(&w, same);
    assert_string_equal(table_set(t, 0)->balancer->name, "round_robin");
    assert_string_equal(table_set(u, 0)->balancer->name, "random");
    assert_ptr_equal(table_set(u, 0)->at[0].target, table_set(t, 0)->at[0].target);
    assert_ptr_equal(table_set(u, 0), table_set(v, 0));
    table_unref(&t);
    table_unref(&u);
    table_unref(&v);
    world_fini(&w);
}

static void with_tls_it_is_another_target(void **state)
{
    struct world w;
    struct config *one = config_new("services: [{name: a, targets: [{host: 127.0.0.1, port: 1},"
                                    "{host: 127.0.0.1, port: 2, tls: true}]}]");
    struct config *two = config_new("services: [{name: a, targets: [{host: 127.0.0.1, port: 1, tls: true},"
                                    "{host: 127.0.0.1, port: 2, tls: true}]}]");
    struct table *t, *u;

    (void)state;
    world_init(&w);
    plan(&w, one);
    t = table_of(&w, one);
    plan(&w, two);
    u = table_of(&w, two);
    assert_ptr_not_equal(table_set(u, 0)->at[0].target, table_set(t, 0)->at[0].target);
    assert_true(table_set(u, 0)->at[0].target->tls);
    assert_ptr_equal(table_set(u, 0)->at[1].target, table_set(t, 0)->at[1].target);
    table_unref(&t);
    table_unref(&u);
    world_fini(&w);
}

/* --- names --- */

static void names_become_addresses(void **state)
{
    struct world w;
    struct config *c = config_new("services: [{name: a, targets: [{host: localhost, port: 77, weight: 60}]}]");
    struct target_set *set;
    struct table *t;
    uint64_t weight = 0;

    (void)state;
    world_init(&w);
    plan(&w, c);
    t = table_of(&w, c);
    set = table_set(t, 0);
    assert_in_range(set->n, 1, 2);                              /* 127.0.0.1 and perhaps ::1 */
    assert_string_equal(set->at[0].target->address, "127.0.0.1:77");
    assert_string_equal(set->at[0].target->host, "localhost");
    for (unsigned i = 0; i < set->n; i++)
        weight += set->at[i].weight;
    assert_int_equal(weight, 60 * WEIGHT_UNIT);
    table_unref(&t);
    world_fini(&w);
}

static void one_look_up_serves_all_and_its_order_does_not_matter(void **state)
{
    struct world w;
    struct config *c = config_new("services:\n"
                                  "- {name: a, targets: [{host: x.test, port: 1, weight: 30},"
                                  "{host: x.test, port: 2, weight: 3}]}\n"
                                  "- {name: b, targets: [{host: x.test, port: 1}]}\n");
    unsigned before = names_asked();
    struct table *t;

    (void)state;
    names_set("2001:db8::1 192.0.2.9 192.0.2.10 192.0.2.9", false);
    world_init(&w);
    plan(&w, c);
    t = table_of(&w, c);
    assert_true(shows(&w, "192.0.2.10:1*10 192.0.2.9:1*10 [2001:db8::1]:1*10 "
                          "192.0.2.10:2*1 192.0.2.9:2*1 [2001:db8::1]:2*1"));
    assert_int_equal(table_set(t, 1)->n, 3);
    assert_ptr_not_equal(table_set(t, 1)->at[0].target, table_set(t, 0)->at[0].target);    /* each its own */
    assert_int_equal(names_asked(), before + 1);
    table_unref(&t);
    world_fini(&w);
}

static void a_name_that_fails_is_shown_and_asked_again(void **state)
{
    struct world w;
    struct config *c = config_new("services: [{name: a, targets: [{host: y.test, port: 77},"
                                  "{host: 127.0.0.1, port: 1}]}]");
    struct discovery_status *s;
    struct table *t;

    (void)state;
    names_set(NULL, false);
    world_init(&w);
    plan(&w, c);
    t = table_of(&w, c);
    assert_true(shows(&w, "127.0.0.1:1*100"));
    table_unref(&t);
    s = discovery_status(w.d);
    assert_int_equal(s->version, 1);
    assert_int_equal(s->services[0]->nquarantined, 1);
    assert_string_equal(s->services[0]->quarantined[0].record, "y.test:77");
    assert_non_null(strstr(s->services[0]->quarantined[0].reason, "the name is not resolved: "));
    discovery_status_unref(&s);
    names_set("192.0.2.1", false);
    t = table_showing(&w, "192.0.2.1:77*100 127.0.0.1:1*100");
    table_unref(&t);
    world_fini(&w);
}

static void a_new_name_does_not_take_away_what_serves(void **state)
{
    struct world w;
    struct config *one = config_new("services: [{name: a, targets: [{host: 127.0.0.1, port: 1}]}]");
    struct config *two = config_new("services: [{name: a, targets: [{host: z.test, port: 1}]}]");
    struct table *t;

    (void)state;
    world_init(&w);
    plan(&w, one);
    t = table_of(&w, one);
    table_unref(&t);
    names_set("192.0.2.1", true);
    plan(&w, two);
    usleep(20000);                                              /* time enough to go wrong, were it to */
    pthread_mutex_lock(&w.lock);
    assert_int_equal(w.tables, 1);
    pthread_mutex_unlock(&w.lock);
    names_set("192.0.2.1", false);
    t = table_of(&w, two);
    assert_true(shows(&w, "192.0.2.1:1*100"));
    table_unref(&t);
    world_fini(&w);
}

static void a_first_table_does_not_wait_for_ever(void **state)
{
    struct world w;
    struct config *c = config_new("services: [{name: a, targets: [{host: z.test, port: 1}, {host: '::1', port: 2}]}]");
    struct table *t;

    (void)state;
    names_set("192.0.2.1", true);
    world_start(&w, 200);
    plan(&w, c);
    t = table_of(&w, c);                                        /* after first_wait */
    assert_true(shows(&w, "[::1]:2*100"));
    table_unref(&t);
    names_set("192.0.2.1", false);
    t = table_showing(&w, "192.0.2.1:1*100 [::1]:2*100");
    table_unref(&t);
    world_fini(&w);
}

static void it_stops_while_a_look_up_hangs(void **state)
{
    struct world w;

    (void)state;
    names_set("192.0.2.1", true);
    world_init(&w);
    plan(&w, config_new("services: [{name: a, targets: [{host: z.test, port: 1}]}]"));
    plan(&w, config_new("services: [{name: a, targets: [{host: z.test, port: 1}, {host: zz.test, port: 1}]}]"));
    discovery_stop(&w.d);
    assert_int_equal(w.released, 2);
    table_unref(&w.table);
    names_set("192.0.2.1", false);
    offload_free(&w.offload, 1000);
}

/* --- files --- */

struct dir {
    char path[64];
};

static void dir_init(struct dir *d)
{
    snprintf(d->path, sizeof d->path, "%s", "/tmp/outrider-unit-XXXXXX");
    assert_non_null(mkdtemp(d->path));
}

static void dir_fini(struct dir *d)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf '%s'", d->path);
    assert_int_equal(system(command), 0);
}

static void put(const struct dir *d, const char *name, const char *text)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", d->path, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void move(const struct dir *d, const char *from, const char *to)
{
    char a[128], b[128];

    snprintf(a, sizeof a, "%s/%s", d->path, from);
    snprintf(b, sizeof b, "%s/%s", d->path, to);
    assert_int_equal(rename(a, b), 0);
}

static void discard(const struct dir *d, const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", d->path, name);
    assert_int_equal(unlink(path), 0);
}

static struct config *config_of_dir(const struct dir *d, const char *pattern)
{
    char *yaml = xasprintf("registries: {files: {type: file, path: %s/%s}}\n"
                           "services: [{name: users, source: {registry: files}},\n"
                           "           {name: other, source: {registry: files, service: theirs}}]\n",
                           d->path, pattern);
    struct config *c = config_new(yaml);

    free(yaml);
    return c;
}

/* The mode that the source of service 0 comes to. */
static void wait_for_mode(struct world *w, enum source_mode want, const char *error)
{
    const char *last = "";

    for (unsigned i = 0; i < PATIENCE * 200; i++) {
        struct discovery_status *s = discovery_status(w->d);
        const struct source_status *source = s->n == 0 ? NULL : s->services[0]->sources;
        bool there = source != NULL && source_mode_at(source, clock_mono_ms()) == want &&
                     (source->last_error == NULL) == (error == NULL) &&
                     (error == NULL || strstr(source->last_error, error) != NULL);

        last = source == NULL ? "none" : source_mode_name(source_mode_at(source, clock_mono_ms()));
        discovery_status_unref(&s);
        if (there)
            return;
        usleep(5000);
    }
    fail_msg("mode is %s", last);
}

static bool other_is_empty(const struct world *w, const void *arg)
{
    (void)arg;
    return w->table->n > 1 && table_set(w->table, 1)->n == 0;
}

static void files_are_followed(void **state)
{
    struct world w;
    struct table *t, *u;
    struct config *c;
    struct dir d;

    (void)state;
    dir_init(&d);
    put(&d, "a.yaml", "users: [{host: 127.0.0.1, port: 1}, {host: 127.0.0.1, port: 2, weight: 5}]\n"
                      "theirs: [{host: 127.0.0.9, port: 9}]\n");
    world_init(&w);
    c = config_of_dir(&d, "*.yaml");
    plan(&w, c);
    t = table_showing(&w, "127.0.0.1:1*100 127.0.0.1:2*5");
    assert_string_equal(table_set(t, 1)->at[0].target->address, "127.0.0.9:9");
    wait_for_mode(&w, SOURCE_LIVE, NULL);

    put(&d, "new", "users: [{host: 127.0.0.1, port: 2}, {host: 127.0.0.1, port: 3}]\n"
                   "theirs: [{host: 127.0.0.9, port: 9}]\n");
    move(&d, "new", "a.yaml");                                  /* replaced as a whole */
    u = table_showing(&w, "127.0.0.1:2*100 127.0.0.1:3*100");
    assert_ptr_equal(table_set(u, 0)->at[0].target, table_set(t, 0)->at[1].target);
    assert_ptr_equal(table_set(u, 1), table_set(t, 1));                   /* the other service did not change */
    table_unref(&t);
    table_unref(&u);

    put(&d, "b.yaml", "users: [{host: 127.0.0.1, port: 4}]\n");   /* a new file, merged in order of name */
    t = table_showing(&w, "127.0.0.1:2*100 127.0.0.1:3*100 127.0.0.1:4*100");
    table_unref(&t);

    put(&d, "a.yaml", "users: [{host: 127.0.0.1, port: 5}]\n");   /* written in place */
    t = table_showing(&w, "127.0.0.1:5*100 127.0.0.1:4*100");
    table_unref(&t);
    t = wait_for(&w, other_is_empty, NULL);                     /* its only target is held first, and does not answer */
    table_unref(&t);

    discard(&d, "b.yaml");
    t = table_showing(&w, "127.0.0.1:5*100");
    table_unref(&t);
    world_fini(&w);
    dir_fini(&d);
}

static void an_invalid_file_keeps_its_last_good_content(void **state)
{
    struct world w;
    struct table *t;
    struct dir d;

    (void)state;
    dir_init(&d);
    put(&d, "a.yaml", "users: [{host: 127.0.0.1, port: 1}]\n");
    put(&d, "b.yaml", "users: [{host: 127.0.0.1, port: 2}]\n");
    world_init(&w);
    plan(&w, config_of_dir(&d, "*.yaml"));
    t = table_showing(&w, "127.0.0.1:1*100 127.0.0.1:2*100");
    table_unref(&t);
    put(&d, "a.yaml", "users: [{host: 127.0.0.1, prt: 7}]\n");
    wait_for_mode(&w, SOURCE_STALE, "did you mean `port`");
    put(&d, "b.yaml", "users: [{host: 127.0.0.1, port: 3}]\n");   /* the good one is still followed */
    t = table_showing(&w, "127.0.0.1:1*100 127.0.0.1:3*100");
    table_unref(&t);
    wait_for_mode(&w, SOURCE_STALE, "a.yaml:1:");
    put(&d, "a.yaml", "users: [{host: 127.0.0.1, port: 8}\n");
    wait_for_mode(&w, SOURCE_STALE, "a.yaml:");
    put(&d, "a.yaml", "users: [{host: 127.0.0.1, port: 8}]\n");
    t = table_showing(&w, "127.0.0.1:8*100 127.0.0.1:3*100");
    table_unref(&t);
    wait_for_mode(&w, SOURCE_LIVE, NULL);
    world_fini(&w);
    dir_fini(&d);
}

static void files_that_all_vanish_leave_the_last_answer(void **state)
{
    struct world w;
    struct table *t;
    struct dir d;

    (void)state;
    dir_init(&d);
    world_init(&w);
    plan(&w, config_of_dir(&d, "sub/*.json"));                  /* not even the directory is there */
    t = table_showing(&w, "");
    table_unref(&t);
    wait_for_mode(&w, SOURCE_FAILED, "no such file");
    {
        char path[128];

        snprintf(path, sizeof path, "%s/sub", d.path);
        assert_int_equal(mkdir(path, 0755), 0);
    }
    put(&d, "sub/t.json", "{\"users\": [{\"host\": \"127.0.0.1\", \"port\": 1}]}\n");
    t = table_showing(&w, "127.0.0.1:1*100");
    table_unref(&t);
    wait_for_mode(&w, SOURCE_LIVE, NULL);
    discard(&d, "sub/t.json");
    wait_for_mode(&w, SOURCE_STALE, "no such file");
    assert_true(shows(&w, "127.0.0.1:1*100"));
    put(&d, "sub/t.json", "{\"users\": []}\n");
    t = table_showing(&w, "");
    table_unref(&t);
    wait_for_mode(&w, SOURCE_LIVE, NULL);
    world_fini(&w);
    dir_fini(&d);
}

static void a_switched_link_is_noticed(void **state)
{
    char from[128], to[128];
    struct world w;
    struct table *t;
    struct dir d;

    (void)state;
    dir_init(&d);
    for (unsigned i = 1; i <= 2; i++) {                         /* as mounted configuration is: a.yaml -> ..data/a.yaml */
        snprintf(to, sizeof to, "%s/v%u", d.path, i);
        assert_int_equal(mkdir(to, 0755), 0);
    }
    put(&d, "v1/a.yaml", "users: [{host: 127.0.0.1, port: 1}]\n");
    put(&d, "v2/a.yaml", "users: [{host: 127.0.0.1, port: 2}]\n");
    snprintf(to, sizeof to, "%s/..data", d.path);
    assert_int_equal(symlink("v1", to), 0);
    snprintf(to, sizeof to, "%s/a.yaml", d.path);
    assert_int_equal(symlink("..data/a.yaml", to), 0);
    world_init(&w);
    plan(&w, config_of_dir(&d, "*.yaml"));
    t = table_showing(&w, "127.0.0.1:1*100");
    table_unref(&t);
    snprintf(from, sizeof from, "%s/..tmp", d.path);
    snprintf(to, sizeof to, "%s/..data", d.path);
    assert_int_equal(symlink("v2", from), 0);
    assert_int_equal(rename(from, to), 0);
    t = table_showing(&w, "127.0.0.1:2*100");
    table_unref(&t);
    world_fini(&w);
    dir_fini(&d);
}

static void a_reload_keeps_the_watch_and_moves_the_source(void **state)
{
    struct config *one, *same, *other;
    struct table *t, *u;
    struct world w;
    struct dir d;

    (void)state;
    dir_init(&d);
    put(&d, "a.yaml", "users: [{host: 127.0.0.1, port: 1}]\n");
    put(&d, "a.json", "{\"users\": [{\"host\": \"127.0.0.1\", \"port\": 2}]}\n");
    world_init(&w);
    one = config_of_dir(&d, "*.yaml");
    same = config_of_dir(&d, "*.yaml");
    other = config_of_dir(&d, "*.json");
    plan(&w, one);
    t = table_of(&w, one);
    plan(&w, same);
    u = table_of(&w, same);
    assert_ptr_equal(table_set(t, 0), table_set(u, 0));
    table_unref(&t);
    table_unref(&u);
    put(&d, "a.yaml", "users: [{host: 127.0.0.1, port: 3}]\n");   /* the kept watch works with the new configuration */
    t = table_showing(&w, "127.0.0.1:3*100");
    table_unref(&t);
    plan(&w, other);
    t = table_of(&w, other);
    assert_true(shows(&w, "127.0.0.1:2*100"));
    table_unref(&t);
    world_fini(&w);
    dir_fini(&d);
}

static struct config *config_of_two_sources(const struct dir *d)
{
    char *yaml = xasprintf("registries: {one: {type: file, path: %s/one.yaml}, two: {type: file, path: %s/two.yaml}}\n"
                           "services: [{name: users, sources: [{registry: one}, {registry: two}]}]\n", d->path, d->path);
    struct config *c = config_new(yaml);

    free(yaml);
    return c;
}

static void names_of_one_source_do_not_hold_up_another(void **state)
{
    struct table *t;
    struct world w;
    struct dir d;

    (void)state;
    dir_init(&d);
    put(&d, "one.yaml", "users: [{host: 127.0.0.1, port: 1}]\n");
    put(&d, "two.yaml", "users: [{host: 127.0.0.1, port: 2}]\n");
    world_init(&w);
    plan(&w, config_of_two_sources(&d));
    t = table_showing(&w, "127.0.0.1:1*100 127.0.0.1:2*100");
    table_unref(&t);
    names_set("192.0.2.1", true);
    put(&d, "one.yaml", "users: [{host: z.test, port: 1}, {host: z.test, port: 2}]\n");
    usleep(200000);                                             /* so that it is read, and waits */
    put(&d, "two.yaml", "users: [{host: 127.0.0.1, port: 3}]\n");
    t = table_showing(&w, "127.0.0.1:1*100 127.0.0.1:3*100");
    table_unref(&t);
    names_set("192.0.2.1", false);
    t = table_showing(&w, "192.0.2.1:1*100 192.0.2.1:2*100 127.0.0.1:3*100");
    table_unref(&t);
    names_set("192.0.2.7", true);                               /* one name, many users: all of them leave at once */
    put(&d, "one.yaml", "users: [{host: y.test, port: 1}, {host: z.test, port: 3}]\n");
    usleep(200000);
    names_set("192.0.2.7", false);
    t = table_showing(&w, "192.0.2.7:1*100 192.0.2.1:3*100 127.0.0.1:3*100");
    table_unref(&t);
    world_fini(&w);
    dir_fini(&d);
}

static void doubles_are_quarantined(void **state)
{
    struct discovery_status *s;
    struct world w;
    struct table *t;
    struct dir d;

    (void)state;
    dir_init(&d);
    put(&d, "a.yaml", "users: [{host: 127.0.0.1, port: 1}, {host: 127.0.0.1, port: 1, weight: 3}, {unix: /a}]\n");
    world_init(&w);
    plan(&w, config_of_dir(&d, "a.yaml"));
    t = table_showing(&w, "127.0.0.1:1*100 unix:/a*100");
    s = discovery_status(w.d);
    assert_non_null(discovery_status_find(s, STR("users")));
    assert_null(discovery_status_find(s, STR("nobody")));
    assert_int_equal(s->services[0]->nquarantined_all, 1);
    assert_string_equal(s->services[0]->quarantined[0].record, "127.0.0.1:1");
    assert_string_equal(s->services[0]->sources[0].registry, "files");
    assert_string_equal(s->services[0]->sources[0].type, "file");
    assert_string_equal(s->services[0]->sources[0].last_change.cause, "file changed");
    assert_int_equal(source_age_at(s->services[0]->sources, clock_mono_ms()), 0);
    assert_true(source_age_at(s->services[0]->sources, clock_mono_ms() + 61000) >= 60000);
    discovery_status_unref(&s);
    table_unref(&t);
    world_fini(&w);
    dir_fini(&d);
}

/* Many tables in a short time, while others read, hold and let go. */
static void *read_tables(void *arg)
{
    struct world *w = arg;
    unsigned last = 0;

    while (last < 40) {
        struct discovery_status *s = discovery_status(w->d);
        struct table *t = NULL;

        pthread_mutex_lock(&w->lock);
        if (w->table != NULL)
            t = table_ref(w->table);
        pthread_mutex_unlock(&w->lock);
        if (t != NULL && t->n > 0 && table_set(t, 0)->eligible > 0) {
            int at = balancer_pick(table_set(t, 0), NULL);

            assert_in_range(at, 0, table_set(t, 0)->n - 1);
            atomic_fetch_add(&table_set(t, 0)->at[at].target->inflight, 1);
            atomic_fetch_sub(&table_set(t, 0)->at[at].target->inflight, 1);
            last = (unsigned)t->version;
        }
        discovery_status_unref(&s);
        table_unref(&t);
        usleep(100);                                            /* a lock is not fair to who comes late */
    }
    return NULL;
}

static void readers_and_the_writer_do_not_meet(void **state)
{
    pthread_t readers[2];
    struct world w;
    struct table *t;

    (void)state;
    world_init(&w);
    for (unsigned i = 0; i < 2; i++)
        pthread_create(&readers[i], NULL, read_tables, &w);
    for (unsigned i = 0; i < 40; i++) {
        char *yaml = xasprintf("services: [{name: a, targets: [{host: 127.0.0.1, port: %u}, {host: 127.0.0.1, port: 1,"
                               "weight: %u}]}]", i % 7 + 2, i % 3 + 1);
        struct config *c = config_new(yaml);

        free(yaml);
        plan(&w, c);
        t = table_of(&w, c);
        table_unref(&t);
    }
    for (unsigned i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    world_fini(&w);
    assert_int_equal(w.released, 40);
}

static void it_stops_whatever_is_under_way(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        struct world w;

        world_init(&w);
        plan(&w, config_new("services: [{name: a, targets: [{host: localhost, port: 1}]}]"));
        if (i % 2 == 0)
            plan(&w, config_new("services: []"));
        discovery_stop(&w.d);
        table_unref(&w.table);
        offload_free(&w.offload, 1000);
        assert_int_equal(w.released, i % 2 == 0 ? 2 : 1);
    }
}

static void quiet(enum log_level level, const char *text, size_t n)
{
    (void)level;
    (void)text;
    (void)n;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(static_targets_are_there_at_once),
        cmocka_unit_test(a_reload_keeps_what_did_not_change),
        cmocka_unit_test(another_balancer_makes_another_set),
        cmocka_unit_test(with_tls_it_is_another_target),
        cmocka_unit_test(names_become_addresses),
        cmocka_unit_test(one_look_up_serves_all_and_its_order_does_not_matter),
        cmocka_unit_test(a_name_that_fails_is_shown_and_asked_again),
        cmocka_unit_test(a_new_name_does_not_take_away_what_serves),
        cmocka_unit_test(a_first_table_does_not_wait_for_ever),
        cmocka_unit_test(it_stops_while_a_look_up_hangs),
        cmocka_unit_test(files_are_followed),
        cmocka_unit_test(an_invalid_file_keeps_its_last_good_content),
        cmocka_unit_test(files_that_all_vanish_leave_the_last_answer),
        cmocka_unit_test(a_switched_link_is_noticed),
        cmocka_unit_test(a_reload_keeps_the_watch_and_moves_the_source),
        cmocka_unit_test(names_of_one_source_do_not_hold_up_another),
        cmocka_unit_test(doubles_are_quarantined),
        cmocka_unit_test(readers_and_the_writer_do_not_meet),
        cmocka_unit_test(it_stops_whatever_is_under_way),
    };

    log_set_sink(quiet);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
