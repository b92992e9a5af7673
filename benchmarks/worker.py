"""Our worker in the benchmarks. It finds the server by IRONFLOW_SERVER_URL and IRONFLOW_GRPC_ADDRESS."""

from __future__ import annotations

from benchmarks.work import STEPS, number_of, output
from ironflow import Context, Worker, function


@function("five", triggers=["bench.five"])
async def five(ctx: Context) -> int:
    total = 0
    for number in range(STEPS):
        total += number_of(await ctx.step.run(f"step-{number}", work, number))
    return total


async def work(number: int) -> dict[str, object]:
    return output(number)


if __name__ == "__main__":
    Worker([five], max_concurrent_jobs=1_000).start()
