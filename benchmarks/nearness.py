"""How quickly failures are embedded, and the nearest of many are found.

    python -m benchmarks.nearness [--vectors N] [--reads N] [--stores sqlite,postgres]

Vectors are of made-up failures of 500 causes. Postgres is asked exactly, then, from 100,000 vectors on, by its index.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from pathlib import Path

from app import resources
from app.history.kinds import Failure as Told
from app.search import embed, stacks
from app.search.failure import Failure
from app.search.masking import mask
from benchmarks import machine
from storage import failures, open_storage
from storage.failures import FailureRow, FailureVectorRow
from tests.support.postgres import Cluster

BATCH = 5_000
CAUSES = 500
WORDS = (
    "order",
    "card",
    "user",
    "price",
    "stock",
    "address",
    "payment",
    "limit",
    "quota",
    "gateway",
    "timeout",
    "missing",
)
NEIGHBOURS = 10


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nearness")
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--reads", type=int, default=200)
    parser.add_argument("--stores", default="sqlite,postgres")
    options = parser.parse_args()
    print("\n".join(machine.describe()), flush=True)
    rows = _embedded(options.vectors)
    with tempfile.TemporaryDirectory(prefix="ironflow-near-") as folder, Cluster(durable=True) as cluster:
        for store in options.stores.split(","):
            location = cluster.create_database() if store == "postgres" else str(Path(folder) / "ironflow.db")
            asyncio.run(_measure(store, location, rows, options.reads))


def _embedded(count: int) -> list[FailureVectorRow]:
    rng = random.Random(7)
    made = [_failure(rng, number % CAUSES) for number in range(min(count, 10_000))]
    began = time.process_time()
    for failure in made:
        embed.embed(failure)
    spent_s = time.process_time() - began
    print(f"  embedded {len(made) / spent_s:>12,.0f} failures a CPU-second", flush=True)
    vectors = (embed.embed(_failure(rng, number % CAUSES)) for number in range(count))
    return [FailureVectorRow("default", number, embed.HASHED, vector) for number, vector in enumerate(vectors, 1)]


def _failure(rng: random.Random, cause: int) -> Failure:
    """One of a cause, with what differs from case to case."""
    own = random.Random(cause)
    words = own.choices(WORDS, k=8)
    message = mask(f"{' '.join(words)} {rng.randrange(10**6)} of 'c-{rng.randrange(10**6)}' {rng.choice(WORDS)}")
    frames = [stacks.Frame(f"shop/{own.choice(WORDS)}.py", f"{own.choice(WORDS)}_{n}", own=True) for n in range(6)]
    row = FailureRow(
        "default", 1, "run_1", f"function-{cause % 20}", 1, "evt_1", "0" * 16, "run.failed", own.choice(WORDS),
        f"{own.choice(WORDS)}Error", "STEP_FAILED", message, message, str(frames[0]), 0, 0, "0" * 16,
    )  # fmt: skip
    shape = [f"{own.choice(WORDS)}.{own.choice(WORDS)}:text" for _ in range(20)]
    return Failure(row, Told(message), frames, own.choices(WORDS, k=5), shape)


async def _measure(store: str, location: str, rows: list[FailureVectorRow], reads: int) -> None:
    storage = await open_storage(location, resources.sql_folder())
    await storage.migrate()
    await storage.index_vectors(build=False)
    began = time.perf_counter()
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        await storage.write(lambda tx, batch=batch: failures.save(tx, (), (), batch))  # type: ignore[misc]
    rate = len(rows) / (time.perf_counter() - began)
    began = time.perf_counter()
    how = await storage.index_vectors(build=True)
    print(f"{store}: {rate:,.0f} vectors/s saved; {how}, ready after {time.perf_counter() - began:.1f} s", flush=True)
    rng, took_ms = random.Random(1), []
    for _ in range(reads):
        vector = rng.choice(rows).vector
        began = time.perf_counter()
        found = await storage.read(
            lambda tx, vector=vector: failures.near(tx, "default", embed.HASHED, vector, limit=NEIGHBOURS)  # type: ignore[misc]
        )
        took_ms.append((time.perf_counter() - began) * 1_000)
        assert len(found) == NEIGHBOURS
    took_ms.sort()
    p50, p95 = took_ms[len(took_ms) // 2], took_ms[int(len(took_ms) * 0.95)]
    print(f"  {NEIGHBOURS} nearest of {len(rows):,}  p50 {p50:.1f} ms  p95 {p95:.1f} ms", flush=True)
    await storage.close()


if __name__ == "__main__":
    main()
