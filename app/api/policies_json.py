"""Policies, requests that are tried, and what is said of them, from and to JSON."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from app import clock
from app.access import policy as pure
from app.access.actor import ORG_DEFAULT, Actor
from app.access.guard import Denial, Request
from app.access.policy import Explained
from app.api.shapes.base import given
from app.api.shapes.policies import (
    ClauseResponse,
    DenialResponse,
    ExplainedResponse,
    PolicyBody,
    PolicyFields,
    PolicyPatch,
    PolicyResponse,
    PolicyVersionResponse,
    RequestBody,
)
from app.errors import InvalidArgument
from app.history.entry import Entry
from app.history.kinds import PolicyChanged, PolicyCreated, PolicyDefinition
from storage.records import PolicyRow

VERSION_DIGITS_MAX = 18

EXAMPLE = {
    "name": "no-production-secrets",
    "actions": ["secrets:*"],
    "resources": ["irn:ironflow:*:*:secret:*"],
    "condition": '!("oncall" in subject.roles)',
    "mode": "monitor",
}


def defined(body: PolicyBody) -> PolicyDefinition:
    """Raises InvalidArgument."""
    _check_effect(body.effect)
    return PolicyDefinition(
        name=body.name,
        actions=_texts(body.actions),
        resources=_texts(body.resources),
        condition=body.condition or "",
        mode=body.mode,
        roles=tuple(body.roles),
        environments=tuple(body.environments),
        org=body.org_id or "",
        valid_from=_instant(body.valid_from, "valid_from"),
        valid_until=_instant(body.valid_until, "valid_until"),
        description=body.description,
        enforce_percent=body.enforce_percent,
    )


def patched(definition: PolicyDefinition, body: PolicyPatch) -> PolicyDefinition:
    """Raises InvalidArgument."""
    _check_effect(body.effect)
    changes: dict[str, Any] = {}
    for name in ("name", "mode", "description", "enforce_percent"):
        if getattr(body, name) is not UNSET:
            changes[name] = getattr(body, name)
    for name in ("roles", "environments"):
        if getattr(body, name) is not UNSET:
            changes[name] = tuple(getattr(body, name))
    for name, value in (("actions", body.actions), ("resources", body.resources)):
        if value is not UNSET:
            changes[name] = _texts(value)
    for name, told in (("condition", body.condition), ("org", body.org_id)):
        if told is not UNSET:
            changes[name] = told or ""
    for name, instant in (("valid_from", body.valid_from), ("valid_until", body.valid_until)):
        if instant is not UNSET:
            changes[name] = _instant(instant, name)
    return msgspec.structs.replace(definition, **changes)


def asked(body: RequestBody, environment: str, org: str = ORG_DEFAULT) -> Request:
    """The request that is to be tried."""
    subject = body.subject
    actor = Actor(
        subject.id,
        subject.kind,
        subject.roles,
        frozenset(subject.permissions),
        org if subject.org is UNSET else subject.org,
        subject.environment,
    )
    return Request(actor, body.action, body.resource, body.environment or environment, body.method, body.address)


def shown(row: PolicyRow, would_deny: int) -> PolicyResponse:
    return PolicyResponse(
        id=row.id,
        status=row.status,
        version=row.version,
        would_deny_count=would_deny,
        created_at=clock.rfc3339(row.created_at),
        updated_at=clock.rfc3339(row.updated_at),
        updated_by=row.updated_by,
        position=row.position,
        **_fields(pure.definition_of(row)),
    )


def fields_of(definition: PolicyDefinition) -> PolicyFields:
    return PolicyFields(**_fields(definition))


def version_shown(entry: Entry) -> PolicyVersionResponse:
    fact: Any = entry.fact
    is_definition = isinstance(fact, PolicyCreated | PolicyChanged)
    return PolicyVersionResponse(
        version=entry.version,
        operation=entry.kind.partition(".")[2],
        reason=fact.reason,
        actor=entry.actor,
        created_at=clock.rfc3339(entry.recorded_at),
        position=entry.position,
        restored_from=given(fact.restored_from) if isinstance(fact, PolicyChanged) else UNSET,
        policy=fields_of(fact.definition) if is_definition else UNSET,
    )


def denial_shown(denial: Denial) -> DenialResponse:
    return DenialResponse(reason=denial.reason, policy=denial.policy, version=denial.version)


def explained_shown(told: Explained) -> ExplainedResponse:
    definition = told.policy.definition
    return ExplainedResponse(
        policy=definition.name,
        id=told.policy.id,
        version=told.policy.version,
        mode=definition.mode,
        applies=not told.why_not,
        enforced=told.enforced,
        why_not=given(told.why_not),
        denies=told.denial is not None,
        reason=told.denial.reason if told.denial is not None else UNSET,
        clauses=[ClauseResponse(clause=one.text, holds=one.holds, error=given(one.error)) for one in told.clauses],
    )


def _fields(definition: PolicyDefinition) -> dict[str, Any]:
    return {
        "name": definition.name,
        "effect": "deny",
        "actions": list(definition.actions),
        "resources": list(definition.resources),
        "condition": definition.condition,
        "mode": definition.mode,
        "roles": list(definition.roles),
        "org_id": definition.org,
        "environments": list(definition.environments),
        "description": definition.description,
        "enforce_percent": definition.enforce_percent,
        "valid_from": clock.rfc3339(definition.valid_from) if definition.valid_from else UNSET,
        "valid_until": clock.rfc3339(definition.valid_until) if definition.valid_until else UNSET,
    }


def _check_effect(effect: str) -> None:
    if effect != "deny":
        raise InvalidArgument(
            f"effect {effect[:40]!r} is not possible: policies only deny",
            field="effect",
            hint="leave effect out; what is allowed, roles say",
        )


def _texts(listed: str | list[str]) -> tuple[str, ...]:
    parts = listed.split(",") if isinstance(listed, str) else listed
    return tuple(part.strip() for part in parts if part.strip())


def _instant(text: str | None, field: str) -> int:
    return clock.parse_instant(text, 0, field=field) if text else 0


def version_number(text: str) -> int:
    """Raises InvalidArgument."""
    if not (text.isascii() and text.isdecimal() and len(text) <= VERSION_DIGITS_MAX):
        raise InvalidArgument(f"version {text[:40]!r} is out of range", field="version", hint="1 or more")
    return int(text)
