# tests/bench/cases.py - what is measured, and the bar that each number must meet.
# SPDX-License-Identifier: Apache-2.0
HEADERS = [
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
    "Accept-Encoding: gzip, deflate, br",
    "Cache-Control: no-cache",
    "Cookie: session=3f1c9a7be2d94c0b; theme=dark; consent=1; ab=variant-b",
    "Referer: https://shop.example/catalogue/shoes?page=3",
    "X-Request-Source: web",
    "X-Correlation-ID: 7d0c0d2a-6f0c-4f53-9a53-6b8f6f5a3d11",
    "If-None-Match: \"5d8c72a5edda8d6b\"",
]


class Bar:
    """A limit. The number is this proxy's metric, or its ratio to that of `against`: best (of nginx and HAProxy: the one
    with the lower median), nginx, direct (a difference then)."""

    def __init__(self, metric, limit, goal=None, against=None):
        self.metric, self.limit, self.goal, self.against = metric, limit, goal, against


class Case:
    """kind: busy (closed loop), rate (open loop), idle or park (a crowd of so many)."""

    def __init__(self, name, title, load, bars=(), kind="busy", logs="none", crowd=0, traced=4000, per_gb=False):
        self.name, self.title, self.load, self.bars = name, title, load, list(bars)
        self.kind, self.logs, self.crowd, self.traced, self.per_gb = kind, logs, crowd, traced, per_gb


def with_headers():
    return [x for h in HEADERS for x in ("-H", h)]


def cpu(limit, goal=None, against="best"):
    return Bar("cpu_us", limit, goal, against)


P99 = Bar("p99_us", 1.15, against="best")
BUSY_BESIDE_CROWD = ["-c", 4]

CASES = [
    Case("get-1", "small GET, 1 connection", ["-c", 1], [cpu(1.05), P99]),
    Case("get-64", "small GET, 64 connections", ["-c", 64], [cpu(0.95, 0.85), P99]),
    Case("get-512", "small GET, 512 connections", ["-c", 512], [P99]),
    Case("headers", "11 request and 12 response headers", ["-c", 64, "-u", "/headers"] + with_headers(), [cpu(0.95), P99]),
    Case("new", "new connection per request", ["-c", 64, "-f", "-S"], [cpu(1.1), P99], traced=2000),
    Case("10k", "10 KB answer", ["-c", 64, "-u", "/10k", "-l", 10240], [cpu(0.95), P99]),
    Case("1m", "1 MB answer", ["-c", 16, "-u", "/1m", "-l", 1048576], [Bar("cpu_s_per_gb", 0.7, against="nginx")],
         traced=200, per_gb=True),
    Case("post-4k", "POST 4 KB", ["-c", 64, "-u", "/sink", "-b", 4096], [cpu(0.95), P99]),
    Case("post-10k", "POST 10 KB", ["-c", 64, "-u", "/sink", "-b", 10240], [cpu(0.95), P99]),
    Case("post-chunked", "POST 4 KB, chunked", ["-c", 64, "-u", "/sink", "-b", 4096, "-C"]),
    Case("log", "small GET, JSON access log", ["-c", 64], [cpu(0.95), P99], logs="line"),
    Case("log-buffered", "the same, nginx with its log buffer", ["-c", 64], logs="buffered"),
    Case("footprint", "memory at rest, and of 1000 idle connections", ["-c", 0], kind="idle", crowd=1000, traced=0, bars=[
        Bar("private_kib", 4096), Bar("rss_kib", 16384), Bar("conn_kib", 24 + 14)]),
    Case("park-1000", "4 busy beside 1000 in flight", BUSY_BESIDE_CROWD, kind="park", crowd=1000,
         traced=0),
    Case("park-4000", "4 busy beside 4000 in flight", BUSY_BESIDE_CROWD, kind="park", crowd=4000,
         traced=0, bars=[Bar("times", 3, 2)]),
    Case("latency", "9000 requests/s", ["-c", 64, "-r", 9000], [Bar("p99_us", 5000, against="direct")], kind="rate",
         traced=0),
]
BY_NAME = {c.name: c for c in CASES}
