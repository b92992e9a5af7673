"""Projections as clients read and steer them. To declare one, see `ironflow.projection`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ironflow.calls import TIMEOUT_S, WAIT_S_MAX, Call, Json, Plan, chosen, quoted
from ironflow.errors import Timeout

PATH = "/api/v1/projections"


def list_projections(*, status: str | None = None, mode: str | None = None) -> Plan[Sequence[Json]]:
    """By name, with how far each has come."""
    found: Sequence[Json] = yield Call("GET", PATH, chosen(status=status, mode=mode), again=True)
    return found


def get(name: str, *, partition: str | None = None, at: int | str | datetime | None = None) -> Plan[Json]:
    """The projection, with the state of a partition in `state` (None if it has none). Raises NotFound."""
    found: Json = yield Call("GET", _path(name), chosen(partition=partition, at=at), again=True)
    return found


def state(name: str, *, partition: str | None = None, at: int | str | datetime | None = None) -> Plan[Any]:
    """The state of a partition, now or as of a position or time; None if it has none. Raises NotFound."""
    found = yield from get(name, partition=partition, at=at)
    return None if found["state"] is None else found["state"]["state"]


def status(name: str) -> Plan[Json]:
    """How far it has come: `lastEventSeq`, `lag`, `lagSeconds`, `errorMessage`. Raises NotFound."""
    found: Json = yield Call("GET", _path(name, "status"), again=True)
    return found


def partitions(name: str, *, search: str | None = None, after: str | None = None, limit: int = 100) -> Plan[list[str]]:
    """Those that have a state, in order, after a given one. Raises NotFound."""
    params = chosen(q=search, after=after, limit=limit)
    found: list[str] = (yield Call("GET", _path(name, "partitions"), params, again=True))["partitions"]
    return found


def pace(name: str) -> Plan[Json]:
    """How it has kept up within the last hour, in `samples`, as the node that answers has seen. Raises NotFound."""
    found: Json = yield Call("GET", _path(name, "pace"), again=True)
    return found


def declare(
    name: str,
    *,
    events: Sequence[str],
    rules: Sequence[Mapping[str, Any]],
    initial: Mapping[str, Any] | None = None,
    partition_key: str = "",
    version: int = 1,
    on_error: str = "stop",
    description: str = "",
    reason: str = "",
) -> Plan[Json]:
    """Register a projection that the server folds by rules; `result` is registered, updated or unchanged. Raises
    InvalidArgument, and Conflict if a newer version is there."""
    body = {
        "events": list(events),
        "rules": [dict(rule) for rule in rules],
        "initial": dict(initial or {}),
        "partition_key": partition_key,
        "version": version,
        "on_error": on_error,
        "description": description,
        "change_reason": reason,
    }
    found: Json = yield Call("PUT", _path(name), body=body, again=True)
    return found


def declare_table(
    name: str,
    *,
    table_sql: str,
    event_handlers: Mapping[str, str],
    events: Sequence[str] = (),
    version: int = 1,
    on_error: str = "stop",
    description: str = "",
    reason: str = "",
) -> Plan[Json]:
    """Register a projection that the server keeps as a table `proj_…`, with a statement for each event; `result` is
    registered, updated or unchanged. Raises InvalidArgument, and Conflict if a newer version is there."""
    body = {
        "mode": "sql",
        "table_sql": table_sql,
        "event_handlers": dict(event_handlers),
        "events": list(events),
        "version": version,
        "on_error": on_error,
        "description": description,
        "change_reason": reason,
    }
    found: Json = yield Call("PUT", _path(name), body=body, again=True)
    return found


def rows(
    name: str,
    *,
    where: str | None = None,
    order_by: str | None = None,
    limit: int | None = None,
    offset: int | None = None,
    at: int | str | None = None,
) -> Plan[Json]:
    """A page of the table of a SQL projection: `columns`, `rows`, and `total_count` of all that fit; now, or as of a
    position or a time. `where` and `order_by` are SQL over its columns. Raises NotFound, InvalidArgument,
    FailedPrecondition."""
    params = chosen(where=where, order_by=order_by, limit=limit, offset=offset, at=at)
    found: Json = yield Call("GET", _path(name, "rows"), params, again=True)
    return found


def pause(name: str, *, reason: str = "") -> Plan[Json]:
    """It folds no further until it is resumed."""
    return (yield from _steer(name, "pause", reason))


def resume(name: str, *, reason: str = "") -> Plan[Json]:
    """It goes on; an event that stopped it is tried again."""
    return (yield from _steer(name, "resume", reason))


def skip(name: str, *, reason: str, event_id: str = "") -> Plan[Json]:
    """It goes on after the event that stopped it, without it. With `event_id` only if it is that one. Raises NotFound,
    Conflict, FailedPrecondition if no event has stopped it."""
    body = {"reason": reason, "event_id": event_id}
    found: Json = yield Call("POST", _path(name, "skip"), body=body, again=bool(event_id))
    return found


def park(name: str, *, reason: str, event_id: str = "") -> Plan[Json]:
    """It goes on after the event that stopped it, and keeps that to be retried or discarded. Raises as `skip`."""
    body = {"reason": reason, "event_id": event_id}
    found: Json = yield Call("POST", _path(name, "park"), body=body, again=bool(event_id))
    return found


def parked(name: str) -> Plan[list[Json]]:
    """The events that it has parked, the oldest first. Raises NotFound."""
    found: list[Json] = (yield Call("GET", _path(name, "parked"), again=True))["events"]
    return found


def retry_parked(name: str, event_ids: Sequence[str] = (), *, reason: str) -> Plan[Json]:
    """The rebuild that gives parked events, those named or all, their place among the others. Raises NotFound, Conflict
    if a rebuild is under way, FailedPrecondition if nothing is parked."""
    body = {"reason": reason, "event_ids": list(event_ids)}
    job: Json = yield Call("POST", _path(name, "parked/retry"), body=body)
    return job


def discard_parked(name: str, event_ids: Sequence[str] = (), *, reason: str) -> Plan[int]:
    """How many parked events, those named or all, it goes on without for good now. Raises NotFound."""
    body = {"reason": reason, "event_ids": list(event_ids)}
    found: int = (yield Call("POST", _path(name, "parked/discard"), body=body, again=True))["discarded"]
    return found


def rebuild(
    name: str,
    *,
    partition: str = "",
    dry_run: bool = False,
    from_event_id: str = "",
    to_event_id: str = "",
    from_position: int = 0,
    to_position: int = 0,
    reason: str = "",
) -> Plan[Json]:
    """The rebuild, which has begun: how far it is. The old state serves until it has caught up. It may be of one
    partition; of an external projection, it may be from one event or position, and to another. Raises Conflict if
    one is under way."""
    body = {
        "partition": partition,
        "dryRun": dry_run,
        "fromEventId": from_event_id,
        "toEventId": to_event_id,
        "fromPosition": from_position,
        "toPosition": to_position,
        "reason": reason,
    }
    job: Json = yield Call("POST", _path(name, "rebuild"), body=body)
    return job


def rebuild_job(name: str) -> Plan[Json]:
    """How far the rebuild is, or the last one was. Raises NotFound if there never was one."""
    job: Json = yield Call("GET", _path(name, "rebuild"), again=True)
    return job


def cancel_rebuild(name: str, *, reason: str = "") -> Plan[Json]:
    """The rebuild is dropped; what serves goes on."""
    return (yield from _steer(name, "cancel", reason))


def delete(name: str, *, reason: str | None = None) -> Plan[None]:
    """The projection is gone, with its states. Raises NotFound."""
    yield Call("DELETE", _path(name), chosen(reason=reason))


def wait(name: str, position: int, *, timeout_s: float = TIMEOUT_S) -> Plan[Json]:
    """Returns once every event up to a position of history is in the state. Raises Timeout, NotFound, and Conflict if
    an event has stopped it."""
    until = time.monotonic() + timeout_s
    while True:
        hold_s = min(max(0.0, until - time.monotonic()), WAIT_S_MAX)
        params = {"minSeq": position, "timeout": round(hold_s * 1_000)}
        caught = yield Call("GET", _path(name, "catchup"), params, again=True, timeout_s=hold_s + TIMEOUT_S)
        if caught["caughtUp"]:
            return dict(caught)
        _check_time(name, caught, until, timeout_s)


def wait_for_event(name: str, event_id: str, *, timeout_s: float = TIMEOUT_S) -> Plan[Json]:
    """Returns once an event is in the state: read your writes. Raises as `wait`."""
    until = time.monotonic() + timeout_s
    while True:
        hold_s = min(max(0.0, until - time.monotonic()), WAIT_S_MAX)
        body = {"eventId": event_id, "projection": name, "timeoutMs": round(hold_s * 1_000)}
        path = f"{PATH}/wait-for-event"
        caught = yield Call("POST", path, body=body, again=True, timeout_s=hold_s + TIMEOUT_S)
        if caught["caughtUp"]:
            return dict(caught)
        _check_time(name, caught, until, timeout_s)


def watch_path(name: str) -> str:
    return _path(name, "watch")


def _check_time(name: str, caught: Json, until: float, timeout_s: float) -> None:
    """Raises Timeout when the time is over."""
    if time.monotonic() >= until:
        raise Timeout(
            f"{name} has reached {caught['currentSeq']} of {caught['targetSeq']} after {timeout_s:g} s",
            code="TIMEOUT",
            hint="is its worker running?",
        )


def _steer(name: str, verb: str, reason: str) -> Plan[Json]:
    found: Json = yield Call("POST", _path(name, verb), body={"reason": reason}, again=True)
    return found


def _path(name: str, part: str = "") -> str:
    return f"{PATH}/{quoted(name)}" + (f"/{part}" if part else "")
