/* tests/unit/discovery/store.c - files that survive the process: whose they are, when they are written, when they go.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/alloc.h"
#include "discovery/snapshot/store.h"
#include "discovery/snapshot/store_file.h"
#include "loop/offload.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A state directory, and a loop on this thread that ends by itself. */
struct bench {
    char dir[64], state[80];
    struct loop *loop;
    struct offload *offload;
    struct store *store;
    struct store_tally tally;
    struct timer end, look;
    uint64_t expected;              /* written or failed; then the loop stops */
};

/* Says a number, which is the index of what is kept. */
struct keeper {
    struct store_slot slot;
    uint64_t number;
    unsigned printed;
    bool nothing;
};

static bool print(struct store_slot *slot, struct buf *body)
{
    struct keeper *k = list_entry(slot, struct keeper, slot);
    struct endpoint e = { .host = "192.0.2.1", .port = 80 };
    struct saved s = { .identity = "it", .live = 1, .changed = 1, .index = k->number, .at = &e, .n = 1 };

    if (k->nothing)
        return false;
    k->printed++;
    saved_print(body, &s);
    return true;
}

static void on_end(struct timer *t)
{
    loop_stop(list_entry(t, struct bench, end)->loop);
}

static void on_look(struct timer *t)
{
    struct bench *b = list_entry(t, struct bench, look);
    struct store_counts c;

    store_counts(&b->tally, &c);
    if (c.written + c.failed >= b->expected)
        loop_stop(b->loop);
    else
        timer_start(b->loop, t, 5);
}

static void turn(struct bench *b, sc_msec ms)
{
    timer_start(b->loop, &b->end, ms);
    loop_run(b->loop);
}

/* Until so many writes have come out, well or not. */
static struct store_counts wait_for(struct bench *b, uint64_t writes)
{
    struct store_counts c;

    b->expected = writes;
    timer_start(b->loop, &b->look, 0);
    turn(b, 10000);
    timer_stop(&b->look);
    timer_stop(&b->end);
    store_counts(&b->tally, &c);
    assert_int_equal(c.written + c.failed, writes);
    return c;
}

