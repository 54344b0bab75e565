/* sidecar/proxy/downstream.h - the client's side of an exchange, through libmicrohttpd.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Worker's thread. Reports to flow.c; does what it says. */
#pragma once

#include "loop/mhdpump.h"
#include "proxy/exchange.h"

extern const struct pump_ops downstream_ops;        /* arg: struct sc_worker */

/* The answer is in x->res and x->response: gives it to the library as soon as the library can take it. */
void downstream_answer(struct sc_exchange *x);
/* The 101 in x->res goes to the client, and its connection becomes a tunnel. */
void downstream_switch(struct sc_exchange *x);
/* A policy agreed: the body may come. */
void downstream_go_on(struct sc_exchange *x);
/* The 103 in x->response goes to the client, if it can be told now. */
void downstream_hint(struct sc_exchange *x);
/* The target takes body bytes again; there are bytes of the answer, or it broke. */
void downstream_room(struct sc_exchange *x);
void downstream_more(struct sc_exchange *x);
/* Drops the connection without an answer, or in the middle of one. */
void downstream_abort(struct sc_exchange *x);
/* The answer is cut off where it is. */
void downstream_break(struct sc_exchange *x);
