"""An order as a saga: reserve, charge, ship, wait for the delivery; what was done is undone in reverse if it fails.

The same functions are pulled by a worker or pushed to an HTTP endpoint:

    .venv/bin/python examples/order_saga/orders.py                                     # a worker
    .venv/bin/granian --interface asgi --port 8000 --working-dir examples/order_saga orders:app    # or an endpoint,
    .venv/bin/python examples/order_saga/orders.py register http://127.0.0.1:8000/     # made known once

Each execution of a step appends one line to a ledger file, so that they can be counted, whatever was killed.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from ironflow import Context, NonRetryableError, Retry, StepRetry, Worker, function, serve, step_key

LEDGER = Path(os.environ.get("ORDERS_LEDGER", "ledger.ndjson"))
STOCK = {"anvil", "rocket", "magnet"}
SERVED = {"Berlin", "Lagos", "Lima", "Osaka"}


@function("order", triggers=["order.placed"], retry=Retry(max_attempts=5, initial_delay="200ms", on_exhausted="fail"))
async def order(ctx: Context) -> dict[str, Any]:
    placed = ctx.event.data
    reservation = await ctx.step.run("reserve stock", reserve, ctx, placed["item"])
    ctx.step.compensate("reserve stock", release, ctx, reservation)

    charge_id = await ctx.step.run("charge", charge, ctx, placed["price"], retry=StepRetry(initial_delay="100ms"))
    ctx.step.compensate("charge", refund, ctx, charge_id, retry=StepRetry(max_attempts=10))

    parcel = await ctx.step.run("ship", ship, ctx, placed["city"])
    ctx.step.compensate("ship", recall, ctx, parcel)
    await ctx.step.emit("order.shipped", {"order": placed["order"], "parcel": parcel})

    delivered = await ctx.step.wait_for_event(
        "delivery",
        "order.delivered",
        match="data.order",
        lookback="1m",  # the carrier may be quicker than we are
        timeout="14d",
        on_timeout="fail",  # lost: recalled, refunded, released
    )
    return {"order": placed["order"], "charge": charge_id, "parcel": parcel, "signed_by": delivered.data["signed_by"]}


def reserve(ctx: Context, item: str) -> str:
    record(ctx, "reserve stock")
    if item not in STOCK:
        raise NonRetryableError(f"we do not sell {item!r}")
    return f"res-{step_key()[-8:]}"


def charge(ctx: Context, price: int) -> str:
    """Fails the first time, as busy services do. The key is the same each time: a provider charges once for it."""
    tries = record(ctx, "charge", price=price)
    if tries == 1:
        raise ConnectionError("the payment provider is busy")
    return f"ch-{step_key()[-8:]}"


def ship(ctx: Context, city: str) -> str:
    record(ctx, "ship", city=city)
    if city not in SERVED:
        raise NonRetryableError(f"no carrier goes to {city}")
    return f"parcel-{step_key()[-8:]}"


def recall(ctx: Context, parcel: str) -> str:
    record(ctx, "recall")
    return f"{parcel} called back"


def refund(ctx: Context, charge_id: str) -> str:
    record(ctx, "refund")
    return f"{charge_id} refunded"


def release(ctx: Context, reservation: str) -> str:
    record(ctx, "release")
    return f"{reservation} released"


def record(ctx: Context, step: str, **more: Any) -> int:
    """One line in the ledger, on disk before the step goes on. Returns how often that step of the run was begun."""
    line = {"run": ctx.run_id, "order": ctx.event.data["order"], "step": step, "key": step_key(), **more}
    with LEDGER.open("a+") as ledger:
        ledger.write(json.dumps(line) + "\n")
        ledger.flush()
        os.fsync(ledger.fileno())
        ledger.seek(0)
        return sum(json.loads(written)["key"] == line["key"] for written in ledger)


FUNCTIONS = [order]
app = serve(FUNCTIONS)

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            Worker(FUNCTIONS).start()
        case ["register", url]:
            serve.register(FUNCTIONS, url)
            print(f"registered {', '.join(function.id for function in FUNCTIONS)} at {url}")
        case _:
            sys.exit("orders.py, or orders.py register URL")
