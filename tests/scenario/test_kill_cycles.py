"""A storm of kills: programs over every kind of step, clients that insist, and `kill -9` of server and workers at
random instants, also between a commit and its answer. Nothing that was promised is lost, nothing is recorded twice.

`--kill-cycles=N` says how many kills; `make soak` takes 300 and prints what came of them.
"""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from ironflow import Client
from tests.support.server import ServerProcess
from tests.support.storm import ledger
from tests.support.storm.clients import RUN_TIMEOUT_S, StormClient
from tests.support.storm.faults import MORTAL, Faults
from tests.support.storm.oracle import Story, Verdict, judge
from tests.support.storm.worker import WorkerProcess, wait_until_registered

CLIENTS = 6
WORKERS = 2
PROGRESS_EVERY = 25
OPEN = "waiting_for_capacity,running,waiting,paused"

pytestmark = pytest.mark.slow


def test_what_was_promised_survives_a_storm_of_kills(
    start_server: Callable[..., ServerProcess],
    database_url: str | None,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    seed: int,
) -> None:
    mortal_file = tmp_path / "die-after-commit"
    server = start_server(database_url=database_url, module=MORTAL, environment={"MORTAL_FILE": str(mortal_file)})
    workers = [WorkerProcess(server, tmp_path, number) for number in range(WORKERS)]
    faults = Faults(server, workers, mortal_file, seed)
    stop = threading.Event()
    clients = [StormClient(server.url, number, seed, stop) for number in range(CLIENTS)]
    try:
        for worker in workers:
            worker.start()
        wait_until_registered(server)
        with ThreadPoolExecutor(CLIENTS) as pool:
            running = [pool.submit(client.run) for client in clients]
            try:
                for number in range(1, request.config.option.kill_cycles + 1):
                    faults.strike()
                    if number % PROGRESS_EVERY == 0:
                        print(f"\n{number} kills, {sum(len(client.acked) for client in clients)} acknowledged emits")
            finally:
                stop.set()
            for one in running:
                one.result(timeout=3 * RUN_TIMEOUT_S)
        released = come_to_rest(server, seed)
    finally:
        for worker in workers:
            worker.kill9()
    server.check_history()

    verdict = judge(
        Story.told_by(server),
        acked=[*released.acked, *(acked for client in clients for acked in client.acked)],
        cancelled={run_id for client in clients for run_id in client.cancelled},
        executed=ledger.read(workers[0].ledger),
        faults=faults.done,
    )
    print(figures(faults, clients, verdict))
    assert not verdict.broken, "\n".join(verdict.broken)
    assert verdict.steps > 0


def come_to_rest(server: ServerProcess, seed: int) -> StormClient:
    """Every run has ended but those that wait for a release; then they are released and end too, so their waits were
    alive. Returns the client that released them."""
    with Client(server.url) as client:
        for run in open_runs(client):
            if run["function_id"] != "storm-patient":
                client.runs.wait(run["id"], timeout_s=RUN_TIMEOUT_S)
        patient = open_runs(client)
        assert [(run["function_id"], run["status"]) for run in patient] == [("storm-patient", "waiting")] * CLIENTS
        releasing = StormClient(server.url, CLIENTS, seed, threading.Event())
        with closing(releasing):
            releasing.emit("released")
        for run in patient:
            assert client.runs.wait(run["id"], timeout_s=RUN_TIMEOUT_S)["status"] == "completed"
    return releasing


def open_runs(client: Client) -> Sequence[dict[str, str]]:
    page = client.runs.list(status=OPEN, limit=1_000)
    assert not page.next_cursor
    return page.items


def figures(faults: Faults, clients: Sequence[StormClient], verdict: Verdict) -> str:
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(faults.counts.items()))
    took = sorted(verdict.resumed_us) or [0]
    p50, p99 = statistics.median(took) / 1e6, took[min(len(took) - 1, round(len(took) * 0.99))] / 1e6
    return (
        f"\nfaults injected        {len(faults.done)} ({kinds})"
        f"\nacknowledged emits     {verdict.acked} checked, {verdict.lost} lost"
        f"\ncalls without answer   {sum(client.unanswered for client in clients)}, all tried again"
        f"\nruns                   {verdict.runs}, {verdict.steps} steps recorded, {verdict.entries} entries"
        f"\nrepeated executions    {verdict.repeated}"
        f"\npromises broken        {len(verdict.broken)}"
        f"\ncrash to resumed       p50 {p50:.2f} s, p99 {p99:.2f} s of {len(verdict.resumed_us)} interrupted runs"
    )
