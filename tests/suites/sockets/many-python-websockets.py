# tests/suites/sockets/many-python-websockets.py - 500 tunnels at once, all of them used, all of them closed.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import sys

import websockets

MANY = 500


async def one(i, all_open):
    async with websockets.connect(sys.argv[1] + f"/echo?n={i}", compression=None, open_timeout=50) as socket:
        all_open.append(i)
        while len(all_open) < MANY:
            await asyncio.sleep(0.02)
        for j in range(5):
            await socket.send(f"{i}.{j}")
            if await socket.recv() != f"{i}.{j}":
                return 0
        await socket.close(1000)
        return socket.close_code == 1000


async def main():
    all_open = []
    done = await asyncio.gather(*(one(i, all_open) for i in range(MANY)), return_exceptions=True)
    errors = [repr(result) for result in done if isinstance(result, BaseException)]
    print("many", sum(result is True for result in done), *errors[:1], flush=True)


asyncio.run(main())
