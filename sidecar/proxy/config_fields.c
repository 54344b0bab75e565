/* sidecar/proxy/config_fields.c - every key of the configuration: its name, range, default and prose.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The root table comes last. Keys that belong to another directory (targets, matching, policies, logs) stand in tables
 * there. `outrider help`, the manual page, the JSON Schema and the reference are made of what stands here. */
#include "proxy/config_priv.h"

static const struct sc_enum peers[] = { { "trusted", PEERS_TRUSTED }, { "untrusted", PEERS_UNTRUSTED }, { NULL, 0 } };
static const struct sc_enum slashes[] = { { "reject", SLASH_REJECT }, { "keep", SLASH_KEEP }, { NULL, 0 } };
static const struct sc_enum semicolons[] = { { "keep", SEMICOLON_KEEP }, { "reject", SEMICOLON_REJECT }, { NULL, 0 } };
static const struct sc_enum protocols[] = { { "http", PROTOCOL_HTTP }, { "https", PROTOCOL_HTTPS }, { NULL, 0 } };

static const struct sc_enum early_hints[] = { { "drop", EARLY_HINTS_DROP }, { "pass", EARLY_HINTS_PASS }, { NULL, 0 } };
static const struct sc_enum upgrades[] = { { "any", UPGRADE_ANY }, { "websocket", UPGRADE_WEBSOCKET },
                                           { "none", UPGRADE_NONE }, { NULL, 0 } };

#define A_DAY (INT64_C(86400000))

#define P struct listener_path
static const struct sc_field path_fields[] = {
    SC_ENUM(P, encoded_slash, .names = slashes, .dflt = "reject",
            .doc = "What becomes of `%2F` in a path. `reject` answers 400; `keep` leaves it opaque: it is never "
                   "decoded, and the same bytes are matched, authorised and forwarded."),
    SC_ENUM(P, semicolon, .names = semicolons, .dflt = "keep",
            .doc = "Whether a path may hold `;`. `reject` answers 400. A dot segment followed by `;` is refused "
                   "either way, because targets disagree about what it means."),
    SC_BOOL(P, merge_slashes, .dflt = "true",
            .doc = "Makes one slash of several in a row before the path is matched and forwarded."),
    SC_END
};
#undef P

#define L struct listener_conf
static const struct sc_field listener_fields[] = {
    SC_STRING(L, name, .min = 1, .max = 64,
              .doc = "What routes, logs and metrics call this listener. Without it the address is its name."),
    SC_STRING(L, address, .flags = SC_REQUIRED, .min = 1, .max = 4096,
              .doc = "Where to listen: `host:port`, `[v6]:port`, `:port` for all addresses, `unix:/path`, or "
                     "`systemd:NAME` for a socket that systemd hands over under that name."),
    SC_ENUM(L, peers, .names = peers,
            .doc = "Whether the clients belong to this host. What untrusted clients send about themselves is not "
                   "believed: fields that say who the user is (`X-Remote-User`, `X-SSL-Client-Cert` and the like) "
                   "are taken away. Default: trusted on loopback and unix sockets, untrusted elsewhere."),
    SC_CIDRS(L, trusted_proxies,
             .doc = "Networks whose `X-Forwarded-For` and `Forwarded` fields are believed. Nobody is, by default. The "
                    "client is the first address from the right that is not in one of them. Without "
                    "`X-Forwarded-For`, `Forwarded` says who it is; both are passed on with the same content. Other "
                    "fields that say "
                    "where a request came from or what was asked for (`X-Real-IP`, `X-Original-URL`, "
                    "`X-Forwarded-User` and the like) are taken away from everybody else's requests."),
    SC_OBJECT(L, path, struct listener_path, path_fields,
              .doc = "How paths are brought into the one form that is matched, authorised and forwarded."),
    SC_MSEC(L, header_timeout, .dflt = "10s", .min = 10, .max = A_DAY,
            .doc = "The time a client has to send the head of a request. Then the connection is closed."),
    SC_MSEC(L, body_timeout, .dflt = "30s", .min = 10, .max = A_DAY,
            .doc = "The longest pause between two pieces of a request's body. Then the answer is 408."),
    SC_MSEC(L, idle_timeout, .dflt = "75s", .min = 10, .max = A_DAY,
            .doc = "How long a connection may stay open between two requests."),
    SC_SIZE(L, max_header_size, .dflt = "8KiB", .min = 1024, .max = 65536,
            .doc = "The largest request line and fields, together; beyond it the answer is 431 (414 when the target "
                   "alone is too long). The memory that each connection holds grows with it."),
    SC_INT(L, max_connections, .dflt = "10000", .min = 1, .max = 1000000,
           .doc = "Connections open at the same time, for the whole process. Further ones wait in the kernel's queue. All "
                  "listeners together take half of the descriptors at most (`ulimit -n`, the hard limit): each client may "
                  "need one more for its target."),
    SC_END
};
#undef L

