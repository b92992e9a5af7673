"""The audit as REST takes and shows it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.base import Instant, NextCursor, Shape, Since, Until
from app.api.shapes.policies import DenialResponse, PolicyBody

Cursor = Annotated[int, Meta(ge=0, le=2**62, description="next_cursor of the page before")]
Scope = Annotated[
    Literal["environment", "org"],
    Meta(description="org: what happens to keys, users, roles and the like of the organization"),
]


class AuditQuery(msgspec.Struct):
    action: Annotated[str, Meta(description="decisions on this action, such as secrets:read")] = ""
    api_key_id: Annotated[str, Meta(description="by this caller, of any kind")] = ""
    event_type: Annotated[str, Meta(description="a kind of entries, or run.status_changed, step.started")] = ""
    function_id: str = ""
    run_id: str = ""
    from_: Since = msgspec.field(default="", name="from")
    to: Until = ""
    scope: Scope = "environment"


class ListAuditQuery(AuditQuery):
    cursor: Cursor = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 50


class RunAuditQuery(msgspec.Struct):
    event_type: Annotated[str, Meta(description="a kind of entries, or run.status_changed, step.started")] = ""
    from_: Since = msgspec.field(default="", name="from")
    to: Until = ""
    cursor: Cursor = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 50


class ExportAuditQuery(AuditQuery):
    format: Literal["jsonl", "csv"] = "jsonl"


class AuditEventResponse(Shape, kw_only=True):
    """What happened, or what was decided."""

    id: Annotated[str, Meta(description="its position in history")]
    event_type: str
    created_at: Instant
    environment_id: str
    run_id: str
    function_id: str
    step_id: str | UnsetType = UNSET
    payload: Any
    kind: Annotated[str, Meta(description="of the entry in history")]
    actor: str
    resource: str
    action: str | UnsetType = UNSET
    decision: Annotated[str, Meta(description="denied, allowed or would_deny")] | UnsetType = UNSET
    policy: str | UnsetType = UNSET
    policy_version: int | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    via: Annotated[str, Meta(description="what its actor acted through, such as tui or dap/vscode")] | UnsetType = UNSET
    method: str | UnsetType = UNSET
    address: str | UnsetType = UNSET
    outcome: (
        Annotated[str, Meta(description="of what was allowed and refused all the same: the code of the error")]
        | UnsetType
    ) = UNSET
    count: Annotated[int, Meta(description="how often")] | UnsetType = UNSET


class RunAuditResponse(Shape, kw_only=True):
    """Events, newest first; a page may be empty and have a cursor."""

    events: list[AuditEventResponse]
    total_count: Annotated[int, Meta(description="in this page")]
    retention_days: Annotated[int, Meta(description="0: for ever")]
    next_cursor: NextCursor = UNSET


class AuditSettingsBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is recorded beside denials and administrative acts, and what is not shown."""

    authz_successful_reads: bool = False
    authz_successful_writes: bool = False
    authz_excluded_actions: Annotated[list[str], Meta(description="patterns, such as runs:*")] = []
    payload_redaction_fields: Annotated[list[str], Meta(description="such as email, or data.card.number")] = []
    reason: Annotated[str, Meta(description="why; kept in history")] = ""


class AuditSettingsResponse(Shape):
    """What is recorded, for how long, and how that does."""

    authz_successful_reads: bool
    authz_successful_writes: bool
    authz_excluded_actions: list[str]
    payload_redaction_enabled: bool
    payload_redaction_fields: list[str]
    capture_scope: str
    function_recording: str
    kv_capture: bool
    retention_days: Annotated[int, Meta(description="0: for ever")]
    changes_require_restart: bool
    delivery_guarantee: str
    delivery_healthy: bool
    delivery_failure_count: int


class WouldDenyQuery(msgspec.Struct):
    since: Since = "24h"


class PolicyWouldDeny(Shape):
    """What one policy would have denied."""

    policy: Annotated[str, Meta(description="its id")]
    count: int
    actors: Annotated[int, Meta(description="how many different callers")]
    last_at: Instant


class WouldDenyResponse(Shape):
    """By policy, the most frequent first, as the audit of the environment has it."""

    policies: list[PolicyWouldDeny]
    since: Instant
    suppressed: Annotated[int, Meta(description="decisions of any kind that came too fast to be told singly")]
    whole: Annotated[bool, Meta(description="false: only the newest were looked at")]


class ReplayBody(msgspec.Struct, forbid_unknown_fields=True):
    """A policy that is not saved, and how many of the last decisions are to be made again with it."""

    policy: PolicyBody
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 1_000


class FlipResponse(Shape, kw_only=True):
    """A request that is decided otherwise."""

    actor: str
    roles: list[str]
    action: str
    resource: str
    address: str
    decided_at: Instant
    before: str
    after: str
    denial: DenialResponse | UnsetType = UNSET


class ReplayResponse(Shape):
    """Of distinct requests, those that flip."""

    decisions: int
    skipped: Annotated[int, Meta(description="recorded ones, where a condition reads what is not recorded")]
    flips: list[FlipResponse]
