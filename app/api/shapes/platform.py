"""The platform's bodies, parameters and answers, as published."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.audit import AuditEventResponse, Cursor
from app.api.shapes.base import Instant, NextCursor, Shape, Since, Until


class PlatformProvisionTenantRequest(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class PlatformTenantResponse(Shape):
    id: str
    name: str
    created_at: Instant
    updated_at: Instant
    api_key: Annotated[str, Meta(description="of an administrator; when it is made only")] | UnsetType = UNSET


class PlatformAuditQuery(msgspec.Struct):
    event_type: Annotated[str, Meta(description="authz.allowed, authz.denied or platform.impersonated")] = ""
    impersonated_org_id: Annotated[str, Meta(description="what was done in or to this organization")] = ""
    platform_key_id: Annotated[str, Meta(description="by this caller, of any kind")] = ""
    from_: Since = msgspec.field(default="", name="from")
    to: Until = ""
    cursor: Cursor = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 50


class PlatformAuditResponse(Shape, kw_only=True):
    """Events, newest first."""

    events: list[AuditEventResponse]
    total: Annotated[int, Meta(description="in this page")]
    next_cursor: NextCursor = UNSET
