"""Runs over the HTTP API: listed, read, waited for, cancelled. past.py looks into their past, rewind.py changes it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

from ironflow.calls import TIMEOUT_S, WAIT_S_MAX, Call, Json, Page, Plan, chosen, quoted, read
from ironflow.errors import Timeout

_ENDED = frozenset(("completed", "failed", "cancelled", "paused"))


def list_runs(
    *,
    function_id: str | None = None,
    status: str | None = None,
    event_id: str | None = None,
    parent_run_id: str | None = None,
    failure: str | None = None,
    tag: str | None = None,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    search: str | None = None,
    order: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Plan[Page]:
    """Newest first, without payloads; with `order` oldest first, by status (what is under way, what stands still, what
    has ended), and those of one function that have ended longest or shortest first. `status` may be several, with
    commas; so may `tag`, all of which they have then.
    `failure` is the fingerprint of how they failed last. Instants are datetimes, RFC 3339 or such as `15m`."""
    wanted = chosen(
        function_id=function_id,
        status=status,
        event_id=event_id,
        parent_run_id=parent_run_id,
        failure=failure,
        tag=tag,
        since=since,
        until=until,
        search=search,
        order=order,
        limit=limit,
        cursor=cursor,
    )
    answer = yield Call("GET", "/api/v1/runs", wanted, again=True)
    return Page(answer["runs"], answer.get("next_cursor", ""), answer.get("total"))


def get_run(run_id: str) -> Plan[Json]:
    """The run with input and output. A unique beginning of the id will do."""
    return (yield from read(_run_path(run_id)))


def run_steps(run_id: str) -> Plan[Sequence[Json]]:
    """The run's steps, in the order they were first reported."""
    steps: Sequence[Json] = (yield Call("GET", f"{_run_path(run_id)}/steps", again=True))["steps"]
    return steps


def run_streams(run_id: str) -> Plan[Sequence[Json]]:
    """`entityType` and `entityId` of each entity that the run appended to, in no order."""
    streams: Sequence[Json] = (yield Call("GET", f"{_run_path(run_id)}/streams", again=True))["streams"]
    return streams


def recording(run_id: str) -> Plan[Json]:
    """The run as `ironflow.testing.check` replays it: its event, the results of its steps, and how it ended."""
    return (yield from read(f"{_run_path(run_id)}/recording"))


def wait_for_run(run_id: str, *, timeout_s: float = TIMEOUT_S) -> Plan[Json]:
    """The run, once it is completed, failed, cancelled or paused. Raises Timeout; the run goes on then."""
    until = time.monotonic() + timeout_s
    while True:
        hold_s = min(max(0.0, until - time.monotonic()), WAIT_S_MAX)
        held = {"wait": f"{hold_s:.3f}"}
        run: Json = yield Call("GET", _run_path(run_id), held, again=True, timeout_s=hold_s + TIMEOUT_S)
        if run["status"] in _ENDED:
            return run
        if time.monotonic() >= until:
            raise Timeout(f"{run_id} is {run['status']} after {timeout_s:g} s", code="TIMEOUT")


def cancel_run(run_id: str, *, reason: str = "", compensate: bool = False, detached: bool = False) -> Plan[Json]:
    """The run, cancelled; with `compensate` it may still be undoing what it did, and `wait` tells when that is done.
    With `detached`, child runs that would outlive it end too. One that has ended already is refused (Conflict)."""
    body = {"reason": reason, "compensate": compensate, "detached": detached}
    run: Json = yield Call("POST", f"{_run_path(run_id)}/cancel", body=body, again=True)
    return run


def _run_path(run_id: str) -> str:
    return f"/api/v1/runs/{quoted(run_id)}"
