/* tests/mutate/client.c - clients: some do nothing wrong and must be served well, the others do everything wrong.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a connection will send is made at its beginning, and a strict reader goes over all of it: so it is known which
 * requests there are, and the answers are held against them one by one. */
#include "client.h"

#include "board.h"
#include "plan.h"
#include "sender.h"
#include "turn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LISTENERS = 8, GOT_MOST = 6000, SWITCHED_BYTES = 200 };
enum { MS = 1000, GOOD_PATIENCE = 20000 * MS, LONG_PATIENCE = 1500 * MS, SLOW_READER_MOST = 150 * MS };

enum ending { END_CLOSE, END_RESET, END_HALF, END_WAIT };

struct client {
    struct watch watch;
    uint32_t number;
    bool good, local, broken, has_foreign, half, slow_reader, sent_switched;
    struct rng rng;
    struct plan plan;
    struct sender sender;
    struct reader in;
    size_t message;        /* up to the end of this one may be sent */
    size_t counted;        /* messages that were begun */
    size_t abort_at;       /* closes in the middle there; 0: does not */
    enum ending ending;
    uint64_t give_up, read_at, born;
    /* answers */
    size_t answered;
    const struct promised *asked;   /* the request of the answer that is being read */
    bool own, planned, cut, echoed;
    uint64_t expected;     /* bytes of the body, when planned */
    uint64_t echoed_back;  /* bytes behind a 101 */
    struct tag tunnel;     /* of what is sent there */
    char carry[2 * TAG_SIZE];
    size_t carried;
    struct text got;       /* the last bytes that came, for reports */
};

static struct {
    struct sockaddr_storage to;
    socklen_t len;
} listeners[LISTENERS];
static size_t nlisteners;

static struct client *clients;
static size_t nclients;
static uint32_t next_number;
static uint64_t wanted;    /* of counts.mutated */

bool client_add_listener(const char *address)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    unsigned port;

    if (nlisteners == LISTENERS)
        return false;
    if (strncmp(address, "unix:", 5) == 0 && strlen(address + 5) < sizeof un.sun_path) {
        strcpy(un.sun_path, address + 5);
        memcpy(&listeners[nlisteners].to, &un, sizeof un);
        listeners[nlisteners++].len = sizeof un;
        return true;
    }
    if (sscanf(address, "127.0.0.1:%u", &port) != 1 || port == 0 || port > 65535)
        return false;
    in.sin_port = htons((uint16_t)port);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memcpy(&listeners[nlisteners].to, &in, sizeof in);
    listeners[nlisteners++].len = sizeof in;
    return true;
}

/* ---- what is wrong */

static void wrong(struct client *c, const char *what)
{
    failed(c->number, "%s client: %s", c->good ? "good" : "mutating", what);
    if (!failure_is_shown())
        return;
    text_show("it got", c->got.p, c->got.n, 3000);
    text_show("it sent", c->sender.out.p, c->sender.at, 5000);
    fprintf(stderr, "  answers before: %zu of %zu; listener %d; its reader had got to phase %d\n", c->answered, c->plan.n,
            (int)(c->number % nlisteners), (int)c->in.phase);
}

/* ---- answers */

static bool says_own(const struct reader *r)
{
    const struct field *f = reader_field(r, "proxy-status");

    return f != NULL && f->value_len >= 8 && memcmp(f->value, "outrider", 8) == 0;
}

static const char *read_marks(struct client *c, const struct reader *r)
{
    const struct field *echo = reader_field(r, "x-echo"), *plan = reader_field(r, "x-plan");
    unsigned status;
    unsigned long long n;
    char text[64];
    struct tag t;

    c->echoed = echo != NULL && tag_find(echo->value, echo->value_len, &t) != NULL;
    if (c->echoed && (c->asked == NULL || !c->asked->tagged || t.conn != c->number || t.message != c->asked->tag.message ||
                      t.kind != c->asked->tag.kind))
        return "an answer to another request than the one whose turn it is";
    c->cut = reader_field(r, "x-cuts") != NULL;
    c->planned = false;
    if (plan == NULL || !c->echoed)
        return NULL;
    snprintf(text, sizeof text, "%.*s", (int)plan->value_len, plan->value);
    if (sscanf(text, "%u %llu", &status, &n) != 2 || status != r->status)
        return "the status is not the one that was sent";
    c->planned = true;
    c->expected = n;
    return NULL;
}

