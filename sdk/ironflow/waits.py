"""Steps that are over when something happens: an instant, an event, the end of a child run.

An `Ask` says what is waited for and what comes back, once for async and plain functions.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from ironflow import jsonvalue
from ironflow.assignment import Recorded
from ironflow.body import positive
from ironflow.context import Event
from ironflow.durations import Duration, milliseconds, seconds
from ironflow.errors import InvokeError, StepError, WaitTimeout
from ironflow.function import Function
from ironflow.naming import Scope, misuse, order
from ironflow.patterns import check_pattern
from ironflow.reports import AsyncInvocation, EventWait, Invocation, Sleep, Wait
from ironflow.tags import checked

WAIT_TIMEOUT: Final[Duration] = "7d"


class Waits:
    """What a run waits for now: by step id, with the future that ends the wait, or None for code in a thread, which
    is not in memory any more when it does."""

    def __init__(self) -> None:
        self._waits: dict[str, tuple[Wait, asyncio.Future[Recorded] | None]] = {}

    def __bool__(self) -> bool:
        return bool(self._waits)

    @property
    def of_threads(self) -> bool:
        return any(future is None for _, future in self._waits.values())

    def add(self, wait: Wait, future: asyncio.Future[Recorded] | None) -> None:
        self._waits[wait.step_id] = (wait, future)

    def pop(self, step_id: str) -> asyncio.Future[Recorded] | None:
        """No longer waited for; the future, if there is one."""
        _, future = self._waits.pop(step_id, (None, None))
        return future

    def forget(self, scope: Scope) -> None:
        for step_id in [one for one in self._waits if scope.holds(one)]:
            del self._waits[step_id]

    def futures(self) -> list[asyncio.Future[Recorded]]:
        return [future for _, future in self._waits.values() if future is not None]

    def in_order(self) -> list[Wait]:
        """By their ids, so that a replay, which comes to them in another order, tells the same."""
        return sorted((wait for wait, _ in self._waits.values()), key=lambda wait: order(wait.step_id))


class _Missing:
    def __repr__(self) -> str:
        return "…"


MISSING: Any = _Missing()

_PATH = re.compile(r"(?:\$\.)?[A-Za-z_][\w-]*(?:\.[\w-]+|\[\d+\])*")

OnTimeout = Literal["error", "fail"]


@dataclass(frozen=True, slots=True)
class Ask:
    """A step that waits: what it is called and recorded as, what is waited for from now on, and what comes of it."""

    name: str
    kind: str
    make: Callable[[str, datetime], Wait]
    read: Callable[[Recorded], Any]
    target: str = ""


def sleep(name: str, duration: Duration) -> Ask:
    length_s = positive(duration)
    return Ask(name, Sleep.kind, lambda step_id, now: Sleep(step_id, name, _after(now, length_s)), _nothing)


def sleep_until(name: str, instant: datetime) -> Ask:
    if instant.tzinfo is None:
        raise ValueError(f"step {name!r}: give the instant a time zone, such as datetime.now(UTC)")
    return Ask(name, Sleep.kind, lambda step_id, now: Sleep(step_id, name, instant), _nothing)


def event(
    name: str,
    pattern: str,
    *,
    match: str | None,
    match_value: Any,
    where: str | None,
    timeout: Duration,
    default: Any,
    on_timeout: OnTimeout,
    lookback: Duration | None,
    payload: Any,
) -> Ask:
    check_pattern(pattern)
    length_s = positive(timeout)
    if match is not None and where is not None:
        raise misuse(f"step {name!r}: give either match (a path) or where (an expression), not both")
    if match is None and match_value is not None:
        raise misuse(f"step {name!r}: match_value needs match, the path that it is compared with")
    if on_timeout not in ("error", "fail"):
        raise misuse(f"step {name!r}: on_timeout is 'error' or 'fail', not {on_timeout!r}")
    fallback = b"" if default is MISSING else jsonvalue.encode(default, what=f"the default of {name!r}")
    shown = b"" if payload is None else jsonvalue.encode(payload, what=f"the payload of {name!r}")
    lookback_ms = 0 if lookback is None or not seconds(lookback) else milliseconds(lookback, what="lookback")

    def make(step_id: str, now: datetime) -> EventWait:
        return EventWait(
            step_id,
            name,
            pattern,
            _after(now, length_s),
            match=_expression(where) if where is not None else match or "",
            match_value="" if match_value is None else _scalar(name, match_value),
            lookback_ms=lookback_ms,
            on_timeout="default" if fallback else on_timeout,
            default=fallback,
            payload=shown,
        )

    def read(step: Recorded) -> Any:
        if step.failed:
            raise WaitTimeout(_message(step, f"no {pattern} came in time"), step=name)
        value = step.value()
        if fallback and value == jsonvalue.decode(fallback):
            return value
        return _event(value)

    return Ask(name, EventWait.kind, make, read, pattern)


def invoke(function: Function | str, input: Any, *, timeout: Duration | None, tags: Sequence[str]) -> Ask:
    function_id = _function_id(function)
    given_tags = checked(tags)
    given = jsonvalue.encode(input, what=f"the input of {function_id!r}")
    timeout_ms = 0 if timeout is None else round(positive(timeout) * 1_000) or 1

    def make(step_id: str, now: datetime) -> Invocation:
        return Invocation(step_id, function_id, function_id, given, timeout_ms, given_tags)

    def read(step: Recorded) -> Any:
        _check_started(step, function_id)
        return step.value()

    return Ask(function_id, Invocation.kind, make, read)


def invoke_async(function: Function | str, input: Any, *, tags: Sequence[str]) -> Ask:
    function_id = _function_id(function)
    given_tags = checked(tags)
    given = jsonvalue.encode(input, what=f"the input of {function_id!r}")

    def make(step_id: str, now: datetime) -> AsyncInvocation:
        return AsyncInvocation(step_id, function_id, function_id, given, given_tags)

    def read(step: Recorded) -> str:
        _check_started(step, function_id)
        return str(step.value()["run_id"])

    return Ask(function_id, AsyncInvocation.kind, make, read)


def result(step: Recorded) -> Any:
    """What a recorded `step.run` gives. Raises StepError if it is recorded as failed."""
    if step.failed:
        raise StepError(
            _message(step, "the step failed"),
            step=step.name,
            code=str(step.error.get("code") or "STEP_FAILED"),
            retryable=bool(step.error.get("retryable", True)),
            retry_after_ms=int(step.error.get("retry_after_ms") or 0),
        )
    return step.value()


def _nothing(step: Recorded) -> None:
    return None


def _event(value: Any) -> Event:
    """The event that ended a wait, as the engine writes it: RFC 3339, either spelling of the key."""
    told: Mapping[str, Any] = value if isinstance(value, dict) else {"data": value}
    stamp = str(told.get("timestamp") or "1970-01-01T00:00:00Z")
    return Event(
        id=str(told.get("id", "")),
        name=str(told.get("name", "")),
        data=told.get("data"),
        timestamp=datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", stamp)),
        metadata=told.get("metadata") or {},
        version=int(told.get("version") or 1),
        source=str(told.get("source") or ""),
        idempotency_key=str(told.get("idempotency_key") or told.get("idempotencyKey") or ""),
    )


def _check_started(step: Recorded, function_id: str) -> None:
    if not step.failed:
        return
    cause = step.error.get("cause") or step.error.get("message") or "it failed"
    if isinstance(cause, dict):
        cause = cause.get("message") or json.dumps(cause)
    raise InvokeError(
        f"function {function_id!r}: {cause}",
        step=function_id,
        function_id=str(step.error.get("function_id") or function_id),
        child_run_id=str(step.error.get("child_run_id") or ""),
        cause=str(cause),
    )


def _message(step: Recorded, otherwise: str) -> str:
    return str(step.error.get("message") or step.error.get("cause") or otherwise)


def _function_id(function: Function | str) -> str:
    function_id = function.id if isinstance(function, Function) else function
    if not isinstance(function_id, str) or not function_id:
        raise misuse(f"invoke a function, or its id, not {function!r}")
    return function_id


def _expression(where: str) -> str:
    """The expression; one that could be taken for a path says that it is none."""
    return f"{where} == true" if _PATH.fullmatch(where) else where


def _scalar(name: str, value: Any) -> str:
    """The value as paths are compared: as the text of a JSON scalar."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | int | float):
        return jsonvalue.encode(value, what=f"match_value of {name!r}").decode()
    raise misuse(f"step {name!r}: match_value is a text, a number or a boolean, not {value!r}")


def _after(now: datetime, length_s: float) -> datetime:
    try:
        return now + timedelta(seconds=length_s)
    except OverflowError:
        raise ValueError(f"{length_s:g} s from now is after the year 9999") from None
