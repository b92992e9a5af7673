"""Keys, roles, users, sessions and tenants, as REST tells them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.base import Instant, Shape


class ApiKeyResponse(Shape):
    """A key, without its secret."""

    id: str
    name: str
    revision: Annotated[int, Meta(description="another after each change: what If-Match expects")]
    key_prefix: Annotated[str, Meta(description="how the secret begins")]
    role_ids: list[str]
    environment_id: Annotated[str, Meta(description="the environment it is bound to; empty for none")]
    created_at: Instant
    expires_at: Instant | None
    last_used_at: Annotated[Instant | None, Meta(description="as far as this node knows")]
    last_used_from: Annotated[str, Meta(description="the address then, to the minute; empty if it is not known")]
    last_used_by: Annotated[str, Meta(description="the program then, as it calls itself")]
    created_by: Annotated[str, Meta(description="the key or user that made it; empty for the server")]
    created_by_name: Annotated[str, Meta(description="its name or e-mail; empty if one may not know it")]
    previous_expires_at: Annotated[Instant | None, Meta(description="until when the secret before counts")]


class CreateApiKeyResponse(ApiKeyResponse):
    """A key with its secret, which is told this once."""

    key: str


class CreateApiKeyRequest(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    role_ids: Annotated[list[str], Meta(description="ids or names; viewer if left out")] = []
    env_id: Annotated[str, Meta(description="binds the key to an environment, by id or name")] = ""
    expires_in: Annotated[str, Meta(description="such as 720h or 90d; never if left out")] = ""
    platform: bool = False
    tool_scopes: list[str] = []


class RotateApiKeyRequest(msgspec.Struct, forbid_unknown_fields=True):
    overlap_seconds: Annotated[
        int | None, Meta(description="how long the old secret counts on; 0 ends it now; a day if left out")
    ] = None


class ReplaceRolesRequest(msgspec.Struct, forbid_unknown_fields=True):
    role_ids: list[str]


class KeyAccessQuery(msgspec.Struct):
    action: Annotated[str, Meta(description="decide this too, such as secrets:read")] = ""
    resource: Annotated[str, Meta(description="on this, TYPE/ID such as secret/stripe")] = "*"
    environment: Annotated[str, Meta(description="in this one, if the key is not bound to one")] = ""


class GivingRole(Shape):
    """A role of the key; one that is gone gives nothing."""

    id: str
    name: str
    permissions: list[str]


class AskedPolicy(Shape):
    """A policy that is asked about the key."""

    id: str
    name: str
    mode: str
    enforced: Annotated[bool, Meta(description="whether it denies this key, or only tells")]
    actions: list[str]
    resources: list[str]
    condition: str


class KeyDecision(Shape, kw_only=True):
    """What would be decided of a request by this key, now; of what policies say only to who may read them."""

    action: str
    resource: str
    environment: str
    allowed: bool
    by: Annotated[Literal["key", "role", "policy"], Meta(description="what decides: the key itself, roles, a policy")]
    reason: str
    roles: Annotated[list[str], Meta(description="the names of its roles that give the permission")]
    policy: str | UnsetType = UNSET
    policy_version: int | UnsetType = UNSET
    would_deny: Annotated[list[str], Meta(description="what policies that only tell would say")]


class KeyAccessResponse(Shape, kw_only=True):
    """What a key may, by which roles, and which policies can take it away."""

    id: str
    name: str
    roles: list[GivingRole]
    permissions: Annotated[list[str], Meta(description="those of its roles, but for what its binding takes away")]
    withheld: Annotated[list[str], Meta(description="what a role gives, and a key of one environment never has")]
    policies: Annotated[list[AskedPolicy], Meta(description="empty for who may not read policies")]
    decision: KeyDecision | UnsetType = UNSET


class ListApiKeysQuery(msgspec.Struct):
    platform: bool = False


class RevokeApiKeyQuery(msgspec.Struct):
    reason: str = ""


class RoleResponse(Shape):
    id: str
    name: str
    org_id: str
    permissions: list[str]
    is_default: Annotated[bool, Meta(description="one of the system's: it cannot be changed")]
    api_key_count: int
    created_at: Instant


class CreateRoleRequest(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    permissions: list[str] = []


class UpdateRoleRequest(msgspec.Struct, forbid_unknown_fields=True):
    name: str | None = None
    permissions: list[str] | None = None


class UserResponse(Shape):
    id: str
    email: str
    name: str
    roles: list[str]
    org_id: str
    created_at: Instant
    updated_at: Instant
    last_login_at: Instant | None = None
    is_active: Annotated[bool, Meta(description="whether they can sign in")] = True


class CreateUserRequest(msgspec.Struct, forbid_unknown_fields=True):
    email: str
    password: str = ""
    name: str = ""
    roles: Annotated[list[str], Meta(description="viewer if left out")] = []


class UpdateUserRequest(msgspec.Struct, forbid_unknown_fields=True):
    email: str | None = None
    name: str | None = None
    roles: list[str] | None = None
    is_active: Annotated[bool | None, Meta(description="false: they are signed out, and cannot sign in")] = None


class ChangePasswordRequest(msgspec.Struct, forbid_unknown_fields=True):
    new_password: str
    current_password: Annotated[str, Meta(description="needed for one's own")] = ""


class LoginRequest(msgspec.Struct, forbid_unknown_fields=True):
    email: str
    password: str


class ExchangeRequest(msgspec.Struct, forbid_unknown_fields=True):
    token: Annotated[str, Meta(description="of a sign-in link")]


class SessionUser(Shape):
    id: str
    email: str
    name: str
    roles: list[str]


class LoginResponse(Shape):
    """The session is in a cookie too. A page is not told the token, which scripts need not know."""

    user: SessionUser
    csrf_token: Annotated[str, Meta(description="to be sent as X-Ironflow-CSRF with everything that changes something")]
    expires_at: Instant
    token: Annotated[str, Meta(description="for Authorization: Bearer; empty for a page in a browser")] = ""


class MeResponse(Shape):
    """Whom the credentials make known."""

    id: str
    kind: Annotated[str, Meta(description="key, session, bootstrap, or anonymous where nobody is asked")]
    roles: list[str]
    permissions: list[str]
    org_id: str
    environment_id: Annotated[str, Meta(description="that this call is in, as the credentials and headers say")]
    bound: Annotated[bool, Meta(description="whether the credentials are for that environment only")]
    auth_required: bool
    user: SessionUser | None = None
    csrf_token: str = ""


class LinkResponse(Shape):
    url: Annotated[str, Meta(description="signs its bearer in, once, within 15 minutes, on this node")]
    token: str


class OrgPreferences(Shape):
    default_timezone: str | None = None


class OrgResponse(Shape):
    id: str
    name: str
    created_at: Instant
    updated_at: Instant
    preferences: OrgPreferences | None = None


class CreateOrgRequest(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class UpdateOrgRequest(msgspec.Struct, forbid_unknown_fields=True):
    name: str | None = None
    preferences: OrgPreferences | None = None


class ProjectResponse(Shape):
    id: str
    name: str
    description: str
    org_id: str
    created_at: Instant
    updated_at: Instant


class ProjectRequest(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    description: str | None = None


class UpdateProjectRequest(msgspec.Struct, forbid_unknown_fields=True):
    name: str | None = None
    description: str | None = None


class DeletedResponse(Shape):
    status: str = "deleted"
    deleted: str = ""


class EnvironmentResponse(Shape):
    id: str
    name: str
    project_id: str
    color: str
    created_at: Instant
    updated_at: Instant


class CreateEnvironmentRequest(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    project_id: Annotated[str, Meta(description="the organization's first if left out")] = ""
    color: str = ""


class UpdateEnvironmentRequest(msgspec.Struct, forbid_unknown_fields=True):
    name: str | None = None
    color: str | None = None


class ListEnvironmentsQuery(msgspec.Struct):
    project_id: str = ""


class TenantResponse(Shape):
    id: str
    name: str
    env_count: int
    key_count: int
    created_at: Instant


class ProvisionRequest(msgspec.Struct, forbid_unknown_fields=True):
    org_name: str
    env_name: Annotated[str, Meta(description="default if left out")] = ""


class ProvisionedEntry(Shape):
    id: str
    name: str


class ProvisionedKey(Shape):
    key: Annotated[str, Meta(description="told this once")]
    roles: list[str]


class ProvisionResponse(Shape):
    org: ProvisionedEntry
    environment: ProvisionedEntry
    api_key: ProvisionedKey