#define T struct admin_token
static const struct sc_enum roles[] = { { "viewer", ROLE_VIEWER }, { "operator", ROLE_OPERATOR }, { "admin", ROLE_ADMIN },
                                        { NULL, 0 } };
static const struct sc_field token_fields[] = {
    SC_STRING(T, name, .flags = SC_REQUIRED, .min = 1, .max = 64, .doc = "Who is meant, in the log."),
    SC_SECRETF(T, token, .flags = SC_REQUIRED, .min = 16, .max = 4096,
               .doc = "What the caller sends as `Authorization: Bearer TOKEN`: at least 16 visible ASCII characters. "
                      "`openssl rand -hex 32` makes a good one. `token_file` is read at start and at each reload."),
    SC_ENUM(T, role, .names = roles, .dflt = "viewer",
            .doc = "`viewer` may look at everything but `/config`; `operator` may also change what runs, such as drain and "
                   "reload; `admin` may do everything."),
    SC_END
};
#undef T

#define A struct admin_conf
static const struct sc_field admin_fields[] = {
    SC_STRINGS(A, listeners, .max = 16, .flags = SC_RESTART,
               .doc = "Addresses of the admin listeners: `unix:/path` or `host:port`. Default: a socket `admin.sock` "
                      "in the run-time directory, and 127.0.0.1:8001. That a default address cannot be bound is a "
                      "warning; a stated one must work. On a unix socket root, the user that runs the sidecar and "
                      "the group outrider may do everything. On TCP, without a token, clients of the same host may look "
                      "at everything but `/config`, and others at nothing."),
    SC_OBJECTS(A, tokens, struct admin_token, token_fields, .max = 64,
               .doc = "Who may do more over TCP, or ask from another host. There is no encryption: a token that leaves the "
                      "host belongs into a tunnel."),
    SC_STRINGS(A, public, .max = 16,
               .doc = "Subtrees of the admin pages that every listener in `listeners` serves as well, to anybody who gets "
                      "there: `[/health]` for the probes of a load balancer, `[/health/ready, /metrics]`. They win over "
                      "all routes. Only GET and HEAD, and only what a `viewer` may see. Default: none."),
    SC_END
};
#undef A

static const struct sc_field timeout_fields[] = {
#define T struct timeout_conf
    SC_MSEC(T, connect, .dflt = "1s", .min = 1, .max = A_DAY,
            .doc = "One try: from the wish for a connection to a connection that can be used, TLS included."),
    SC_MSEC(T, response, .dflt = "30s", .min = 1, .max = A_DAY,
            .doc = "One try: from the request sent to the head of the response. The time in which the client is still "
                   "sending its body does not count."),
    SC_MSEC(T, total, .dflt = "60s", .min = 1, .max = A_DAY,
            .doc = "From the head of the request received to the head of the response sent, queue and retries "
                   "included. The time in which the client is still sending its body does not count."),
    SC_MSEC(T, idle_stream, .dflt = "5m", .min = 1, .max = 30 * A_DAY,
            .doc = "The longest pause within the body of a response, and on an upgraded connection."),
    SC_END
};

/* The same keys without defaults: what a route leaves out is its service's. */
static const struct sc_field route_timeout_fields[] = {
    SC_MSEC(T, connect, .min = 1, .max = A_DAY, .doc = "As `services.timeout.connect`, for this route."),
    SC_MSEC(T, response, .min = 1, .max = A_DAY, .doc = "As `services.timeout.response`, for this route."),
    SC_MSEC(T, total, .min = 1, .max = A_DAY, .doc = "As `services.timeout.total`, for this route."),
    SC_MSEC(T, idle_stream, .min = 1, .max = 30 * A_DAY, .doc = "As `services.timeout.idle_stream`, for this route."),
    SC_END
#undef T
};

