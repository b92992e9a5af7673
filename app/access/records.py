"""What is known of identities and tenants: small registers, of which each node has all in memory."""

from __future__ import annotations

import msgspec

ORG, PROJECT, ENVIRONMENT, KEY, USER, SESSION, ROLE = (
    "org",
    "project",
    "environment",
    "apikey",
    "user",
    "session",
    "role",
)


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """`org` is whose it is; of an organization, itself. One that is `gone` is in no register."""

    id: str
    org: str
    created_at: int = 0
    updated_at: int = 0
    position: int = 0
    gone: bool = False


class Org(Identity, frozen=True):
    name: str
    timezone: str = ""


class Project(Identity, frozen=True):
    name: str
    description: str = ""


class Environment(Identity, frozen=True):
    """`namespace` is what rows, subjects and entries carry."""

    name: str
    project: str
    namespace: str
    color: str = ""


class Key(Identity, frozen=True):
    """`prefix` is how the secret begins, `hash` the SHA-256 of all of it; those of the secret before count until
    `previous_until`. `environment` is the namespace that it is bound to, "" for none; `expires_at` is 0 for never."""

    name: str
    prefix: str
    hash: str
    roles: tuple[str, ...]
    environment: str = ""
    expires_at: int = 0
    previous_prefix: str = ""
    previous_hash: str = ""
    previous_until: int = 0

    def counts(self, now: int) -> bool:
        """Whether it has not expired."""
        return not self.expires_at or now < self.expires_at


class User(Identity, frozen=True):
    """Sessions opened before position `sessions_after` are over; who is not `active` opens none."""

    email: str
    name: str
    roles: tuple[str, ...]
    sessions_after: int = 0
    active: bool = True


class Session(Identity, frozen=True):
    user: str
    hash: str
    expires_at: int
    way: str = "password"
    address: str = ""


class Role(Identity, frozen=True):
    """`platform`: it was made for those who look after the platform."""

    name: str
    permissions: tuple[str, ...] = ()
    platform: bool = False

    @property
    def of_platform(self) -> bool:
        """Whether who has it looks after the platform."""
        return self.platform or any(one.startswith("platform:") for one in self.permissions)


KINDS: dict[str, type[Identity]] = {
    ORG: Org,
    PROJECT: Project,
    ENVIRONMENT: Environment,
    KEY: Key,
    USER: User,
    SESSION: Session,
    ROLE: Role,
}
