"""Measures the minimum CPU cost of a turn: receive, parse and decode it with httpx.

python -m tests.bench.floor URL --turns 90 --at-once 30
"""

import asyncio
import base64
import json
import sys
from argparse import ArgumentParser
from time import process_time

import httpx

from tests.bench.turns import PACE, TURN_SECONDS, arrives_in

BYTES_PER_SECOND = 96_000


async def turn(http: httpx.AsyncClient, tag: str) -> int:
    """Receive one standard turn; return the number of bytes of sound."""
    message = {"role": "user", "content": f"bench:{tag}:standard"}
    body = {"model": "m", "messages": [message], "stream": True}
    rest, received = b"", 0
    async with http.stream("POST", "/v1/chat/completions", json=body) as response:
        async for piece in response.aiter_bytes():
            *events, rest = (rest + piece).split(b"\n\n")
            for event in events:
                data = event.removeprefix(b"data: ")
                if data != b"[DONE]":
                    received += _decoded(json.loads(data))
    return received


def _decoded(chunk: dict[str, list[dict[str, dict[str, dict[str, str]]]]]) -> int:
    for choice in chunk["choices"]:
        if data := choice["delta"].get("audio", {}).get("data"):
            return len(base64.b64decode(data))
    return 0


async def cost(url: str, turns: int, at_once: int, pace: float) -> float:
    """Return the CPU milliseconds of a turn, with `at_once` parallel streams."""
    seconds = arrives_in("standard", pace)
    limits = httpx.Limits(max_connections=at_once, keepalive_expiry=120)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=30) as http:

        async def caller(number: int) -> None:
            await asyncio.sleep(seconds * number / at_once)
            for n in range(turns // at_once):
                received = await turn(http, f"f{number}.{n}")
                assert received == round(TURN_SECONDS * BYTES_PER_SECOND)

        await turn(http, "warm")
        start = process_time()
        await asyncio.gather(*map(caller, range(at_once)))
        return 1000 * (process_time() - start) / (turns // at_once * at_once)


def main() -> None:
    """Print the cost as JSON."""
    parser = ArgumentParser(prog="python -m tests.bench.floor")
    parser.add_argument("url")
    parser.add_argument("--turns", type=int, default=90)
    parser.add_argument("--at-once", type=int, default=30)
    parser.add_argument("--pace", type=float, default=PACE)
    options = parser.parse_args()
    spent = asyncio.run(cost(options.url, options.turns, options.at_once, options.pace))
    json.dump({"cpu_ms_per_turn": round(spent, 3), "turns": options.turns}, sys.stdout)


if __name__ == "__main__":
    main()
