"""Divergence: the code asks for a step that history has as something else. Going on would mix up two programs."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import FrameType

from ironflow.assignment import Recorded
from ironflow.failures import Failure
from ironflow.function import Function
from ironflow.reports import Divergence as Told
from ironflow.reports import EventWait, RunFailed

CODE = "DIVERGENCE"
_SDK = f"{Path(__file__).parent}/"
_LIBRARY = f"{Path(asyncio.__file__).parent}/"


def diverging(step: Recorded, kind: str, target: str, function: Function | None) -> RunFailed | None:
    """How the run fails if the recorded step is not of that kind, or for another target: for a wait, the pattern that
    its event has to fit. None if all is well."""
    recorded, requested = step.kind, kind
    if not recorded:
        return None
    if recorded == kind:
        if kind != EventWait.kind or not target:
            return None
        name = _event_name(step)
        if name is None or fits(target, name):
            return None
        recorded, requested = f"{recorded} {name}", f"{requested} {target}"
    where = location(function)
    message = (
        f"step {step.step_id} is recorded as {recorded}, but the code asks for {requested} at {where}; "
        "restore the code that this run began with, or start a new run"
    )
    return RunFailed(
        Failure(message, CODE, retryable=False, retry_after_ms=0, stack=""),
        Told(step.step_id, recorded, requested, where),
    )


def fits(pattern: str, name: str) -> bool:
    """Whether the event name fits the pattern: `*` is one segment, `>` at the end one or more."""
    wanted, given = pattern.split("."), name.split(".")
    for position, segment in enumerate(wanted):
        if segment == ">":
            return len(given) > position
        if position >= len(given) or segment not in ("*", given[position]):
            return False
    return len(wanted) == len(given)


def _event_name(step: Recorded) -> str | None:
    """The name of the event that a wait is recorded with, if it did not time out."""
    value = None if step.failed else step.value()
    if isinstance(value, dict) and {"id", "name", "timestamp"} <= value.keys():
        return str(value["name"])
    return None


def location(function: Function | None) -> str:
    """Where in the user's code this was asked for; in a task of its own only the function is known."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_SDK):
        frame = frame.f_back
    if frame is not None and not frame.f_code.co_filename.startswith(_LIBRARY):
        return f"{frame.f_code.co_filename}:{frame.f_lineno}"
    code = getattr(function.handler, "__code__", None) if function is not None else None
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else "unknown"
