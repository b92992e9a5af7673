"""Connect's methods that carry users' data, as JSON: they do not go through protobuf, so the data stay as they came.

The rules of protobuf's JSON hold all the same: both spellings of a field, null for one that is not set, numbers also
as text, unknown fields ignored. Objects are answered in `x`, other JSON in `xValue`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from app import clock
from app.api.answers import decoded, error_of
from app.api.caller import Caller
from app.api.health import FEATURES, TRANSPORTS
from app.api.services import Services
from app.errors import InvalidArgument, IronflowError
from app.events.invoke import RunResult
from app.events.new_event import NewEvent
from app.events.prepared import Emitted
from app.events.topics import NewMessage
from app.history.kinds import EMPTY, NULL
from app.rpc import convert
from app.runs.reading import RunRecord, StepRecord

ABSENT = msgspec.Raw()
"""No JSON at all, which is not null."""

Text = str | None
Number = int | float | str | None

_WHOLE = re.compile(r"-?[0-9]{1,18}")


class Payload(msgspec.Struct, rename="camel"):
    """What emitting and invoking have in common."""

    data: msgspec.Raw = NULL
    data_value: msgspec.Raw = ABSENT
    data_value_snake: msgspec.Raw = msgspec.field(default=ABSENT, name="data_value")
    metadata: msgspec.Raw = EMPTY
    tags: tuple[str, ...] | None = None
    idempotency_key: Text = None
    idempotency_key_snake: Text = msgspec.field(default=None, name="idempotency_key")
    timeout_ms: Number = None
    timeout_ms_snake: Number = msgspec.field(default=None, name="timeout_ms")


class TriggerBody(Payload, rename="camel"):
    """TriggerRequest and TriggerSyncRequest."""

    event: Text = None
    version: Number = None
    delay_ms: Number = None
    delay_ms_snake: Number = msgspec.field(default=None, name="delay_ms")
    start_at: Text = None
    start_at_snake: Text = msgspec.field(default=None, name="start_at")


class TriggerBatchBody(msgspec.Struct):
    events: list[msgspec.Raw] | None = None


class PublishBody(Payload, rename="camel"):
    """PublishRequest."""

    topic: Text = None


class InvokeBody(Payload, rename="camel"):
    """InvokeFunctionRequest and InvokeFunctionSyncRequest."""

    function_id: Text = None
    function_id_snake: Text = msgspec.field(default=None, name="function_id")


class RunBody(msgspec.Struct, rename="camel"):
    """The requests that name a run."""

    id: Text = None
    run_id: Text = None
    run_id_snake: Text = msgspec.field(default=None, name="run_id")
    reason: Text = None
    from_step: Text = None
    from_step_snake: Text = msgspec.field(default=None, name="from_step")

    @property
    def named(self) -> str:
        return self.run_id or self.run_id_snake or ""


_trigger = msgspec.json.Decoder(TriggerBody)
_batch = msgspec.json.Decoder(TriggerBatchBody)
_publish = msgspec.json.Decoder(PublishBody)
_invoke = msgspec.json.Decoder(InvokeBody)
_run = msgspec.json.Decoder(RunBody)


async def trigger(services: Services, caller: Caller, body: bytes) -> Any:
    return _emitted(await services.emitter.emit(_triggered(caller, decoded(_trigger, body))))


async def trigger_batch(services: Services, caller: Caller, body: bytes) -> Any:
    request: TriggerBatchBody = decoded(_batch, body)
    answers = await services.emitter.emit_batch([_readable(caller, item) for item in request.events or ()])
    return {"results": [_told(answer) for answer in answers]}


async def trigger_sync(services: Services, caller: Caller, body: bytes) -> Any:
    request: TriggerBody = decoded(_trigger, body)
    event_id, results = await services.invoker.emit_and_wait(
        _triggered(caller, request), timeout_ms=_timeout_ms(request)
    )
    return {"results": [result_shown(result) for result in results], "eventId": event_id}


async def invoke_function(services: Services, caller: Caller, body: bytes) -> Any:
    run_id, event_id = await services.invoker.invoke(_invoked(caller, decoded(_invoke, body)))
    return {"runId": run_id, "eventId": event_id}


async def invoke_function_sync(services: Services, caller: Caller, body: bytes) -> Any:
    request: InvokeBody = decoded(_invoke, body)
    result = await services.invoker.invoke_and_wait(_invoked(caller, request), timeout_ms=_timeout_ms(request))
    return {"result": result_shown(result)}


async def get_run(services: Services, caller: Caller, body: bytes) -> Any:
    request: RunBody = decoded(_run, body)
    return run_shown(await services.runs.get(caller.environment, request.id or ""))


async def get_run_steps(services: Services, caller: Caller, body: bytes) -> Any:
    request: RunBody = decoded(_run, body)
    record = await services.runs.get(caller.environment, request.named)
    return {"steps": [step_shown(request.named, step) for step in record.steps.values()]}


async def cancel_run(services: Services, caller: Caller, body: bytes) -> Any:
    request: RunBody = decoded(_run, body)
    run_id = request.id or ""
    await services.engine.cancel(caller.environment, run_id, reason=request.reason or "", actor=caller.actor)
    return run_shown(await services.runs.get(caller.environment, run_id))


async def resume_run(services: Services, caller: Caller, body: bytes) -> Any:
    request: RunBody = decoded(_run, body)
    from_step = request.from_step or request.from_step_snake or ""
    await services.engine.resume(caller.environment, request.named, from_step=from_step, actor=caller.actor)
    return run_shown(await services.runs.get(caller.environment, request.named))


async def publish(services: Services, caller: Caller, body: bytes) -> Any:
    request: PublishBody = decoded(_publish, body)
    message = NewMessage(
        environment=caller.environment,
        topic=request.topic or "",
        data=_data(request),
        idempotency_key=_key(request),
        actor=caller.actor,
        run_id=caller.run_id,
    )
    published = await services.topics.publish(message)
    return {
        "eventId": published.message_id,
        "sequence": str(published.sequence),
        "duplicate": published.duplicate,
    }


async def capabilities(services: Services, caller: Caller, body: bytes) -> Any:
    return {"transports": TRANSPORTS, "features": FEATURES, "version": services.version}


Method = Callable[[Services, Caller, bytes], Awaitable[Any]]

METHODS: dict[tuple[str, str], Method] = {
    ("IronflowService", "Trigger"): trigger,
    ("IronflowService", "Emit"): trigger,
    ("IronflowService", "TriggerBatch"): trigger_batch,
    ("IronflowService", "TriggerSync"): trigger_sync,
    ("IronflowService", "InvokeFunction"): invoke_function,
    ("IronflowService", "InvokeFunctionSync"): invoke_function_sync,
    ("IronflowService", "GetRun"): get_run,
    ("IronflowService", "GetRunSteps"): get_run_steps,
    ("IronflowService", "CancelRun"): cancel_run,
    ("IronflowService", "ResumeRun"): resume_run,
    ("IronflowService", "GetCapabilities"): capabilities,
    ("PubSubService", "Emit"): trigger,
    ("PubSubService", "Publish"): publish,
}


def message_shown(message: Message, *, snake: bool = False) -> dict[str, Any]:
    """A message by protobuf's JSON rules, with the fields that have their default value; `snake` keeps their names."""
    content: dict[str, Any] = MessageToDict(
        message, always_print_fields_with_no_presence=True, preserving_proto_field_name=snake
    )
    return content


