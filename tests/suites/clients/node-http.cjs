// tests/suites/clients/node-http.cjs - node:http with an agent that keeps connections.
// SPDX-License-Identifier: Apache-2.0
'use strict';
const http = require('node:http');
const { run } = require('./steps.cjs');

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function ask({ method, path, headers, body, chunked, expect }) {
  return new Promise((resolve, reject) => {
    const fields = { ...headers };
    if (body && !chunked) fields['Content-Length'] = body.length;
    const request = http.request(process.argv[2] + path, { method, headers: fields, agent }, answer => {
      const pieces = [];
      answer.on('data', piece => pieces.push(piece));
      answer.on('error', reject);
      answer.on('end', () => resolve({
        status: answer.statusCode, body: Buffer.concat(pieces), header: name => answer.headers[name],
        cookies: answer.headers['set-cookie'] ?? [], trailer: answer.trailers['x-sum'] }));
    });
    request.on('error', reject);
    if (chunked) {
      request.write(body.subarray(0, 4000));
      request.end(body.subarray(4000));
    } else if (expect) {
      request.on('continue', () => request.end(body));
      request.flushHeaders();
    } else {
      request.end(body);
    }
  });
}

run(ask).then(() => agent.destroy());
