# tests/suites/sockets/client-perl-mojo.pl - a client on Mojo::UserAgent.
# SPDX-License-Identifier: Apache-2.0
use v5.30;
use warnings;
use utf8;
use Mojo::IOLoop;
use Mojo::Promise;
use Mojo::UserAgent;
use Mojo::WebSocket qw(WS_CONTINUATION WS_PING WS_PONG WS_TEXT);

my $agent = Mojo::UserAgent->new(inactivity_timeout => 60);
my $text = 'Grüße, 世界 🚀';
binmode STDOUT, ':utf8';
$| = 1;

# opened(path, protocols, deflate, what): what(tx, done) is called with the open tunnel.
sub opened {
    my ($path, $protocols, $deflate, $what) = @_;
    my $result;
    my $url = $ARGV[0] . $path;
    my $tx = $agent->build_websocket_tx($url => {} => $protocols);
    $tx->req->headers->sec_websocket_extensions('permessage-deflate') if $deflate;
    $tx->max_websocket_size(1 << 26) if $tx->can('max_websocket_size');
    my $timer = Mojo::IOLoop->timer(60 => sub { $result //= 'error nothing comes'; Mojo::IOLoop->stop });
    $agent->start($tx => sub {
        my (undef, $tx) = @_;
        if (!$tx->is_websocket) {
            $result = $tx->res->code // 'error ' . $tx->error->{message};
            return Mojo::IOLoop->stop;
        }
        $tx->max_websocket_size(1 << 26);
        $what->($tx, sub { $result = shift; $tx->finish; Mojo::IOLoop->stop });
    });
    Mojo::IOLoop->start;
    Mojo::IOLoop->remove($timer);
    return $result;
}

sub payload { my $n = shift; my $all = join '', map { chr } 0 .. 250; substr($all x ($n / 251 + 1), 0, $n) }
sub verdict { $_[0] ? 'ok' : 'wrong' }

sub same {
    my ($kind, @messages) = @_;
    return opened('/echo', [], 0, sub {
        my ($tx, $done) = @_;
        $tx->on($kind => sub {
            my (undef, $got) = @_;
            my $want = shift @messages;
            return $done->('wrong') if $got ne $want;
            @messages ? $tx->send({ $kind => $messages[0] }) : $done->('ok');
        });
        $tx->send({ $kind => $messages[0] });
    });
}

sub said {
    my ($path, $message) = @_;
    return opened($path, [], 0, sub {
        my ($tx, $done) = @_;
        $tx->on(message => sub { $done->($_[1]) });
        $tx->send($message);
    });
}

my @steps = (
    text => sub { opened('/echo', [], 0, sub {
        my ($tx, $done) = @_;
        $tx->on(message => sub { $done->(verdict($_[1] eq $text)) });
        $tx->send($text) }) },
    sizes => sub { same('binary', map { payload($_) } 0, 1, 125, 126, 127, 65535, 65536, 100000) },
    large => sub { same('binary', payload(16 << 20)) },
    fragments => sub { opened('/echo', [], 0, sub {
        my ($tx, $done) = @_;
        $tx->on(message => sub { $done->(verdict($_[1] eq 'one two three')) });
        $tx->send([0, 0, 0, 0, WS_TEXT, 'one ']);
        $tx->send([0, 0, 0, 0, WS_CONTINUATION, 'two ']);
        $tx->send([1, 0, 0, 0, WS_CONTINUATION, 'three']) }) },
    ping => sub { opened('/echo', [], 0, sub {
        my ($tx, $done) = @_;
        $tx->on(frame => sub { $done->(verdict($_[1][5] eq 'hello')) if $_[1][4] == WS_PONG });
        $tx->send([1, 0, 0, 0, WS_PING, 'hello']) }) },
    'server-ping' => sub { said('/echo', 'ping') },
    path => sub { said('/echo?q=%E2%82%AC', 'path') },
    'server-close' => sub { opened('/echo', [], 0, sub {
        my ($tx, $done) = @_;
        $tx->on(finish => sub { $done->("$_[1] $_[2]") });
        $tx->send('close 4001 over') }) },
    'client-close' => sub { opened('/echo', [], 0, sub {
        my ($tx, $done) = @_;
        $tx->on(finish => sub { $done->($_[1]) });
        $tx->finish(3001 => 'bye') }) },
    deflate => sub { opened('/echo', [], 1, sub {
        my ($tx, $done) = @_;
        my $long = 'ten bytes.' x 10000;
        return $done->('not taken') if ($tx->res->headers->sec_websocket_extensions // '') !~ /permessage-deflate/;
        $tx->on(message => sub { $done->(verdict($_[1] eq $long)) });
        $tx->send($long) }) },
    subprotocol => sub { opened('/echo', ['b', 'chat'], 0, sub { $_[1]->($_[0]->protocol) }) },
    refused => sub { opened('/refuse', [], 0, sub { $_[1]->('accepted') }) },
);
while (my ($name, $step) = splice @steps, 0, 2) {
    my $value = eval { $step->() } // "error $@";
    $value =~ s/\n/ /g;
    say "$name $value";
}
