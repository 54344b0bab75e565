# tests/suites/clients/python-urllib3.py - urllib3, with a pool.
# SPDX-License-Identifier: Apache-2.0
import sys

import urllib3
from steps import Got, do

pool = urllib3.PoolManager()


def ask(method, path, headers=None, body=None, chunked=False):
    answer = pool.urlopen(method, sys.argv[1] + path, headers=headers or {}, body=iter([body]) if chunked else body,
                          chunked=chunked, redirect=False, retries=False)
    return Got(answer.status, answer.data, answer.headers.get, answer.headers.getlist("Set-Cookie"))


do(ask, expect="urllib3 sends the body at once", trailers="urllib3 has no trailers")
