# tests/kit/tls.py - targets behind TLS: certificates, and a script that speaks it.
# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import ssl
import subprocess
import tempfile

from . import limit


class Authority:
    """A certificate authority and the certificates it signs, made with the openssl program."""

    def __init__(self, t):
        if not shutil.which("openssl"):
            t.skip("no openssl program")
        self.dir = tempfile.mkdtemp(prefix="outrider-flow-")
        t.closing(self)
        self.make("ca", ["-x509", "-days", "2", "-subj", "/CN=test authority"])
        self.make("other", ["-x509", "-days", "2", "-subj", "/CN=another authority"])

    def path(self, name):
        return os.path.join(self.dir, name)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.dir, check=True, capture_output=True, timeout=limit.remaining("openssl"))

    def make(self, name, more):
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                     f"{name}.key",
                     "-out", f"{name}.crt", *more)

    def sign(self, name, alternative):
        with open(self.path("ext"), "w", encoding="ascii") as file:
            file.write(f"subjectAltName={alternative}\n")
        self.make(name + ".csr", ["-subj", f"/CN={name}"])
        os.rename(self.path(f"{name}.csr.key"), self.path(f"{name}.key"))
        self.openssl("x509", "-req", "-in", f"{name}.csr.crt", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                     "-days", "2",
                     "-extfile", "ext", "-out", f"{name}.crt")

    def server(self, name="server", alternative="DNS:web.internal", clients=False):
        self.sign(name, alternative)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(f"{name}.crt"), self.path(f"{name}.key"))
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.path("ca.crt"))
        return context

    def close(self, failed=False):
        shutil.rmtree(self.dir, ignore_errors=True)


def behind(context, seen, script=None):
    """A script that speaks TLS; a handshake that fails is noted, not a fault of the origin."""
    def run_script(c):
        c.sock.settimeout(limit.remaining("a handshake"))
        try:
            c.sock = context.wrap_socket(c.sock, server_side=True)
        except (ssl.SSLError, OSError) as error:
            seen.append(type(error).__name__)
            return
        seen.append((c.sock.version(), c.sock.getpeercert()))
        try:
            if script:
                script(c)
                return
            for request in c.requests():
                c.respond(body=request.body or b"over TLS")
        except (ssl.SSLError, ConnectionError):
            pass                    # a client that refuses us may be gone before OpenSSL has written its tickets
    return run_script
