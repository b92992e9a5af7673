"""How many recorded runs `ironflow check` replays in a second.

    python -m benchmarks.checking [--runs N]

Runs of five steps, one after the other, from a bundle in memory, in one process; an async and a plain function.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from typing import Any

from benchmarks import machine
from ironflow import Context, Function, SyncContext, function
from ironflow.testing import checks, recording

STEPS = 5


@function("work")
async def in_the_loop(ctx: Context) -> Any:
    return [await ctx.step.run(f"step {n}", int) for n in range(STEPS)]


@function("work")
def in_a_thread(ctx: SyncContext) -> Any:
    return [ctx.step.run(f"step {n}", int) for n in range(STEPS)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checking")
    parser.add_argument("--runs", type=int, default=5_000)
    options = parser.parse_args()
    print("\n".join(machine.describe()), flush=True)
    bundle = [json.dumps(_recorded(number)) for number in range(options.runs)]
    for name, code in (("async", in_the_loop), ("plain", in_a_thread)):
        asyncio.run(_measure(name, code, bundle))


async def _measure(name: str, code: Function, bundle: list[str]) -> None:
    began, cpu = time.perf_counter(), time.process_time()
    outcomes = [one.outcome async for one in checks([code], recording.read(bundle))]
    took_s, spent_s = time.perf_counter() - began, time.process_time() - cpu
    assert set(outcomes) == {"same"}, set(outcomes)
    rate, cost_ms = len(bundle) / took_s, spent_s / len(bundle) * 1_000
    print(f"  {name} function, {STEPS} steps a run  {rate:>8,.0f} runs/s  {cost_ms:.2f} CPU-ms a run", flush=True)


def _recorded(number: int) -> dict[str, Any]:
    run_id = f"run_{number:026}"
    return {
        "schema": recording.SCHEMA,
        "run_id": run_id,
        "function_id": "work",
        "status": "completed",
        "event": {"id": "evt_1", "name": "go", "data": {"n": number}, "timestamp": "2026-01-01T00:00:00Z"},
        "steps": [
            {"id": f"{run_id}:step {n}:0", "name": f"step {n}", "type": "invoke", "status": "completed", "output": 0}
            for n in range(STEPS)
        ],
        "output": [0] * STEPS,
    }


if __name__ == "__main__":
    main()
