// tests/suites/clients/node-fetch.cjs - fetch() of Node itself.
// SPDX-License-Identifier: Apache-2.0
'use strict';
const { run, pieces } = require('./steps.cjs');

async function ask({ method, path, headers, body, chunked }) {
  const answer = await fetch(process.argv[2] + path, {
    method, headers, redirect: 'manual', duplex: 'half', body: chunked ? ReadableStream.from(pieces(body)) : body });
  return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()), cookies: answer.headers.getSetCookie(),
           header: name => answer.headers.get(name) };
}

run(ask, { expect: 'fetch knows no Expect', trailers: 'fetch drops them' });