#define R struct retry_conf
static const struct sc_field backoff_fields[] = {
    { .name = "base", .type = SC_T_MSEC, .offset = offsetof(R, backoff.base) - offsetof(R, backoff), .dflt = "25ms",
      .min = 1, .max = 60000, .doc = "The pause before the first extra try is a random part of this; each further one "
                                     "doubles it." },
    { .name = "max", .type = SC_T_MSEC, .offset = offsetof(R, backoff.max) - offsetof(R, backoff), .dflt = "1s",
      .min = 1, .max = 60000, .doc = "No pause is longer than this." },
    SC_END
};
static const struct sc_field budget_fields[] = {
    { .name = "ratio", .type = SC_T_PERCENT, .offset = offsetof(R, budget.ratio) - offsetof(R, budget), .dflt = "20%",
      .doc = "Extra tries as a share of the requests of the last ten seconds. When many fail at once, retries stay a "
             "small part of the load. After a connection that could not be had an extra try is not counted." },
    { .name = "min_per_second", .type = SC_T_INT, .offset = offsetof(R, budget.min_per_second) - offsetof(R, budget),
      .dflt = "3", .max = 100000, .doc = "Extra tries that are always allowed, however few requests there are." },
    SC_END
};
static const struct sc_field retry_fields[] = {
    SC_INT(R, max_retries, .dflt = "2", .max = 10,
           .doc = "Extra tries after the first. 0 switches retries off. A kept connection that the target closes before a "
                  "byte of an answer is not counted: the request goes once more, on a new one."),
    SC_CUSTOM(R, on, unsigned, config_load_retry_on, .dflt = "[connect_failure, reset, timeout]",
              .schema = "{\"anyOf\":[{\"type\":\"array\",\"items\":{\"enum\":[\"connect_failure\",\"reset\",\"timeout\"]}},"
                        "{\"enum\":[\"connect_failure\",\"reset\",\"timeout\"]}]}",
              .print = config_print_retry_on,
              .doc = "What may be tried again, always before a byte of a response has come: `connect_failure` "
                     "(nothing was sent, so it holds for every method), `reset` and `timeout` (for `methods` only)."),
    { .name = "on_status", .type = SC_T_CUSTOM, .offset = offsetof(R, status), .size = sizeof(((R *)0)->status),
      .custom = config_load_statuses, .print = config_print_statuses,
      .schema = "{\"anyOf\":[{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"minimum\":400,\"maximum\":599}},"
                "{\"type\":\"integer\",\"minimum\":400,\"maximum\":599}]}",
      .doc = "Status codes of a target (400 to 599) after which another one is tried, for `methods` only: `[502, 503, "
             "504]`. None by default." },
    SC_STRINGS(R, methods, .dflt = "[GET, HEAD, OPTIONS, PUT, DELETE]", .max = 32,
               .doc = "Methods that may be repeated after a request was sent. Only list what can be done twice "
                      "without harm."),
    { .name = "backoff", .type = SC_T_OBJECT, .offset = offsetof(R, backoff), .size = sizeof(((R *)0)->backoff),
      .fields = backoff_fields, .doc = "The pauses between tries, with full jitter." },
    SC_MSEC(R, per_try_timeout, .min = 1, .max = A_DAY,
            .doc = "Connect and response of one try, together. None by default: `timeout.connect` and "
                   "`timeout.response` hold."),
    SC_SIZE(R, max_body, .dflt = "64KiB", .max = 16 << 20,
            .doc = "The body of a request is kept up to this size for a second try; larger ones are not tried again "
                   "once a part was sent."),
    { .name = "budget", .type = SC_T_OBJECT, .offset = offsetof(R, budget), .size = sizeof(((R *)0)->budget),
      .fields = budget_fields, .doc = "Keeps retries from making an overload worse." },
    SC_END
};
#undef R

