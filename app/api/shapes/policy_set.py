"""The policy set as REST takes and shows it, as published."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.base import Instant, Shape
from app.api.shapes.policies import RequestBody

SetVersion = Annotated[int, Meta(ge=0, le=2**62, description="0: there is none yet")]


class PolicySetBody(msgspec.Struct, forbid_unknown_fields=True):
    """Modules by name: CEL conditions, one of which denies if it holds; with `decision`, only that one does."""

    modules: dict[str, str]
    decision: str | None = None
    mode: Annotated[str, Meta(description="monitor or enforce")] = "enforce"


class PolicySetDryRunBody(msgspec.Struct, forbid_unknown_fields=True):
    """A request; and a set that is not saved."""

    input: RequestBody
    explain: bool = False
    set: PolicySetBody | None = None


class PolicySetResponse(Shape, kw_only=True):
    modules: dict[str, str]
    mode: str
    version: SetVersion
    decision: str | UnsetType = UNSET
    enforcement_active: bool
    updated_at: Instant | UnsetType = UNSET
    updated_by: str | UnsetType = UNSET


class PolicySetValidateResponse(Shape):
    valid: bool


class PolicySetDryRunResponse(Shape, kw_only=True):
    """What the set says, in whichever mode it is."""

    decision: Annotated[str, Meta(description="allow or deny")]
    mode: str
    version: SetVersion
    entrypoint: str | UnsetType = UNSET
    error: str | UnsetType = UNSET
    explain: str | UnsetType = UNSET
    reasons: Annotated[list[str], Meta(description="modules that deny it")]


class PolicySetVersionSummary(Shape, kw_only=True):
    version: SetVersion
    mode: str
    created_at: Instant
    created_by: str | UnsetType = UNSET
    decision: str | UnsetType = UNSET


class PolicySetVersionsResponse(Shape):
    """Versions, newest first."""

    versions: list[PolicySetVersionSummary]
