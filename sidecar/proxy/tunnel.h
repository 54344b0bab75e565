/* sidecar/proxy/tunnel.h - a client's connection after 101: bytes both ways.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Nothing is held but what the slower side does not take: one buffer of the worker for each direction, and only while
 * bytes wait in it. The end of one direction is passed on as such, a reset as a reset. Records FACT_ENDED when it is over;
 * flow.c then closes it. Worker's thread. */
#pragma once

#include "proxy/exchange.h"

/* The client's socket is to be had: takes it. head[0..n) goes out first (it lives as long as the exchange), behind it what
 * the target has sent behind its 101. */
void tunnel_open(struct sc_exchange *x, const char *head, size_t n);
/* The target has bytes, takes bytes, or has come to its end. Harmless before tunnel_open. */
void tunnel_go(struct sc_exchange *x);
/* The process ends, and does not wait any longer: a WebSocket is told so (RFC 6455 7.4.1, between two frames), anything
 * else gets the end of the stream. Over soon. */
void tunnel_cut(struct sc_exchange *x);
/* Gives both connections back. */
void tunnel_close(struct sc_exchange *x);
/* The client's connection is closed already. Harmless without a tunnel. */
void tunnel_forget(struct sc_exchange *x);
