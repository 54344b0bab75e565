// tests/suites/clients/node-got.mjs - got, with an agent that keeps connections.
// SPDX-License-Identifier: Apache-2.0
import http from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Readable } from 'node:stream';

const require = createRequire(import.meta.url);
const { run, pieces } = require('./steps.cjs');
const { got } = await import(pathToFileURL(`${process.env.NODE_PATH}/got/dist/source/index.js`));
const agent = { http: new http.Agent({ keepAlive: true, maxSockets: 1 }) };

async function ask({ method, path, headers, body, chunked }) {
  const answer = await got(process.argv[2] + path, {
    method, headers, body: chunked ? Readable.from(pieces(body)) : body, responseType: 'buffer', followRedirect: false,
    throwHttpErrors: false, retry: { limit: 0 }, allowGetBody: false, agent });
  return { status: answer.statusCode, body: Buffer.from(answer.body), header: name => answer.headers[name],
           cookies: answer.headers['set-cookie'] ?? [], trailer: answer.trailers['x-sum'] };
}

await run(ask, { expect: 'got sends the body at once' });
agent.http.destroy();
