// tests/suites/clients/steps.cjs - the steps of README.md for clients of Node: a client is one function.
// SPDX-License-Identifier: Apache-2.0
'use strict';

const text = g => g.body.toString();
const events = g => text(g).split('\n').filter(l => l.startsWith('data: ')).map(l => l.slice(6)).join();

function plan(kept) {
  const small = kept.subarray(0, 10000);
  const get = (path, extra, headers = {}) => ({ method: 'GET', path, headers, extra });
  const send = (method, path, body, more) => ({ method, path, headers: {}, body, extra: text, ...more });
  return {
    'get-small': get('/o/bytes/5'),
    'get-10k': get('/o/bytes/10000'),
    'get-1m': get('/o/chunked/1000000'),
    'head': { ...get('/o/bytes/10000', g => g.header('content-length')), method: 'HEAD' },
    'post': send('POST', '/o/same/10000', small),
    'post-chunked': send('POST', '/o/framing/10000', small, { chunked: true }),
    'put-1m': send('PUT', '/o/same/1000000', kept),
    'delete': { method: 'DELETE', path: '/o/thing', headers: {} },
    'options': { method: 'OPTIONS', path: '/o/thing', headers: {}, extra: g => g.header('allow') },
    'not-modified': get('/o/etag', g => g.header('etag'), { 'If-None-Match': '"v1"' }),
    'redirect': get('/o/redirect', g => g.header('location')),
    'gzip': get('/o/gzip', undefined, { 'Accept-Encoding': 'gzip' }),
    'cookies': get('/o/cookies', g => g.cookies.join('|')),
    'unicode': get('/o/echo/%C3%A4%20%2B;x=1?q=%E2%82%AC&r=a+b&r=%2F', text),
    'large-request-header': get('/o/header', text, { 'X-Large': 'y'.repeat(6000) }),
    'large-answer-header': get('/o/header/answer', g => g.header('x-large').length),
    'slow': get('/o/slow'),
    'events': get('/o/events', events),
    'expect': send('POST', '/o/same/10000', small, { headers: { Expect: '100-continue' }, expect: true }),
    'trailers': get('/o/trailers', g => g.trailer),
    'problem': get('/nowhere', g => JSON.parse(text(g)).code),
    'hold': get('/o/hold', g => g.header('connection')),
  };
}

// ask(request) resolves to {status, body: Buffer, header(name), cookies: [], trailer}
exports.run = async function (ask, skipped = {}) {
  let kept = Buffer.alloc(0);
  for (const name of Object.keys(plan(kept))) {
    if (skipped[name]) {
      console.log(`${name} skip ${skipped[name]}`);
      continue;
    }
    const request = plan(kept)[name];
    try {
      const got = await ask(request);
      console.log(`${name} ${got.status} ${got.body.length}` + (request.extra ? ` ${request.extra(got)}` : ''));
      if (name === 'get-1m') kept = got.body;
    } catch (error) {
      console.log(`${name} error ${error} ${error.cause ?? ''}`.replace(/\n/g, ' '));
    }
  }
};
exports.pieces = function* (body) {
  for (let i = 0; i < body.length; i += 1000) yield body.subarray(i, i + 1000);
};
