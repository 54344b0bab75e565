# tests/suites/sockets/server-perl-mojo.pl - a server on Mojolicious.
# SPDX-License-Identifier: Apache-2.0
use Mojolicious::Lite -signatures;
use Mojo::IOLoop;
use Mojo::Server::Daemon;
use Mojo::WebSocket qw(WS_PING WS_PONG);

app->log->level('fatal');
get '/refuse' => sub ($c) { $c->render(text => '', status => 403) };
websocket '/refuse' => sub ($c) { $c->render(text => '', status => 403) };
websocket '/*rest' => sub ($c) {
    my $tx = $c->tx;
    $tx->max_websocket_size(1 << 26);
    $c->inactivity_timeout(60);
    $tx->with_protocols('chat');
    $tx->with_compression;
    my $target = $c->req->url->to_string;
    $tx->on(frame => sub ($tx, $frame) { $tx->send('pong') if $frame->[4] == WS_PONG });
    $c->on(text => sub ($c, $bytes) {
        return $c->send($target) if $bytes eq 'path';
        return $c->send([1, 0, 0, 0, WS_PING, 'from the server']) if $bytes eq 'ping';
        return $c->finish($1 => $2) if $bytes =~ /^close (\d+) (.*)$/;
        $c->send({ text => $bytes });
    });
    $c->on(binary => sub ($c, $bytes) { $c->send({ binary => $bytes }) });
};

$| = 1;
my $daemon = Mojo::Server::Daemon->new(app => app, listen => ['http://127.0.0.1'], silent => 1);
$daemon->start;
print $daemon->ports->[0], "\n";
Mojo::IOLoop->start;
