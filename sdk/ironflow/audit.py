"""The audit: what happened and what was decided, by whom. See docs/guides/audit.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from ironflow.calls import Call, Json, Page, Plan, chosen, quoted

PATH = "/api/v1/audit"
EXPORT_TIMEOUT_S = 600.0

When = str | datetime | None
"""RFC 3339, a datetime, or such as `15m` before now."""
Scope = Literal["environment", "org"]


def list_events(
    *,
    action: str | None = None,
    actor: str | None = None,
    event_type: str | None = None,
    function_id: str | None = None,
    run_id: str | None = None,
    since: When = None,
    until: When = None,
    scope: Scope = "environment",
    limit: int = 50,
    cursor: str | None = None,
) -> Plan[Page]:
    """Newest first. `action` leaves only decisions on it; `scope="org"` are the organization's keys, users and roles.
    A page may be empty and have a cursor."""
    params = _chosen(action, actor, event_type, function_id, run_id, since, until, scope)
    answer = yield Call("GET", PATH, {**params, **chosen(limit=limit, cursor=cursor)}, again=True)
    return Page(answer["events"], answer.get("next_cursor", ""))


def of_run(run_id: str, *, event_type: str | None = None, limit: int = 50, cursor: str | None = None) -> Plan[Page]:
    """What happened to a run, newest first. Raises NotFound."""
    params = chosen(event_type=event_type, limit=limit, cursor=cursor)
    answer = yield Call("GET", f"/api/v1/runs/{quoted(run_id)}/audit", params, again=True)
    return Page(answer["events"], answer.get("next_cursor", ""))


def export(
    format: Literal["jsonl", "csv"] = "jsonl",
    *,
    action: str | None = None,
    actor: str | None = None,
    event_type: str | None = None,
    function_id: str | None = None,
    run_id: str | None = None,
    since: When = None,
    until: When = None,
    scope: Scope = "environment",
) -> Plan[bytes]:
    """All that fits, newest first, in memory: lines of JSON, or CSV whose cells no spreadsheet takes for formulas."""
    params = _chosen(action, actor, event_type, function_id, run_id, since, until, scope)
    content: bytes = yield Call(
        "GET", f"{PATH}/export", {**params, "format": format}, again=True, binary=True, timeout_s=EXPORT_TIMEOUT_S
    )
    return content


def settings() -> Plan[Json]:
    """What is recorded of decisions, and what is not shown."""
    found: Json = yield Call("GET", f"{PATH}/settings", again=True)
    return found


def set_settings(
    *,
    reads: bool = False,
    writes: bool = False,
    excluded_actions: Sequence[str] = (),
    redacted_fields: Sequence[str] = (),
    reason: str = "",
) -> Plan[Json]:
    """Record allowed reads and other allowed requests too, or nothing on some actions; and hide fields. Raises
    InvalidArgument."""
    body = {
        "authz_successful_reads": reads,
        "authz_successful_writes": writes,
        "authz_excluded_actions": list(excluded_actions),
        "payload_redaction_fields": list(redacted_fields),
        "reason": reason,
    }
    found: Json = yield Call("PUT", f"{PATH}/settings", body=body, again=True)
    return found


def replay(policy: Mapping[str, Any], *, limit: int = 1_000) -> Plan[Json]:
    """Which of the last decisions a policy that is not saved would turn: `flips`. Raises InvalidArgument."""
    body = {"policy": dict(policy), "limit": limit}
    found: Json = yield Call("POST", "/api/v1/policies/replay", body=body, again=True)
    return found


def _chosen(
    action: str | None,
    actor: str | None,
    event_type: str | None,
    function_id: str | None,
    run_id: str | None,
    since: When,
    until: When,
    scope: Scope,
) -> Json:
    named = {"action": action, "api_key_id": actor, "event_type": event_type, "function_id": function_id}
    return chosen(**named, **{"run_id": run_id, "from": since, "to": until, "scope": scope})
