# tests/suites/clients/python-httpx.py - httpx, with a client.
# SPDX-License-Identifier: Apache-2.0
import sys

import httpx
from steps import Got, do

client = httpx.Client(trust_env=False, timeout=30)


def ask(method, path, headers=None, body=None, chunked=False):
    answer = client.request(method, sys.argv[1] + path, headers=headers, content=iter([body]) if chunked else body,
                            follow_redirects=False)
    return Got(answer.status_code, answer.content, answer.headers.get, answer.headers.get_list("Set-Cookie"))


do(ask, expect="httpx sends the body at once", trailers="httpx drops them")
