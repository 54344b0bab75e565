# tests/suites/peers.py - Outrider and two other proxies, each set up to hand everything to one origin.
# SPDX-License-Identifier: Apache-2.0
"""A proxy here has .host, .port, .alive() and .close(), as a server of the kit. The other two are set up as their manuals
advise for a proxy that changes nothing: Host as it came, HTTP/1.1 with kept connections behind, upgrades passed on,
nothing gathered up before it is sent on, X-Forwarded-For added."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from kit import checks, limit, outrider  # noqa: E402
from kit.client import Client  # noqa: E402
from kit.ports import Port  # noqa: E402

SBIN = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"

NGINX = """\
worker_processes 1;
daemon off;
pid %(dir)s/pid;
error_log stderr error;
%(user)s
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path %(dir)s/temp;
    proxy_temp_path %(dir)s/temp;
    fastcgi_temp_path %(dir)s/temp; uwsgi_temp_path %(dir)s/temp; scgi_temp_path %(dir)s/temp;
    client_max_body_size 0;
    map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
    upstream origin { server 127.0.0.1:%(origin)d max_fails=0; keepalive 64; }
    server {
        listen 127.0.0.1:%(port)d;
        location / {
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_buffering off;
            proxy_request_buffering off;
        }
    }
}
"""

HAPROXY = """\
global
    nbthread 1
    maxconn 2000
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    timeout tunnel 60s
    option http-keep-alive
    option forwardfor
    option http-no-delay
    http-reuse safe
    no log
frontend suites
    bind 127.0.0.1:%(port)d
    default_backend origin
backend origin
    server origin 127.0.0.1:%(origin)d
"""


class Peer:
    """One process of somebody else's."""

    def __init__(self, origin, t=None):
        self.dir = tempfile.mkdtemp(prefix=f"outrider-suites-{self.name}-")
        self.reserved = Port()
        self.host, self.port = self.reserved.host, self.reserved.port
        values = {"dir": self.dir, "port": self.port, "origin": origin.port,
                  "user": "user root;" if os.geteuid() == 0 else ""}
        with open(os.path.join(self.dir, "config"), "w", encoding="ascii") as file:
            file.write(self.config % values)
        self.t = t
        with open(os.path.join(self.dir, "stderr"), "wb") as err:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=err, stderr=err)
        limit.wait_until(self._serves, f"{self.name} to accept")

    def command(self):
        raise NotImplementedError

    def _serves(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.dir, "stderr"), encoding="utf-8", errors="replace") as file:
                raise RuntimeError(f"{self.name} ended at its start: {file.read()[-2000:]}")
        try:
            Client(self).close()
            return True
        except OSError:
            return False

    def alive(self):
        return self.process.poll() is None

    def close(self, failed=False):
        self.process.terminate()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:           # it waits for connections that a failed case left open
            self.process.kill()
            self.process.wait()
        self.reserved.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    @classmethod
    def program(cls):
        return shutil.which(os.environ.get(cls.name.upper(), cls.name), path=SBIN)

    @classmethod
    def missing(cls):
        return None if cls.program() else f"{cls.name} is not installed"


class Nginx(Peer):
    name = "nginx"
    config = NGINX

    def command(self):
        return [self.program(), "-e", "stderr", "-p", self.dir, "-c", os.path.join(self.dir, "config")]

    @classmethod
    def version(cls):
        done = subprocess.run([cls.program(), "-v"], capture_output=True, text=True, check=False)
        return done.stderr.strip().replace("nginx version: ", "")


class Haproxy(Peer):
    name = "haproxy"
    config = HAPROXY

    def command(self):
        return [self.program(), "-db", "-f", os.path.join(self.dir, "config")]

    @classmethod
    def version(cls):
        done = subprocess.run([cls.program(), "-v"], capture_output=True, text=True, check=False)
        return done.stdout.split("\n")[0].split(" - ")[0].replace("HAProxy version ", "haproxy/")


# 103 is for those who ask for it, since clients choke on it
OURS = checks.PLAIN.replace("{ name: web,", "{ name: web, early_hints: pass,")


class Ours(outrider.Outrider):
    """The daemon with one route for everything; config is another text with @origin@ in it."""
    name = "outrider"

    def __init__(self, origin, t=None, config=OURS):
        super().__init__(t or Silent(), config, origin=origin)
        self.start()

    def alive(self):
        return self.process.poll() is None

    @classmethod
    def missing(cls):
        program = outrider.command()[0]
        return None if shutil.which(program) else f"{program} is not there"

    @classmethod
    def version(cls):
        return outrider.run("version")[1].split("\n")[0].strip()


class Silent:
    """Who listens to notes when no case does."""

    @staticmethod
    def note(text):
        sys.stderr.write(text)


ALL = {kind.name: kind for kind in (Ours, Nginx, Haproxy)}
