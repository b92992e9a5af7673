"""What an execution waits for, as workers report it in JSON over HTTP: polling ones and push endpoints alike."""

from __future__ import annotations

import msgspec

from app import clock
from app.durations import parse_duration
from app.errors import InvalidArgument
from app.history.kinds.base import null
from app.runs import matching
from app.runs.state import step_name
from app.runs.yields import WAIT_DEFAULT_US, Invoke, Sleep, WaitForEvent, Yield

TIMEOUT_MS_MAX = 2**53


class EventFilter(msgspec.Struct):
    event: str
    timeout: str | float | None = None
    match: str | None = None
    match_value: str | float | bool | None = None
    payload: msgspec.Raw = msgspec.field(default_factory=null)
    lookback_ms: int = 0
    on_timeout: str = ""
    default: msgspec.Raw = msgspec.field(default_factory=null)


class YieldInfo(msgspec.Struct):
    type: str
    step_id: str
    step_name: str = ""
    until: str = ""
    event_filter: EventFilter | None = None
    function_id: str = ""
    input: msgspec.Raw = msgspec.field(default_factory=null)
    invoke_timeout_ms: int = 0
    tags: tuple[str, ...] = ()


def wanted(told: YieldInfo, *, now: int) -> Yield:
    """What is waited for; its payloads are not checked yet (see yields.check). Raises InvalidArgument."""
    name = told.step_name or step_name(told.step_id)
    match told.type:
        case "sleep":
            return Sleep(told.step_id, name, clock.parse_rfc3339(told.until, field="yield.until"))
        case "wait_for_event" if told.event_filter is not None:
            return _wait(told.step_id, name, told.event_filter, now)
        case "invoke_function" | "invoke_function_async":
            if not 0 <= told.invoke_timeout_ms <= TIMEOUT_MS_MAX:
                raise InvalidArgument("yield.invoke_timeout_ms is out of range", field="yield.invoke_timeout_ms")
            return Invoke(
                step_id=told.step_id,
                name=name,
                function_id=told.function_id,
                input=told.input,
                timeout_ms=told.invoke_timeout_ms,
                detached=told.type == "invoke_function_async",
                tags=told.tags,
            )
        case _:
            raise InvalidArgument(
                f"yield.type {told.type[:40]!r} is unknown, or its details are missing",
                field="yield.type",
                hint="sleep, wait_for_event with event_filter, invoke_function or invoke_function_async",
            )


def _wait(step_id: str, name: str, told: EventFilter, now: int) -> WaitForEvent:
    timeout_us = WAIT_DEFAULT_US
    if told.timeout is not None:
        timeout_us = parse_duration(told.timeout, field="yield.event_filter.timeout")
    return WaitForEvent(
        step_id=step_id,
        name=name,
        event=told.event,
        deadline=now + timeout_us,
        match=told.match or "",
        match_value="" if told.match_value is None else matching.text_of(told.match_value) or "",
        lookback_ms=told.lookback_ms,
        on_timeout=told.on_timeout or "fail",
        default=told.default,
        payload=told.payload,
    )