static void begin(struct bench *b)
{
    *b = (struct bench){ .loop = loop_new(), .offload = offload_new(1, 8) };
    snprintf(b->dir, sizeof b->dir, "/tmp/outrider-store-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    snprintf(b->state, sizeof b->state, "%s/a/state", b->dir);
    b->end.fn = on_end;
    b->look.fn = on_look;
    b->store = store_new(b->state, b->loop, b->offload, &b->tally);
}

static void end(struct bench *b)
{
    char command[100];

    store_free(&b->store);
    turn(b, 1);
    offload_free(&b->offload, 1000);
    loop_free(&b->loop);
    snprintf(command, sizeof command, "rm -rf %s", b->dir);
    assert_int_equal(system(command), 0);
}

static void join(struct bench *b, struct keeper *k, const char *service)
{
    *k = (struct keeper){ .slot = { .print = print } };
    store_join(b->store, &k->slot, service, "it");
}

/* What the file of k says, by a store that has nothing else in mind. */
static enum store_found look(struct bench *b, struct keeper *k, uint64_t *number, char why[200])
{
    struct sc_error e = SC_ERROR_INIT;
    struct arena a;
    struct saved s = { .index = 0 };
    enum store_found found;

    (void)b;
    arena_init(&a, 1024);
    found = store_read(&k->slot, "it", &a, &s, &e);
    *number = s.index;
    snprintf(why, 200, "%s", e.text);
    arena_fini(&a);
    return found;
}

static void expect(struct bench *b, struct keeper *k, uint64_t number)
{
    char why[200];
    uint64_t got;

    if (look(b, k, &got, why) != STORE_READ)
        fail_msg("%s", why);
    assert_int_equal(got, number);
}

static void expect_refused(struct bench *b, struct keeper *k, const char *because)
{
    char why[200];
    uint64_t got;

    assert_int_equal(look(b, k, &got, why), STORE_REFUSED);
    if (strstr(why, because) == NULL)
        fail_msg("\"%s\" in place of \"%s\"", why, because);
}

static char *path_of(const struct bench *b, const struct keeper *k)
{
    return xasprintf("%s/targets/%s", b->state, k->slot.name);
}

static void write_one(struct bench *b, struct keeper *k, uint64_t number)
{
    struct store_counts c;

    store_counts(&b->tally, &c);
    k->number = number;
    store_want(&k->slot);
    wait_for(b, c.written + c.failed + 1);
}

/* --- */

static void makes_its_directory_and_keeps_it_private(void **state)
{
    struct keeper k;
    struct bench b;
    struct stat st;
    char *path, why[200];
    uint64_t got;

    (void)state;
    begin(&b);
    join(&b, &k, "users");
    assert_int_equal(look(&b, &k, &got, why), STORE_NONE);
    assert_int_not_equal(access(b.state, F_OK), 0);             /* reading makes nothing */
    write_one(&b, &k, 7);
    expect(&b, &k, 7);
    path = path_of(&b, &k);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    *strrchr(path, '/') = '\0';
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    free(path);
    store_leave(&k.slot);
    end(&b);
}

/* Many in one second: the first at once, and then only the last of them. */
static void writes_the_first_and_the_last(void **state)
{
    struct store_counts c;
    struct keeper k;
    struct bench b;

    (void)state;
    begin(&b);
    join(&b, &k, "users");
    for (k.number = 1; k.number < 50; k.number++) {
        store_want(&k.slot);
        turn(&b, 5);
    }
    c = wait_for(&b, 2);
    assert_int_equal(c.failed, 0);
    assert_int_equal(k.printed, 2);
    expect(&b, &k, 50);
    store_leave(&k.slot);
    end(&b);
}

static void writes_what_is_left_at_the_stop(void **state)
{
    struct keeper k, idle, quiet;
    struct bench b;
    char why[200];
    uint64_t got;

    (void)state;
    begin(&b);
    join(&b, &k, "users");
    join(&b, &idle, "idle");
    join(&b, &quiet, "quiet");
    quiet.nothing = true;
    write_one(&b, &k, 1);
    k.number = 2;
    store_want(&k.slot);
    store_want(&quiet.slot);
    store_flush(b.store);
    expect(&b, &k, 2);
    assert_int_equal(look(&b, &idle, &got, why), STORE_NONE);
    assert_int_equal(look(&b, &quiet, &got, why), STORE_NONE);
    store_leave(&k.slot);
    store_leave(&idle.slot);
    store_leave(&quiet.slot);
    end(&b);
}

/* A write that a helper has not begun comes too late after the stop, and must not put the older one back. */
static void what_is_under_way_at_the_stop_is_written_by_it(void **state)
{
    struct keeper k;
    struct bench b;

    (void)state;
    begin(&b);
    join(&b, &k, "users");
    k.number = 1;
    store_want(&k.slot);                /* a helper has it now, or will have */
    k.number = 2;
    store_flush(b.store);
    turn(&b, 100);
    expect(&b, &k, 2);
    store_leave(&k.slot);
    end(&b);
}

static void a_failed_write_leaves_the_one_before(void **state)
{
    struct rlimit was, none = { 0, 0 };
    struct store_counts c;
    struct keeper k;
    struct bench b;

    (void)state;
    begin(&b);
    join(&b, &k, "users");
    write_one(&b, &k, 1);
    getrlimit(RLIMIT_FSIZE, &was);
    none.rlim_max = was.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);        /* a disk that is full */
    k.number = 2;
    store_want(&k.slot);
    c = wait_for(&b, 2);
    setrlimit(RLIMIT_FSIZE, &was);
    assert_int_equal(c.failed, 1);
    expect(&b, &k, 1);
    assert_true(k.slot.wanted);
    store_leave(&k.slot);
    end(&b);
}

static void refuses_what_others_may_have_written(void **state)
{
    struct keeper k;
    struct bench b;
    char *path, *other;

    (void)state;
    begin(&b);
    join(&b, &k, "users");
    write_one(&b, &k, 1);
    path = path_of(&b, &k);
    chmod(path, 0620);
    expect_refused(&b, &k, "others may write to it");
    chmod(path, 0600);
    expect(&b, &k, 1);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 1, 1), 0);
        expect_refused(&b, &k, "belongs to user 1");
        assert_int_equal(chown(path, 0, 0), 0);
    }
    other = xasprintf("%s/other", b.dir);
    rename(path, other);
    assert_int_equal(symlink(other, path), 0);
    expect_refused(&b, &k, "a symbolic link");
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refused(&b, &k, "not a file");
    unlink(path);
    assert_int_equal(truncate(other, (off_t)SAVED_BYTES_MAX + 1), 0);
    rename(other, path);
    expect_refused(&b, &k, "longer than");
    free(path);
    free(other);
    store_leave(&k.slot);
    end(&b);
}

