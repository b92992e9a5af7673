"""Entries of history as the audit tells them: what happened, to what, by whom; in the words of published clients where
they have one. Pure.

`payload` has camelCase keys for runs and steps, as published; for everything else it is the entry's own data. What is a
credential's hash, and fields that the environment redacts, are "[redacted]".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from app.history.entry import Entry
from app.history.kinds import (
    KINDS,
    AuthzAllowed,
    AuthzRequest,
    EventEmitted,
    EventKeyed,
    GateCancelled,
    GateFired,
    GateHeld,
    GatePassed,
    KvDeleted,
    KvExpired,
    KvPurged,
    KvPut,
    RunCreated,
    StepCompleted,
    StepFailed,
    TopicPublished,
)

HIDDEN = "[redacted]"
_ALWAYS = frozenset(("hash", "previous_hash", "fingerprint", "token", "token_hash", "password", "secret"))

TRAFFIC = frozenset(
    fact.kind
    for fact in (
        EventEmitted,
        EventKeyed,
        TopicPublished,
        KvPut,
        KvDeleted,
        KvPurged,
        KvExpired,
        GatePassed,
        GateHeld,
        GateFired,
        GateCancelled,
    )
)
"""Kinds that are not in the audit unless they are asked for: what programs do all day."""

AUDITED = frozenset(KINDS) - TRAFFIC

_STATUS = {
    "run.started": "running",
    "run.suspended": "waiting",
    "run.woken": "waiting_for_capacity",
    "run.released": "waiting_for_capacity",
    "run.retrying": "waiting",
    "run.completed": "completed",
    "run.failed": "failed",
    "run.cancelled": "cancelled",
}
_CHANGED, _PAUSED, _RESUMED, _BEGUN = "run.status_changed", "run.paused", "run.resumed", "step.started"
_BEGINNINGS = ("step.sleeping", "step.waiting", "step.invoking")
IMPERSONATED = "platform.impersonated"
_UNDONE = {"step.completed": "saga.compensation.completed", "step.failed": "saga.compensation.failed"}


class AuditEvent(msgspec.Struct, frozen=True):
    """One entry, told. Ids that do not apply are empty. `via` is what the actor acted through, such as `dap/vscode`."""

    position: int
    at: int
    environment: str
    type: str
    kind: str
    actor: str
    payload: Mapping[str, Any]
    run_id: str = ""
    function_id: str = ""
    step_id: str = ""
    action: str = ""
    resource: str = ""
    decision: str = ""
    policy: str = ""
    policy_version: int = 0
    reason: str = ""
    method: str = ""
    address: str = ""
    roles: tuple[str, ...] = ()
    count: int = 1
    outcome: str = ""
    via: str = ""


def kinds_of(event_type: str) -> frozenset[str]:
    """The kinds that a type means, published or our own; none if it is unknown."""
    if event_type == _CHANGED:
        return frozenset(_STATUS)
    if event_type == _BEGUN:
        return frozenset(_BEGINNINGS)
    if event_type == IMPERSONATED:
        return frozenset((AuthzAllowed.kind,))
    if event_type in _UNDONE.values():
        return frozenset(kind for kind, type in _UNDONE.items() if type == event_type)
    return frozenset((event_type,)) & frozenset(KINDS)


def told(entry: Entry, function_id: str = "", *, hidden: Collection[str] = ()) -> AuditEvent:
    """The entry as an event of the audit; `function_id` is that of its run, if it is one of a run's; `hidden` are
    fields that are redacted, by name or by path."""
    noun, _, id = entry.stream.partition("/")
    if noun == "run":
        return _of_run(entry, id, function_id, hidden)
    data = msgspec.json.decode(entry.data)
    asked = getattr(entry.fact, "asked", None)
    if not isinstance(asked, AuthzRequest):
        return AuditEvent(
            position=entry.position,
            at=entry.recorded_at,
            environment=entry.environment,
            type=entry.kind,
            kind=entry.kind,
            actor=entry.actor,
            payload=redacted(data, hidden),
            function_id=id if noun == "function" else "",
            resource=entry.stream,
            reason=str(data.get("reason", "")),
        )
    return AuditEvent(
        position=entry.position,
        at=entry.recorded_at,
        environment=entry.environment,
        type=IMPERSONATED if _entered(entry.kind, asked.action) else entry.kind,
        kind=entry.kind,
        actor=entry.actor,
        payload=redacted(data, hidden),
        action=asked.action,
        resource=asked.resource,
        decision=entry.kind.partition(".")[2],
        policy=str(data.get("policy", "")),
        policy_version=int(data.get("policy_version", 0)),
        reason=str(data.get("reason", "")),
        method=asked.method,
        address=asked.address,
        roles=asked.roles,
        count=int(data.get("count", 1)),
        outcome=str(data.get("outcome", "")),
    )


def _entered(kind: str, action: str) -> bool:
    """Whether somebody acted in an organization that is not theirs."""
    return kind == AuthzAllowed.kind and action.startswith("platform:impersonate")


def _of_run(entry: Entry, run_id: str, function_id: str, hidden: Collection[str]) -> AuditEvent:
    fact = entry.fact
    type = entry.kind
    if entry.kind in _STATUS:
        type = _CHANGED
    elif entry.kind in _BEGINNINGS:
        type = _BEGUN
    elif isinstance(fact, StepCompleted | StepFailed) and fact.compensation_for:
        type = _UNDONE[entry.kind]
    if isinstance(fact, RunCreated):
        function_id = fact.function_id
    data = {_camel(name): value for name, value in msgspec.json.decode(entry.data).items()}
    payload = {"runId": run_id, "functionId": function_id, **data}
    if type in (_CHANGED, _PAUSED, _RESUMED):
        payload["newStatus"] = _STATUS.get(entry.kind, "paused" if type == _PAUSED else "waiting_for_capacity")
    if "name" in data and "stepId" in data:
        payload |= {"stepName": payload.pop("name"), "stepType": payload.pop("type", getattr(fact, "type", ""))}
    if type in _UNDONE.values():
        payload["compensationTargetStep"] = payload.pop("compensationFor")
    return AuditEvent(
        position=entry.position,
        at=entry.recorded_at,
        environment=entry.environment,
        type=type,
        kind=entry.kind,
        actor=entry.actor,
        payload=redacted(payload, hidden),
        run_id=run_id,
        function_id=function_id,
        step_id=str(data.get("stepId", "")),
        resource=entry.stream,
        reason=str(data.get("reason", "")),
        via=entry.via,
    )


def redacted(value: Any, hidden: Collection[str], path: tuple[str, ...] = ()) -> Any:
    """The value without what is hidden: a field of that name anywhere, or one whose path ends like that."""
    if isinstance(value, list):
        return [redacted(inner, hidden, path) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: HIDDEN if _is_hidden((*path, key), hidden) else redacted(inner, hidden, (*path, key))
        for key, inner in value.items()
    }


def _is_hidden(path: tuple[str, ...], hidden: Collection[str]) -> bool:
    if path[-1] in _ALWAYS:
        return True
    return any(path[-len(parts) :] == parts for parts in (tuple(name.split(".")) for name in hidden))


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)
