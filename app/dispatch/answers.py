"""What push endpoints answer, as facts to be recorded. Everything is checked here; what cannot be recorded raises
InvalidArgument, PayloadTooLarge or Unrecordable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from app import jsonvalue
from app.dispatch import reports, yielding
from app.dispatch.jobs import Job
from app.dispatch.reports import (
    STEP_ID_CHARS_MAX,
    JobError,
    LogsBody,
    Reported,
    StepResult,
    check_step_id,
    checked,
    text,
)
from app.dispatch.yielding import YieldInfo
from app.errors import InvalidArgument
from app.events.new_event import NewEvent
from app.events.topics import NewMessage
from app.history.kinds import EMPTY, NULL, Divergence, Failure, RunCompleted, RunNoted, Said
from app.runs.yields import YIELDS_MAX, Yield

EMISSIONS_MAX = 1_000
NOTE_BYTES_MAX = 64 * 2**10
SOURCE = "sdk"
KINDS = (*reports.PUBLISHED_KINDS, "publish", "emit")


class EmissionBody(msgspec.Struct):
    """An event, or with a `topic` a message, that is recorded with the result of its step."""

    name: str = ""
    topic: str = ""
    data: msgspec.Raw = NULL
    idempotency_key: str = ""
    metadata: msgspec.Raw = EMPTY
    version: int = 1


class PushedStep(StepResult):
    emissions: tuple[EmissionBody, ...] = ()


class NoteBody(msgspec.Struct):
    name: str
    value: msgspec.Raw = NULL


class DivergenceBody(msgspec.Struct):
    step_id: str
    recorded: str
    requested: str
    location: str = ""


class AnswerBody(msgspec.Struct):
    """The whole answer; of an answer in lines, one of them."""

    status: str = ""
    steps: list[PushedStep] | None = None
    notes: list[NoteBody] = []
    result: msgspec.Raw = NULL
    error: JobError | None = None
    divergence: DivergenceBody | None = None
    yield_info: YieldInfo | None = msgspec.field(default=None, name="yield")
    also: list[YieldInfo] = []
    step: PushedStep | None = None
    note: NoteBody | None = None
    logs: LogsBody | None = None


class Suspended(NamedTuple):
    """The execution ended because its code waits."""

    yields: Sequence[Yield]


Told = Reported | RunNoted
Ending = RunCompleted | Failure | Divergence | Suspended


class Outcome(NamedTuple):
    """How the execution ended, and what is still to be recorded before that, in order."""

    told: Sequence[Told]
    ending: Ending
    logged: Sequence[Said] = ()


def outcome(job: Job, body: AnswerBody, *, now: int) -> Outcome | None:
    """None for a body that tells none."""
    ending = _ending(job, body, now)
    if ending is None:
        return None
    steps = [step(job, one, f"steps[{number}]") for number, one in enumerate(body.steps or ())]
    notes = [note(job, one, f"notes[{number}]") for number, one in enumerate(body.notes)]
    return Outcome([*steps, *notes], ending, reports.logged(job, body.logs))


def step(job: Job, body: PushedStep, field: str) -> Reported:
    fact = reports.step(job, body, field, kinds=KINDS)
    if len(body.emissions) > EMISSIONS_MAX:
        raise InvalidArgument(
            f"{field} has {len(body.emissions)} emissions", field=f"{field}.emissions", hint=f"at most {EMISSIONS_MAX}"
        )
    emissions = [_emission(job, one) for one in body.emissions]
    return Reported(fact, emissions, reports.writes(body, field), reports.step_logged(job, body))


def note(job: Job, body: NoteBody, field: str) -> RunNoted:
    jsonvalue.check(bytes(body.value), field=f"{field}.value", size_max=NOTE_BYTES_MAX)
    return RunNoted(name=text(body.name, 200), value=body.value, execution_seq=job.execution_seq)


def _ending(job: Job, body: AnswerBody, now: int) -> Ending | None:
    match body.status:
        case "completed":
            return RunCompleted(execution_seq=job.execution_seq, output=checked(body.result, "result"))
        case "failed" if body.divergence is not None:
            told = body.divergence
            return Divergence(
                step_id=text(told.step_id, STEP_ID_CHARS_MAX),
                recorded=text(told.recorded, 1_000),
                requested=text(told.requested, 1_000),
                location=text(told.location, 1_000),
            )
        case "failed":
            return reports.failure(body.error)
        case "yielded" if body.yield_info is not None:
            if len(body.also) >= YIELDS_MAX:
                raise InvalidArgument(f"{len(body.also)} waits side by side are too many", field="also")
            return Suspended([_yield(job, one, now) for one in (body.yield_info, *body.also)])
    return None


def _yield(job: Job, told: YieldInfo, now: int) -> Yield:
    check_step_id(job, told.step_id, "yield.step_id")
    return yielding.wanted(told, now=now)


def _emission(job: Job, told: EmissionBody) -> NewEvent | NewMessage:
    if told.topic:
        return NewMessage(job.environment, told.topic, bytes(told.data), told.idempotency_key, run_id=job.run_id)
    return NewEvent(
        environment=job.environment,
        name=told.name,
        data=bytes(told.data),
        idempotency_key=told.idempotency_key,
        metadata=bytes(told.metadata),
        version=told.version,
        source=SOURCE,
        run_id=job.run_id,
    )
