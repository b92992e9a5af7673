"""The machine and its floor: what no durable system on it can beat."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

SAMPLES = 300


def percentile(values: list[float], share: float) -> float:
    """The value below which that share lies; values in any order."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def describe() -> list[str]:
    """Lines that say what this was measured on."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return [
        f"machine   {os.cpu_count()} x {model}, {memory_gib:.0f} GiB, {platform.system()} {platform.release()}",
        f"python    {platform.python_version()}, load average at start {load:.2f}",
    ]


def floor(folder: Path, database_url: str) -> list[str]:
    """fdatasync, one insert and commit on SQLite and on Postgres, and a fixed loop of Python, p50 each."""
    return [
        f"floor     fdatasync of 4 KiB appended: {_fdatasync_ms(folder):.2f} ms p50",
        f"floor     SQLite (WAL, FULL) insert + commit: {_sqlite_ms(folder):.2f} ms p50",
        f"floor     Postgres insert + commit: {_postgres_ms(database_url):.2f} ms p50",
        f"floor     3,000,000 additions in Python: {_loop_s():.2f} s",
    ]


def _timed_ms(action: Callable[[], object]) -> float:
    taken = []
    for _ in range(SAMPLES):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1_000


def _fdatasync_ms(folder: Path) -> float:
    file = os.open(folder / "fdatasync", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:

        def append() -> None:
            os.write(file, bytes(4096))
            os.fdatasync(file)

        return _timed_ms(append)
    finally:
        os.close(file)


def _sqlite_ms(folder: Path) -> float:
    import apsw

    connection = apsw.Connection(str(folder / "floor.db"))
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("create table t (x text)")
    taken = _timed_ms(lambda: connection.execute("insert into t values ('x')"))
    connection.close()
    return taken


def _postgres_ms(database_url: str) -> float:
    import psycopg

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table floor (x text)")
        taken = _timed_ms(lambda: connection.execute("insert into floor values ('x')"))
        connection.execute("drop table floor")
    return taken


def _loop_s() -> float:
    started = time.perf_counter()
    total = 0
    for number in range(3_000_000):
        total += number
    return time.perf_counter() - started


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used so far, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mib(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def children(pid: int) -> list[int]:
    """Processes that this one started, and theirs."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *children(int(child))]
    return found
