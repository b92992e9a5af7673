"""The worker of the storm: a function for each kind of program. Run as `python -m tests.support.storm.functions`.

Every step body writes to the ledger (`STORM_LEDGER`) before it does anything else. The event says how long things take.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

from ironflow import Context, NonRetryableError, Retry, SyncContext, Worker, function, step_key
from tests.support.storm import ledger

LEDGER = Path(os.environ.get("STORM_LEDGER", os.devnull))
RETRY = Retry(max_attempts=5, initial_delay="50ms", max_delay="200ms", on_exhausted="fail")
STUCK_S = 3_600.0
ONCE = Retry(max_attempts=1, on_exhausted="fail")


def did(ctx: Any, what: str) -> str:
    """A step's body: it takes a moment, so that kills find it in the middle."""
    ledger.note(LEDGER, step_key())
    time.sleep(ctx.event.data["work_s"])
    return f"{what} {ctx.event.data['n']}"


@function("storm-order", triggers=["storm.order"], retry=RETRY)
async def order(ctx: Context) -> list[str]:
    """An event that commits with its step, and a sleep."""

    def charge() -> str:
        ctx.step.emit("storm.charged", {"n": ctx.event.data["n"]})
        return did(ctx, "charged")

    charged = await ctx.step.run("charge", charge)
    await ctx.step.sleep("settle", ctx.event.data["pause_s"])
    return [charged, await ctx.step.run("ship", did, ctx, "shipped")]


@function("storm-plain", triggers=["storm.plain"], retry=RETRY)
def plain(ctx: SyncContext) -> list[str]:
    """The same without async, and with a step that fails at the first attempt."""
    first = ctx.step.run("first", did, ctx, "began")
    ctx.step.sleep("rest", ctx.event.data["pause_s"])
    return [first, ctx.step.run("flaky", flaky, ctx), ctx.step.run("last", did, ctx, "ended")]


def flaky(ctx: SyncContext) -> str:
    ledger.note(LEDGER, step_key(), fails=ctx.attempt == 1)
    if ctx.attempt == 1:
        raise ConnectionError("warming up")
    return f"flew {ctx.event.data['n']}"


@function("storm-approval", triggers=["storm.approval"], retry=RETRY)
async def approval(ctx: Context) -> list[str]:
    """A wait that its event and its timeout race for."""
    asked = await ctx.step.run("ask", did, ctx, "asked")
    patience = ctx.event.data["pause_s"]
    found = await ctx.step.wait_for_event(
        "answer", "storm.approved", match="data.n", lookback="10m", timeout=patience, default=None
    )
    outcome = "late" if found is None else "approved"
    return [asked, await ctx.step.run("conclude", did, ctx, outcome)]


@function("storm-family", triggers=["storm.family"], retry=RETRY)
async def family(ctx: Context) -> list[Any]:
    """Children, awaited and not, beside branches with steps and sleeps."""
    data = ctx.event.data

    async def branch(number: int) -> str:
        done = await ctx.step.run("work", did, ctx, f"branch {number}")
        await ctx.step.sleep("breathe", data["pause_s"] / 2)
        return f"{done}, {await ctx.step.run('finish', did, ctx, 'finished')}"

    await ctx.step.invoke_async("storm-child", data)
    child, branches = await asyncio.gather(
        ctx.step.invoke("storm-child", data), ctx.step.map("branches", range(3), branch)
    )
    return [child, *branches]


@function("storm-child", retry=RETRY)
async def child(ctx: Context) -> str:
    await ctx.step.sleep("nap", ctx.event.data["pause_s"] / 3)
    return await ctx.step.run("grow", did, ctx, "grew")


@function("storm-saga", triggers=["storm.saga"], retry=ONCE)
async def saga(ctx: Context) -> None:
    """Undone in reverse: it fails, or is cancelled while it waits."""
    for name in ("flight", "hotel"):
        await ctx.step.run(name, did, ctx, name)
        ctx.step.compensate(name, did, ctx, f"undid {name}")
    if ctx.event.data["waits"]:
        await ctx.step.wait_for_event("paid", "storm.never", timeout="1h")
    raise NonRetryableError("no room")


@function("storm-patient", triggers=["storm.patient"], retry=RETRY)
async def patient(ctx: Context) -> str:
    """Waits through the whole storm, for what is emitted after it."""
    await ctx.step.wait_for_event("release", "storm.released", timeout="1h")
    return await ctx.step.run("at last", did, ctx, "released")


@function("storm-stuck", triggers=["storm.stuck"], retry=RETRY)
async def stuck(ctx: Context) -> str:
    """Its step hangs the first time that it is executed."""
    return await ctx.step.run("hang", hang)


def hang() -> str:
    key = step_key()
    again = LEDGER.exists() and key in ledger.read(LEDGER)
    ledger.note(LEDGER, key)
    if not again:
        time.sleep(STUCK_S)
    return key


@function("storm-till", triggers=["storm.till"], retry=RETRY)
async def till(ctx: Context) -> str:
    """Counts in the bucket `till` with its step, which hangs the first time if the event has it wait."""

    def count() -> str:
        ctx.step.kv("till").incr("count")
        if ctx.event.data["waits"]:
            return hang()
        return did(ctx, "counted")

    return await ctx.step.run("count", count)


FUNCTIONS = [order, plain, approval, family, child, saga, patient, till, stuck]

if __name__ == "__main__":
    Worker(FUNCTIONS).start()
