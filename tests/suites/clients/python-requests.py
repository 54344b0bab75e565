# tests/suites/clients/python-requests.py - requests, with a session.
# SPDX-License-Identifier: Apache-2.0
import sys

import requests
from steps import Got, do

session = requests.Session()
session.trust_env = False


def ask(method, path, headers=None, body=None, chunked=False):
    answer = session.request(method, sys.argv[1] + path, headers=headers, data=iter([body]) if chunked else body,
                             allow_redirects=False)
    return Got(answer.status_code, answer.content, answer.headers.get, answer.raw.headers.getlist("Set-Cookie"))


do(ask, expect="requests sends the body at once", trailers="requests has no trailers")
