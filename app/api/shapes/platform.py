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


class PlatformUser(Shape):
    """Who looks after the platform."""

    id: str
    email: str
    name: str
    is_active: Annotated[bool, Meta(description="whether they can sign in")]
    role_ids: list[str]
    created_at: Instant
    updated_at: Instant
    last_login_at: Instant | None = None


class PlatformCreateUserRequest(msgspec.Struct, forbid_unknown_fields=True):
    email: str
    password: Annotated[str, Meta(description="without one they sign in by a link")] = ""
    name: str = ""
    role_ids: Annotated[list[str], Meta(description="ids or names; platform_viewer if left out")] = []


class PlatformUpdateUserRequest(msgspec.Struct, forbid_unknown_fields=True):
    email: str | None = None
    name: str | None = None
    password: Annotated[str | None, Meta(description="their sessions are over")] = None
    is_active: Annotated[bool | None, Meta(description="false: they are signed out, and cannot sign in")] = None
    role_ids: list[str] | None = None


class PlatformBootstrapRequest(msgspec.Struct, forbid_unknown_fields=True):
    email: str
    password: str
    name: str = ""


class PlatformBootstrapResponse(Shape):
    id: str
    email: str
    name: str


class PlatformCreateRoleRequest(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    permissions: list[str] = []
    policy_ids: Annotated[list[str], Meta(description="policies that are to count for the role, by id or name")] = []


class PlatformUpdateRoleRequest(msgspec.Struct, forbid_unknown_fields=True):
    name: str | None = None
    permissions: list[str] | None = None


class MonitorRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Why a policy is to deny nothing any more, but only tell."""

    reason: str
