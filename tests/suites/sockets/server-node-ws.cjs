// tests/suites/sockets/server-node-ws.cjs - a server on ws.
// SPDX-License-Identifier: Apache-2.0
'use strict';
const http = require('node:http');
const { WebSocketServer } = require('ws');

const sockets = new WebSocketServer({
  noServer: true, maxPayload: 1 << 26, perMessageDeflate: { threshold: 0 },
  handleProtocols: offered => (offered.has('chat') ? 'chat' : false) });

sockets.on('connection', (socket, request) => {
  socket.on('error', () => {});             // it closes by itself
  socket.on('pong', () => socket.send('pong'));
  socket.on('message', (data, binary) => {
    const text = binary ? '' : data.toString();
    if (text === 'path') return socket.send(request.url);
    if (text === 'ping') return socket.ping('from the server');
    const close = /^close (\d+) (.*)$/.exec(text);
    if (close) return socket.close(Number(close[1]), close[2]);
    return socket.send(data, { binary });
  });
});

const server = http.createServer((request, answer) => answer.writeHead(426).end());
server.on('upgrade', (request, socket, head) => {
  if (request.url.startsWith('/refuse')) {
    socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    return;
  }
  sockets.handleUpgrade(request, socket, head, opened => sockets.emit('connection', opened, request));
});
server.listen(0, '127.0.0.1', 1024, () => console.log(server.address().port));
