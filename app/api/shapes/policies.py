"""Policies as REST takes and shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.base import Instant, Moment, Position, Shape

Version = Annotated[int, Meta(ge=1, le=2**62)]


class PolicyBody(msgspec.Struct, forbid_unknown_fields=True):
    """A policy. Lists may also be one text with commas; instants are RFC 3339."""

    name: str
    actions: Annotated[str | list[str], Meta(description="such as secrets:read, runs:* or *")]
    effect: Annotated[str, Meta(description="deny: policies only take away")] = "deny"
    resources: Annotated[
        str | list[str], Meta(description="such as secret/stripe-*, irn:ironflow:*:*:secret:prod:* or *")
    ] = "*"
    condition: Annotated[str | None, Meta(description="CEL over subject, request, resource, environment, now")] = ""
    mode: Annotated[str, Meta(description="enforce, or monitor: only tell what would be denied")] = "enforce"
    roles: Annotated[list[str], Meta(description="for callers with one of these; none: for all")] = []
    org_id: Annotated[str | None, Meta(description="for all environments of this organization")] = ""
    environments: Annotated[list[str], Meta(description="those of the organization's; none: all")] = []
    valid_from: str | None = ""
    valid_until: str | None = ""
    description: str = ""
    enforce_percent: Annotated[
        int, Meta(description="in mode enforce: of how many of 100 callers; of the rest it only tells. Always the same")
    ] = 100
    reason: Annotated[str, Meta(description="why; kept in history")] = ""


class PolicyPatch(msgspec.Struct, forbid_unknown_fields=True):
    """What is to change of a policy; it is enabled by it."""

    name: str | UnsetType = UNSET
    actions: str | list[str] | UnsetType = UNSET
    effect: str = "deny"
    resources: str | list[str] | UnsetType = UNSET
    condition: str | UnsetType | None = UNSET
    mode: str | UnsetType = UNSET
    roles: list[str] | UnsetType = UNSET
    org_id: str | UnsetType | None = UNSET
    environments: list[str] | UnsetType = UNSET
    valid_from: str | UnsetType | None = UNSET
    valid_until: str | UnsetType | None = UNSET
    description: str | UnsetType = UNSET
    enforce_percent: int | UnsetType = UNSET
    reason: str = ""


class AttachBody(msgspec.Struct, forbid_unknown_fields=True):
    """A policy, by id or name."""

    policy_id: str


class SubjectBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A caller to be tried."""

    id: str = ""
    kind: Literal["key", "user", "session", "bootstrap", "anonymous"] = "key"
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    org: str | UnsetType = UNSET
    environment: str = ""


class RequestBody(msgspec.Struct, forbid_unknown_fields=True):
    """A request to be tried: in this environment, now, if nothing else is said."""

    action: str
    subject: SubjectBody = SubjectBody()
    resource: Annotated[str, Meta(description="TYPE/ID, such as secret/stripe")] = "*"
    environment: str = ""
    method: str = ""
    address: str = ""
    now: str = ""


class DryRunBody(msgspec.Struct, forbid_unknown_fields=True):
    """A request, and a policy that is to be tried beside those there are, in the place of the one of its name."""

    input: RequestBody
    policy: PolicyBody | None = None
    explain: bool = False


class ListPoliciesQuery(msgspec.Struct):
    at: Moment = ""
    org_id: Annotated[str, Meta(description="only those of the organization")] = ""


class GetPolicyQuery(msgspec.Struct):
    at: Moment = ""


class ListPolicyVersionsQuery(msgspec.Struct):
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    before: Version = 2**62


class ReasonQuery(msgspec.Struct):
    reason: Annotated[str, Meta(description="why; kept in history")] = ""


class PolicyFields(Shape):
    """What a policy denies, to whom and where."""

    name: str
    effect: str
    actions: list[str]
    resources: list[str]
    condition: str
    mode: str
    roles: list[str]
    org_id: str
    environments: list[str]
    description: str
    enforce_percent: Annotated[int, Meta(description="of how many of 100 callers, in mode enforce")]
    valid_from: Instant | UnsetType = UNSET
    valid_until: Instant | UnsetType = UNSET


class PolicyResponse(PolicyFields, kw_only=True):
    """A policy as it is, or was."""

    id: str
    status: Annotated[str, Meta(description="active or disabled")]
    version: Version
    would_deny_count: Annotated[int, Meta(description="what it would have denied, on this node since it started")]
    created_at: Instant
    updated_at: Instant
    updated_by: str
    position: Position


class PolicyVersionResponse(Shape):
    """What a version did: created, changed, disabled or deleted; the definition where it has one."""

    version: Version
    operation: str
    reason: str
    actor: str
    created_at: Instant
    position: Position
    restored_from: int | UnsetType = UNSET
    policy: PolicyFields | UnsetType = UNSET


class ListPolicyVersionsResponse(Shape):
    """Versions, newest first."""

    versions: list[PolicyVersionResponse]


class ValidPolicyResponse(Shape):
    """The policy can be saved; `policy` is how it would be."""

    valid: bool
    policy: PolicyFields
    warnings: Annotated[list[str], Meta(description="what of it fits nothing that can be asked")]


class DenialResponse(Shape):
    reason: str
    policy: str
    version: Annotated[int, Meta(description="0: the one that is tried")]


class ClauseResponse(Shape):
    """A part of a condition; `holds` is null where it cannot be evaluated."""

    clause: str
    holds: bool | None
    error: str | UnsetType = UNSET


class ExplainedResponse(Shape, kw_only=True):
    """How a policy stands to the request."""

    policy: str
    id: str
    version: int
    mode: str
    applies: bool
    enforced: Annotated[bool, Meta(description="whether it denies this caller, or only tells")]
    why_not: str | UnsetType = UNSET
    denies: bool
    reason: str | UnsetType = UNSET
    clauses: list[ClauseResponse]


class DryRunResponse(Shape, kw_only=True):
    """What would be decided, were the roles to allow it."""

    decision: Annotated[str, Meta(description="allow or deny")]
    denial: DenialResponse | UnsetType = UNSET
    would_deny: list[DenialResponse]
    explain: list[ExplainedResponse] | UnsetType = UNSET
    warnings: Annotated[list[str], Meta(description="what of the request can never be asked")]


class CelBody(msgspec.Struct, forbid_unknown_fields=True):
    """An expression, and the variables that it may use."""

    expression: str
    variables: dict[str, Any] = {}


class CelResponse(Shape):
    """The value, and what it cost of what an evaluation may cost."""

    value: Any
    cost: int
    cost_max: int
