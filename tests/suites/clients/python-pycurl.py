# tests/suites/clients/python-pycurl.py - pycurl: libcurl's easy interface, from Python.
# SPDX-License-Identifier: Apache-2.0
import io
import sys

import pycurl
from steps import Got, do

curl = pycurl.Curl()


def ask(method, path, headers=None, body=None, chunked=False):
    curl.reset()                                    # keeps the connection
    out, fields = io.BytesIO(), []
    curl.setopt(pycurl.URL, sys.argv[1] + path)
    curl.setopt(pycurl.PROXY, "")
    curl.setopt(pycurl.PATH_AS_IS, True)
    curl.setopt(pycurl.WRITEDATA, out)
    curl.setopt(pycurl.HEADERFUNCTION, lambda line: fields.append(line.decode("latin-1").strip().partition(":")[::2]))
    lines = [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body is not None:
        curl.setopt(pycurl.UPLOAD, True)
        curl.setopt(pycurl.READDATA, io.BytesIO(body))
        if not chunked:
            curl.setopt(pycurl.INFILESIZE, len(body))
            lines += [] if "Expect" in (headers or {}) else ["Expect:"]
    if method == "HEAD":
        curl.setopt(pycurl.NOBODY, True)
    elif method != "GET":
        curl.setopt(pycurl.CUSTOMREQUEST, method)
    curl.setopt(pycurl.HTTPHEADER, lines)
    curl.perform()

    def header(name):
        values = [value.strip() for key, value in fields if key.lower() == name.lower()]
        return values[0] if values else None
    return Got(curl.getinfo(pycurl.RESPONSE_CODE), out.getvalue(), header,
               [value.strip() for key, value in fields if key.lower() == "set-cookie"], header("X-Sum"))


do(ask)
