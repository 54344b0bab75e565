# tests/suites/websocket_servers.py - a WebSocket server of somebody else's, as an origin.
# SPDX-License-Identifier: Apache-2.0


class Server:
    """A server as an origin: .host, .port, .close()."""

    def __init__(self, program):
        self.process = program.start_piped()
        self.host = "127.0.0.1"
        line = self.process.stdout.readline()
        if not line.strip().isdigit():
            self.close()
            raise RuntimeError(f"{program.name} said {line!r}: {program.said('stderr')[-2000:]}")
        self.port = int(line)

    def close(self, failed=False):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
