# tests/suites/clients/python-urllib.py - urllib.request of Python's own library: a connection for each request.
# SPDX-License-Identifier: Apache-2.0
import sys
import urllib.error
import urllib.request

from steps import Got, do


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *unused):
        return None


opener = urllib.request.build_opener(Stay, urllib.request.ProxyHandler({}))


def ask(method, path, headers=None, body=None, chunked=False):
    request = urllib.request.Request(sys.argv[1] + path, data=iter([body]) if chunked else body, headers=headers or {},
                                     method=method)
    try:
        answer = opener.open(request)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return Got(answer.status, answer.read(), answer.headers.get, answer.headers.get_all("Set-Cookie"))


do(ask, expect="urllib sends the body at once", trailers="urllib drops them")
