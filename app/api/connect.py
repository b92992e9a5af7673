"""The Connect protocol, unary (connectrpc.com/docs/protocol): POST /ironflow.v1.<Service>/<Method>, JSON or protobuf.

Emitting by JSON does not go through protobuf at all: users' data stay the bytes they sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import falcon.asgi
import msgspec
import structlog
from google.protobuf.json_format import MessageToDict, Parse, ParseError
from google.protobuf.message import DecodeError, Message

from app.api.answers import JSON, answer, body_of, decoded, error_of
from app.api.health import FEATURES, TRANSPORTS
from app.api.middleware import actor_of, environment_of, run_of
from app.api.runs import failure_shown
from app.api.services import Services
from app.errors import InvalidArgument, IronflowError, MethodNotAllowed, Unimplemented, UnsupportedMediaType
from app.events.emit import Emitted, NewEvent
from app.history.kinds import Failure
from app.rpc.methods import BATCH_MAX, METHODS, WAIT_MS_DEFAULT, WAIT_MS_MAX, Call

log = structlog.get_logger(__name__)

PROTO = "application/proto"
NULL = msgspec.Raw(b"null")


class TriggerBody(msgspec.Struct, rename="camel"):
    """TriggerRequest and TriggerSyncRequest as JSON; both spellings of each field, unknown ones ignored."""

    event: str = ""
    data: msgspec.Raw = NULL
    data_value: msgspec.Raw | None = None
    data_value_snake: msgspec.Raw | None = msgspec.field(default=None, name="data_value")
    metadata: msgspec.Raw = msgspec.Raw(b"{}")
    idempotency_key: str = ""
    idempotency_key_snake: str = msgspec.field(default="", name="idempotency_key")
    version: int = 1
    timeout_ms: int = 0
    timeout_ms_snake: int = msgspec.field(default=0, name="timeout_ms")


class TriggerBatchBody(msgspec.Struct):
    events: list[TriggerBody]


_trigger = msgspec.json.Decoder(TriggerBody)
_batch = msgspec.json.Decoder(TriggerBatchBody)

Fast = Callable[[Services, Call, bytes], Awaitable[Any]]


async def _fast_trigger(services: Services, call: Call, body: bytes) -> Any:
    emitted = await services.emitter.emit(_new_event(call, decoded(_trigger, body)))
    return {"runIds": emitted.run_ids, "eventId": emitted.event_id}


async def _fast_trigger_batch(services: Services, call: Call, body: bytes) -> Any:
    events = decoded(_batch, body).events
    if len(events) > BATCH_MAX:
        raise InvalidArgument(f"{len(events)} events are too many at once", field="events", hint=f"at most {BATCH_MAX}")
    results = await services.emitter.emit_batch([_new_event(call, event) for event in events])
    return {
        "results": [
            {"runIds": one.run_ids, "eventId": one.event_id}
            if isinstance(one, Emitted)
            else {"error": {"code": one.connect, "message": str(one)}}
            for one in results
        ]
    }


async def _fast_trigger_sync(services: Services, call: Call, body: bytes) -> Any:
    request: TriggerBody = decoded(_trigger, body)
    timeout_ms = request.timeout_ms or request.timeout_ms_snake or WAIT_MS_DEFAULT
    if not 0 < timeout_ms <= WAIT_MS_MAX:
        raise InvalidArgument(f"timeoutMs {timeout_ms} is out of range", field="timeoutMs", hint=f"1 to {WAIT_MS_MAX}")
    started = services.clock.now_us()
    emitted = await services.emitter.emit(_new_event(call, request))
    until = started + timeout_ms * 1_000
    if emitted.duplicate:
        results = [await _found(services, call, run_id, until) for run_id in emitted.run_ids]
    else:
        results = [
            await _awaited(services, call, run_id, function_id, started, until)
            for run_id, function_id in zip(emitted.run_ids, emitted.function_ids, strict=True)
        ]
    return {"results": results, "eventId": emitted.event_id}


async def _awaited(
    services: Services, call: Call, run_id: str, function_id: str, started: int, until: int
) -> dict[str, Any]:
    """The result of a run created just now: its last entry says it all."""
    left_s = max(0.0, (until - services.clock.now_us()) / 1_000_000)
    entry = await services.waits.outcome(call.environment, run_id, left_s)
    if entry is None:
        return await _found(services, call, run_id, until)
    status, error = entry.kind.removeprefix("run."), getattr(entry.fact, "error", None)
    output = getattr(entry.fact, "output", None)
    return _result(run_id, function_id, status, (entry.recorded_at - started) // 1_000, output, error)


async def _found(services: Services, call: Call, run_id: str, until: int) -> dict[str, Any]:
    """The result of any run, as far as it has come."""
    left_s = max(0.0, (until - services.clock.now_us()) / 1_000_000)
    ended = await services.waits.until_ended(call.environment, run_id, left_s)
    run = await services.runs.get(call.environment, run_id)
    state = run.state
    duration_ms = ((state.ended_at or state.updated_at) - state.created_at) // 1_000
    content = _result(run_id, state.function_id, state.status, duration_ms, run.output, state.error)
    return content if ended else {**content, "waitTimedOut": True}


async def _capabilities(services: Services, call: Call, body: bytes) -> Any:
    return {"transports": TRANSPORTS, "features": FEATURES, "version": services.version}


_FAST: dict[tuple[str, str], Fast] = {
    ("IronflowService", "Trigger"): _fast_trigger,
    ("IronflowService", "Emit"): _fast_trigger,
    ("IronflowService", "TriggerBatch"): _fast_trigger_batch,
    ("IronflowService", "TriggerSync"): _fast_trigger_sync,
    ("IronflowService", "GetCapabilities"): _capabilities,
    ("PubSubService", "Emit"): _fast_trigger,
}


def sink(services: Services) -> Callable[..., Awaitable[None]]:
    """A Falcon sink for every Connect path."""

    async def connect(req: falcon.asgi.Request, resp: falcon.asgi.Response, service: str, method: str) -> None:
        try:
            if req.method != "POST":
                raise MethodNotAllowed(f"{req.path} takes POST only")
            call = Call(environment_of(req), actor_of(req), run_of(req))
            content_type = (req.content_type or JSON).partition(";")[0].strip()
            body = await body_of(req)
            if content_type == JSON and (fast := _FAST.get((service, method))) is not None:
                answer(resp, await fast(services, call, body or b"{}"))
                return
            await _by_message(services, call, service, method, content_type, body, resp)
        except Exception as error:  # noqa: BLE001 - Connect tells errors in its own shape
            refuse(resp, error)

    return connect


async def _by_message(
    services: Services,
    call: Call,
    service: str,
    method: str,
    content_type: str,
    body: bytes,
    resp: falcon.asgi.Response,
) -> None:
    if service != "IronflowService" or method not in METHODS:
        raise Unimplemented(f"{service}/{method} is not implemented", hint="see /api/v1/capabilities")
    kind, operation = METHODS[method]
    if content_type == PROTO:
        reply = await operation(services, call, _parsed_proto(kind, body))
        resp.content_type = PROTO
        resp.data = reply.SerializeToString()
    elif content_type == JSON:
        reply = await operation(services, call, _parsed_json(kind, body))
        answer(resp, MessageToDict(reply, always_print_fields_with_no_presence=True))
    else:
        raise UnsupportedMediaType(f"{content_type[:80]!r} is not read here", hint=f"{JSON} or {PROTO}")


def refuse(resp: falcon.asgi.Response, error: Exception) -> None:
    """The error as Connect tells it: always JSON, with our stable code and hint beside."""
    told = error_of(error)
    if told.status >= 500 and not isinstance(error, IronflowError):
        log.error("call failed", exc_info=error)
    status = 400 if told.connect == "failed_precondition" else told.status
    content: dict[str, Any] = {"code": told.connect, "message": str(told), "details": [], "ironflowCode": told.code}
    if told.hint:
        content["hint"] = told.hint
    answer(resp, content, status)


def _parsed_proto(kind: type[Message], body: bytes) -> Message:
    try:
        return kind.FromString(body)
    except DecodeError as error:
        raise InvalidArgument(f"the body is not a {kind.__name__}: {error}", field="body") from None


def _parsed_json(kind: type[Message], body: bytes) -> Message:
    try:
        message: Message = Parse(body or b"{}", kind(), ignore_unknown_fields=True)
    except (ParseError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgument(f"the body is not a {kind.__name__}: {error}", field="body") from None
    return message


def _new_event(call: Call, body: TriggerBody) -> NewEvent:
    data = body.data_value or body.data_value_snake or body.data
    return NewEvent(
        environment=call.environment,
        name=body.event,
        data=bytes(data),
        idempotency_key=body.idempotency_key or body.idempotency_key_snake,
        metadata=bytes(body.metadata),
        version=body.version or 1,
        source="sdk",
        actor=call.actor,
        run_id=call.run_id,
    )


def _result(
    run_id: str, function_id: str, status: str, duration_ms: int, output: msgspec.Raw | None, error: Failure | None
) -> dict[str, Any]:
    """A RunResult; the status in lower case, which is what clients compare with."""
    content: dict[str, Any] = {
        "runId": run_id,
        "functionId": function_id,
        "status": status,
        "durationMs": max(0, duration_ms),
    }
    if output is not None:
        content["output" if bytes(output).lstrip()[:1] == b"{" else "outputValue"] = output
    if error is not None:
        content["error"] = failure_shown(error)
    return content
