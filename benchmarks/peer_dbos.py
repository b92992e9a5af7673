"""DBOS: runs of five steps, in process, as its quick start has it. `peer_dbos.py DATABASE_URL SECONDS`."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from dbos import DBOS

OUTPUT = {"ok": True, "text": "x" * 80}


def main(url: str, seconds: float) -> None:
    DBOS(config={"name": "bench", "system_database_url": url, "run_admin_server": False, "log_level": "ERROR"})

    @DBOS.step()
    async def step(number: int) -> dict[str, Any]:
        return {**OUTPUT, "number": number}

    @DBOS.workflow()
    async def five() -> int:
        total = 0
        for number in range(5):
            total += int((await step(number))["number"])
        return total

    async def client(until: float, taken: list[float]) -> None:
        while time.perf_counter() < until:
            started = time.perf_counter()
            await five()
            taken.append(time.perf_counter() - started)

    async def cases() -> None:
        print(f"\ndbos on {url.partition(':')[0]}", flush=True)
        for clients in (1, 16, 256):
            taken: list[float] = []
            started = time.perf_counter()
            await asyncio.gather(*(client(started + seconds, taken) for _ in range(clients)))
            rate = 5 * len(taken) / (time.perf_counter() - started)
            taken.sort()
            p50, p99 = taken[len(taken) // 2] * 1_000, taken[int(len(taken) * 0.99)] * 1_000
            title = f"runs of 5 steps, {clients} in flight"
            print(f"  {title:<36} {rate:>10,.0f} steps/s  p50 {p50:.1f} ms  p99 {p99:.1f} ms", flush=True)

    DBOS.launch()
    asyncio.run(cases())
    DBOS.destroy()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
