# tests/suites/sockets/steps.py - the steps of README.md for clients in Python.
# SPDX-License-Identifier: Apache-2.0
import asyncio

TEXT = "Grüße, 世界 🚀"
SIZES = (0, 1, 125, 126, 127, 65535, 65536, 100000)
LARGE = 16 << 20
NAMES = ("text", "sizes", "large", "fragments", "ping", "server-ping", "path", "server-close", "client-close", "deflate",
         "subprotocol", "refused")


def payload(n):
    return bytes(range(251)) * (n // 251) + bytes(range(n % 251))


def say(name, value):
    print(f"{name} {value}".replace("\n", " "), flush=True)


async def run(client):
    """client: an object with a coroutine for each step (- is _); a string in its place says why it is skipped."""
    for name in NAMES:
        step = getattr(client, name.replace("-", "_"))
        if isinstance(step, str):
            say(name, f"skip {step}")
            continue
        try:
            say(name, await asyncio.wait_for(step(), 60))
        except Exception as error:                  # whatever it was, it is this step's line
            say(name, f"error {type(error).__name__}: {error}")


def verdict(right):
    return "ok" if right else "wrong"
