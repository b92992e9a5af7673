"""Who asks: what is known of a caller once the credentials are checked."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["key", "user", "session", "bootstrap", "anonymous"]

ORG_DEFAULT = "org_default"


class Actor(msgspec.Struct, frozen=True):
    """A caller. `id` is the record's own (`ak_…`, `usr_…`) and never a credential; `permissions` is what its roles
    allow, already expanded: names such as "runs:read", or "*" for all; `environment` is the one it is bound to, "" for
    every one of its organization."""

    id: str
    kind: Kind
    roles: tuple[str, ...] = ()
    permissions: frozenset[str] = msgspec.field(default_factory=frozenset)
    org: str = ORG_DEFAULT
    environment: str = ""

    def __hash__(self) -> int:
        """By the id alone, since it is asked for on every call; who has another role is not equal all the same."""
        return hash(self.id)

    def may(self, permission: str) -> bool:
        """Whether one of its roles allows that."""
        return permission in self.permissions or "*" in self.permissions
