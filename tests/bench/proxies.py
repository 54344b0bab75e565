# tests/bench/proxies.py - the proxies that are compared, each set up to do the same.
# SPDX-License-Identifier: Apache-2.0
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile

import procs

# One line for each request: the facts of Outrider's access log, in its order. What the others have under no name of
# their own is a constant.
LOG_FIELDS = ("time", "id", "listener", "client", "method", "scheme", "host", "path", "query", "protocol", "status",
              "bytes_in", "bytes_out", "duration_ms", "route", "service", "target", "upstream_status", "connect_ms",
              "first_byte_ms", "user_agent", "referer")


# Changes into the tree $0 with /proc and /dev there, and becomes the program: the process keeps its number.
INTO_TREE = ('mount --make-rprivate / && mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" && '
             'exec chroot "$0" "$@"')


class Setup:
    """What a case asks of a proxy. logs: none, line (each line written at once) or buffered."""

    def __init__(self, workers=1, logs="none"):
        self.workers, self.logs = workers, logs


class Proxy:
    """One program in front of the origin. Its standard output is the access log, read by one reader that counts."""
    name = "?"

    def __init__(self, command, tree=None):
        self.command, self.tree = command, tree
        self.child = self.reader = self.port = None

    def start(self, tools, origin_port, setup, where):
        self.dir = tempfile.mkdtemp(prefix=self.name + "-", dir=where)
        os.chmod(self.dir, 0o755)
        self.port = procs.free_port()
        self.log = os.path.join(self.dir, "stderr")
        self.logs_lines = setup.logs != "none"
        self.asked = 0
        arguments = self.configure(origin_port, setup)
        procs.write_back(self.command)
        output = self.start_reader(tools) if self.logs_lines else subprocess.DEVNULL
        with open(self.log, "w") as errors:
            self.child = procs.spawn(self.inside(self.command) + arguments, tools.proxy_cpus, stdin=subprocess.DEVNULL,
                                     stdout=output, stderr=errors, cwd=self.dir)
        if self.reader is not None:
            self.reader.stdin.close()
        procs.wait_until_serving(self.child, self.port, self.log)
        self.asked += 1

    def start_reader(self, tools):
        self.reader = procs.spawn(["wc", "-l"], tools.tool_cpus, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self.reader.stdin

    def inside(self, command):
        return ["unshare", "-m", "sh", "-c", INTO_TREE, self.tree] + command if self.tree else command

    def file(self, name, text):
        """Writes a file the proxy reads; its name as the proxy sees it."""
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(text)
        return self.path(name)

    def path(self, name):
        path = os.path.join(self.dir, name)
        return "/" + os.path.relpath(path, self.tree) if self.tree else path

    @property
    def pid(self):
        return self.child.pid

    def check(self):
        if self.child.poll() is not None:
            raise procs.Failure("%s ended with %d: %s" % (self.name, self.child.returncode, procs.tail(self.log)))

    def stop(self):
        """How many log lines were lost; None when none were asked for."""
        procs.stop(self.child)
        self.child = None
        if self.reader is None:
            return None
        lines = int(self.reader.stdout.read() or 0)
        self.reader.wait()
        self.reader = None
        return self.asked - lines

    def version(self):
        return "?"

    def first_line(self, *arguments):
        try:
            run = subprocess.run(self.inside(self.command) + list(arguments), stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, timeout=10)
        except OSError as e:
            return str(e)
        return run.stdout.split("\n")[0].strip()


class Outrider(Proxy):
    name = "outrider"

    def configure(self, origin_port, setup):
        text = """\
workers: %d
listeners: [ { name: bench, address: "127.0.0.1:%d" } ]
admin: { listeners: [ "unix:%s" ] }
services:
  - name: web
    targets: [ { host: 127.0.0.1, port: %d } ]
    limits: { max_connections: 20000, max_requests: 20000 }
routes: [ { match: { paths: ["/**"] }, service: web } ]
telemetry: { access_log: { output: %s } }
""" % (setup.workers, self.port, self.path("admin.sock"), origin_port,
       "stdout" if self.logs_lines else "none")
        return ["run", "-c", self.file("outrider.yaml", text)]

    def version(self):
        return self.first_line("version")


NGINX = """\
worker_processes %(workers)d;
worker_rlimit_nofile %(files)d;
daemon off;
pid %(pid)s;
error_log stderr error;
%(user)s
events { worker_connections 16384; }
http {
    %(log)s
    client_body_temp_path %(body)s;
    proxy_temp_path %(temp)s;
    fastcgi_temp_path %(temp)s; uwsgi_temp_path %(temp)s; scgi_temp_path %(temp)s;
    keepalive_requests 1000000000;
    proxy_max_temp_file_size 0;
    upstream origin {
        server 127.0.0.1:%(origin)d;
        keepalive 1024;
        keepalive_requests 1000000000;
    }
    server {
        listen 127.0.0.1:%(port)d backlog=4096;
        location / {
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
    }
}
"""
NGINX_VALUES = {
    "time": "$time_iso8601", "id": "$request_id", "listener": "$server_name", "client": "$remote_addr",
    "method": "$request_method", "scheme": "$scheme", "host": "$host", "path": "$uri", "query": "$args",
    "protocol": "$server_protocol", "status": "$status", "bytes_in": "$request_length", "bytes_out": "$bytes_sent",
    "duration_ms": "$request_time", "route": "$server_port", "service": "$proxy_host", "target": "$upstream_addr",
    "upstream_status": "$upstream_status", "connect_ms": "$upstream_connect_time",
    "first_byte_ms": "$upstream_header_time", "user_agent": "$http_user_agent", "referer": "$http_referer",
}


class Nginx(Proxy):
    name = "nginx"

    def access_log(self, setup):
        if setup.logs == "none":
            return "access_log off;"
        line = ",".join('"%s":"%s"' % (k, NGINX_VALUES[k]) for k in LOG_FIELDS)
        return "log_format bench escape=json '{%s}';\n    access_log /dev/stdout bench%s;" % (
            line, " buffer=64k flush=1s" if setup.logs == "buffered" else "")

    def configure(self, origin_port, setup):
        text = NGINX % {
            "workers": setup.workers, "pid": self.path("pid"), "log": self.access_log(setup), "origin": origin_port,
            "port": self.port, "body": self.path("body"), "temp": self.path("temp"), "files": procs.raise_file_limit(),
            "user": "user root;" if os.geteuid() == 0 else "",
        }
        return ["-e", "stderr", "-p", self.path("."), "-c", self.file("nginx.conf", text)]

    def version(self):
        return self.first_line("-v").replace("nginx version: ", "")


HAPROXY = """\
global
    nbthread %(workers)d
    maxconn %(maxconn)d
    %(log)s
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 75s
    option http-keep-alive
    http-reuse always
    %(format)s
frontend bench
    bind 127.0.0.1:%(port)d backlog 4096
    maxconn %(maxconn)d
%(captures)s    default_backend origin
backend origin
    server origin 127.0.0.1:%(origin)d
"""
HAPROXY_CAPTURES = """\
    unique-id-format %{+X}o%ci%cp%fi%fp%Ts%rt%pid
""" + "".join("    declare capture request len 64\n    http-request capture req.hdr(%s) id %d\n" % (name, i)
              for i, name in enumerate(("host", "user-agent", "referer")))
HAPROXY_VALUES = {
    "time": "%tr", "id": "%ID", "listener": "%f", "client": "%ci:%cp", "method": "%HM", "scheme": "http",
    "host": "%[capture.req.hdr(0),json(utf8s)]", "path": "%HPO", "query": "%HQ", "protocol": "%HV", "status": "%ST",
    "bytes_in": "%U", "bytes_out": "%B", "duration_ms": "%Ta", "route": "%b", "service": "%s", "target": "%si:%sp",
    "upstream_status": "%ST", "connect_ms": "%Tc", "first_byte_ms": "%Tr",
    "user_agent": "%[capture.req.hdr(1),json(utf8s)]", "referer": "%[capture.req.hdr(2),json(utf8s)]",
}


class Haproxy(Proxy):
    name = "haproxy"

    def configure(self, origin_port, setup):
        values = {"workers": setup.workers, "maxconn": min(10000, (procs.raise_file_limit() - 200) // 2),
                  "port": self.port, "origin": origin_port, "log": "", "format": "no log", "captures": ""}
        if setup.logs != "none":
            line = ",".join('"%s":"%s"' % (k, HAPROXY_VALUES[k]) for k in LOG_FIELDS)
            values.update(log="log stdout format raw local0", captures=HAPROXY_CAPTURES,
                          format="log global\n    log-format '{%s}'" % line)
        return ["-db", "-f", self.file("haproxy.cfg", HAPROXY % values)]

    def version(self):
        return re.sub(r" - https.*", "", self.first_line("-v")).replace("HAProxy version ", "haproxy/")


class Direct(Proxy):
    """No proxy at all: what the origin, the load generator and the kernel take for themselves."""
    name = "direct"

    def start(self, tools, origin_port, setup, where):
        self.port, self.asked, self.logs_lines = origin_port, 0, False

    @property
    def pid(self):
        return None

    def check(self):
        pass

    def version(self):
        return "no proxy"


NAMES = ("outrider", "nginx", "haproxy", "direct")


def program_in(tree, name, given):
    """The command line of a program, in the tree or on this machine, and the tree it runs in; None if it is nowhere."""
    if tree and os.access(os.path.join(tree, "usr/sbin", name), os.X_OK):
        return ["/usr/sbin/" + name], tree
    found = shutil.which(given, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin")
    return ([found], None) if found else None


def make(name, options):
    """The proxy of that name, or None when it is not installed."""
    if name == "direct":
        return Direct([])
    if name == "outrider":
        command = shlex.split(options.outrider)
        there = os.path.join(options.run_in, command[0].lstrip("/")) if options.run_in else shutil.which(command[0])
        if there is None or not os.access(there, os.X_OK):
            return None
        command[0] = command[0] if options.run_in else os.path.abspath(there)
        return Outrider(command, options.run_in)
    found = program_in(options.run_in, name, getattr(options, name))
    return {"nginx": Nginx, "haproxy": Haproxy}[name](*found) if found else None