def run_shown(run: RunRecord) -> dict[str, Any]:
    """A Run, its payloads byte for byte."""
    return {
        **message_shown(convert.run_head(run)),
        **_payload("input", run.input),
        **_payload("output", run.output),
    }


def step_shown(run_id: str, step: StepRecord) -> dict[str, Any]:
    """A Step, its payloads byte for byte."""
    return {
        **message_shown(convert.step_head(run_id, step)),
        **_payload("input", step.input),
        **_payload("output", step.output),
        **_payload("originalOutput", step.original),
    }


def result_shown(result: RunResult) -> dict[str, Any]:
    """A RunResult; the status in lower case, which is what clients compare with."""
    content: dict[str, Any] = {
        "runId": result.run_id,
        "functionId": result.function_id,
        "status": result.status,
        "durationMs": result.duration_ms,
        **_payload("output", result.output),
    }
    if result.error is not None:
        content["error"] = message_shown(convert.error(result.error))
    if result.timed_out:
        content["waitTimedOut"] = True
    return content


def _readable(caller: Caller, item: msgspec.Raw) -> NewEvent | IronflowError:
    try:
        return _triggered(caller, decoded(_trigger, bytes(item)))
    except IronflowError as error:
        return error


def _triggered(caller: Caller, body: TriggerBody) -> NewEvent:
    event = _new_event(caller, body, body.event or "", version=whole(body.version, "version") or 1)
    start_at = body.start_at or body.start_at_snake
    delay_ms = whole(body.delay_ms if body.delay_ms is not None else body.delay_ms_snake, "delay_ms")
    if not start_at and not delay_ms:
        return event
    return msgspec.structs.replace(
        event, start_at=clock.parse_rfc3339(start_at, field="at") if start_at else 0, delay_ms=delay_ms
    )


