# tests/suites/clients/Steps.pm - the steps of README.md for clients in Perl: a client is one function.
# SPDX-License-Identifier: Apache-2.0
package Steps;
use strict;
use warnings;

sub text { $_[0]{body} }
sub field { my $name = shift; sub { $_[0]{header}->($name) // 'none' } }
sub events { join ',', $_[0]{body} =~ /^data: (.*)$/mg }
sub code { $_[0]{body} =~ /"code":"([^"]*)"/ ? $1 : 'none' }

sub plan {
    my $kept = shift;
    my $small = substr $kept, 0, 10000;
    return (
        ['get-small', 'GET', '/o/bytes/5', {}, undef, 0, undef],
        ['get-10k', 'GET', '/o/bytes/10000', {}, undef, 0, undef],
        ['get-1m', 'GET', '/o/chunked/1000000', {}, undef, 0, undef],
        ['head', 'HEAD', '/o/bytes/10000', {}, undef, 0, field('Content-Length')],
        ['post', 'POST', '/o/same/10000', {}, $small, 0, \&text],
        ['post-chunked', 'POST', '/o/framing/10000', {}, $small, 1, \&text],
        ['put-1m', 'PUT', '/o/same/1000000', {}, $kept, 0, \&text],
        ['delete', 'DELETE', '/o/thing', {}, undef, 0, undef],
        ['options', 'OPTIONS', '/o/thing', {}, undef, 0, field('Allow')],
        ['not-modified', 'GET', '/o/etag', { 'If-None-Match' => '"v1"' }, undef, 0, field('ETag')],
        ['redirect', 'GET', '/o/redirect', {}, undef, 0, field('Location')],
        ['gzip', 'GET', '/o/gzip', { 'Accept-Encoding' => 'gzip' }, undef, 0, undef],
        ['cookies', 'GET', '/o/cookies', {}, undef, 0, sub { join '|', @{ $_[0]{cookies} } }],
        ['unicode', 'GET', '/o/echo/%C3%A4%20%2B;x=1?q=%E2%82%AC&r=a+b&r=%2F', {}, undef, 0, \&text],
        ['large-request-header', 'GET', '/o/header', { 'X-Large' => 'y' x 6000 }, undef, 0, \&text],
        ['large-answer-header', 'GET', '/o/header/answer', {}, undef, 0, sub { length $_[0]{header}->('X-Large') }],
        ['slow', 'GET', '/o/slow', {}, undef, 0, undef],
        ['events', 'GET', '/o/events', {}, undef, 0, \&events],
        ['expect', 'POST', '/o/same/10000', { 'Expect' => '100-continue' }, $small, 0, \&text],
        ['trailers', 'GET', '/o/trailers', {}, undef, 0, sub { $_[0]{trailer} // 'none' }],
        ['problem', 'GET', '/nowhere', {}, undef, 0, \&code],
        ['hold', 'GET', '/o/hold', {}, undef, 0, field('Connection')],
    );
}

# run(ask, step => why, ...): ask(method, path, headers, body, chunked) returns {status, body, header, cookies, trailer}.
sub run {
    my ($ask, %skipped) = @_;
    my $kept = '';
    $| = 1;
    for my $name (map { $_->[0] } plan('')) {
        if (my $why = $skipped{$name}) {
            print "$name skip $why\n";
            next;
        }
        my ($step) = grep { $_->[0] eq $name } plan($kept);
        my (undef, $method, $path, $headers, $body, $chunked, $extra) = @$step;
        my $got = eval { $ask->($method, $path, $headers, $body, $chunked) };
        if (!$got) {
            print "$name error ", $@ =~ tr/\n/ /r, "\n";
            next;
        }
        $got->{body} //= '';
        print "$name $got->{status} ", length $got->{body}, ' ', $extra ? $extra->($got) : '', "\n";
        $kept = $got->{body} if $name eq 'get-1m';
    }
}
1;
