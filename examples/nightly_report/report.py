"""A nightly report: sales are gathered in batches, and every night one run adds up each shop and writes the report.

    .venv/bin/python examples/nightly_report/report.py

`REPORT_CRON` sets another time, such as every five seconds; the field before the minute is the second:

    REPORT_CRON='*/5 * * * * *' .venv/bin/python examples/nightly_report/report.py
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ironflow import Batch, Context, Singleton, StepRetry, Worker, cron, function

NIGHTLY = os.environ.get("REPORT_CRON", "0 3 * * *")
SALES = Path(os.environ.get("REPORT_SALES", "sales"))
REPORT = Path(os.environ.get("REPORT_FILE", "report.json"))
SHOPS_AT_A_TIME = 2


@function("gather-sales", triggers=["shop.sold"], batch=Batch(size=5, timeout="1s", key="shop"))
async def gather_sales(ctx: Context) -> dict[str, Any]:
    """One run for up to five sales of a shop, or for those that came within a second: one write instead of many."""
    shop = ctx.events[0].data["shop"]
    await ctx.step.run("store", store, shop, ctx.run_id, [event.data["amount"] for event in ctx.events])
    return {"shop": shop, "sales": len(ctx.events)}


@function("nightly-report", triggers=[cron(NIGHTLY, timezone="Europe/Berlin", missed="once")], singleton=Singleton())
async def nightly_report(ctx: Context) -> dict[str, Any]:
    """Made up for once if no server ran at that time; a night that is not over yet is not begun again."""
    shops = await ctx.step.run("find shops", find_shops)

    async def total(shop: str) -> dict[str, Any]:
        return await ctx.step.run("add up", add_up, shop, retry=StepRetry(max_attempts=5))

    totals = await ctx.step.map("totals", shops, total, concurrency=SHOPS_AT_A_TIME)
    report = {
        "scheduled_at": ctx.event.data["scheduled_at"],
        "shops": totals,
        "total": sum(one["total"] for one in totals),
    }
    await ctx.step.run("write", write, report)
    ctx.step.note("total", report["total"])
    return report


def store(shop: str, batch: str, amounts: list[int]) -> int:
    """Written under the run's id, so that a repetition replaces itself and counts nothing twice."""
    folder = SALES / shop
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{batch}.json").write_text(json.dumps(amounts))
    return len(amounts)


def find_shops() -> list[str]:
    return sorted(folder.name for folder in SALES.iterdir()) if SALES.exists() else []


def add_up(shop: str) -> dict[str, Any]:
    batches = [json.loads(file.read_text()) for file in sorted((SALES / shop).iterdir())]
    return {"shop": shop, "batches": len(batches), "sales": sum(map(len, batches)), "total": sum(map(sum, batches))}


def write(report: dict[str, Any]) -> None:
    REPORT.with_suffix(".new").write_text(json.dumps(report, indent=2))
    REPORT.with_suffix(".new").replace(REPORT)


FUNCTIONS = [gather_sales, nightly_report]

if __name__ == "__main__":
    Worker(FUNCTIONS).start()
