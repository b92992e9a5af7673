"""Functions over the HTTP API: read, invoked, steered and rolled back, and what their debounces hold."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from ironflow.calls import Call, Json, Plan, chosen, quoted, read
from ironflow.tags import several


def list_functions() -> Plan[Sequence[Json]]:
    """All functions of the environment."""
    found: list[Json] = []
    cursor = None
    while True:
        page = yield Call("GET", "/api/v1/functions", chosen(cursor=cursor), again=True)
        found += page["functions"]
        cursor = page.get("next_cursor")
        if cursor is None:
            return found


def get_function(function_id: str, *, at: int | str | None = None) -> Plan[Json]:
    """The function as it is registered now, or was as of a position of history or a time."""
    found: Json = yield Call("GET", _function_path(function_id), chosen(at=at), again=True)
    return found


def invoke_function(
    function_id: str, data: Any = None, *, idempotency_key: str = "", tags: Sequence[str] = ()
) -> Plan[Json]:
    """Start a run of the function, with tags, whether or not an event triggers it: `run_id`, and `event_id` of what it
    is given. With a key it is safe to try again."""
    body = {"functionId": function_id, "dataValue": data, **chosen(idempotencyKey=idempotency_key or None)}
    if tags:
        body["tags"] = several(tags)
    call = Call("POST", "/ironflow.v1.IronflowService/InvokeFunction", body=body, again=bool(idempotency_key))
    started: Json = yield call
    return {"run_id": started["runId"], "event_id": started["eventId"]}


def figures(*function_ids: str, since: str = "24h") -> Plan[Sequence[Json]]:
    """How the newest runs of each function went that began since, or of all that are registered."""
    params = chosen(function_id=",".join(function_ids) or None, since=since)
    found: Sequence[Json] = (yield Call("GET", "/api/v1/stats/functions", params, again=True))["functions"]
    return found


def profile(function_id: str, *, since: str = "24h") -> Plan[Json]:
    """How the steps went of the function's newest runs that began since."""
    path = f"/api/v1/stats/functions/{quoted(function_id)}/steps"
    found: Json = yield Call("GET", path, chosen(since=since), again=True)
    return found


def pause_function(function_id: str, *, reason: str = "") -> Plan[Json]:
    """The function, paused: its runs wait until it is resumed."""
    return (yield from _steer(function_id, "pause", reason))


def resume_function(function_id: str, *, reason: str = "") -> Plan[Json]:
    """The function, going on: active again if it was paused or archived."""
    return (yield from _steer(function_id, "resume", reason))


def archive_function(function_id: str, *, reason: str = "") -> Plan[Json]:
    """The function, archived: nothing starts it any more."""
    return (yield from _steer(function_id, "archive", reason))


def pin_function(function_id: str, version: int | None = None, *, reason: str = "") -> Plan[Json]:
    """The function, kept at a version, or at that of now, whatever workers register from now on."""
    body = {"reason": reason, **chosen(version=version)}
    pinned: Json = yield Call("POST", f"{_function_path(function_id)}/pin", body=body, again=True)
    return pinned


def unpin_function(function_id: str, *, reason: str = "") -> Plan[Json]:
    """The function: what workers register next counts again."""
    return (yield from _steer(function_id, "unpin", reason))


def delete_function(function_id: str, *, reason: str = "") -> Plan[None]:
    """Nothing starts the function any more, and lists do not show it. Its runs and its history stay."""
    yield Call("DELETE", _function_path(function_id), chosen(reason=reason))


def function_versions(function_id: str, *, limit: int = 50, before: int | None = None) -> Plan[Sequence[Json]]:
    """The changes of a function, newest first, those before a number if it is given."""
    params = chosen(limit=limit, before=before)
    found = yield Call("GET", f"{_function_path(function_id)}/versions", params, again=True)
    versions: Sequence[Json] = found["versions"]
    return versions


def function_version(function_id: str, number: int) -> Plan[Json]:
    """The function as a change left it."""
    return (yield from read(f"{_function_path(function_id)}/versions/{number:d}"))


def diff_function(function_id: str, before: int, after: int) -> Plan[Sequence[Json]]:
    """What differs between two versions: path, before and after of each change."""
    path = f"{_function_path(function_id)}/diff"
    changes: Sequence[Json] = (yield Call("GET", path, {"from": before, "to": after}, again=True))["changes"]
    return changes


def roll_back_function(function_id: str, number: int, *, reason: str = "") -> Plan[Json]:
    """The function with the content of an earlier version, as a new one. A worker that registers its own content
    again makes that the newest."""
    body = {"version": number, "reason": reason}
    function: Json = yield Call("POST", f"{_function_path(function_id)}/rollback", body=body)
    return function


def debounced(*, timeout_s: float | None = None) -> Plan[Sequence[Json]]:
    """Debounced events that wait to become a run, next to fire first."""
    found: Sequence[Json] = yield Call("GET", "/api/v1/debounce/entries", again=True, timeout_s=timeout_s)
    return found


def cancel_debounced(function_id: str, key: str = "", *, environment: str = "default", reason: str = "") -> Plan[Json]:
    """Drop what a debounce of the function holds for a key."""
    coded = urlsafe_b64encode(key.encode()).decode().rstrip("=") or "-"
    path = f"/api/v1/debounce/entries/{quoted(environment)}/{quoted(function_id)}/{coded}"
    dropped: Json = yield Call("DELETE", path, chosen(reason=reason))
    return dropped


def _steer(function_id: str, verb: str, reason: str) -> Plan[Json]:
    function: Json = yield Call("POST", f"{_function_path(function_id)}/{verb}", body={"reason": reason}, again=True)
    return function


def _function_path(function_id: str) -> str:
    return f"/api/v1/functions/{quoted(function_id)}"
