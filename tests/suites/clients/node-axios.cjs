// tests/suites/clients/node-axios.cjs - axios, with an agent that keeps connections.
// SPDX-License-Identifier: Apache-2.0
'use strict';
const http = require('node:http');
const { Readable } = require('node:stream');
const axios = require('axios');
const { run, pieces } = require('./steps.cjs');

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

async function ask({ method, path, headers, body, chunked }) {
  const answer = await axios.request({
    url: process.argv[2] + path, method, headers: { 'Content-Type': 'application/octet-stream', ...headers }, httpAgent: agent,
    data: chunked ? Readable.from(pieces(body)) : body, responseType: 'arraybuffer', maxRedirects: 0, proxy: false,
    validateStatus: () => true, maxBodyLength: Infinity });
  return { status: answer.status, body: Buffer.from(answer.data), header: name => answer.headers[name],
           cookies: answer.headers['set-cookie'] ?? [] };
}

run(ask, { expect: 'axios sends the body at once', trailers: 'axios drops them' }).then(() => agent.destroy());