static const char *wrong_final(struct client *c, const struct reader *r)
{
    const struct promised *e = c->asked;
    bool has_body = r->status >= 200 && r->status != 204 && r->status != 304 && !(e != NULL && e->head);

    if (reader_count(r, "date") != 1)
        return "not exactly one Date";
    if (reader_field(r, "keep-alive") != NULL || reader_field(r, "proxy-connection") != NULL)
        return "a field that ends at the hop before";
    if (e == NULL)
        return c->own && r->close ? NULL : "more answers than requests";
    if (r->status == 101)
        return e->upgrade ? NULL : "an upgrade that nobody asked for";
    if (e->minor == 0 && r->chunked)
        return "a chunked answer to HTTP/1.0";
    if (has_body && !r->chunked && !r->has_length && (e->minor != 0 || !r->close))
        return "a body without an end";
    if (c->good && r->status == 408 && turn_now() - c->born > 500 * MS) {
        counts.excused++;
        c->good = false;
        return NULL;
    }
    if (c->good && (c->own || !c->echoed || !c->planned))
        return "a good request was not answered by its target";
    return NULL;
}

static enum reader_body on_head(struct reader *r)
{
    struct client *c = r->user;
    const char *error;

    if (r->status < 200 && r->status != 101)
        return READER_AS_FRAMED;
    c->asked = c->answered < c->plan.n ? &c->plan.at[c->answered] : NULL;
    c->own = says_own(r);
    error = read_marks(c, r);
    if (error == NULL && !c->plan.overflown)
        error = wrong_final(c, r);
    if (error != NULL)
        reader_refuse(r, error);
    counts.answers++;
    counts.own_errors += c->own;
    counts.status[r->status]++;
    if (r->status == 101) {
        counts.switched++;
        return READER_SWITCHED;
    }
    if (c->own && (c->asked == NULL || c->asked->head))
        return READER_MAYBE_BODY;
    return c->asked != NULL && c->asked->head ? READER_NO_BODY : READER_AS_FRAMED;
}

static void on_body(struct reader *r, const char *p, size_t n)
{
    struct client *c = r->user;

    if (r->phase == READER_RAW) {
        if (c->good && !tag_body_is(p, c->echoed_back, n, &c->tunnel))
            reader_refuse(r, "the bytes that come back through the tunnel are not those that were sent");
        c->echoed_back += n;
        return;
    }
    if (c->planned && (r->seen + n > c->expected || !tag_body_is(p, r->seen, n, &c->asked->tag)))
        reader_refuse(r, "the body is not the one that was sent");
}

static void on_end(struct reader *r)
{
    struct client *c = r->user;

    if (r->status < 200)
        return;
    if (c->cut && !(c->local && r->to_close))       /* a unix socket has no reset that would tell */
        reader_refuse(r, "an answer that was cut off looks whole");
    else if (c->planned && !(c->asked->head) && r->seen != c->expected)
        reader_refuse(r, "the body is not as long as it was");
    counts.good_answers += c->good;
    c->answered++;
}

static const struct reader_ops ops = { on_head, on_body, on_end };

static const char *foreign_tag(const struct client *c, const struct tag *t)
{
    if (t->kind == TAG_SURPLUS)
        return "bytes behind an answer came through";
    return t->conn != c->number && t->conn != NOBODY ? "bytes of another connection" : NULL;
}

static const char *foreign_in(const struct client *c, const char *p, size_t n)
{
    const char *end = p + n, *error = NULL;
    struct tag t;

    while (error == NULL && (p = tag_find(p, (size_t)(end - p), &t)) != NULL) {
        error = foreign_tag(c, &t);
        p += TAG_SIZE;
    }
    return error;
}