#define M struct limits_conf
static const struct sc_field limits_fields[] = {
    SC_INT(M, max_connections, .dflt = "1024", .min = 1, .max = 1000000,
           .doc = "Connections to all targets of the service, for the whole process."),
    SC_INT(M, max_requests, .dflt = "1024", .min = 1, .max = 1000000,
           .doc = "Requests under way to the service, for the whole process."),
    SC_INT(M, max_pending, .dflt = "1024", .max = 1000000,
           .doc = "Requests that wait for one of these. Beyond it the answer is 503 `overloaded`."),
    SC_MSEC(M, queue_timeout, .dflt = "1s", .min = 1, .max = A_DAY,
            .doc = "How long a request may wait. Then the answer is 503 `queue-timeout`."),
    SC_END
};
#undef M

#define K struct keep_alive_conf
static const struct sc_field keep_alive_fields[] = {
    SC_INT(K, max_idle, .dflt = "1024", .max = 100000,
           .doc = "Idle connections kept to one target, by each worker. 0: every request opens one of its own."),
    SC_MSEC(K, idle_timeout, .dflt = "60s", .min = 1, .max = A_DAY,
            .doc = "How long an idle connection is kept. It should be less than what the targets allow."),
    SC_END
};
#undef K

#define U struct upstream_tls_conf
static const struct sc_field upstream_tls_fields[] = {
    SC_STRING(U, ca, .min = 1, .max = 4096,
              .doc = "File of the certificates that may have signed a target's. Default: those the system trusts."),
    SC_STRING(U, certificate, .min = 1, .max = 4096, .doc = "File of our own certificate, for targets that ask for "
                                                            "one."),
    SC_STRING(U, key, .min = 1, .max = 4096, .doc = "File of its private key."),
    SC_STRING(U, server_name, .min = 1, .max = 253,
              .doc = "The name asked for (SNI), and looked for in the certificate. Default: the target's host."),
    SC_BOOL(U, verify, .dflt = "true",
            .doc = "Whether the target's certificate is checked. `false` lets anybody on the way read and change "
                   "everything."),
    SC_END
};
#undef U

#define S struct service_conf
const struct sc_field service_fields[] = {
    SC_INLINE(S, discovery, struct discovery_service, discovery_service_fields),
    SC_BOOL(S, enabled, .dflt = "true", .doc = "`false` keeps the service in the file and out of use."),
    SC_ENUM(S, protocol, .names = protocols, .dflt = "http", .doc = "How the targets are spoken to."),
    SC_STRING(S, host, .dflt = "preserve", .min = 1, .max = 255,
              .doc = "The `Host` field that targets see: `preserve` leaves the client's, `target` puts the target's "
                     "host and port, everything else is sent as it stands."),
    SC_ENUM(S, early_hints, .names = early_hints, .dflt = "drop",
            .doc = "What becomes of 103 (Early Hints) answers that targets send before the answer proper. `pass` hands "
                   "them to HTTP/1.1 clients that have sent their whole request; policies do not see them. `drop` is the "
                   "default because several client libraries take any interim answer but 100 for the answer. Other "
                   "interim answers are never passed on, but for 100 to a client that asked for it."),
    SC_ENUM(S, upgrade, .names = upgrades, .dflt = "any",
            .doc = "Which protocols a client may change to on its connection (`Upgrade`, RFC 9110 7.8). A target that "
                   "agrees with 101 has the connection to itself from then on: bytes pass both ways, unread by policies. "
                   "With `none`, and for what `websocket` excludes, the request goes on as if nobody had asked. Another "
                   "HTTP (`h2c`) or TLS is never passed on."),
    SC_OBJECT(S, timeout, struct timeout_conf, timeout_fields, .doc = "How long things may take."),
    SC_OBJECT(S, retry, struct retry_conf, retry_fields,
              .doc = "When a request is tried again, on another target if there is one. Never once the head of a "
                     "response has come."),
    SC_OBJECT(S, limits, struct limits_conf, limits_fields,
              .doc = "Numbers that hold for the whole process, not for each worker."),
    SC_OBJECT(S, keep_alive, struct keep_alive_conf, keep_alive_fields, .doc = "Connections kept open between "
                                                                               "requests."),
    SC_SIZE(S, max_response_header_size, .dflt = "8KiB", .min = 1024, .max = 65536,
            .doc = "The largest head of a response. A larger one is answered with 502 `response-header-too-large`."),
    SC_OBJECT(S, tls, struct upstream_tls_conf, upstream_tls_fields, .doc = "TLS towards the targets, for `protocol: "
                                                                            "https`."),
    SC_END
};
#undef S

