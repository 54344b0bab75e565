# tests/suites/clients/python-aiohttp.py - aiohttp, with a session.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import sys

import aiohttp
from steps import Got, do
from yarl import URL

loop = asyncio.new_event_loop()


async def pieces(body):
    yield body


async def begin():
    # A field of the answer may be longer than this library takes by itself.
    return aiohttp.ClientSession(read_bufsize=1 << 16)


async def asked(method, path, headers, body, chunked):
    fields = dict(headers or {})
    expect = fields.pop("Expect", None) is not None
    url = URL(sys.argv[1] + path, encoded=True)
    async with session.request(method, url, headers=fields, data=pieces(body) if chunked else body,
                               allow_redirects=False, expect100=expect) as answer:
        return Got(answer.status, await answer.read(), answer.headers.get, answer.headers.getall("Set-Cookie", []))


def ask(*request):
    return loop.run_until_complete(asked(*request))


session = loop.run_until_complete(begin())
do(ask, trailers="aiohttp drops them")
loop.run_until_complete(session.close())