/* Whose bytes are these? Looks everywhere, also into what is no HTTP. */
static const char *foreign(struct client *c, const char *p, size_t n)
{
    size_t most = n < TAG_SIZE ? n : TAG_SIZE, all = c->carried + most, keep;
    const char *error;

    memcpy(c->carry + c->carried, p, most);         /* what one read cut in two */
    error = foreign_in(c, c->carry, all);
    if (error == NULL)
        error = foreign_in(c, p, n);
    keep = all < TAG_SIZE - 1 ? all : TAG_SIZE - 1;
    if (n >= keep)
        memcpy(c->carry, p + n - keep, keep);
    else
        memmove(c->carry, c->carry + all - keep, keep);
    c->carried = keep;
    return error;
}

/* ---- the life of a connection */

static void open_one(struct client *c);

static void over(struct client *c, bool reset)
{
    turn_close(&c->watch, reset);
    if (counts.mutated < wanted)
        turn_at(&c->watch, turn_now() + 1);         /* not from inside its own events */
}

static void over_wrong(struct client *c, const char *what)
{
    if (c->good || !loose || c->has_foreign)
        wrong(c, what);
    over(c, true);
}

static bool all_sent(const struct client *c)
{
    return c->message == c->plan.nmessages && c->sender.at >= c->plan.end[c->plan.nmessages - 1];
}

static uint64_t patience(struct client *c)
{
    if (c->good)
        return GOOD_PATIENCE;
    return c->ending == END_WAIT && all_sent(c) ? LONG_PATIENCE : (5 + rng_below(&c->rng, 30)) * MS;
}

static void schedule(struct client *c)
{
    uint64_t at = c->give_up;

    if (c->watch.fd < 0)
        return;
    if (c->sender.until > turn_now() && c->sender.until < at)
        at = c->sender.until;
    if (c->read_at > turn_now() && c->read_at < at)
        at = c->read_at;
    turn_at(&c->watch, at);
}

static void count_begun(struct client *c)
{
    while (c->counted < c->plan.nmessages && c->sender.at > (c->counted == 0 ? 0 : c->plan.end[c->counted - 1])) {
        counts.requests++;
        counts.mutated += c->plan.mutated[c->counted];
        c->counted++;
    }
}

static void send_on(struct client *c)
{
    size_t limit = c->plan.end[c->message - 1];
    enum sent sent;

    if (c->abort_at != 0 && limit > c->abort_at)
        limit = c->abort_at;
    if (c->in.phase == READER_RAW)
        limit = c->sender.out.n;
    sent = sender_go(&c->sender, c->watch.fd, limit, &c->rng, turn_now());
    count_begun(c);
    turn_watch(&c->watch, (c->read_at > turn_now() ? 0 : EPOLLIN) | (sent == SENT_BLOCKED ? EPOLLOUT : 0));
    if (c->abort_at != 0 && c->sender.at >= c->abort_at) {
        over(c, rng_chance(&c->rng, 500));
        return;
    }
    if (sent == SENT_BROKEN) {                      /* its answer may be there all the same; a reset is told only once */
        c->broken = true;
        c->sender.at = c->good ? c->sender.at : limit;
    }
}

/* Behind a 101: bytes that are to come back. */
static void use_tunnel(struct client *c)
{
    static char bytes[SWITCHED_BYTES];

    if (!c->sent_switched && c->in.phase == READER_RAW) {
        c->sent_switched = true;
        c->sender.out.n = c->sender.at;
        c->tunnel = (struct tag){ TAG_MUTATED, c->number, 0 };
        tag_body(bytes, 0, sizeof bytes, &c->tunnel);
        for (size_t i = 0, from = rng_below(&c->rng, 2) * TAG_SIZE; !c->good && i + from < sizeof bytes; i++)
            bytes[i + from] = (char)rng_below(&c->rng, 256);        /* also what looks like frames, and ends them */
        text_add(&c->sender.out, bytes, sizeof bytes);
        c->give_up = turn_now() + patience(c);
    } else if (c->good && c->echoed_back == SWITCHED_BYTES) {
        over(c, false);
    }
}

