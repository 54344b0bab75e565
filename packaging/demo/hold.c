/* packaging/demo/hold.c - stops one thread of a process, as a debugger would, until the process has ended.
 * SPDX-License-Identifier: Apache-2.0
 *
 * hold TID: for packaging/booted, which shows that systemd's watchdog also sees a single worker that stands still. (A signal
 * would stop all threads.) No part of the sidecar. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
    pid_t task = argc == 2 ? (pid_t)strtol(argv[1], NULL, 10) : 0;
    int status;

    if (task <= 1) {
        fprintf(stderr, "usage: hold TID\n");
        return 64;
    }
    if (ptrace(PTRACE_SEIZE, task, 0, 0) != 0 || ptrace(PTRACE_INTERRUPT, task, 0, 0) != 0) {
        fprintf(stderr, "hold: %s\n", strerror(errno));
        return 1;
    }
    /* It stops, and is never told to go on; that its end is taken notice of lets the process end. */
    while (waitpid(task, &status, __WALL) == task && WIFSTOPPED(status))
        ;
    return 0;
}
