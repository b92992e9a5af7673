"""TimeTravelService's methods, each once: Connect and gRPC both call these. Payloads are JSON as bytes."""

from __future__ import annotations

import msgspec
from google.protobuf.message import Message

from app.api.caller import Caller
from app.api.services import Services
from app.history.kinds import StepInjected, StepPatched
from app.rpc import convert
from app.rpc.methods import Method
from app.runs.past import Moment, step_meant
from app.runs.reading import StepRecord
from app.runs.record import Record
from app.runs.timeline import LIMIT_MAX
from ironflow.v1 import timetravel_pb2 as pb
from storage import history

EVENTS_MAX = 50_000

_STATUS_CHANGED = "run.status_changed"
_EVENT_TYPES = {
    "run.started": _STATUS_CHANGED,
    "run.suspended": _STATUS_CHANGED,
    "run.woken": _STATUS_CHANGED,
    "run.released": _STATUS_CHANGED,
    "run.retrying": _STATUS_CHANGED,
    "run.unwinding": _STATUS_CHANGED,
    "run.completed": _STATUS_CHANGED,
    "run.failed": _STATUS_CHANGED,
    "run.cancelled": _STATUS_CHANGED,
    "step.sleeping": "step.started",
    "step.waiting": "step.started",
    "step.invoking": "step.started",
    "step.carried": "step.completed",
}
"""The names that are published, for what has another here."""


async def get_run_state_at(
    services: Services, caller: Caller, request: pb.GetRunStateAtRequest
) -> pb.GetRunStateAtResponse:
    moment = await _moment(services, caller, request)
    state = moment.run.state
    snapshot = pb.TimeTravelRunStateSnapshot(
        run_id=state.id,
        function_id=state.function_id,
        status=state.status,
        input=bytes(moment.run.input),
        steps=map(_step, moment.run.steps.values()),
        timestamp=request.timestamp if request.HasField("timestamp") else convert.timestamp(services.clock.now_us()),
        created_at=convert.timestamp(state.created_at),
        position=moment.position,
    )
    return pb.GetRunStateAtResponse(snapshot=snapshot)


async def get_run_timeline(
    services: Services, caller: Caller, request: pb.GetRunTimelineRequest
) -> pb.GetRunTimelineResponse:
    records: list[Record] = []
    before = history.END
    while before and len(records) < EVENTS_MAX:
        page = await services.timelines.page(
            caller.environment, request.run_id, before=before, backward=True, limit=LIMIT_MAX
        )
        records, before = [*page.records, *records], page.before
    return pb.GetRunTimelineResponse(events=map(_event, records))


async def get_step_output_at(
    services: Services, caller: Caller, request: pb.GetStepOutputAtRequest
) -> pb.GetStepOutputAtResponse:
    moment = await _moment(services, caller, request)
    step = _step(step_meant(moment.run, request.step_id))
    return pb.GetStepOutputAtResponse(
        step_id=step.step_id,
        status=step.status,
        output=step.output,
        original_output=step.original_output,
        patched=step.patched,
        injected=step.injected,
    )


METHODS: dict[str, tuple[type[Message], Method]] = {
    "GetRunStateAt": (pb.GetRunStateAtRequest, get_run_state_at),
    "GetRunTimeline": (pb.GetRunTimelineRequest, get_run_timeline),
    "GetStepOutputAt": (pb.GetStepOutputAtRequest, get_step_output_at),
}


async def _moment(
    services: Services, caller: Caller, request: pb.GetRunStateAtRequest | pb.GetStepOutputAtRequest
) -> Moment:
    """The run as of the request's timestamp. Clients that know whole milliseconds only mean all of the one they give:
    else what they were told of in it would not have happened yet."""
    position = history.END
    if request.HasField("timestamp"):
        instant = convert.instant(request, "timestamp", 0)
        until = instant if instant % 1_000 else instant + 999
        position = await services.storage.read(lambda tx: history.position_at(tx, until))
    return await services.past.at(caller.environment, request.run_id, position)


def _step(step: StepRecord) -> pb.TimeTravelStepSnapshot:
    message = pb.TimeTravelStepSnapshot(
        step_id=step.step_id,
        name=step.name,
        type=step.type,
        sequence=step.sequence,
        status=step.status,
        duration_ms=min(step.duration_ms, 2**31 - 1),
        patched=step.corrected_by(StepPatched.kind),
        injected=step.corrected_by(StepInjected.kind),
    )
    if step.original is not None:
        message.original_output = bytes(step.original)
    if step.output is not None and step.status == "completed":
        message.output = bytes(step.output)
    if step.error is not None:
        message.error = msgspec.json.encode(step.error.told())
    if step.started_at is not None:
        message.started_at.FromMicroseconds(step.started_at)
    if step.ended_at is not None:
        message.completed_at.FromMicroseconds(step.ended_at)
    return message


def _event(record: Record) -> pb.TimeTravelTimelineEvent:
    kind = _EVENT_TYPES.get(record.kind, record.kind)
    if record.type == "compensate" and record.kind.startswith("step."):
        kind = f"saga.compensation.{record.status}"
    return pb.TimeTravelTimelineEvent(
        id=str(record.position),
        event_type=kind,
        step_id=record.step_id,
        step_name=record.name if record.step_id else "",
        summary=record.summary,
        significant=record.significant,
        timestamp=convert.timestamp(record.at),
        position=record.position,
    )
