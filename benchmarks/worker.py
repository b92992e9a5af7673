"""The worker of the benchmarks: five steps, each of which returns about 100 bytes of JSON."""

from __future__ import annotations

from ironflow import Context, Worker, function

OUTPUT = {"ok": True, "text": "x" * 80}


def work(number: int) -> dict[str, object]:
    return {**OUTPUT, "number": number}


@function("five", triggers=["bench.five"])
async def five(ctx: Context) -> int:
    total = 0
    for number in range(5):
        result = await ctx.step.run(f"step-{number}", work_async, number)
        total += int(str(result["number"]))
    return total


async def work_async(number: int) -> dict[str, object]:
    return work(number)


if __name__ == "__main__":
    Worker([five], max_concurrent_jobs=1_000).start()
