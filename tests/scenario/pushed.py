"""Functions that the push scenarios serve, over ASGI by Granian and over WSGI by the standard library."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from ironflow import Context, Retry, SyncContext, function, serve

LEDGER = Path(os.environ.get("LEDGER", os.devnull))


def note(text: str) -> str:
    with LEDGER.open("a") as ledger:
        ledger.write(f"{text}\n")
    return text


@function("order", triggers=["order.placed"], retry=Retry(max_attempts=5, initial_delay=0.01))
async def order(ctx: Context) -> dict[str, object]:
    charge = await ctx.step.run("charge", note, f"charged {ctx.event.data['id']}")
    await ctx.step.sleep("settle", "50ms")
    shipped = await ctx.step.run("ship", note, f"shipped {ctx.event.data['id']}")
    return {"charge": charge, "shipped": shipped}


@function("plain", triggers=["order.placed"], retry=Retry(max_attempts=5, initial_delay=0.01))
def plain(ctx: SyncContext) -> str:
    return str(ctx.step.run("count", note, f"counted {ctx.event.data['id']}"))


@function("fan", triggers=["order.fanned"])
async def fan(ctx: Context) -> list[object]:
    """Branches that wait side by side, a child, and an event that commits with its step."""
    child, paid, _ = await asyncio.gather(
        ctx.step.invoke("leaf", {"n": 20}),
        ctx.step.wait_for_event("paid", "order.paid", match="data.id", timeout="1m"),
        ctx.step.sleep("nap", "20ms"),
    )
    await ctx.step.emit("order.done", {"id": ctx.event.data["id"]})
    ctx.step.note("seen", paid.data)
    return [child, paid.data]


@function("leaf")
async def leaf(ctx: Context) -> int:
    return await ctx.step.run("add", lambda: ctx.event.data["n"] + 1)


FUNCTIONS = [order, plain, fan, leaf]
app = serve(FUNCTIONS)
