"""Starts of runs that go on: those of a function that one worker gets are one command, and a run that cannot be started
keeps none of them from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from app.dispatch.queue import Lane
from app.dispatch.turns import Turns
from app.dispatch.workers import Session
from app.history.insist import passing
from app.runs.commands import Begun, Started
from app.runs.engine import Engine

TOGETHER_MAX = 100

Chosen = tuple[Session, Lane, str]
"""The worker that gets the run, its function and its id."""

Tell = Callable[[Session, Lane, str, "Begun | BaseException | None"], None]
"""Called in the event loop with what Engine.start tells of a run: its answer, or its error."""


class Starts:
    """`tell` is told of each run, of many in several turns of the event loop."""

    def __init__(self, *, engine: Engine, node_id: str, tell: Tell) -> None:
        self._engine = engine
        self._node_id = node_id
        self._tell = tell
        self._turns = Turns()

    async def run(self) -> None:
        """Tell what is recorded until cancelled."""
        await self._turns.run()

    def begin(self, chosen: Iterable[Chosen]) -> None:
        """Have them recorded as handed out."""
        together: dict[tuple[str, Lane], tuple[Session, list[str]]] = {}
        for session, lane, run_id in chosen:
            together.setdefault((session.info.id, lane), (session, []))[1].append(run_id)
        for (_, lane), (session, run_ids) in together.items():
            for first in range(0, len(run_ids), TOGETHER_MAX):
                self._begin(session, lane, run_ids[first : first + TOGETHER_MAX])

    def _begin(self, session: Session, lane: Lane, run_ids: Sequence[str]) -> None:
        def done(answers: Sequence[Started] | None, error: BaseException | None) -> None:
            if error is not None and len(run_ids) > 1 and not passing(error):  # one of them spoiled it for all
                for run_id in run_ids:
                    self._begin(session, lane, [run_id])
                return
            told = answers if answers is not None else [error] * len(run_ids)
            self._turns.add(partial(self._tell_all, session, lane, run_ids, told), weight=len(run_ids))

        self._engine.start_all(
            lane[0],
            run_ids,
            worker_id=session.info.id,
            unwinds=session.unwinds,
            node=self._node_id,
            done=done,
        )

    def _tell_all(
        self, session: Session, lane: Lane, run_ids: Sequence[str], told: Sequence[Begun | BaseException | None]
    ) -> None:
        for run_id, one in zip(run_ids, told, strict=True):
            self._tell(session, lane, run_id, one)
