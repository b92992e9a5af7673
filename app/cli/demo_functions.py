"""The functions of `ironflow demo`: each shows one thing that a durable run can do, in a shop that everybody knows."""

from __future__ import annotations

import asyncio
from typing import Any

from ironflow import (
    Context,
    NonRetryableError,
    ProjectedEvent,
    Retry,
    StepRetry,
    function,
    projection,
)

QUICK = Retry(max_attempts=3, initial_delay="400ms", on_exhausted="fail")
PARCELS = 14


class GatewayTimeout(Exception):
    """The payment provider is busy: it is said to be so twice, and then it is not."""


@function("demo-checkout", triggers=["demo.order.placed"], retry=QUICK)
async def checkout(ctx: Context) -> dict[str, Any]:
    """Succeeds, after its payment was tried three times."""
    order = ctx.event.data
    await ctx.step.run("fetch order", _taking, 0.04, {"order": order["order"], "items": 3, "total": 129.9})

    async def pay() -> Any:
        return await ctx.step.run(
            "charge card",
            _charge,
            ctx,
            retry=StepRetry(max_attempts=4, initial_delay="150ms"),
        )

    async def reserve() -> Any:
        return await ctx.step.run("reserve stock", _taking, 0.21, {"warehouse": "berlin-2", "reserved": 3})

    await ctx.step.parallel("prepare", [pay, reserve])
    ctx.step.note("progress", "paid and reserved")
    await ctx.step.emit("demo.order.paid", {"order": order["order"], "total": 129.9})
    await ctx.step.run("send receipt", _taking, 0.09, {"to": order["email"], "sent": True})
    return {"order": order["order"], "state": "paid"}


@function("demo-import", triggers=["demo.catalogue.changed"], retry=QUICK)
async def import_catalogue(ctx: Context) -> int:
    """Its first attempt fails as a whole; the second takes up where it was."""
    await ctx.step.run("download", _taking, 0.12, {"rows": 1_204, "checksum": 9007199254740993})
    if ctx.attempt == 1:
        raise ConnectionResetError("the catalogue server closed the connection")
    await ctx.step.run("store", _taking, 0.18, {"stored": 1_204})
    return 1_204


@function("demo-invoice", triggers=["demo.invoice.requested"], retry=Retry(max_attempts=1))
async def invoice(ctx: Context) -> dict[str, Any]:
    """Waits for a person: a service gave a price without its currency, and a patch of that output mends it."""
    price = await ctx.step.run("look up price", _taking, 0.08, {"amount": 99, "currency": None})
    return await ctx.step.run("convert", _convert, price)


@function("demo-trip", triggers=["demo.trip.booked"], retry=QUICK)
async def trip(ctx: Context) -> None:
    """Fails for good, and undoes what it did, the newest first."""
    await ctx.step.run("book flight", _taking, 0.1, {"flight": "BER-LIS 14:05"})
    ctx.step.compensate("book flight", _taking, 0.06, {"flight": "given back"})
    await ctx.step.run("book hotel", _taking, 0.14, {"hotel": "Alfama 12", "nights": 3})
    ctx.step.compensate("book hotel", _taking, 0.07, {"hotel": "cancelled"})
    await ctx.step.run("charge traveller", _decline)


@function("demo-expense", triggers=["demo.expense.filed"])
async def expense(ctx: Context) -> dict[str, Any]:
    """Waits days for a decision, and takes up nothing meanwhile."""
    await ctx.step.run("check receipts", _taking, 0.05, {"receipts": 4, "readable": True})
    decided = await ctx.step.wait_for_event(
        "decision",
        "demo.expense.decided",
        match="data.expense",
        timeout="3d",
        payload={"ask": "Pay this expense?", "expense": ctx.event.data["expense"], "amount": "184.20 EUR"},
    )
    await ctx.step.run("pay", _taking, 0.1, {"paid": decided.data["approved"]})
    return {"approved": decided.data["approved"]}


@function("demo-parcels", triggers=["demo.parcels.ready"], retry=QUICK)
async def parcels(ctx: Context) -> int:
    """A branch for each parcel, four at a time, and one function that calls another."""

    async def label(parcel: int) -> Any:
        await ctx.step.run("weigh", _taking, 0.02 + parcel % 4 / 50, {"grams": 400 + 37 * parcel})
        return await ctx.step.run("print label", _taking, 0.03, {"label": f"P-{parcel:04}"})

    labels = await ctx.step.map("parcels", list(range(PARCELS)), label, concurrency=4)
    await ctx.step.invoke("demo-pickup", {"parcels": len(labels)}, timeout="1h")
    return len(labels)


@function("demo-pickup", retry=QUICK)
async def pickup(ctx: Context) -> str:
    await ctx.step.sleep("until the van is here", "300ms")
    return str(await ctx.step.run("hand over", _taking, 0.05, f"{ctx.event.data['parcels']} parcels"))


FUNCTIONS = (checkout, import_catalogue, invoice, trip, expense, parcels, pickup)


@projection("demo-sales", events=["demo.order.*"], initial={"placed": 0, "paid": 0, "revenue": 0.0})
def sales(state: dict[str, Any], event: ProjectedEvent) -> dict[str, Any]:
    """Falls behind as soon as no worker folds it."""
    if event.name == "demo.order.placed":
        state["placed"] += 1
    elif event.name == "demo.order.paid":
        state["paid"] += 1
        state["revenue"] = round(state["revenue"] + event.data["total"], 2)
    return state


PROJECTIONS = (sales,)


async def _taking(seconds: float, result: Any) -> Any:
    await asyncio.sleep(seconds)
    return result


_charges: dict[str, int] = {}


async def _charge(ctx: Context) -> dict[str, Any]:
    await asyncio.sleep(0.06)
    tries = _charges[ctx.run_id] = _charges.get(ctx.run_id, 0) + 1
    if tries < 3:
        raise GatewayTimeout(f"gateway 10.0.4.{tries} did not answer within 60 ms")
    return {"charge": "ch_4921", "amount": 129.9, "currency": "EUR"}


def _convert(price: dict[str, Any]) -> dict[str, Any]:
    if price["currency"] is None:
        raise ValueError(f"the price {price['amount']} has no currency")
    return {"amount": price["amount"], "currency": price["currency"]}


def _decline() -> None:
    raise NonRetryableError("the card was declined: insufficient funds")
