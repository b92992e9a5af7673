"""What happens to identities and tenants: keys, users, sessions, roles, organizations, projects, environments.

They are recorded in the namespace that has the organization's id as its name. No password, and nothing made from one,
is in history; of a key and of a session's token there is the SHA-256, which tells nothing of 256 random bits.
"""

from __future__ import annotations

from app.history.kinds.base import Fact


class ApiKeyCreated(Fact, frozen=True):
    """stream apikey/<id>, as are the next three. `prefix` is how the secret begins, `roles` are ids; `environment` is
    the one that the key is bound to, "" for none; `expires_at` is 0 for never."""

    kind = "apikey.created"
    name: str
    prefix: str
    hash: str
    roles: tuple[str, ...]
    environment: str = ""
    expires_at: int = 0


class ApiKeyRotated(Fact, frozen=True):
    """Another secret; the one before counts until `previous_until`."""

    kind = "apikey.rotated"
    prefix: str
    hash: str
    previous_until: int = 0


class ApiKeyRolesReplaced(Fact, frozen=True):
    kind = "apikey.roles_replaced"
    roles: tuple[str, ...]


class ApiKeyRevoked(Fact, frozen=True):
    kind = "apikey.revoked"
    reason: str = ""


class UserCreated(Fact, frozen=True):
    """stream user/<id>, as are the next three."""

    kind = "user.created"
    email: str
    name: str
    roles: tuple[str, ...]


class UserChanged(Fact, frozen=True):
    """All that it is from here on. Who is not `active` cannot sign in, and every session is over."""

    kind = "user.changed"
    email: str
    name: str
    roles: tuple[str, ...]
    active: bool = True


class UserPasswordChanged(Fact, frozen=True):
    """Sessions opened before are over."""

    kind = "user.password_changed"


class UserDeleted(Fact, frozen=True):
    kind = "user.deleted"


class SessionOpened(Fact, frozen=True):
    """stream session/<id>; somebody signed in. `way` is password or link."""

    kind = "session.opened"
    user: str
    hash: str
    expires_at: int
    way: str = "password"
    address: str = ""


class SessionClosed(Fact, frozen=True):
    kind = "session.closed"


class RoleCreated(Fact, frozen=True):
    """stream role/<id>. `platform`: it was made for those who look after the platform."""

    kind = "role.created"
    name: str
    permissions: tuple[str, ...] = ()
    platform: bool = False


class RoleChanged(Fact, frozen=True):
    """All that it is from here on."""

    kind = "role.changed"
    name: str
    permissions: tuple[str, ...] = ()


class RoleDeleted(Fact, frozen=True):
    kind = "role.deleted"


class OrgCreated(Fact, frozen=True):
    """stream org/<id>"""

    kind = "org.created"
    name: str


class OrgChanged(Fact, frozen=True):
    """All that it is from here on; `timezone` is for showing times to people."""

    kind = "org.changed"
    name: str
    timezone: str = ""


class OrgDeleted(Fact, frozen=True):
    kind = "org.deleted"


class ProjectCreated(Fact, frozen=True):
    """stream project/<id>"""

    kind = "project.created"
    name: str
    description: str = ""


class ProjectChanged(Fact, frozen=True):
    """All that it is from here on."""

    kind = "project.changed"
    name: str
    description: str = ""


class ProjectDeleted(Fact, frozen=True):
    kind = "project.deleted"


class EnvironmentCreated(Fact, frozen=True):
    """stream environment/<id>. `namespace` is what rows, subjects and entries carry, and never changes."""

    kind = "environment.created"
    name: str
    project: str
    namespace: str
    color: str = ""


class EnvironmentChanged(Fact, frozen=True):
    """All that can change of it."""

    kind = "environment.changed"
    name: str
    color: str = ""


class EnvironmentDeleted(Fact, frozen=True):
    kind = "environment.deleted"


FACTS: tuple[type[Fact], ...] = (
    ApiKeyCreated,
    ApiKeyRotated,
    ApiKeyRolesReplaced,
    ApiKeyRevoked,
    UserCreated,
    UserChanged,
    UserPasswordChanged,
    UserDeleted,
    SessionOpened,
    SessionClosed,
    RoleCreated,
    RoleChanged,
    RoleDeleted,
    OrgCreated,
    OrgChanged,
    OrgDeleted,
    ProjectCreated,
    ProjectChanged,
    ProjectDeleted,
    EnvironmentCreated,
    EnvironmentChanged,
    EnvironmentDeleted,
)
