"""Closed-loop clients: each emits under a key, insists until it is answered, waits for the run, and goes on."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from ironflow import Client, errors
from ironflow.client import Emitted

T = TypeVar("T")

RETRY_S = 0.02
RUN_TIMEOUT_S = 90.0
PROGRAMS = ("order", "plain", "approval", "family", "saga", "saga")
BURST_MAX = 4


@dataclass(frozen=True, slots=True)
class Acked:
    """An emit that was acknowledged: what was sent, under which key, and what the answer said."""

    key: str
    name: str
    data: dict[str, Any]
    event_id: str
    run_ids: tuple[str, ...]


class StormClient:
    """`acked` and `cancelled` are what the server promised to it; `unanswered` counts calls that got no answer."""

    def __init__(self, url: str, number: int, seed: int, stop: threading.Event) -> None:
        self._number = number
        self._chance = random.Random(f"{seed}/{number}")
        self._stop = stop
        self._client = Client(url)
        self._count = 0
        self.acked: list[Acked] = []
        self.cancelled: set[str] = set()
        self.unanswered = 0

    def run(self) -> None:
        """Until told to stop; then every run that it began has ended."""
        with self._client:
            self.emit("patient")
            while not self._stop.is_set():
                burst = [self._begin() for _ in range(self._chance.randint(1, BURST_MAX))]
                for begun in burst:
                    self._follow_up(begun)
                for begun in burst:
                    for run_id in begun.run_ids:
                        self._wait(run_id)

    def emit(self, program: str, **more: Any) -> Acked:
        """Returns once it is acknowledged."""
        self._count += 1
        key = f"{self._number}-{self._count}"
        chance = self._chance
        made = {"work_s": chance.uniform(0, 0.03), "pause_s": chance.uniform(0.02, 0.8), "waits": chance.random() < 0.5}
        data = {"n": key, **made, **more}
        name = f"storm.{program}"
        answer: Emitted = self.insist(lambda: self._client.emit(name, data, idempotency_key=key))
        acked = Acked(key, name, data, answer.event_id, answer.run_ids)
        self.acked.append(acked)
        return acked

    def cancel(self, run_id: str) -> None:
        """With its compensations; nothing happens if it has ended."""
        try:
            self.insist(lambda: self._client.runs.cancel(run_id, compensate=True))
        except errors.Conflict:
            return  # an earlier try had come through, and it has ended since
        self.cancelled.add(run_id)

    def insist(self, call: Callable[[], T]) -> T:
        """Its answer, however often it takes; for calls that may be made again."""
        while True:
            try:
                return call()
            except (errors.ServerUnavailable, errors.Timeout):  # it was killed and is being started
                self.unanswered += 1
                threading.Event().wait(RETRY_S)

    def close(self) -> None:
        self._client.close()

    def _wait(self, run_id: str) -> None:
        """Raises Timeout when the storm is over and the run does not end."""
        while True:
            stormy = not self._stop.is_set()
            try:
                self._client.runs.wait(run_id, timeout_s=RUN_TIMEOUT_S)
                return
            except errors.ServerUnavailable:
                self.unanswered += 1
                threading.Event().wait(RETRY_S)
            except errors.Timeout:
                if not stormy:
                    raise

    def _begin(self) -> Acked:
        return self.emit(self._chance.choice(PROGRAMS))

    def _follow_up(self, begun: Acked) -> None:
        match begun.name:
            case "storm.approval":
                # About when its patience ends: which of them is first is for the server to say.
                threading.Event().wait(begun.data["pause_s"] * self._chance.uniform(0, 1.2))
                self.emit("approved", n=begun.key)
            case "storm.saga" if begun.data["waits"]:
                threading.Event().wait(begun.data["pause_s"] * self._chance.uniform(0, 0.5))
                for run_id in begun.run_ids:
                    self.cancel(run_id)
