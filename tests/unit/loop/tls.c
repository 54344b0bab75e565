/* tests/unit/loop/tls.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "loop/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIPE = 4096, BODY = 100000 };

/* Two ends of a connection in memory that holds a page each way; no certificates. */
struct pair {
    SSL_CTX *ctx[2];
    SSL *ssl[2];
};

static void pair_init(struct pair *p, bool moving)
{
    BIO *bio[2];

    assert_int_equal(BIO_new_bio_pair(&bio[0], PIPE, &bio[1], PIPE), 1);
    for (int i = 0; i < 2; i++) {
        p->ctx[i] = SSL_CTX_new(TLS_method());
        assert_non_null(p->ctx[i]);
        SSL_CTX_set_max_proto_version(p->ctx[i], TLS1_2_VERSION);
        assert_int_equal(SSL_CTX_set_cipher_list(p->ctx[i], "aNULL:@SECLEVEL=0"), 1);
        SSL_CTX_set_dh_auto(p->ctx[i], 1);
        if (moving)
            tls_allow_moving(p->ctx[i]);
        p->ssl[i] = SSL_new(p->ctx[i]);
        SSL_set_bio(p->ssl[i], bio[i], bio[i]);
    }
    SSL_set_connect_state(p->ssl[0]);
    SSL_set_accept_state(p->ssl[1]);
    for (int i = 0; i < 20 && SSL_do_handshake(p->ssl[i % 2]) != 1; i++)
        ;
    assert_int_equal(SSL_do_handshake(p->ssl[1]), 1);
    assert_int_equal(SSL_do_handshake(p->ssl[0]), 1);
}

static void pair_fini(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        SSL_free(p->ssl[i]);
        SSL_CTX_free(p->ctx[i]);
    }
    ERR_clear_error();
}

static char *body_at(int byte)
{
    char *p = malloc(BODY + 5);

    assert_non_null(p);
    for (int i = 0; i < BODY + 5; i++)
        p[i] = (char)(i * 7 + byte);
    return p;
}

/* Reads what is there; each byte must be the next of the body. */
static int drain(SSL *ssl, const char *body, int have)
{
    char block[5000];
    int n;

    while ((n = SSL_read(ssl, block, sizeof block)) > 0) {
        assert_true(have + n <= BODY + 5);
        assert_memory_equal(block, body + have, (size_t)n);
        have += n;
    }
    return have;
}

/* The case of a chunked upload: a write waits, the last chunk comes behind it, and the buffer moves. */
static void a_waiting_write_moves_and_grows(void **state)
{
    struct pair p;
    char *first = body_at(3), *moved = body_at(3);
    int n, have = 0;

    (void)state;
    pair_init(&p, true);
    n = SSL_write(p.ssl[0], first, BODY);
    assert_int_equal(SSL_get_error(p.ssl[0], n), SSL_ERROR_WANT_WRITE);
    memset(first, 'x', BODY);
    for (int i = 0; i < BODY && (n = SSL_write(p.ssl[0], moved, BODY + 5)) <= 0; i++) {
        assert_int_equal(SSL_get_error(p.ssl[0], n), SSL_ERROR_WANT_WRITE);
        have = drain(p.ssl[1], moved, have);
    }
    assert_int_equal(n, BODY + 5);
    assert_int_equal(drain(p.ssl[1], moved, have), BODY + 5);
    free(first);
    free(moved);
    pair_fini(&p);
}

/* What the call is for: without it the connection is lost. */
static void it_does_not_by_itself(void **state)
{
    struct pair p;
    char *first = body_at(3), *moved = body_at(3);
    int n;

    (void)state;
    pair_init(&p, false);
    n = SSL_write(p.ssl[0], first, BODY);
    assert_int_equal(SSL_get_error(p.ssl[0], n), SSL_ERROR_WANT_WRITE);
    n = SSL_write(p.ssl[0], moved, BODY);
    assert_int_equal(SSL_get_error(p.ssl[0], n), SSL_ERROR_SSL);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_BAD_WRITE_RETRY);
    free(first);
    free(moved);
    pair_fini(&p);
}

static void an_end_is_said(void **state)
{
    struct pair p;
    char byte;

    (void)state;
    pair_init(&p, true);
    assert_int_equal(SSL_write(p.ssl[1], "x", 1), 1);
    SSL_shutdown(p.ssl[1]);
    assert_int_equal(SSL_read(p.ssl[0], &byte, 1), 1);
    assert_false(tls_peer_closed(p.ssl[0]));
    assert_true(SSL_read(p.ssl[0], &byte, 1) <= 0);
    assert_true(tls_peer_closed(p.ssl[0]));
    pair_fini(&p);
}

/* The record goes another way than the library's own bytes, and what the peer says still comes. */
static void an_end_is_said_by_hand(void **state)
{
    struct pair p;
    char record[TLS_GOODBYE_MAX], byte;
    size_t n;

    (void)state;
    pair_init(&p, true);
    assert_int_equal(SSL_write(p.ssl[0], "x", 1), 1);
    n = tls_goodbye(p.ssl[0], record);
    assert_true(n > 0 && n <= sizeof record);
    assert_int_equal(BIO_write(SSL_get_wbio(p.ssl[0]), record, (int)n), (int)n);
    assert_int_equal(SSL_read(p.ssl[1], &byte, 1), 1);
    assert_true(SSL_read(p.ssl[1], &byte, 1) <= 0);
    assert_true(tls_peer_closed(p.ssl[1]));
    assert_false(tls_peer_closed(p.ssl[0]));
    assert_int_equal(SSL_write(p.ssl[1], "y", 1), 1);
    assert_int_equal(SSL_read(p.ssl[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    pair_fini(&p);
}

static void a_cut_is_not_an_end(void **state)
{
    struct pair p;
    char byte;

    (void)state;
    pair_init(&p, true);
    BIO_shutdown_wr(SSL_get_wbio(p.ssl[1]));
    assert_true(SSL_read(p.ssl[0], &byte, 1) <= 0);
    assert_false(tls_peer_closed(p.ssl[0]));
    pair_fini(&p);
}

static void the_library_is_known_by_name(void **state)
{
    char ours[32];

    (void)state;
    snprintf(ours, sizeof ours, "OpenSSL/%u.9.9", OPENSSL_version_major());
    assert_true(tls_is_ours(ours));
    assert_false(tls_is_ours("OpenSSL/1.1.1n"));
    assert_false(tls_is_ours("GnuTLS/3.7.9"));
    assert_false(tls_is_ours("(OpenSSL/3.0.19) GnuTLS/3.7.9"));
    assert_false(tls_is_ours("none"));
    assert_false(tls_is_ours(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_waiting_write_moves_and_grows),
        cmocka_unit_test(it_does_not_by_itself),
        cmocka_unit_test(an_end_is_said),
        cmocka_unit_test(an_end_is_said_by_hand),
        cmocka_unit_test(a_cut_is_not_an_end),
        cmocka_unit_test(the_library_is_known_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
