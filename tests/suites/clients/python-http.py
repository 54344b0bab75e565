# tests/suites/clients/python-http.py - http.client of Python's own library.
# SPDX-License-Identifier: Apache-2.0
import http.client
import sys

from steps import Got, do

host = sys.argv[1].split("//")[1]
connection = http.client.HTTPConnection(host)


def ask(method, path, headers=None, body=None, chunked=False):
    connection.request(method, path, body=iter([body]) if chunked else body,
                       headers={**(headers or {}), **({"Transfer-Encoding": "chunked"} if chunked else {})},
                       encode_chunked=chunked)
    answer = connection.getresponse()
    data = answer.read()
    return Got(answer.status, data, answer.getheader, answer.headers.get_all("Set-Cookie"))


do(ask, expect="http.client sends the body at once", trailers="http.client drops them")
