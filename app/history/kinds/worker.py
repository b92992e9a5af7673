"""What people ask of workers. That a worker is connected, and what it has, is not history."""

from __future__ import annotations

from app.history.kinds.base import Fact


class WorkerDrainRequested(Fact, frozen=True):
    """stream worker/<id>, as is what follows: it is to take no more jobs, and to finish those it has. `node` recorded
    it, and has told the worker if it is connected there."""

    kind = "worker.drain_requested"
    node: str = ""
    reason: str = ""


class WorkerDisconnectRequested(Fact, frozen=True):
    """Its session is to end, and what it has to go to others."""

    kind = "worker.disconnect_requested"
    node: str = ""
    reason: str = ""


FACTS: tuple[type[Fact], ...] = (WorkerDrainRequested, WorkerDisconnectRequested)
