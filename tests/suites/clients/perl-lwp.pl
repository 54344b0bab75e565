# tests/suites/clients/perl-lwp.pl - LWP::UserAgent, with a cache of connections.
# SPDX-License-Identifier: Apache-2.0
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use HTTP::Request;
use LWP::UserAgent;
use Steps;

my $agent = LWP::UserAgent->new(keep_alive => 1, max_redirect => 0, timeout => 30);

Steps::run(sub {
    my ($method, $path, $headers, $body, $chunked) = @_;
    my $request = HTTP::Request->new($method, $ARGV[0] . $path, [%$headers]);
    my @pieces = $chunked ? unpack('(a3000)*', $body) : ();
    $request->content($chunked ? sub { shift(@pieces) // '' } : $body) if defined $body;
    my $answer = $agent->request($request);
    die $answer->status_line if ($answer->header('Client-Warning') // '') eq 'Internal response';
    return { status => $answer->code, body => $answer->content, header => sub { scalar $answer->header($_[0]) },
             cookies => [$answer->header('Set-Cookie')] };
}, trailers => 'LWP drops them');
