"""The machine and its floor: what no durable system on it can beat."""

from __future__ import annotations

import contextlib
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

SAMPLES = 300
CALM_CPUS = 0.25
CALM_WINDOW_S = 0.5


def percentile(values: list[float], share: float) -> float:
    """The value below which that share lies; values in any order."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median_within(values: list[float]) -> tuple[float, float, float]:
    """The median, between the two of the values between which that of all there could be lies with a probability of
    95 %, whatever they are spread like: as many lie below it as heads come of so many coins."""
    ordered = sorted(values)
    beyond = max(0, int(len(ordered) / 2 - 0.98 * len(ordered) ** 0.5))
    return ordered[beyond], statistics.median(ordered), ordered[-1 - beyond]


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
    connection.execute("create table if not exists t (x text)")
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


def running_s(pid: int) -> float:
    """The same of the threads that it has now, to the microsecond but for what one that runs has used since the last
    tick: for turns of a few hundredths of a second."""
    used_ns = 0
    for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # that thread ended just now
            used_ns += int(file.read_text().split()[0])
    return used_ns / 1e9


def tree_cpu_s(pid: int) -> float:
    """Processor seconds used so far by a process and all it started, those that have ended included."""
    below = sum(map(tree_cpu_s, _children(pid)))
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0  # ended just now: what it used is its parent's to tell
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") + below


def busy_s() -> float:
    """Processor seconds that all of the machine has used so far, and those that its host has given to others."""
    user, nice, system, _, _, irq, softirq, steal, *_ = map(
        int, Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
    )
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def await_calm(timeout_s: float) -> None:
    """Return when the machine uses less than a quarter of a processor, or when the time is over."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        before, started = busy_s(), time.monotonic()
        time.sleep(CALM_WINDOW_S)
        if busy_s() - before < CALM_CPUS * (time.monotonic() - started):
            return


def rss_mib(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def children(pid: int) -> list[int]:
    """Processes that this one started, and theirs."""
    return [found for child in _children(pid) for found in (child, *children(child))]


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # that thread ended just now
            found += map(int, file.read_text().split())
    return found
