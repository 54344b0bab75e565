/* tests/unit/loop/loop.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "loop/loop.h"

#include <pthread.h>

struct letter {
    struct mail mail;
    atomic_bool there;
};

static atomic_bool lost;
static struct loop *loop;

static void on_letter(struct mail *m)
{
    atomic_store(&((struct letter *)m)->there, true);
}

static void on_end(struct mail *m)
{
    (void)m;
    loop_stop(loop);
}

static void *reader(void *arg)
{
    (void)arg;
    loop_run(loop);
    return NULL;
}

/* The next letter is posted when the one before is there, so that it often meets the reader between reading its mail
 * and falling asleep. One that is still under way after 5 s never comes. */
static void *poster(void *arg)
{
    (void)arg;
    for (int i = 0; i < 30000 && !atomic_load(&lost); i++) {
        struct letter letter = { .mail.fn = on_letter };
        sc_msec late = clock_mono_ms() + 5000;

        loop_post(loop, &letter.mail);
        while (!atomic_load(&letter.there) && !atomic_load(&lost))
            if (clock_mono_ms() > late)
                atomic_store(&lost, true);
    }
    return NULL;
}

static void no_letter_is_lost(void **state)
{
    pthread_t to, from[3];
    struct mail end = { .fn = on_end };

    (void)state;
    loop = loop_new();
    assert_int_equal(pthread_create(&to, NULL, reader, NULL), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&from[i], NULL, poster, NULL), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(from[i], NULL);
    assert_false(atomic_load(&lost));
    loop_post(loop, &end);
    pthread_join(to, NULL);
    loop_free(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_letter_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