#define N struct named_conf
static const struct sc_field named_fields[] = {
    SC_INT(N, max, .dflt = "256", .min = 1, .max = 10000,
           .doc = "How many at a time. When one more is asked for, the one that was idle for the longest makes room, if "
                  "that was 10 seconds or more; else the answer is 503 `overloaded`."),
    SC_MSEC(N, idle_timeout, .dflt = "10m", .min = 1000, .max = A_DAY,
            .doc = "How long one is kept, and its registry watched, after the last request for it."),
    SC_END
};
#undef N

#define R struct route_conf
const struct sc_field route_fields[] = {
    SC_STRING(R, name, .min = 1, .max = 128,
              .doc = "What logs, metrics and the admin pages call this route. Default: `route-N`, counted from 1."),
    SC_BOOL(R, enabled, .dflt = "true", .doc = "`false` keeps the route in the file and out of use."),
    SC_STRINGS(R, listeners, .max = ROUTE_LISTENERS_MAX, .doc = "Names of the listeners it serves. Default: all."),
    SC_OBJECT(R, match, struct route_match, route_match_fields,
              .doc = "Which requests take this route. All conditions belong to the match: a route that fails one is "
                     "passed over."),
    SC_STRING(R, service, .flags = SC_REQUIRED, .min = 1, .max = 255,
              .doc = "The service whose targets answer; or `{NAME}`, where every path of `match` has a segment `{NAME}`: "
                     "that segment names a service of `registry`. It is watched from the first request for it on, which "
                     "waits for the registry's first answer, and is called NAME@REGISTRY. Its keys are those of "
                     "`defaults.service`. Requests that the route's policies refuse ask no registry."),
    SC_STRING(R, registry, .min = 1, .max = 253, .doc = "Where a service that the path names is looked up. Only for those."),
    SC_STRINGS(R, allow, .max = 256,
               .doc = "Which services the path may name: patterns with `*` and `?`. Other names are answered with 404. "
                      "Needed where the path names the service: `[\"*\"]` opens the whole registry."),
    SC_OBJECT(R, rewrite, struct rewrite_conf, rewrite_fields, .doc = "What targets see in place of the client's "
                                                                      "path."),
    SC_OBJECT(R, timeout, struct timeout_conf, route_timeout_fields, .brief = "total",
              .doc = "Times of this route in place of its service's. A scalar is `total`."),
    SC_CUSTOM(R, policies, struct policy_list, policy_list_load, .schema = policy_list_schema, .print = policy_list_print,
              .doc = "Policies of this route: `- NAME: {keys}`. An entry replaces the global one of its name, `- "
                     "NAME: off` removes that, and `id` lets both run. The order is by the policies' ranks, not by "
                     "the file."),
    SC_END
};
#undef R

static const struct sc_field defaults_fields[] = {
    { .name = "service", .type = SC_T_OBJECT, .fields = service_fields, .size = sizeof(struct service_conf),
      .doc = "Keys of every service, unless it has them itself; merged key by key." },
    { .name = "route", .type = SC_T_OBJECT, .fields = route_fields, .size = sizeof(struct route_conf),
      .doc = "Keys of every route, unless it has them itself; merged key by key." },
    SC_END
};

#define C struct config
#define IN(outer, member) .offset = offsetof(C, outer.member) - offsetof(C, outer)
static const struct sc_field node_fields[] = {
    { .name = "name", .type = SC_T_STRING, IN(node, name), .min = 1, .max = 253,
      .doc = "The name of this host, in logs and on the admin pages. Default: the host name." },
    { .name = "zone", .type = SC_T_STRING, IN(node, zone), .min = 1, .max = 255,
      .doc = "The failure domain of this host, such as `eu-west-1a`." },
    SC_END
};

