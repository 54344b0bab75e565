/* What a service manager hands over and is told, with libsystemd and without it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/handed.h"

static int listener(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void only_listening_stream_sockets_are_listeners(void **state)
{
    int good = listener(), fresh = socket(AF_INET, SOCK_STREAM, 0), datagrams = socket(AF_INET, SOCK_DGRAM, 0);
    int file = open("/dev/null", O_RDONLY);

    (void)state;
    assert_true(handed_is_listener(good));
    assert_false(handed_is_listener(fresh));
    assert_false(handed_is_listener(datagrams));
    assert_false(handed_is_listener(file));
    close(good);
    close(fresh);
    close(datagrams);
    close(file);
}

/* In a child, because descriptors 3 and 4 belong to somebody here: 0 when what came is as expected. */
static int child_sees(const char *pid, const char *fds, const char *fdnames, int expected, const char *const *names)
{
    char own[16], **got = NULL;
    int fd = open("/dev/null", O_RDONLY), n;

    if (dup2(fd, 3) != 3 || dup2(fd, 4) != 4)
        return 10;
    snprintf(own, sizeof own, "%d", (int)getpid());
    setenv("LISTEN_PID", pid != NULL ? pid : own, 1);
    setenv("LISTEN_FDS", fds, 1);
    if (fdnames != NULL)
        setenv("LISTEN_FDNAMES", fdnames, 1);
    else
        unsetenv("LISTEN_FDNAMES");
    n = handed_sockets(&got);
    if (n != expected)
        return 11;
    for (int i = 0; i < n; i++) {
        if (strcmp(got[i], names[i]) != 0)
            return 12;
        if (!(fcntl(HANDED_FIRST + i, F_GETFD) & FD_CLOEXEC))
            return 13;
        free(got[i]);
    }
    free(got);
    return 0;
}

static void sockets_are_taken_by_name(void **state)
{
    static const struct {
        const char *pid, *fds, *fdnames;
        int n;
        const char *names[2];
    } cases[] = {
        { NULL, "2", "web:admin", 2, { "web", "admin" } },
        { NULL, "2", NULL, 2, { "unknown", "unknown" } },
        { NULL, "1", "web", 1, { "web" } },
        { "1", "2", "web:admin", 0, { NULL } },
        { NULL, "0", "", 0, { NULL } },
        { NULL, "two", "web:admin", 0, { NULL } },
        { NULL, "-1", "web:admin", 0, { NULL } },
        { NULL, "1x", "web", 0, { NULL } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status;
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0)
            _exit(child_sees(cases[i].pid, cases[i].fds, cases[i].fdnames, cases[i].n, cases[i].names));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

static int notify_socket(const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    size_t n = strlen(path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    memcpy(at.sun_path, path, n);
    if (path[0] == '@')
        at.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)), 0);
    return fd;
}

static void the_manager_is_told(void **state)
{
    char abstract[64], file[64] = "/tmp/outrider-handed.XXXXXX", got[64];
    int tmp = mkstemp(file);

    (void)state;
    assert_true(tmp >= 0);
    close(tmp);
    unlink(file);
    snprintf(abstract, sizeof abstract, "@outrider-handed-%d", (int)getpid());
    for (int i = 0; i < 2; i++) {
        const char *path = i == 0 ? file : abstract;
        int fd = notify_socket(path);

        setenv("NOTIFY_SOCKET", path, 1);
        assert_true(handed_notify("READY=1\nSTATUS=%s", "fine"));
        assert_int_equal(recv(fd, got, sizeof got, 0), 19);
        assert_memory_equal(got, "READY=1\nSTATUS=fine", 19);
        close(fd);
    }
    assert_false(handed_notify("READY=1"));         /* the last one is gone */
    unsetenv("NOTIFY_SOCKET");
    assert_true(handed_notify("READY=1"));          /* no manager: nothing to do */
    unlink(file);
}

static void the_manager_wants_to_hear_of_us(void **state)
{
    char own[16];
    const struct {
        const char *pid, *us;
        sc_msec wanted;
    } cases[] = {
        { NULL, NULL, 0 }, { NULL, "3000000", 3000 }, { own, "3000000", 3000 }, { "1", "3000000", 0 }, { NULL, "0", 0 },
        { NULL, "soon", 0 }, { own, NULL, 0 },
    };

    (void)state;
    snprintf(own, sizeof own, "%d", (int)getpid());
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsetenv("WATCHDOG_PID");
        unsetenv("WATCHDOG_USEC");
        if (cases[i].pid != NULL)
            setenv("WATCHDOG_PID", cases[i].pid, 1);
        if (cases[i].us != NULL)
            setenv("WATCHDOG_USEC", cases[i].us, 1);
        assert_int_equal(handed_watchdog(), cases[i].wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_listening_stream_sockets_are_listeners),
        cmocka_unit_test(sockets_are_taken_by_name),
        cmocka_unit_test(the_manager_is_told),
        cmocka_unit_test(the_manager_wants_to_hear_of_us),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
