// tests/suites/clients/node-superagent.cjs - superagent, with an agent that keeps connections.
// SPDX-License-Identifier: Apache-2.0
'use strict';
const http = require('node:http');
const superagent = require('superagent');
const { run } = require('./steps.cjs');

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function whole(answer, done) {
  const pieces = [];
  answer.on('data', piece => pieces.push(piece));
  answer.on('end', () => done(null, Buffer.concat(pieces)));
}

async function ask({ method, path, headers, body }) {
  const request = superagent(method, process.argv[2] + path).agent(agent).redirects(0).ok(() => true).set(headers)
    .buffer(true).parse(whole);
  if (body) request.type('application/octet-stream');
  const answer = await (body ? request.send(body) : request);
  return { status: answer.status, body: Buffer.isBuffer(answer.body) ? answer.body : Buffer.alloc(0),
           header: name => answer.headers[name], cookies: answer.headers['set-cookie'] ?? [] };
}

run(ask, { 'post-chunked': 'superagent counts', expect: 'superagent sends the body at once',
           trailers: 'superagent drops them' }).then(() => agent.destroy());