static void refuses_a_directory_that_others_may_write(void **state)
{
    struct keeper k;
    struct bench b;
    char *targets, *other;

    (void)state;
    begin(&b);
    join(&b, &k, "users");
    write_one(&b, &k, 1);
    targets = xasprintf("%s/targets", b.state);
    other = xasprintf("%s/elsewhere", b.dir);
    chmod(targets, 0770);
    expect_refused(&b, &k, "others may write to it");
    chmod(targets, 0755);
    expect(&b, &k, 1);
    assert_int_equal(rename(targets, other), 0);
    assert_int_equal(symlink(other, targets), 0);
    expect_refused(&b, &k, "not a directory");
    free(targets);
    free(other);
    store_leave(&k.slot);
    end(&b);
}

static void refuses_a_damaged_file(void **state)
{
    struct store_counts c;
    struct keeper k;
    struct bench b;
    char *path;
    FILE *f;

    (void)state;
    begin(&b);
    join(&b, &k, "users");
    write_one(&b, &k, 1);
    path = path_of(&b, &k);
    f = fopen(path, "r+");
    fseek(f, -10, SEEK_END);
    fputc('x', f);
    fclose(f);
    expect_refused(&b, &k, "damaged");
    assert_int_equal(truncate(path, 0), 0);
    expect_refused(&b, &k, "not a snapshot");
    store_counts(&b.tally, &c);
    assert_int_equal(c.refused, 2);
    assert_int_equal(c.read, 0);
    free(path);
    store_leave(&k.slot);
    end(&b);
}

static void names_are_told_apart_and_stay_in_the_directory(void **state)
{
    char a[STORE_NAME_MAX], b[STORE_NAME_MAX], longest[300];

    (void)state;
    assert_true(store_file_name(a, "users", "x"));
    assert_true(store_file_name(b, "users", "y"));
    assert_string_not_equal(a, b);
    assert_int_equal(strncmp(a, "users-", 6), 0);
    assert_true(store_file_name(a, "../../etc/passwd\n", "x"));
    assert_null(strchr(a, '/'));
    assert_int_equal(strncmp(a, "______etc_passwd_-", 18), 0);
    memset(longest, 'n', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_true(store_file_name(a, longest, "x"));
    assert_int_equal(strlen(a), 64 + 1 + 32 + strlen(".targets"));
}

static void make_old(int dir, const char *name, int64_t seconds)
{
    struct timespec times[2] = { { 0, UTIME_OMIT }, { time(NULL) - seconds, 0 } };
    int fd = openat(dir, name, O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
}

static void sweeps_what_nobody_wants(void **state)
{
    struct map keep = MAP_INIT;
    struct bench b;
    int dir;

    (void)state;
    begin(&b);
    dir = store_dir_open(b.state, true, NULL);
    assert_true(dir >= 0);
    map_put(&keep, STR("kept-1.targets"), &b);
    make_old(dir, "kept-1.targets", 1000);
    make_old(dir, "gone-1.targets", 1000);
    make_old(dir, "young-1.targets", 50);
    make_old(dir, "somebody.else", 1000000);
    make_old(dir, ".draft-1-2", 4000);
    make_old(dir, ".draft-1-3", 100);
    assert_int_equal(store_dir_sweep(dir, &keep, 100), 2);
    assert_int_not_equal(faccessat(dir, "gone-1.targets", F_OK, 0), 0);
    assert_int_not_equal(faccessat(dir, ".draft-1-2", F_OK, 0), 0);
    assert_int_equal(faccessat(dir, "kept-1.targets", F_OK, 0), 0);
    assert_int_equal(faccessat(dir, "young-1.targets", F_OK, 0), 0);
    assert_int_equal(faccessat(dir, "somebody.else", F_OK, 0), 0);
    assert_int_equal(faccessat(dir, ".draft-1-3", F_OK, 0), 0);
    close(dir);
    map_fini(&keep);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_its_directory_and_keeps_it_private),
        cmocka_unit_test(writes_the_first_and_the_last),
        cmocka_unit_test(writes_what_is_left_at_the_stop),
        cmocka_unit_test(what_is_under_way_at_the_stop_is_written_by_it),
        cmocka_unit_test(a_failed_write_leaves_the_one_before),
        cmocka_unit_test(refuses_what_others_may_have_written),
        cmocka_unit_test(refuses_a_directory_that_others_may_write),
        cmocka_unit_test(refuses_a_damaged_file),
        cmocka_unit_test(names_are_told_apart_and_stay_in_the_directory),
        cmocka_unit_test(sweeps_what_nobody_wants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
