# tests/suites/clients/python-tornado.py - tornado's own client: a connection for each request.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import sys

from steps import Got, do
from tornado.httpclient import HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient

loop = asyncio.new_event_loop()


async def asked(method, path, headers, body, chunked):
    fields = dict(headers or {})
    expect = fields.pop("Expect", None) is not None

    async def produce(write):
        for i in range(0, len(body), 1000):
            await write(body[i:i + 1000])
    request = HTTPRequest(sys.argv[1] + path, method=method, headers=fields, body=None if chunked else body,
                          body_producer=produce if chunked else None, follow_redirects=False, decompress_response=False,
                          expect_100_continue=expect, allow_nonstandard_methods=True)
    client = SimpleAsyncHTTPClient(force_instance=True)
    answer = await client.fetch(request, raise_error=False)
    client.close()
    if answer.code == 599:
        raise answer.error
    return Got(answer.code, answer.body, answer.headers.get, answer.headers.get_list("Set-Cookie"))


do(lambda *request: loop.run_until_complete(asked(*request)), trailers="tornado drops them")
