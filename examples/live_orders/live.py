"""Orders as they happen: counted in key-values, and written down live by somebody who may be away for a while.

    order.placed | paid ──► count: a run, its writes in one commit with its step ──► bucket "orders"
                        └─► follow: a subscription, resumed after the last line  ──► ticker.log

.venv/bin/python examples/live_orders/live.py count
.venv/bin/python examples/live_orders/live.py follow
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ironflow import Client, Context, Worker, function

TICKER = Path(os.environ.get("LIVE_ORDERS_TICKER", "ticker.log"))


@function("count-orders", triggers=["order.*"])
async def count_orders(ctx: Context) -> None:
    """Each event is counted once, whatever is killed meanwhile: the counters and the step are one commit."""
    verb, total = ctx.event.name.removeprefix("order."), ctx.event.data["total"]
    orders = ctx.step.kv("orders")

    async def count() -> None:
        orders.incr(f"{verb}.count")
        orders.incr(f"{verb}.total", by=total)

    await ctx.step.run("count", count)


def follow() -> None:
    """A line for each event, with its position first: the last line says where to go on."""
    with Client() as client, TICKER.open("a") as ticker:
        for event in client.subscribe("order.*", after=last_position()):
            ticker.write(f"{event.position} {event.name} {event.data['order']} {event.data['total']}\n")
            ticker.flush()


def last_position() -> int:
    lines = TICKER.read_text().splitlines()
    return int(lines[-1].split()[0]) if lines else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["count"]:
        Worker(functions=[count_orders]).start()
    elif sys.argv[1:] == ["follow"]:
        follow()
    else:
        sys.exit(__doc__)