static const struct sc_field shutdown_fields[] = {
    { .name = "delay", .type = SC_T_MSEC, IN(shutdown, delay), .dflt = "0s", .max = A_DAY,
      .doc = "After the signal: not ready any more, but still accepting, so that others notice first." },
    { .name = "deregister_wait", .type = SC_T_MSEC, IN(shutdown, deregister_wait), .dflt = "10s", .max = A_DAY,
      .doc = "Then, where there is something in `register`: deregistered, and still accepting until it is seen that others "
             "do not find it any more, but for this long at most. `0s`: nobody waits." },
    { .name = "deadline", .type = SC_T_MSEC, IN(shutdown, deadline), .dflt = "30s", .max = A_DAY,
      .doc = "Then: how long requests under way may take to end. What is left is cut off." },
    SC_END
};

const struct sc_field config_fields[] = {
    SC_STRING(C, state_dir, .flags = SC_RESTART, .min = 1, .max = 1024,
              .doc = "The directory for what survives the process: the last good answers of registries (`targets/` in it, "
                     "for our user alone). Default: `$STATE_DIRECTORY`, as root /var/lib/outrider, else "
                     "`$XDG_STATE_HOME/outrider`. It is made when it is not there. Where nothing can be written, a warning "
                     "says so and the rest works."),
    SC_CUSTOM(C, workers, int64_t, config_load_workers, .dflt = "auto", .flags = SC_RESTART, .print = config_print_workers,
              .schema = "{\"anyOf\":[{\"const\":\"auto\"},{\"type\":\"integer\",\"minimum\":1,\"maximum\":256}]}",
              .doc = "Threads that carry traffic, 1 to 256. `auto`: as many as the CPUs that cgroup and affinity "
                     "allow."),
    { .name = "node", .type = SC_T_OBJECT, .offset = offsetof(C, node), .size = sizeof(((C *)0)->node),
      .fields = node_fields,
      .doc = "What this host is called." },
    SC_OBJECTS(C, listeners, struct listener_conf, listener_fields, .max = ROUTE_LISTENERS_MAX,
               .doc = "Where clients connect. Without the key: one named `default`, on 127.0.0.1:8080. A reload tells them "
                      "apart by their addresses: what keeps its address keeps its connections, also under another name; "
                      "new ones are opened, or the reload is refused; those that are gone answer what is in flight "
                      "and one more request of each connection."),
    SC_OBJECT(C, admin, struct admin_conf, admin_fields, .doc = "Where operators look: health, services, version."),
    { .name = "shutdown", .type = SC_T_OBJECT, .offset = offsetof(C, shutdown), .size = sizeof(((C *)0)->shutdown),
      .fields = shutdown_fields,
      .doc = "The phases of a graceful stop, one after the other. Every answer says `Connection: close` from its "
             "beginning; a connection that stays quiet for half a second in the last phase is closed." },
    SC_CUSTOM(C, registries, struct registries, registries_load, .schema = registries_schema,
              .print = registries_print,
              .doc = "Where services are looked up: a map of names to `{ type: TYPE, ... }`. The `source` of a "
                     "service names one of them."),
    SC_OBJECTS(C, services, struct service_conf, service_fields,
               .doc = "What requests are forwarded to: a name, where its targets come from, and how they are treated."),
    SC_OBJECT(C, named_services, struct named_conf, named_fields,
              .doc = "Services that stand in no list: those of routes with `service: \"{NAME}\"`."),
    { .name = "register", .type = SC_T_OBJECTS, .offset = offsetof(C, registrations), .fields = registration_fields,
      .size = sizeof(struct registration_conf), .max = 256,
      .doc = "Services of this host that others shall find: registered when the sidecar is ready, again when the registry "
             "has lost them, and deregistered when it stops. A reload changes them without a gap; one is told from another "
             "by `registry` and `id`." },
    SC_CUSTOM(C, policies, struct policy_list, policy_list_load, .schema = policy_list_schema, .print = policy_list_print,
              .doc = "Policies of every route: `- NAME: {keys}`."),
    SC_OBJECTS(C, routes, struct route_conf, route_fields, .doc = "Which requests go to which service, and how."),
    { .name = "defaults", .type = SC_T_CUSTOM, .custom = config_load_defaults, .fields = defaults_fields,
      .doc = "What every service and route has unless it says otherwise." },
    SC_OBJECT(C, telemetry, struct telemetry_conf, telemetry_fields, .doc = "What is said about the process and its "
                                                                            "traffic."),
    SC_END
};
