"""Restate's worker in the benchmarks: the Python of its environment runs `-m benchmarks.worker_restate PORT`.

Served over HTTP/2 by Granian on uvloop, which costs less than Hypercorn does.
"""

from __future__ import annotations

import sys
from typing import Any

import restate
import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from benchmarks.work import STEPS, number_of, output

bench = restate.Service("bench")


@bench.handler()
async def five(ctx: restate.Context, order: dict[str, Any]) -> int:
    total = 0
    for number in range(STEPS):
        total += number_of(await ctx.run_typed(f"step-{number}", work, number=number))
    return total


async def work(number: int) -> dict[str, object]:
    return output(number)


async def serve(port: int) -> None:
    app = restate.app([bench])
    await Server(app, port=port, interface=Interfaces.ASGI, http=HTTPModes.http2, log_enabled=False).serve()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
