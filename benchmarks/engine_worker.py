"""The functions that `benchmarks.engine` measures. What happens when is written to `ENGINE_LOG`, a line for each.

Clocks are the machine's, so that instants of several processes can be compared.
"""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from ironflow import Context, Worker, function

LANES = 100
SLOTS = 10_000
"""As many as timers are due within a second: with fewer, the ends of runs would say when the next may go on."""

_log = Path(os.environ.get("ENGINE_LOG", os.devnull)).open("a", buffering=1)  # noqa: SIM115 - as long as the process


@function("first", triggers=["engine.first"])
async def first(ctx: Context) -> int:
    return time.monotonic_ns()


@function("fan", triggers=["engine.fan"])
async def fan(ctx: Context) -> int:
    return sum(await asyncio.gather(*(ctx.step.invoke("leaf", n) for n in range(ctx.event.data["children"]))))


@function("leaf")
async def leaf(ctx: Context) -> int:
    return int(ctx.event.data)


@function("alarm", triggers=["engine.alarm"])
async def alarm(ctx: Context) -> None:
    due = ctx.event.data["due"]
    await ctx.step.sleep_until("due", datetime.fromtimestamp(due, UTC))
    _log.write(f"alarm {ctx.run_id} {time.time() - due}\n")


@function("long", triggers=["engine.long"], timeout="2h")
async def long(ctx: Context) -> int:
    """So many steps in one run, in lanes side by side, so that they share commits; then it waits to be told to end."""
    steps = ctx.event.data["steps"]
    done = 0

    async def lane(number: int) -> None:
        nonlocal done
        for _ in range(steps // LANES):
            await ctx.step.run("step", lambda: number)
            done += 1
            if done % (steps // 10) == 0:
                _log.write(f"step {done} {time.monotonic()}\n")

    await ctx.step.map("lanes", range(LANES), lane, concurrency=LANES)
    await ctx.step.wait_for_event("end", "engine.end", timeout="1h")
    return done


@function("doze", triggers=["engine.doze"])
async def doze(ctx: Context) -> None:
    await ctx.step.sleep("doze", "1h")


FUNCTIONS = [first, fan, leaf, alarm, long, doze]

if __name__ == "__main__":
    Worker(FUNCTIONS, max_concurrent_jobs=SLOTS).start()
