# tests/suites/clients/perl-mojo.pl - Mojo::UserAgent.
# SPDX-License-Identifier: Apache-2.0
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Mojo::UserAgent;
use Steps;

my $agent = Mojo::UserAgent->new(max_redirects => 0, max_response_size => 0);
$agent->transactor->compressed(0);

Steps::run(sub {
    my ($method, $path, $headers, $body, $chunked) = @_;
    my $tx = $agent->build_tx($method => $ARGV[0] . $path => $headers => defined $body && !$chunked ? $body : ());
    if ($chunked) {
        my @pieces = (unpack('(a3000)*', $body), '');
        my $drain;
        $drain = sub { my $content = shift; $content->write_chunk(shift @pieces, @pieces ? $drain : undef) };
        $tx->req->content->$drain;
    }
    $tx = $agent->start($tx);
    my $answer = $tx->res;
    die $tx->error->{message} if $tx->error && !$tx->error->{code};
    return { status => $answer->code, body => $answer->body, header => sub { $answer->headers->header($_[0]) },
             cookies => $answer->headers->every_header('Set-Cookie') };
}, expect => 'Mojo sends the body at once', trailers => 'Mojo drops them');
