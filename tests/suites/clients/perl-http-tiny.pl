# tests/suites/clients/perl-http-tiny.pl - HTTP::Tiny of Perl's own library.
# SPDX-License-Identifier: Apache-2.0
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use HTTP::Tiny;
use Steps;

my $http = HTTP::Tiny->new(max_redirect => 0, timeout => 30, no_proxy => ['127.0.0.1']);

Steps::run(sub {
    my ($method, $path, $headers, $body, $chunked) = @_;
    my @pieces = $chunked ? unpack('(a3000)*', $body) : ();
    my $answer = $http->request($method, $ARGV[0] . $path, {
        headers => $headers, defined $body ? (content => $chunked ? sub { shift @pieces } : $body) : () });
    die $answer->{content} if $answer->{status} == 599;
    my $cookies = $answer->{headers}{'set-cookie'};
    return { status => $answer->{status}, body => $answer->{content}, header => sub { $answer->{headers}{lc $_[0]} },
             cookies => ref $cookies ? $cookies : [$cookies // ()], trailer => $answer->{headers}{'x-sum'} };
}, expect => 'HTTP::Tiny sends the body at once');
