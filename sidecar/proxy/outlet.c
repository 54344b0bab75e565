/* sidecar/proxy/outlet.c - our own bytes on their way into a client's socket.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/outlet.h"

#include "loop/sys.h"
#include "proxy/worker.h"

#include <assert.h>
#include <errno.h>

void outlet_init(struct outlet *o, struct sc_worker *w, int fd)
{
    *o = (struct outlet){ .worker = w, .fd = fd, .writable = true };
}

void outlet_fini(struct outlet *o)
{
    o->held = STR_NONE;
    if (o->buffer != NULL)
        worker_give_read(o->worker, o->buffer);
    o->buffer = NULL;
}

enum outlet_result outlet_flush(struct outlet *o)
{
    ssize_t sent;

    if (o->held.n == 0)
        return OUTLET_EMPTY;
    if (!o->writable)
        return OUTLET_WAITS;
    sent = sys_send(o->fd, o->held.p, o->held.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN)
        return OUTLET_GONE;
    o->held = str_skip(o->held, sent < 0 ? 0 : (size_t)sent);
    o->writable = o->held.n == 0;
    if (o->held.n > 0)
        return OUTLET_WAITS;
    outlet_fini(o);
    return OUTLET_EMPTY;
}

enum outlet_result outlet_give(struct outlet *o, const char *p, size_t n)
{
    assert(o->held.n == 0);
    o->held = (struct sc_str){ p, n };
    return outlet_flush(o);
}

enum outlet_result outlet_give_read(struct outlet *o, const char *p, size_t n)
{
    enum outlet_result r = outlet_give(o, p, n);

    if (r == OUTLET_WAITS && o->buffer == NULL)
        o->buffer = worker_take_read(o->worker);
    return r;
}
