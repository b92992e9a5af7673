"""API keys: created, rotated and revoked. A secret is told once, when it is made.

Who administers keys sees those of its organization, and if it is bound to an environment, those bound to the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from app import texts
from app.access.actor import Actor
from app.access.credentials import (
    BOOTSTRAP,
    KEY_PREFIX,
    PLATFORM_PREFIX,
    Credentials,
    Origin,
    hash_of,
    made,
    prefix_of,
)
from app.access.records import Key
from app.access.register import Register
from app.access.roles import Roles, check_name, may_give, not_found
from app.clock import Clock
from app.errors import InvalidArgument
from app.history.kinds import ApiKeyCreated, ApiKeyRevoked, ApiKeyRolesReplaced, ApiKeyRotated, Fact
from app.ids import Ids

OVERLAP_S_DEFAULT = 24 * 3_600
OVERLAP_S_MAX = 30 * 24 * 3_600
LIFE_US_MAX = 10 * 366 * 24 * 3_600 * 1_000_000


class Issued(msgspec.Struct, frozen=True):
    """A key, and the secret that was made for it now."""

    key: Key
    secret: str


class Keys:
    def __init__(self, *, register: Register, credentials: Credentials, roles: Roles, ids: Ids, clock: Clock) -> None:
        self._register = register
        self._credentials = credentials
        self._roles = roles
        self._ids = ids
        self._clock = clock

    def list(self, actor: Actor) -> Sequence[Key]:
        """In the order in which they were made."""
        return [key for key in self._register.of(actor.org, Key) if sees(actor, key)]

    def get(self, actor: Actor, id: str) -> Key:
        """Raises IdentityNotFound."""
        key = self._register.find(Key, id)
        if key is None or key.org != actor.org or not sees(actor, key):
            raise not_found("apikey", id)
        return key

    async def makers(self, keys: Sequence[Key]) -> Mapping[str, str]:
        """Who made each, by the key's id: the id of a key or user, "" for the server."""
        return await self._register.makers(Key, keys)

    def last_used_at(self, key: Key) -> int:
        """0 for never."""
        return self._credentials.used.get(key.id, 0)

    def last_used_from(self, key: Key) -> Origin | None:
        """Where that was, to the minute; None if it is not known."""
        return self._credentials.origins.get(key.id)

    async def create(
        self,
        actor: Actor,
        name: str,
        roles: Sequence[str],
        *,
        environment: str = "",
        life_us: int = 0,
        platform: bool = False,
    ) -> Issued:
        """A new key in the actor's organization; bound to an environment (its namespace) if one is given, or if the
        actor is. Raises InvalidArgument, IdentityNotFound, PermissionDenied."""
        if name == BOOTSTRAP:
            raise InvalidArgument(f"the name {name} is the server's own", field="name", hint="take another name")
        return await self._create(
            actor, name, self._roles.ids_of(actor, roles), actor.environment or environment, life_us, platform
        )

    async def bootstrap(self, actor: Actor, roles: Sequence[str]) -> Issued:
        """The key that a server makes for whoever can read its data directory."""
        return await self._create(actor, BOOTSTRAP, tuple(roles), "", 0, False)

    async def rotate(
        self, actor: Actor, id: str, *, overlap_s: int | None = None, expected: int | None = None
    ) -> Issued:
        """Another secret; the old one counts on for the overlap, 0 ends it now. Raises IdentityNotFound,
        PermissionDenied, InvalidArgument, RevisionConflict."""
        key = self._managed(actor, id)
        overlap_s = OVERLAP_S_DEFAULT if overlap_s is None else overlap_s
        if not 0 <= overlap_s <= OVERLAP_S_MAX:
            raise InvalidArgument(
                f"overlap_seconds {overlap_s} is out of range", field="overlap_seconds", hint=f"0 to {OVERLAP_S_MAX}"
            )
        secret = made(key.prefix[: key.prefix.find("_") + 1])
        until = self._clock.now_us() + overlap_s * 1_000_000 if overlap_s else 0

        def decide(known: Key | None) -> Sequence[Fact]:
            if known is None:
                raise not_found("apikey", id)
            return [ApiKeyRotated(prefix=prefix_of(secret), hash=hash_of(secret), previous_until=until)]

        rotated = await self._register.record(key.org, Key, key.id, decide, actor=actor.id, expected=expected)
        return Issued(rotated, secret)

    async def replace_roles(self, actor: Actor, id: str, roles: Sequence[str], *, expected: int | None = None) -> Key:
        """Raises IdentityNotFound, PermissionDenied, InvalidArgument, RevisionConflict."""
        key = self._managed(actor, id)
        wanted = self._roles.ids_of(actor, roles)

        def decide(known: Key | None) -> Sequence[Fact]:
            if known is None:
                raise not_found("apikey", id)
            return [ApiKeyRolesReplaced(roles=wanted)] if wanted != known.roles else []

        return await self._register.record(key.org, Key, key.id, decide, actor=actor.id, expected=expected)

    async def revoke(self, actor: Actor, id: str, *, reason: str = "", expected: int | None = None) -> None:
        """At once, for streams that are open too. Raises IdentityNotFound, PermissionDenied, InvalidArgument,
        RevisionConflict."""
        texts.reason(reason)
        key = self._managed(actor, id)

        def decide(known: Key | None) -> Sequence[Fact]:
            return [ApiKeyRevoked(reason=reason)] if known is not None else []

        await self._register.record(key.org, Key, key.id, decide, actor=actor.id, expected=expected)

    def _managed(self, actor: Actor, id: str) -> Key:
        """One that the actor may change: a secret of it would be worth no more than its own."""
        key = self.get(actor, id)
        may_give(actor, self._credentials.actor_of(key).permissions, what=f"key {key.name}")
        return key

    async def _create(
        self, actor: Actor, name: str, roles: tuple[str, ...], environment: str, life_us: int, platform: bool
    ) -> Issued:
        check_name(name)
        if not 0 <= life_us <= LIFE_US_MAX:
            raise InvalidArgument("expires_in is out of range", field="expires_in", hint="such as 720h or 90d")
        secret = made(PLATFORM_PREFIX if platform else KEY_PREFIX)
        fact = ApiKeyCreated(
            name=name,
            prefix=prefix_of(secret),
            hash=hash_of(secret),
            roles=roles,
            environment=environment,
            expires_at=self._clock.now_us() + life_us if life_us else 0,
        )
        id = self._ids.api_key()
        return Issued(await self._register.record(actor.org, Key, id, lambda known: [fact], actor=actor.id), secret)


def sees(actor: Actor, key: Key) -> bool:
    """Whether whoever may read keys of its organization may read this one."""
    return not actor.environment or key.environment == actor.environment
