# tests/bench/selftest.py - the load generator finds every fault of an answer, and the origin makes none.
# SPDX-License-Identifier: Apache-2.0
import json
import os
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import procs  # noqa: E402
import report  # noqa: E402

BUILD = os.environ.get("top_builddir", ".")
ORIGIN, LOAD = (os.path.join(BUILD, "tests/bench", name) for name in ("origin", "load"))
PATTERN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz012345678"
failures = []
count = 0


def check(name, good, seen=""):
    global count
    count += 1
    print("%s %d - %s" % ("ok" if good else "not ok", count, name))
    if not good:
        print("# " + str(seen))
        failures.append(name)


def body(n):
    return (PATTERN * (n // len(PATTERN) + 1))[:n]


def head(n, status="200 OK", extra=""):
    return ("HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n" % (status, n, extra)).encode()


def swap(data, at):
    return data[:at] + b"!" + data[at + 1:]


GOOD = head(128) + body(128)
# What a server says to a request, whether it then closes, and the fault that load must find ("" for none).
ANSWERS = [
    ("a good answer", GOOD, False, ""),
    ("a chunked answer", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\n" + body(80) + b"\r\n30\r\n" +
     body(128)[80:] + b"\r\n0\r\n\r\n", False, ""),
    ("a good answer and a close that was announced", head(128, extra="Connection: close\r\n") + body(128), True, ""),
    ("a changed first byte", head(128) + swap(body(128), 0), False, "body"),
    ("a changed last byte", head(128) + swap(body(128), 127), False, "body"),
    ("a body one byte short", head(127) + body(127), False, "length"),
    ("a body one byte long", head(129) + body(129), False, "length"),
    ("a long chunked body", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n81\r\n" + body(129) + b"\r\n0\r\n\r\n", False,
     "length"),
    ("a short chunked body", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7f\r\n" + body(127) + b"\r\n0\r\n\r\n", False,
     "length"),
    ("a chunk size that is none", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n", False, "body"),
    ("a byte behind the end", GOOD + b"x", False, "trailing"),
    ("another status", head(128, "503 Service Unavailable") + body(128), False, "status"),
    ("two lengths", head(128, extra="Content-Length: 128\r\n") + body(128), False, "head"),
    ("no length", b"HTTP/1.1 200 OK\r\n\r\n" + body(128), True, "head"),
    ("no HTTP", b"SMTP ready\r\n\r\n", False, "head"),
    ("an end inside the body", head(128) + body(60), True, "closed_early"),
    ("an end inside the head", b"HTTP/1.1 200 OK\r\nConte", True, "closed_early"),
    ("silence", b"", False, "timeout"),
    ("half an answer", head(128) + body(60), False, "timeout"),
]


class Server:
    """Says the same to every request, in pieces of so many bytes."""

    def __init__(self, answer, closes, piece=0):
        self.answer, self.closes, self.piece = answer, closes, piece or max(1, len(answer))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with client:
            try:
                while client.recv(65536):
                    for at in range(0, len(self.answer), self.piece):
                        client.sendall(self.answer[at:at + self.piece])
                        time.sleep(0.0002)
                    if self.closes:
                        return
            except OSError:
                return

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def load(port, *arguments):
    run = subprocess.run([LOAD, "-p", str(port)] + [str(a) for a in arguments], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, timeout=60)
    return run.returncode, json.loads(run.stdout)


def judge(server, want, in_pieces):
    code, seen = load(server.port, "-n", 3, "-t", 0.3)
    if want == "":
        return code == 0 and seen["done"] == 3 and seen["errors"] == 0, seen
    if want == "trailing" and in_pieces:  # found as what it is, or as the start of the next answer
        return code == 1 and seen["done"] < 3, seen
    return code == 1 and seen["done"] == 0 and seen["error"] == {want: 3}, seen


def test_faults():
    for name, answer, closes, want in ANSWERS:
        for piece in (0, 7):
            server = Server(answer, closes, piece)
            good, seen = judge(server, want, piece != 0)
            check("%s%s: %s" % (name, " in pieces" if piece else "", want or "fine"), good, seen)
            server.close()


def test_connections():
    server = Server(GOOD, False)
    code, seen = load(server.port, "-n", 2, "-t", 0.3, "--fresh")
    check("a server that does not close is found", code == 1 and seen["error"] == {"not_closed": 2}, seen)
    server.close()
    code, seen = load(server.port, "-n", 2)
    check("nobody listens: connect", code == 1 and seen["error"] == {"connect": 2}, seen)


def ask(port, data, pieces=None):
    with socket.create_connection(("127.0.0.1", port), 5) as s:
        for piece in pieces or [data]:
            s.sendall(piece)
        s.shutdown(socket.SHUT_WR)
        answer = b""
        while True:
            more = s.recv(65536)
            if not more:
                return answer
            answer += more


def request(method, path, fields="", content=b""):
    return ("%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n" % (method, path, fields)).encode() + content


def test_origin(port):
    get = request("GET", "/small")
    counted = request("POST", "/sink", "Content-Length: 5\r\n", b"hello")
    chunked = request("POST", "/sink", "Transfer-Encoding: chunked\r\n", b"3\r\nhel\r\n2\r\nlo\r\n0\r\nT: x\r\n\r\n")
    mixed = get + counted + chunked + request("GET", "/10k") + get
    whole = ask(port, mixed)
    want = [b"\r\n\r\n" + x for x in (body(128), b"%020d" % 5 + body(128)[20:], b"%020d" % 5 + body(128)[20:], body(10240),
                                      body(128))]
    ends = [part for part in whole.split(b"HTTP/1.1 200 OK")[1:]]
    check("pipelined requests are answered in order", len(ends) == 5 and all(e.endswith(w) for e, w in zip(ends, want)), whole)
    pieces = [mixed[i:i + 1] for i in range(len(mixed))]
    check("and byte by byte", [len(x) for x in ask(port, None, pieces).split(b"HTTP")] == [len(x) for x in whole.split(b"HTTP")])
    check("an unknown path is 404", ask(port, request("GET", "/smal")).startswith(b"HTTP/1.1 404 "))
    check("nonsense is 400", ask(port, b"NONSENSE\r\n\r\n").startswith(b"HTTP/1.1 400 "))
    check("a length that is none is 400", ask(port, request("POST", "/sink", "Content-Length: 5x\r\n")).startswith(b"HTTP/1.1 400 "))


def test_real_loads(port):
    for name, arguments, n in [
        ("headers", ["-u", "/headers", "-c", 8], 500), ("10k", ["-u", "/10k", "-l", 10240, "-c", 8], 200),
        ("1m", ["-u", "/1m", "-l", 1048576, "-c", 8], 40), ("fresh", ["-f", "-S", "-c", 8], 200),
        ("counted", ["-u", "/sink", "-b", 30000, "-c", 8], 200), ("lockstep", ["-c", 8, "-L"], 203),
        ("chunked", ["-u", "/sink", "-b", 10000, "-C", "-c", 8], 200),
    ]:
        code, seen = load(port, "-n", n, *arguments)
        check("load and origin agree on %s" % name, code == 0 and seen["done"] == n, seen)
    code, seen = load(port, "-c", 4, "-r", 1000, "-d", 0.3)
    check("a fixed rate is kept", code == 0 and 250 <= seen["done"] <= 300, seen)
    code, seen = load(port, "-c", 1, "-u", "/slow?ms=30", "-n", 3)
    check("/slow takes its time, and the histogram says so", code == 0 and 29e3 < seen["latency_us"]["p50"] < 300e3, seen)


def test_crowds(port):
    code, seen = load(port, "-c", 0, "-i", 100)
    check("idle connections stay", code == 0 and seen["crowd"] == 100, seen)
    code, seen = load(port, "-c", 2, "-n", 50, "-k", 100, "-P", "/hold")
    check("parked requests wait beside busy ones", code == 0 and seen["crowd"] == 100 and seen["done"] == 50, seen)
    code, seen = load(port, "-c", 2, "-n", 50, "-k", 10, "-P", "/small")
    check("a crowd that was answered is not called parked", code == 1 and seen["crowd"] == 0, seen)


def test_cpu_clock():
    child = subprocess.Popen([sys.executable, "-c", "import time\nend = time.process_time() + 0.3\n"
                              "while time.process_time() < end: pass\nprint(flush=True)\ntime.sleep(30)"], stdout=subprocess.PIPE)
    clock = procs.CpuClock(child.pid)
    child.stdout.readline()
    used = clock.elapsed()[0]
    child.kill()
    child.wait()
    child.stdout.close()
    check("the CPU time of another process is seen", 0.25 < used < 0.6, used)


STRACE = """\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.000012           1       100           sendto
 40.00    0.000008           1        50         3 recvfrom
------ ----------- ----------- --------- --------- ----------------
100.00    0.000020           1       150         3 total
"""


def rounds(*pairs):
    return {"outrider": [{"cpu_us": a} for a, _, _ in pairs], "nginx": [{"cpu_us": b} for _, b, _ in pairs],
            "haproxy": [{"cpu_us": c} for _, _, c in pairs]}


def test_report():
    check("the table of strace is read", procs.parse_strace(STRACE) == {"sendto": 100, "recvfrom": 50})
    result = {"rounds": rounds((9, 11, 10), (10, 11, 10), (8, 11, 10))}
    good = report.Verdict(cases.Bar("cpu_us", 0.95, 0.85, "best"), result)
    check("the better peer is the one with the lower median", good.peer == "haproxy" and good.number == 0.9, good.text())
    check("a bar that is met is ok", good.state == "ok")
    bad = report.Verdict(cases.Bar("cpu_us", 0.85, None, "best"), result)
    check("a bar that is not is a MISS", bad.state == "MISS", bad.text())
    none = report.Verdict(cases.Bar("cpu_us", 0.85, None, "best"), {"rounds": {"outrider": [{"cpu_us": 1}]}})
    check("without a peer nothing is claimed", none.state == "not measured")


def main():
    test_faults()
    test_connections()
    origin = subprocess.Popen([ORIGIN], stdout=subprocess.PIPE, text=True)
    try:
        port = int(origin.stdout.readline())
        test_origin(port)
        test_real_loads(port)
        test_crowds(port)
    finally:
        origin.terminate()
        origin.wait()
    test_cpu_clock()
    test_report()
    print("1..%d" % count)
    return 1 if failures else 0


sys.exit(main())
