# tests/suites/relay.py - a TCP relay that counts connections: who looks at a client from outside sees no more than that.
# SPDX-License-Identifier: Apache-2.0
import socket
import threading


class Relay:
    """Bytes go both ways as they come; each end of a connection is passed on, a reset as a reset of both sides."""

    def __init__(self, to):
        self.to = (to.host, to.port)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.host, self.port = self.listener.getsockname()
        self.connections = 0
        self.open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                server = socket.create_connection(self.to)
            except OSError:
                client.close()
                continue
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.open += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pass(source, sink):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)
        except OSError:
            for sock in (source, sink):
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self, failed=False):
        for sock in self.open + [self.listener]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()
