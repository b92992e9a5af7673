"""What an endpoint told, reported to the engine: without the secrets of its run, and with what goes along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from app.dispatch.answers import Ending, Suspended, Told
from app.dispatch.jobs import Job
from app.dispatch.reports import Reported
from app.events.emit import Emitter
from app.events.new_event import NewEvent
from app.events.topics import Topics
from app.history.committer import Done
from app.history.kinds import Divergence, Failure, RunCompleted, RunNoted, Said
from app.runs.engine import Engine


class Reporting:
    def __init__(self, *, engine: Engine, emitter: Emitter, topics: Topics) -> None:
        self._engine = engine
        self._emitter = emitter
        self._topics = topics

    def together(self, job: Job, told: Sequence[Told], end: Callable[[Done], None]) -> Callable[[Done], None]:
        """What records all that was told and then the end, in one commit. Where the store fails all of it is done
        again: a step that is recorded is not recorded twice."""

        def record(done: Done) -> None:
            with self._engine.together():
                for one in told:
                    self.submit(job, one, _with_the_end)
                end(done)

        return record

    def submit(self, job: Job, told: Told, done: Done) -> None:
        """Record one thing that was told, and call `done` with what came of it."""
        if isinstance(told, RunNoted):
            self._engine.note(job.environment, job.run_id, told, done)
            return
        emissions = [
            self._emitter.command(one) if isinstance(one, NewEvent) else self._topics.command(one)
            for one in told.emissions
        ]
        self._engine.step(
            job.environment,
            job.run_id,
            told.step,
            done,
            emissions=emissions,
            writes=told.writes,
            logged=told.logged,
        )

    def end(self, job: Job, ending: Ending, logged: Sequence[Said] = ()) -> Callable[[Done], None]:
        """What records the end, without secrets. Raises InvalidArgument, PayloadTooLarge for a wait that cannot be."""
        engine, environment, run_id, seq = self._engine, job.environment, job.run_id, job.execution_seq
        said = [job.redacted(one) for one in logged]
        match ending:
            case RunCompleted():
                return partial(engine.complete, environment, run_id, job.redacted(ending), logged=said)
            case Suspended(yields):
                yields = [job.redacted(one) for one in yields]
                return engine.suspend(environment, run_id, yields, execution_seq=seq, event=job.event, logged=said)
            case Divergence():
                diverged = job.redacted(ending)
                return lambda done: engine.diverge(
                    environment, run_id, execution_seq=seq, divergence=diverged, done=done, logged=said
                )
            case Failure():
                failed = job.redacted(ending)
                return lambda done: engine.fail(
                    environment, run_id, execution_seq=seq, error=failed, done=done, logged=said
                )


def redacted(job: Job, told: Told) -> Told:
    """What is told without the run's secrets. Raises SecretInName."""
    if isinstance(told, Reported):
        return Reported(
            job.redacted(told.step),
            [job.redacted(one) for one in told.emissions],
            [job.redacted(one) for one in told.writes],
            [job.redacted(one) for one in told.logged],
        )
    return job.redacted(told)


def _with_the_end(answer: Any, error: BaseException | None) -> None:
    """The end, which is decided after it, is refused or done again for the same reason."""
