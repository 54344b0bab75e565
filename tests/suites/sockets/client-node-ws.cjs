// tests/suites/sockets/client-node-ws.cjs - a client on ws.
// SPDX-License-Identifier: Apache-2.0
'use strict';
const { once } = require('node:events');
const WebSocket = require('ws');

async function connect(path = '/echo', protocols = [], options = {}) {
  const socket = new WebSocket(process.argv[2] + path, protocols, { perMessageDeflate: false, ...options });
  await once(socket, 'open');
  return socket;
}

function payload(n) {
  const data = Buffer.alloc(n);
  for (let i = 0; i < n; i++) data[i] = i % 251;
  return data;
}

async function next(socket) {
  const [data, binary] = await once(socket, 'message');
  return binary ? data : data.toString();
}

async function same(socket, message) {
  const answer = next(socket);
  socket.send(message);
  const got = await answer;
  return typeof message === 'string' ? got === message : message.equals(got);
}

async function said(socket, text) {
  const answer = next(socket);
  socket.send(text);
  return answer;
}

const verdict = right => (right ? 'ok' : 'wrong');
const steps = {
  'text': async () => verdict(await same(await connect(), 'Grüße, 世界 🚀')),
  'sizes': async () => {
    const socket = await connect();
    for (const n of [0, 1, 125, 126, 127, 65535, 65536, 100000]) if (!await same(socket, payload(n))) return `wrong at ${n}`;
    return 'ok';
  },
  'large': async () => verdict(await same(await connect(), payload(16 << 20))),
  'fragments': async () => {
    const socket = await connect();
    const answer = next(socket);
    socket.send('one ', { fin: false });
    socket.send('two ', { fin: false });
    socket.send('three', { fin: true });
    return verdict(await answer === 'one two three');
  },
  'ping': async () => {
    const socket = await connect();
    const pong = once(socket, 'pong');
    socket.ping('hello');
    return verdict((await pong)[0].toString() === 'hello');
  },
  'server-ping': async () => said(await connect(), 'ping'),
  'path': async () => said(await connect('/echo?q=%E2%82%AC'), 'path'),
  'server-close': async () => {
    const socket = await connect();
    socket.send('close 4001 over');
    const [code, reason] = await once(socket, 'close');
    return `${code} ${reason}`;
  },
  'client-close': async () => {
    const socket = await connect();
    socket.close(3001, 'bye');
    return (await once(socket, 'close'))[0];
  },
  'deflate': async () => {
    const socket = await connect('/echo', [], { perMessageDeflate: { threshold: 0 } });
    return socket.extensions.includes('permessage-deflate') ? verdict(await same(socket, 'ten bytes.'.repeat(10000))) : 'not taken';
  },
  'subprotocol': async () => (await connect('/echo', ['b', 'chat'])).protocol,
  'refused': () => new Promise(resolve => {
    const socket = new WebSocket(process.argv[2] + '/refuse');
    socket.on('unexpected-response', (request, answer) => resolve(answer.statusCode));
    socket.on('open', () => resolve('accepted'));
    socket.on('error', resolve);
  }),
};

(async () => {
  for (const [name, step] of Object.entries(steps)) {
    try {
      console.log(`${name} ${await step()}`);
    } catch (error) {
      console.log(`${name} error ${error}`);
    }
  }
  process.exit(0);
})();