static void go_on(struct client *c)
{
    if (c->watch.fd < 0)
        return;
    use_tunnel(c);
    if (c->watch.fd < 0)
        return;
    if (!c->half)
        send_on(c);
    if (c->watch.fd >= 0 && c->good && c->answered == c->plan.nmessages)
        over(c, rng_chance(&c->rng, 300));
    else
        schedule(c);
}

/* Nothing has happened for as long as this client waits. */
static void impatient(struct client *c)
{
    if (c->good) {
        over_wrong(c, "no answer");
    } else if (c->in.phase == READER_RAW || c->half || turn_now() - c->born > 4ull * LONG_PATIENCE) {
        over(c, rng_chance(&c->rng, 500));
    } else if (c->message < c->plan.nmessages && c->sender.at >= c->plan.end[c->message - 1]) {
        c->message++;
        c->give_up = turn_now() + patience(c);
        go_on(c);
    } else if (c->ending == END_HALF && all_sent(c)) {
        c->half = true;
        shutdown(c->watch.fd, SHUT_WR);
        c->give_up = turn_now() + patience(c);
        schedule(c);
    } else if (c->ending == END_WAIT && all_sent(c) && turn_now() - c->born < LONG_PATIENCE) {
        c->give_up = turn_now() + LONG_PATIENCE;
        schedule(c);
    } else {
        over(c, c->ending == END_RESET);
    }
}

static const char *ended_wrongly(struct client *c, bool by_reset)
{
    bool clean = !by_reset && reader_eof(&c->in);

    if (c->in.phase == READER_BROKEN)
        return c->in.error;
    if (!c->good || (loose && c->in.phase == READER_ENDED))     /* the library says close more often */
        return NULL;
    if (by_reset)
        return "its connection was reset";
    return clean && c->answered == c->plan.nmessages ? NULL : "its connection was closed before everything was answered";
}

static void on_bytes(struct client *c, const char *p, size_t n)
{
    size_t before = c->answered;
    const char *error = foreign(c, p, n);

    c->has_foreign = error != NULL;
    counts.bytes_in += n;
    text_add(&c->got, p, n);
    text_trim_front(&c->got, GOT_MOST);
    if (!reader_feed(&c->in, p, n) && error == NULL)
        error = c->in.error;
    if (error != NULL) {
        over_wrong(c, error);
        return;
    }
    if (c->answered > before) {
        if (c->answered >= c->message && c->message < c->plan.nmessages)
            c->message++;
        if (c->plan.n > 0 && c->answered == c->plan.n && all_sent(c) && c->ending == END_CLOSE && !c->good)
            c->give_up = turn_now() + 1;            /* everything is answered */
        else
            c->give_up = turn_now() + patience(c);
    }
}

static void read_on(struct client *c)
{
    static char bytes[65536];
    size_t most = c->slow_reader ? 1 + rng_below(&c->rng, 300) : sizeof bytes;
    ssize_t n = recv(c->watch.fd, bytes, most, MSG_DONTWAIT);
    const char *error;

    if (n > 0) {
        on_bytes(c, bytes, (size_t)n);
        if (c->slow_reader)
            c->read_at = turn_now() + 1 + rng_below(&c->rng, 3 * MS);
    } else if (n == 0 || errno != EAGAIN) {
        error = ended_wrongly(c, n < 0 || c->broken);
        if (error != NULL)
            over_wrong(c, error);
        else
            over(c, n < 0);
    }
}

static void on_event(struct watch *w)
{
    struct client *c = (struct client *)w;

    if (c->read_at <= turn_now())
        read_on(c);
    else if (c->slow_reader && turn_now() - c->born > SLOW_READER_MOST)
        over(c, true);
    go_on(c);
}

static void on_due(struct watch *w)
{
    struct client *c = (struct client *)w;

    if (w->fd < 0) {
        if (counts.mutated < wanted)
            open_one(c);
        return;
    }
    if (turn_now() >= c->give_up) {
        impatient(c);
        return;
    }
    if (c->slow_reader && turn_now() - c->born > SLOW_READER_MOST)
        over(c, true);
    else if (c->read_at != 0 && c->read_at <= turn_now())
        read_on(c);
    go_on(c);
}

