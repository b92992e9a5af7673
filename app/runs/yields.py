"""What the code of a run waits for, as a worker reports it, whatever the transport: checked, and free of protocol."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from app import jsonvalue, patterns
from app.errors import InvalidArgument
from app.history.kinds import NULL
from app.runs import matching

YIELDS_MAX = 10_000
LOOKBACK_MS_MAX = 31 * 24 * 3_600_000
WAIT_DEFAULT_US = 7 * 24 * 3_600_000_000
ON_TIMEOUT = ("fail", "default", "error")


class Sleep(msgspec.Struct, frozen=True):
    """`until` in µs since 1970."""

    step_id: str
    name: str
    until: int

    type: ClassVar[str] = "sleep"


class WaitForEvent(msgspec.Struct, frozen=True):
    """`match` is a path or CEL, `match_value` "" means: the value at the same path in the run's own event."""

    step_id: str
    name: str
    event: str
    deadline: int
    match: str = ""
    match_value: str = ""
    lookback_ms: int = 0
    on_timeout: str = "fail"
    default: msgspec.Raw = NULL
    payload: msgspec.Raw = NULL

    type: ClassVar[str] = "wait_for_event"


class Invoke(msgspec.Struct, frozen=True):
    """`detached`: the step has the child's run id at once, and the child outlives the run. timeout_ms 0: none. `tags`
    of the child: what it cannot have is left out, since no report fails for a tag."""

    step_id: str
    name: str
    function_id: str
    input: msgspec.Raw = NULL
    timeout_ms: int = 0
    detached: bool = False
    tags: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        return "invoke_function_async" if self.detached else "invoke_function"


Yield = Sleep | WaitForEvent | Invoke


def check(wanted: Yield) -> None:
    """Returns for what the engine can do. Raises InvalidArgument, PayloadTooLarge naming the field."""
    match wanted:
        case WaitForEvent():
            patterns.compile(wanted.event, field="event")
            if wanted.on_timeout not in ON_TIMEOUT:
                raise InvalidArgument(
                    f"on_timeout {wanted.on_timeout[:40]!r} is unknown", field="on_timeout", hint=", ".join(ON_TIMEOUT)
                )
            if not 0 <= wanted.lookback_ms <= LOOKBACK_MS_MAX:
                raise InvalidArgument(
                    f"lookback_ms {wanted.lookback_ms} is out of range",
                    field="lookback_ms",
                    hint=f"0 to {LOOKBACK_MS_MAX}",
                )
            if wanted.match:
                matching.check(wanted.match)
            jsonvalue.check(bytes(wanted.default), field="default")
            jsonvalue.check(bytes(wanted.payload), field="payload")
        case Invoke():
            if not wanted.function_id:
                raise InvalidArgument("function_id is missing", field="function_id")
            if wanted.timeout_ms < 0:
                raise InvalidArgument("invoke_timeout_ms is negative", field="invoke_timeout_ms")
            jsonvalue.check(bytes(wanted.input), field="input")
        case Sleep():
            pass
