// tests/suites/clients/node-undici.cjs - undici's client: one connection, requests in a pipeline of one.
// SPDX-License-Identifier: Apache-2.0
'use strict';
const { Readable } = require('node:stream');
const { Client } = require('undici');
const { run, pieces } = require('./steps.cjs');

const client = new Client(process.argv[2]);

async function ask({ method, path, headers, body, chunked }) {
  const answer = await client.request({ method, path, headers, body: chunked ? Readable.from(pieces(body)) : body });
  const data = Buffer.from(await answer.body.arrayBuffer());
  const cookies = answer.headers['set-cookie'] ?? [];
  return { status: answer.statusCode, body: data, cookies: [].concat(cookies), header: name => answer.headers[name],
           trailer: answer.trailers['x-sum'] };
}

run(ask, { expect: 'undici refuses Expect' }).then(() => client.close());
