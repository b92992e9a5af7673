"""The event, the deadline and a cancellation of a wait come at the same instant, for many runs: exactly one of them
counts, and it is the one that history had first.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from ironflow import Client
from tests.support.server import ServerProcess
from tests.support.storm import ledger
from tests.support.storm.clients import Acked, StormClient
from tests.support.storm.oracle import Story, judge
from tests.support.storm.worker import WorkerProcess, wait_until_registered

RUNS = 30
PATIENCE_S = 0.6
SPREAD_S = 0.15


class Racer:
    """Begins runs that wait, and at about the end of their patience approves and cancels them."""

    def __init__(self, url: str, number: int, seed: int) -> None:
        self._chance = random.Random(f"{seed}/race/{number}")
        self.client = StormClient(url, number, seed, threading.Event())

    def run(self) -> Acked:
        with closing(self.client):
            return self._race()

    def _race(self) -> Acked:
        begun = self.client.emit("approval", work_s=0, pause_s=PATIENCE_S)
        until = time.monotonic() + PATIENCE_S + self._chance.uniform(-SPREAD_S, SPREAD_S)
        threading.Event().wait(until - time.monotonic())  # the instant is what is random here
        moves = [lambda: self.client.emit("approved", n=begun.key), lambda: self.client.cancel(begun.run_ids[0])]
        for move in self._chance.sample(moves, self._chance.choice([1, 2])):
            move()
        return begun


def test_of_event_deadline_and_cancellation_exactly_one_ends_a_wait(
    start_server: Callable[..., ServerProcess], database_url: str | None, tmp_path: Path, seed: int
) -> None:
    server = start_server(database_url=database_url)
    worker = WorkerProcess(server, tmp_path)
    worker.start()
    try:
        wait_until_registered(server)
        racers = [Racer(server.url, number, seed) for number in range(RUNS)]
        with ThreadPoolExecutor(RUNS) as pool:
            begun = list(pool.map(lambda racer: racer.run(), racers))
        with Client(server.url) as client:
            ended = [client.runs.wait(one.run_ids[0], timeout_s=60) for one in begun]
    finally:
        worker.kill9()
    server.check_history()

    verdict = judge(
        Story.told_by(server),
        acked=[acked for racer in racers for acked in racer.client.acked],
        cancelled={run_id for racer in racers for run_id in racer.client.cancelled},
        executed=ledger.read(worker.ledger),
        faults=[],
    )
    assert not verdict.broken, "\n".join(verdict.broken)
    assert {run["status"] for run in ended} <= {"completed", "cancelled"}
    assert verdict.repeated == 0
