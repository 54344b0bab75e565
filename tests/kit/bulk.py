# tests/kit/bulk.py - a Consul for many services with many instances: one thread, nothing polled, answers made beforehand.
# SPDX-License-Identifier: Apache-2.0
"""Knows blocking queries for /v1/health/service/NAME and nothing else. Entries are as long as the real one's.

    consul = t.closing(Bulk())
    consul.set("web", [entry("web", "127.1.0.1", 8080), ...])       # from then on, and to those who wait"""
import asyncio
import json
import threading
import time
import urllib.parse


def entry(service, address, port, status="passing", weight=1):
    """One instance, with all that Consul says of one."""
    name, node, tags = f"{service}-{address}-{port}", f"node-{address}", ["http", "v1.4.2"]
    place = {"Address": address, "Port": port}
    return json.dumps({
        "Node": {"ID": f"c0ffee00-0000-4000-8000-{address:0>12.12}", "Node": node, "Address": address, "Datacenter": "dc1",
                 "TaggedAddresses": {"lan": address, "lan_ipv4": address, "wan": address, "wan_ipv4": address},
                 "Meta": {"consul-network-segment": ""}, "CreateIndex": 12, "ModifyIndex": 14},
        "Service": {"ID": name, "Service": service, "Tags": tags, "Address": address,
                    "TaggedAddresses": {"lan_ipv4": place, "wan_ipv4": place},
                    "Meta": {"version": "1.4.2", "team": "checkout"}, "Port": port,
                    "Weights": {"Passing": weight, "Warning": 1}, "EnableTagOverride": False,
                    "Proxy": {"MeshGateway": {}, "Expose": {}}, "Connect": {}, "CreateIndex": 21, "ModifyIndex": 21},
        "Checks": [check(node, "serfHealth", "passing"), check(node, f"service:{name}", status, name, service, tags)]})


def check(node, id, status, service_id="", service="", tags=()):
    return {"Node": node, "CheckID": id, "Name": f"Service '{service}' check", "Status": status, "Notes": "",
            "Output": f"HTTP GET http://{node}/health: 200 OK", "ServiceID": service_id, "ServiceName": service,
            "ServiceTags": list(tags), "Type": "http", "Definition": {}, "CreateIndex": 21, "ModifyIndex": 33}


class Bulk:
    def __init__(self):
        self.index, self.known, self.asked = 10, {}, {}         # known: name -> (index, answer)
        self.waiting = {}                                       # name -> what wakes those who wait
        self.last_byte_waits = 0                                # seconds, after all others have been taken
        self.sent_at = 0                                        # when the last byte of the last answer was written
        self.loop = asyncio.new_event_loop()
        self.server = None
        ready = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self.thread.start()
        ready.wait()

    def _run(self, ready):
        asyncio.set_event_loop(self.loop)
        self.server = self.loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=2048))
        self.host, self.port = self.server.sockets[0].getsockname()
        ready.set()
        self.loop.run_forever()

    @property
    def url(self):
        return f"http://{self.host}:{self.port}"

    def set(self, service, entries):
        """entries: texts of entry()."""
        body = ("[" + ",".join(entries) + "]").encode()
        self.index += 1
        head = (f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Consul-Index: {self.index}\r\n"
                f"X-Consul-Knownleader: true\r\nX-Consul-Lastcontact: 0\r\nContent-Length: {len(body)}\r\n\r\n").encode()
        index, answer = self.index, head + body
        self.loop.call_soon_threadsafe(self._set, service, index, answer)

    def _set(self, service, index, answer):
        self.known[service] = index, answer
        self._event(service).set()
        self.waiting.pop(service)

    def _event(self, service):
        return self.waiting.setdefault(service, asyncio.Event())

    async def _serve(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path, _, query = head.split(b" ")[1].decode().partition("?")
                service = urllib.parse.unquote(path.rpartition("/")[2])
                parameters = dict(urllib.parse.parse_qsl(query))
                self.asked[service] = self.asked.get(service, 0) + 1
                wait = float(parameters.get("wait", "0ms").removesuffix("ms")) / 1000
                if int(parameters.get("index", 0)) == self.known.get(service, (0,))[0]:
                    try:
                        await asyncio.wait_for(self._event(service).wait(), wait)
                    except asyncio.TimeoutError:
                        pass
                await self._write(writer, self.known[service][1])
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _write(self, writer, answer):
        """To the last byte but one, and that one: its time is when the answer has arrived."""
        writer.write(answer[:-1])
        await writer.drain()
        while self.last_byte_waits and writer.transport.get_write_buffer_size() > 0:
            await asyncio.sleep(0.01)
        await asyncio.sleep(self.last_byte_waits)
        self.sent_at = time.monotonic()
        writer.write(answer[-1:])

    def close(self, failed=False):
        async def end():
            self.server.close()
            rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
        asyncio.run_coroutine_threadsafe(end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