def _invoked(caller: Caller, body: InvokeBody) -> NewEvent:
    return _new_event(caller, body, body.function_id or body.function_id_snake or "", version=1)


def _new_event(caller: Caller, body: Payload, name: str, *, version: int) -> NewEvent:
    return NewEvent(
        environment=caller.environment,
        name=name,
        data=_data(body),
        idempotency_key=_key(body),
        metadata=b"{}" if body.metadata == NULL else bytes(body.metadata),
        version=version,
        source="sdk",
        actor=caller.actor,
        run_id=caller.run_id,
        tags=tuple(body.tags or ()),
    )


def _data(body: Payload) -> bytes:
    return bytes(body.data_value) or bytes(body.data_value_snake) or bytes(body.data)


def _key(body: Payload) -> str:
    return body.idempotency_key or body.idempotency_key_snake or ""


def _told(answer: Emitted | BaseException) -> dict[str, Any]:
    """What became of one event of a batch."""
    if isinstance(answer, Emitted):
        return _emitted(answer)
    return {"error": message_shown(convert.refusal(error_of(answer)))}


def _emitted(emitted: Emitted) -> dict[str, Any]:
    told: dict[str, Any] = {"runIds": emitted.run_ids, "eventId": emitted.event_id}
    if emitted.outcomes:
        told["outcomes"] = [
            {
                "functionId": one.function_id,
                "outcome": one.outcome,
                **({"runId": one.run_id} if one.run_id else {}),
                **({"dueAt": clock.rfc3339(one.due_at)} if one.due_at else {}),
            }
            for one in emitted.outcomes
        ]
    return told


def _payload(name: str, raw: msgspec.Raw | None) -> dict[str, msgspec.Raw]:
    """A payload under its name: an object in `name`, anything else in `nameValue`, nothing if there is none."""
    if raw is None:
        return {}
    return {name if bytes(raw).lstrip()[:1] == b"{" else f"{name}Value": raw}


def _timeout_ms(body: Payload) -> int:
    return whole(body.timeout_ms if body.timeout_ms is not None else body.timeout_ms_snake, "timeout_ms")


def whole(value: Number, field: str) -> int:
    """A number that may have come as text, or with a fraction of zero; 0 if it is not there. Raises InvalidArgument."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, str) or (isinstance(value, float) and not value.is_integer()):
        raise InvalidArgument(f"{field} {str(value)[:40]!r} is not a whole number", field=field)
    return int(value or 0)
