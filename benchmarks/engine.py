"""`make bench-engine`: starts, fan-out, timers, a long run and idling, on both stores, against real processes.

    python -m benchmarks.engine [--stores sqlite,postgres] [--cases first,fan,timers,long,idle]
                                [--children N] [--timers N] [--steps N] [--sleepers N]

Every case is bounded in time; one that is not done by then says so.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg

from benchmarks import machine, ours
from benchmarks.engine_worker import SLOTS
from benchmarks.process import child
from ironflow import Client
from tests.support.postgres import Cluster
from tests.support.server import ServerProcess

CASES = ("first", "fan", "timers", "long", "idle")
CASE_TIMEOUT_S = 900.0
POLL_S = 0.1
STARTS = 300
BATCH = 100
IDLE_S = 15.0
SETTLE_S = 5.0
SETUP_RATE = 150
"""Runs a second that are sure to be asleep before their alarms come."""


class Bench:
    """A server, a worker of `engine_worker` that can be killed, and what both have used."""

    def __init__(self, server: ServerProcess, database_url: str | None, folder: Path) -> None:
        self.server = server
        self.database_url = database_url
        self.client = Client(server.url, timeout_s=120)
        self.log_file = folder / f"{server.data_dir.name}-engine.log"
        self.log_file.touch()
        self.worker_pid = 0
        self._worker = contextlib.ExitStack()

    def start_worker(self) -> None:
        environment = {
            **os.environ,
            "IRONFLOW_SERVER_URL": self.server.url,
            "IRONFLOW_GRPC_ADDRESS": self.server.grpc_address,
            "ENGINE_LOG": str(self.log_file),
        }
        running = child(
            [sys.executable, "-m", "benchmarks.engine_worker"],
            log_file=self.log_file.with_suffix(".worker"),
            environment=environment,
        )
        self.worker_pid = self._worker.enter_context(running).pid
        until(lambda: bool(self.client.workers()), "the worker never came")

    def kill_worker(self) -> None:
        self._worker.close()
        until(lambda: not self.client.workers(), "the server never noticed")

    def close(self) -> None:
        self._worker.close()

    def emit(self, name: str, data: Any = None) -> str:
        """Returns the id of the run."""
        [run_id] = self.client.emit(name, data).run_ids
        return run_id

    def emit_many(self, name: str, data: list[Any]) -> None:
        for start in range(0, len(data), BATCH):
            self.client.emit_batch([{"name": name, "data": one} for one in data[start : start + BATCH]])

    def waiting(self, function_id: str) -> int:
        return int(self.client.runs.list(function_id=function_id, status="waiting", limit=1).total or 0)

    def log(self, kind: str) -> list[list[str]]:
        """The worker's lines of that kind, without it."""
        lines = (line.split() for line in self.log_file.read_text().splitlines())
        return [rest for first, *rest in lines if first == kind]

    def cpu_s(self) -> tuple[float, float]:
        """What server and worker have used."""
        return machine.cpu_s(self.server.pid), machine.cpu_s(self.worker_pid)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine")
    parser.add_argument("--stores", default="sqlite,postgres")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--children", type=int, default=1_000)
    parser.add_argument("--timers", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=100_000, help="of the long run")
    parser.add_argument("--sleepers", type=int, default=1_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ironflow-bench-") as folder, Cluster(durable=True) as cluster:
        place = Path(folder)
        print("\n".join([*machine.describe(), *machine.floor(place, cluster.create_database())]))
        print(
            "settings  SQLite WAL synchronous=FULL; Postgres fsync and synchronous_commit on; digest chain on; NATS on"
        )
        print(f"          one server, one Python worker of {SLOTS:,} slots over gRPC, each step acknowledged")
        for store in options.stores.split(","):
            database_url = cluster.create_database() if store == "postgres" else None
            print(f"\n{store}", flush=True)
            with _started(place / store, database_url, place) as bench:
                for case in options.cases.split(","):
                    busy, began, used = machine.busy_s(), time.monotonic(), sum(bench.cpu_s())
                    _measure(bench, case, options)
                    took = time.monotonic() - began
                    foreign = max(0.0, machine.busy_s() - busy - (sum(bench.cpu_s()) - used)) / took
                    print(f"    took {took:.0f} s; others, NATS and Postgres used {foreign:.1f} CPUs", flush=True)


@contextlib.contextmanager
def _started(data_dir: Path, database_url: str | None, folder: Path) -> Iterator[Bench]:
    with ours.running(data_dir, database_url) as server:
        bench = Bench(server, database_url, folder)
        bench.start_worker()
        try:
            yield bench
        finally:
            bench.close()


def _measure(bench: Bench, case: str, options: argparse.Namespace) -> None:
    match case:
        case "first":
            first_line(bench)
        case "fan":
            fan_out(bench, options.children)
        case "timers":
            timers(bench, options.timers)
        case "long":
            long_run(bench, options.steps)
        case "idle":
            idle(bench, options.sleepers)
        case _:
            raise SystemExit(f"--cases {case}: one of {', '.join(CASES)}")


def first_line(bench: Bench) -> None:
    """From before the request is sent until the function's first line, one run at a time: as the engine takes it, sent
    by the library's own HTTP client, and as a user of the SDK's client has it."""
    place = urlsplit(bench.server.url)
    asking = {"event": "engine.first", "data": 1, "timeoutMs": 30_000}
    plain = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)

    def by_socket() -> Any:
        plain.request("POST", ours.TRIGGER_SYNC, json.dumps(asking), {"content-type": "application/json"})
        return json.load(plain.getresponse())

    def by_client() -> Any:
        return bench.client.request("POST", ours.TRIGGER_SYNC, json=asking)

    for title, ask in (("invoke to first line", by_socket), ("the same through the SDK's client", by_client)):
        taken = []
        for number in range(STARTS + STARTS // 10):
            sent = time.monotonic_ns()
            [result] = ask()["results"]
            if number >= STARTS // 10:  # those before warm up
                taken.append((int(result["outputValue"]) - sent) / 1e6)
        _row(title, f"p50 {machine.percentile(taken, 0.5):.1f} ms", f"p99 {_p99(taken):.1f} ms")
    plain.close()


def fan_out(bench: Bench, children: int) -> None:
    before = bench.cpu_s()
    began = time.monotonic()
    run = bench.client.runs.wait(bench.emit("engine.fan", {"children": children}), timeout_s=CASE_TIMEOUT_S)
    took = time.monotonic() - began
    right = run["output"] == sum(range(children))
    server, worker = (after - used for after, used in zip(bench.cpu_s(), before, strict=True))
    _row(
        f"{children:,} children, joined",
        f"{took:.2f} s",
        f"{children / took:,.0f} children/s",
        f"CPU-ms a child: server {1e3 * server / children:.2f}, worker {1e3 * worker / children:.2f}",
        "" if right else f"WRONG: {run['status']}",
    )


def timers(bench: Bench, count: int) -> None:
    """All are asleep when the first is due; lateness by the clock of history, and of the code that goes on."""
    due = time.time() + SETTLE_S + count / SETUP_RATE
    bench.emit_many("engine.alarm", [{"due": due + n / count} for n in range(count)])
    until(lambda: bench.waiting("alarm") == count or time.time() > due, "never asleep")
    asleep = bench.waiting("alarm")
    head = bench.client.request("GET", "/api/v1/history/head")["position"]
    spare = due - time.time()
    if asleep < count or spare < 0:
        _row(f"{count:,} timers due in one second", f"NOT MEASURED: only {asleep:,} were asleep in time")
        return
    time.sleep(max(0.0, spare - 1))
    before = bench.cpu_s()
    until(lambda: time.time() > due + 1 and len(bench.log("alarm")) >= count, "timers were lost")
    server, worker = (after - used for after, used in zip(bench.cpu_s(), before, strict=True))
    late = {run_id: float(seconds) for run_id, seconds in bench.log("alarm")}
    recorded = _recorded_late(bench, head, due, count)
    again = len(bench.log("alarm")) - len(late)
    _row(
        f"{count:,} timers due in one second",
        f"recorded late: p50 {machine.percentile(recorded, 0.5):.2f} s  p99 {_p99(recorded):.2f} s",
        f"code late: p50 {machine.percentile([*late.values()], 0.5):.2f} s  p99 {_p99([*late.values()]):.2f} s",
        f"early {sum(seconds < 0 for seconds in late.values())}, lost {count - len(late)}, twice {again}",
        f"CPU-ms each: server {1e3 * server / count:.2f}, worker {1e3 * worker / count:.2f}",
    )


def _recorded_late(bench: Bench, after: int, due: float, count: int) -> list[float]:
    """How long after its instant each run was handed out again, as history says, earliest timer first."""
    found: list[float] = []
    while True:
        params = {"kind": "run.started", "after": after, "limit": 1000, "direction": "forward"}
        page = bench.client.request("GET", "/api/v1/history", params=params)
        found += [_unix_s(entry["recorded_at"]) for entry in page["entries"]]
        if not page.get("next_cursor"):
            break
        after = int(page["next_cursor"])
    return [at - (due + n / count) for n, at in enumerate(sorted(found))]


def long_run(bench: Bench, steps: int) -> None:
    """What a step costs in each tenth of one run; then the worker is killed, and another replays all of it."""
    parts: list[tuple[float, float, float]] = [(time.monotonic(), *bench.cpu_s())]
    resident: list[tuple[float, float]] = []
    run_id = bench.emit("engine.long", {"steps": steps})
    for part in range(1, 11):
        until(lambda part=part: len(bench.log("step")) >= part, f"tenth {part} was never done")  # type: ignore[misc]
        parts.append((time.monotonic(), *bench.cpu_s()))
        resident.append((machine.rss_mib(bench.server.pid), machine.rss_mib(bench.worker_pid)))
    tenth = steps / 10
    costs = [
        [1e3 * (after - before) / tenth for before, after in zip(one, other, strict=True)]
        for one, other in itertools.pairwise(parts)
    ]
    took = parts[-1][0] - parts[0][0]
    _row(f"one run of {steps:,} steps", f"{steps / took:,.0f} steps/s", f"in lanes of {steps // 100:,}")
    for place, name in enumerate(("ms", "server CPU-ms", "worker CPU-ms")):
        by_tenth = [cost[place] for cost in costs]
        growth = sum(by_tenth[7:]) / sum(by_tenth[1:4]) - 1
        shown = " ".join(f"{cost:.3f}" for cost in by_tenth)
        print(f"    {name:<14} a step, by tenth: {shown}  last three to second to fourth: {growth:+.0%}", flush=True)
    for name, sizes in zip(("server", "worker"), zip(*resident, strict=True), strict=True):
        print(f"    {name:<14} MiB resident after each tenth: {' '.join(f'{size:.0f}' for size in sizes)}", flush=True)
    until(lambda: bench.client.runs.get(run_id)["status"] == "waiting", "it never waited")
    bench.kill_worker()
    bench.start_worker()
    before = bench.cpu_s()
    began = time.monotonic()
    bench.client.emit("engine.end")
    run = bench.client.runs.wait(run_id, timeout_s=CASE_TIMEOUT_S)
    replayed = time.monotonic() - began
    server, worker = (after - used for after, used in zip(bench.cpu_s(), before, strict=True))
    right = run["output"] == steps and len(bench.client.runs.steps(run_id)) > 0
    _row(
        "  replayed after a kill of the worker",
        f"{replayed:.2f} s",
        f"CPU-ms a step: server {1e3 * server / steps:.3f}, worker {1e3 * worker / steps:.3f}",
        "" if right else f"WRONG: {run['status']} {run['output']}",
    )


def idle(bench: Bench, sleepers: int) -> None:
    bench.emit_many("engine.doze", [None] * sleepers)
    until(lambda: bench.waiting("doze") == sleepers, "never asleep")
    time.sleep(SETTLE_S)  # whatever the work before left behind
    before, began = bench.cpu_s(), time.monotonic()
    statements, asked = store_statements(bench), bench_transactions(bench)
    time.sleep(IDLE_S)
    took = time.monotonic() - began
    server, worker = (after - used for after, used in zip(bench.cpu_s(), before, strict=True))
    statements, told = store_statements(bench) - statements, bench_transactions(bench)
    transactions = "" if asked is None or told is None else f"{(told - asked - 1) / took:.2f} transactions/s"
    nats = sum(machine.cpu_s(pid) for pid in machine.children(bench.server.pid))
    time.sleep(1)
    nats = sum(machine.cpu_s(pid) for pid in machine.children(bench.server.pid)) - nats
    _row(
        f"{sleepers:,} sleeping runs, idle",
        f"server {100 * server / took:.2f} % of a CPU, worker {100 * worker / took:.2f} %, nats {100 * nats:.0f} %",
        f"{statements / took:.2f} statements/s",
        transactions,
    )


def store_statements(bench: Bench) -> float:
    """How many the server has had its store run."""
    shown = httpx.get(f"{bench.server.url}/metrics").raise_for_status().text
    [line] = (line for line in shown.splitlines() if line.startswith("ironflow_store_statements_total "))
    return float(line.split()[1])


def bench_transactions(bench: Bench) -> int | None:
    """What Postgres has committed or rolled back in the database, this question's last one included."""
    if bench.database_url is None:
        return None
    with psycopg.connect(bench.database_url, autocommit=True) as connection:
        row = connection.execute(
            "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()"
        ).fetchone()
    assert row is not None
    return int(row[0])


def until(holds: Callable[[], bool], complaint: str) -> None:
    """Ask again and again until it is so; TimeoutError when the case has had its time."""
    last = time.monotonic() + CASE_TIMEOUT_S
    while not holds():
        if time.monotonic() > last:
            raise TimeoutError(complaint)
        time.sleep(POLL_S)


def _p99(values: list[float]) -> float:
    return machine.percentile(values, 0.99)


def _unix_s(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()


def _row(title: str, *figures: str) -> None:
    print(f"  {title:<36} {'  '.join(figure for figure in figures if figure)}", flush=True)


if __name__ == "__main__":
    main()
