"""Ask history and what is derived from it with SQL: read-only, over stable views, within bounds.

What a query may see and do is enforced by the store, see Storage.query; here are the views as people are told of them,
and the bounds.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

import msgspec

from app import texts
from app.errors import InvalidArgument, SqlRefused, SqlTimeout, Unimplemented
from storage.contract import (
    QueryLimits,
    QueryRefused,
    QueryTimeout,
    QueryUnavailable,
    Scalar,
    Storage,
    Table,
)

TIMEOUT_MS_DEFAULT = 5_000
TIMEOUT_MS_MAX = 30_000
ROWS_DEFAULT = 1_000
ROWS_MAX = 10_000
BYTES_MAX = 16 * 2**20
PARAMETERS_MAX = 100


class View(msgspec.Struct, frozen=True):
    about: str
    columns: tuple[str, ...]


def _view(about: str, columns: str) -> View:
    return View(about, tuple(columns.split()))


VIEWS: Mapping[str, View] = {
    "history": _view(
        "every entry, in order",
        "position stream version kind data metadata actor correlation causation recorded_at",
    ),
    "events": _view(
        "events, emitted or appended to entities",
        "position id name version source data metadata idempotency_key run_id"
        " entity_type entity_id entity_version recorded_at",
    ),
    "runs": _view(
        "runs of functions, as they are now",
        "id function_id function_version event_id event_name status attempt max_attempts parent_run_id worker_id"
        " output error_code error_message pause_reason cancellation_cause"
        " created_at started_at ended_at updated_at position",
    ),
    "run_tags": _view("tags of runs: one row each", "run_id tag"),
    "steps": _view(
        "what was recorded of steps: one row each time; of one run: where stream = 'run/ID'",
        "position stream run_id step_id name type status attempt duration_ms output error recorded_at",
    ),
    "functions": _view(
        "functions, as they are now",
        "id name status version preferred_mode created_at updated_at position",
    ),
    "entities": _view(
        "entity streams",
        "type id version event_count created_at updated_at deleted_at position",
    ),
    "buckets": _view(
        "buckets of key-values",
        "name description ttl_s history value_bytes_max bytes_max created_at position",
    ),
    "kv": _view(
        "keys that have a value: JSON in value, anything else in base64",
        "bucket key revision value base64 bytes expires_at recorded_at position",
    ),
    "configs": _view("configuration documents", "name revision data bytes updated_at position"),
    "schemas": _view(
        "schemas of events, deleted ones too",
        "event_name version schema description created_at updated_at deleted_at position",
    ),
    "failures": _view(
        "attempts of runs that failed",
        "position run_id function_id function_version event_id fingerprint kind step error_type error_code message"
        " top_frame attempt failed_at",
    ),
    "failure_groups": _view(
        "failures that are most likely of one cause: open, resolved or muted",
        "fingerprint function_id step error_type message top_frame failures status first_at last_at"
        " first_position last_position",
    ),
    "failure_marks": _view(
        "what was decided last of a group of failures",
        "fingerprint status version muted_until reason actor marked_at position merged_into"
        " assignee assigned_by assigned_at",
    ),
}


class Sql:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def ask(
        self,
        environment: str,
        query: str,
        params: Mapping[str, Any],
        *,
        timeout_ms: int = TIMEOUT_MS_DEFAULT,
        rows_max: int = ROWS_DEFAULT,
    ) -> Table:
        """What the query answers; values are JSON. Raises InvalidArgument, SqlRefused, SqlTimeout, Unimplemented."""
        limits = QueryLimits(
            _within(timeout_ms, TIMEOUT_MS_MAX, "timeout_ms") / 1000, _within(rows_max, ROWS_MAX, "max_rows"), BYTES_MAX
        )
        texts.check(query, field="query")
        try:
            table = await self._storage.query(environment, query, _scalars(params), limits)
        except QueryRefused as refused:
            raise SqlRefused(str(refused), field="query", hint=refused.hint) from None
        except QueryTimeout as late:
            raise SqlTimeout(f"{late}: more than {timeout_ms} ms", field="query", hint=late.hint) from None
        except QueryUnavailable as unavailable:
            raise Unimplemented(str(unavailable), hint=unavailable.hint) from None
        return table._replace(rows=[tuple(map(json_value, row)) for row in table.rows])


def _within(value: int, most: int, field: str) -> int:
    if not 1 <= value <= most:
        raise InvalidArgument(f"{field} {value} is out of range", field=field, hint=f"1 to {most}")
    return value


def _scalars(params: Mapping[str, Any]) -> Mapping[str, Scalar]:
    if len(params) > PARAMETERS_MAX:
        raise InvalidArgument(
            f"{len(params)} parameters are too many", field="params", hint=f"{PARAMETERS_MAX} at most"
        )
    for name, value in params.items():
        field = f"params.{name[:80]}"
        if not (name.isascii() and name.isidentifier() and name.islower()):
            raise InvalidArgument(f"{name[:80]!r} cannot be a parameter", field=field, hint="a-z, 0-9 and _")
        if not isinstance(value, str | int | float | None):
            raise InvalidArgument(f"parameter {name} is neither text nor number", field=field, hint="pass JSON as text")
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise InvalidArgument(f"parameter {name} does not fit 64 bits", field=field, hint="pass it as text")
        if isinstance(value, str):
            texts.check(value, field=field)
    return params


def json_value(value: Any) -> Any:
    """The value as JSON has it: bytes in base64, and numbers it does not have as text."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return [json_value(item) for item in value] if isinstance(value, list) else value