/* ---- opening */

/* From many addresses, so that there are ports enough; 127.0.1.x is a proxy that the sidecar trusts. */
static int connect_from(struct client *c, const struct sockaddr *to, socklen_t len)
{
    struct sockaddr_in from = { .sin_family = AF_INET };
    int one = 1, small = 2048, fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (c->slow_reader)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (to->sa_family == AF_INET) {
        from.sin_addr.s_addr = htonl((uint32_t)(0x7f000002u + 0x100u * rng_below(&c->rng, 3) + rng_below(&c->rng, 250)));
        setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0)
            perror("mutate: bind");
    }
    if (connect(fd, to, len) == 0 || errno == EINPROGRESS)
        return fd;
    close(fd);
    return -1;
}

static void choose_manners(struct client *c)
{
    c->good = rng_chance(&c->rng, 120);
    c->slow_reader = !c->good && rng_chance(&c->rng, 30);
    c->message = c->good || rng_chance(&c->rng, 600) ? 1 : MESSAGES_MOST;
    c->ending = rng_chance(&c->rng, 15) ? END_WAIT : rng_chance(&c->rng, 100) ? END_HALF
                : rng_chance(&c->rng, 150) ? END_RESET : END_CLOSE;
    if (c->good && rng_chance(&c->rng, 300))
        c->message = MESSAGES_MOST;                 /* all at once */
}

static void open_one(struct client *c)
{
    const struct sockaddr *to;
    socklen_t len;

    c->number = next_number++;
    c->rng = rng_for(the_seed, c->number, 1);
    c->half = c->broken = c->has_foreign = c->sent_switched = false;
    c->carried = c->counted = c->answered = 0;
    c->echoed_back = c->read_at = 0;
    c->got.n = 0;
    choose_manners(c);
    sender_begin(&c->sender, &c->rng, c->good ? 150 : 300);
    plan_make(&c->plan, &c->sender.out, &c->rng, c->number, c->good);
    if (c->message > c->plan.nmessages)
        c->message = c->plan.nmessages;
    c->abort_at = !c->good && rng_chance(&c->rng, 60) ? 1 + rng_below(&c->rng, c->sender.out.n) : 0;
    reader_init(&c->in);
    c->born = turn_now();
    c->give_up = c->born + patience(c);
    to = (const struct sockaddr *)&listeners[c->number % nlisteners].to;
    c->local = to->sa_family == AF_UNIX;
    len = listeners[c->number % nlisteners].len;
    c->watch.fd = connect_from(c, to, len);
    if (c->watch.fd < 0) {                          /* the queue of a unix socket is full, say */
        turn_at(&c->watch, turn_now() + MS);
        return;
    }
    counts.connections++;
    counts.good_connections += c->good;
    turn_watch(&c->watch, EPOLLIN | EPOLLOUT);
    schedule(c);
}

void clients_init(size_t connections, uint32_t first)
{
    nclients = connections;
    next_number = first;
    clients = calloc(connections, sizeof *clients);
    if (clients == NULL || nlisteners == 0)
        abort();
    for (size_t i = 0; i < nclients; i++) {
        clients[i].watch = (struct watch){ .fd = -1, .on_event = on_event, .on_due = on_due };
        clients[i].in = (struct reader){ .ops = &ops, .user = &clients[i] };
    }
}

void clients_start(uint64_t mutated)
{
    wanted = counts.mutated + mutated;
    for (size_t i = 0; i < nclients; i++)
        if (clients[i].watch.fd < 0)
            open_one(&clients[i]);
}

size_t clients_busy(void)
{
    size_t n = 0;

    if (counts.mutated < wanted)
        return nclients;
    for (size_t i = 0; i < nclients; i++)
        n += clients[i].watch.fd >= 0;
    return n;
}

void clients_free(void)
{
    for (size_t i = 0; i < nclients; i++) {
        turn_close(&clients[i].watch, false);
        reader_fini(&clients[i].in);
        text_free(&clients[i].sender.out);
        text_free(&clients[i].got);
    }
    free(clients);
}
