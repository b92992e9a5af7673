"""Limits of functions as arithmetic: keys of events, windows, when a debounce or a batch fires.

Pure functions over counters and instants (µs). Who counts, and where it is kept, is another's business: gates, decided
with the event (app/runs/gates.py), and the queue, when a run is handed out (app/dispatch/queue.py).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from app import expressions, jsonvalue
from app.expressions import EvaluationFailed
from app.history.kinds import Batch, Debounce

VARIABLES = frozenset(("event", "data", "metadata", "source", "name", "topic", "timestamp", "eventNamespace"))
"""What the expressions of a function's options can speak of: the event."""

KEY_CHARS_MAX = 256
PRIORITY_MAX = 86_400.0
BATCH_BYTES_MAX = 4 * 2**20
"""A batch whose events weigh as much does not wait for more: its run's input has a limit."""

_PATH = re.compile(r"(?:\$\.)?(?P<path>[\w-]+(?:\.[\w-]+)*)")

Variables = Callable[[], Mapping[str, Any]]
"""The variables of an event's expressions, made when they are needed."""


def check_key(key: str, *, field: str) -> None:
    """Returns for a path (`customer.id`) or a CEL expression. Raises InvalidArgument naming the field."""
    if key and path_of(key) is None:
        expressions.compile(key, variables=VARIABLES, field=field)


@lru_cache(4096)
def path_of(key: str) -> tuple[str, ...] | None:
    """The segments of a path such as `customer.id` or `$.items.0`, None for what is no path."""
    match = _PATH.fullmatch(key)
    return tuple(match["path"].split(".")) if match else None


def key_of(key: str, data: Any, variables: Variables) -> str | None:
    """The value of a key for an event, as text: a path starts at the event's data. None where there is none, or it is
    neither text, number nor boolean."""
    path = path_of(key)
    if path is not None:
        return key_text(value_at(data, path))
    try:
        value = expressions.compile(key, variables=VARIABLES, field="key").evaluate(variables())
    except EvaluationFailed:
        return None
    return key_text(_plain(value))


def value_at(value: Any, path: Sequence[str]) -> Any:
    """What stands at the path, through objects and lists; None if nothing does."""
    for segment in path:
        if isinstance(value, dict):
            value = value.get(segment)
        elif isinstance(value, list) and segment.isdecimal() and int(segment) < len(value):
            value = value[int(segment)]
        else:
            return None
    return value


def key_text(value: Any) -> str | None:
    """A scalar as the text of a key, a long one as its digest; None for what is no scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        return None
    if len(value) > KEY_CHARS_MAX:
        return "sha256:" + hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    return value


def priority_of(expression: str, variables: Variables) -> float:
    """The number an expression gives, within PRIORITY_MAX on either side; 0 where it gives none."""
    if not expression:
        return 0.0
    try:
        value = _plain(expressions.compile(expression, variables=VARIABLES, field="priority").evaluate(variables()))
    except EvaluationFailed:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return 0.0
    return max(-PRIORITY_MAX, min(PRIORITY_MAX, float(value)))


def idempotency_of(expression: str, variables: Variables) -> str | None:
    """The value of an idempotency expression as text, of any JSON type; None where it is null or fails."""
    try:
        value = _plain(expressions.compile(expression, variables=VARIABLES, field="idempotency").evaluate(variables()))
    except EvaluationFailed:
        return None
    if value is None:
        return None
    text = key_text(value)
    return key_text(jsonvalue.encode(value, field="idempotency").decode()) if text is None else text


def fits_at(instants: Sequence[int], *, limit: int, period_us: int, now: int) -> int:
    """The first instant, now or later, at which one more fits: at most `limit` in any period. `instants`, oldest first,
    are those of the last period at least."""
    if len(instants) < limit:
        return now
    return max(now, instants[-limit] + period_us)


def debounce_fires_at(debounce: Debounce, *, now: int, armed_at: int) -> int:
    """When the event that came now becomes a run, if none comes after it; the first one came at `armed_at`."""
    quiet_at = now + debounce.period_ms * 1_000
    return min(quiet_at, armed_at + debounce.max_wait_ms * 1_000) if debounce.max_wait_ms else quiet_at


def batch_fires_at(batch: Batch, *, now: int, armed_at: int, count: int, size_bytes: int) -> int:
    """When a batch that began at `armed_at` and has `count` events fires: at once when it is full."""
    if count >= batch.size or size_bytes >= BATCH_BYTES_MAX:
        return now
    return armed_at + batch.timeout_ms * 1_000


def _plain(value: Any) -> Any:
    """A value of CEL as plain Python."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if type(value).__name__ == "BoolType":
        return bool(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    return value if value is None or isinstance(value, bool) else str(value)
