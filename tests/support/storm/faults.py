"""Kills of the server and its workers, at instants that a seed decides."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.support.server import ServerProcess
from tests.support.storm.ledger import now_us
from tests.support.storm.worker import WorkerProcess

MORTAL = "tests.support.storm.mortal"
PAUSE_S = (0.05, 1.5)
COMMIT_TIMEOUT_S = 2.0
KINDS = ("server", "server", "commit", "worker", "worker", "both")


@dataclass(frozen=True, slots=True)
class Fault:
    """Killed between `before` and `killed`, and over when what was killed is there again (microseconds). Until then
    workers may not have noticed that their server is gone, and begin what they were handed."""

    kind: str
    before: int
    killed: int
    over: int


class Faults:
    """Kills and starts again; `done` says what was killed when."""

    def __init__(self, server: ServerProcess, workers: list[WorkerProcess], mortal_file: Path, seed: int) -> None:
        self._server = server
        self._workers = workers
        self._mortal_file = mortal_file
        self._chance = random.Random(seed)
        self.done: list[Fault] = []

    def strike(self) -> None:
        """Wait for a random instant, kill, and start again what was killed."""
        threading.Event().wait(self._chance.uniform(*PAUSE_S))  # the instant is what is random here
        kind = self._chance.choice(KINDS)
        worker = self._chance.choice(self._workers)
        before = now_us()
        match kind:
            case "commit":
                self._mortal_file.touch()
                if not self._server.died(COMMIT_TIMEOUT_S):  # nothing was recorded in all that time
                    kind = "server"
                    self._server.kill9()
                self._mortal_file.unlink()
            case "server":
                self._server.kill9()
            case "worker":
                worker.kill9()
            case _:
                self._server.kill9()
                worker.kill9()
        killed = now_us()
        if kind in ("worker", "both"):
            worker.start()
        if kind != "worker":
            self._server.restart()
        self.done.append(Fault(kind, before, killed, over=now_us()))

    @property
    def counts(self) -> Counter[str]:
        return Counter(fault.kind for fault in self.done)
