"""An order function with a bug, for docs/tutorials/rewind.md: what is not on sale cannot be ordered.

.venv/bin/python examples/broken_order/orders.py
"""

from __future__ import annotations

from typing import Any

from ironflow import Context, Retry, Worker, function, step_key

PRICES: dict[str, dict[str, int]] = {
    "anvil": {"price": 4200, "discount": 200},
    "rocket": {"price": 900},
    "magnet": {"price": 1500},
}


@function("order", triggers=["order.placed"], retry=Retry(max_attempts=1, on_exhausted="fail"))
async def order(ctx: Context) -> dict[str, Any]:
    item = ctx.event.data["item"]
    quote = await ctx.step.run("quote", look_up, item)
    total = quote["price"] - quote["discount"]
    charge_id = await ctx.step.run("charge", charge, total)
    parcel = await ctx.step.run("ship", ship, item)
    return {"total": total, "charge": charge_id, "parcel": parcel}


def look_up(item: str) -> dict[str, int]:
    return PRICES[item]


def charge(total: int) -> str:
    """The key is the same each time, so that a provider that knows it takes the money once."""
    return f"ch-{step_key()[-8:]}"


def ship(item: str) -> str:
    return f"parcel-{step_key()[-8:]}"


if __name__ == "__main__":
    Worker([order]).start()
