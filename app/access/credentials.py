"""Whom a credential makes known: the bearer of a key's secret, or of the token of somebody who signed in.

A secret has 256 random bits, so that a plain SHA-256 of it can neither be guessed back nor searched for: a slow hash
is for what people choose, and would cost each call what it costs an attacker. A key is found by how its secret begins,
which is no secret, and then compared whole, in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from app.access.actor import ORG_DEFAULT, Actor
from app.access.permissions import ADMIN, OF_THE_ORGANIZATION, PLATFORM_ADMIN, VIEWER
from app.access.records import Key, Org, Session, User
from app.access.register import Register
from app.clock import Clock
from app.errors import IdentityNotFound, PermissionDenied, Unauthenticated

KEY_PREFIX, PLATFORM_PREFIX, SESSION_PREFIX = "ifkey_", "ifplatform_", "ifses_"
SECRET_BYTES = 32
PREFIX_CHARS = 8
"""Of a secret's random part: what a key is found by, and what lists show of it."""
TOKEN_CHARS_MAX = 128
KEYS_REMEMBERED_MAX = 10_000
FOREVER = 2**62
NOTED_EVERY_US = 60_000_000
AGENT_CHARS_MAX = 200

ANONYMOUS = Actor(id="", kind="anonymous", roles=("admin",), permissions=frozenset(("*",)), org=ORG_DEFAULT)
"""Whoever calls a server that asks nobody who they are."""


class Proof(NamedTuple):
    """What somebody was recognised by, to be looked at again later. `until` is when it ends, if nothing happens."""

    noun: type[Key | Session]
    id: str
    hash: str
    until: int = FOREVER


class Origin(NamedTuple):
    """Where a key was used from, and by what program, as it says itself; noted at an instant."""

    noted_at: int
    address: str = ""
    agent: str = ""


class Recognised(NamedTuple):
    actor: Actor
    proof: Proof | None = None


NOBODY = Recognised(ANONYMOUS)


class Credentials:
    """`used` has the instants at which keys were used last, as far as this node knows, `origins` from where: that is
    looked at once a minute, since a key is used from one place as a rule, and every call would pay. Keys that were
    recognised are remembered, by the hash of the whole secret, until anything about identities changes."""

    def __init__(self, register: Register, clock: Clock) -> None:
        self._register = register
        self._clock = clock
        self._actors: dict[str, Actor] = {}
        self._keys: dict[str, Recognised] = {}
        self.used: dict[str, int] = {}
        self.origins: dict[str, Origin] = {}
        register.watch(self._forget)

    def _forget(self) -> None:
        self._actors.clear()
        self._keys.clear()

    def of_token(self, token: str) -> Recognised:
        """Who bears it. Raises Unauthenticated, in the same words for whatever is wrong with it."""
        if token.startswith(SESSION_PREFIX):
            session = self._register.session_of(hash_of(token))
            found = self._of_session(session) if session is not None else None
        else:
            found = self._of_secret(token)
        if found is None:
            raise unknown()
        return found

    def use(self, key_id: str, now: int, address: str, header: Callable[[str], str | None]) -> None:
        """Note that a key was used, from an address, by a call with these headers."""
        self.used[key_id] = now
        known = self.origins.get(key_id)
        if known is None or now >= known.noted_at + NOTED_EVERY_US:
            self.origins[key_id] = Origin(now, address[:AGENT_CHARS_MAX], agent_of(header))

    def still(self, proof: Proof) -> Recognised | None:
        """Whom the proof makes known now, and until when; None if it no longer counts."""
        if proof.noun is Key:
            key = self._register.find(Key, proof.id)
            return self._of_key(key, proof.hash) if key is not None else None
        session = self._register.find(Session, proof.id)
        return self._of_session(session) if session is not None else None

    def actor_of(self, key: Key) -> Actor:
        """Who bears the key."""
        known = self._actors.get(key.id)
        if known is None:
            allowed = self._register.permissions(key.org, key.roles)
            if key.environment:
                allowed -= OF_THE_ORGANIZATION
            kind = "bootstrap" if key.name == BOOTSTRAP else "key"
            known = Actor(key.id, kind, key.roles, allowed, key.org, key.environment)  # type: ignore[arg-type]
            self._actors[key.id] = known
        return known

    def known(self, actor_id: str) -> Actor:
        """Whom the id of an actor makes known now: a key or a user, or nobody in particular for "". Raises
        Unauthenticated if they are gone, or their organization."""
        if not actor_id:
            return ANONYMOUS
        key = self._register.find(Key, actor_id)
        if key is not None and self._clock.now_us() < (key.expires_at or FOREVER) and self._stands(key.org):
            return self.actor_of(key)
        user = self._register.find(User, actor_id)
        if user is not None and user.active and self._stands(user.org):
            return Actor(user.id, "user", user.roles, self._register.permissions(user.org, user.roles), user.org)
        raise unknown()

    def within(self, actor: Actor, org: str) -> Actor:
        """The actor in an organization: its own, or another that it may act in for the platform. Raises
        PermissionDenied, IdentityNotFound."""
        if org in ("", actor.org):
            return actor
        if not actor.may("platform:impersonate:read"):
            raise PermissionDenied(
                f"you belong to {actor.org}, and may not act in another organization",
                field="X-Ironflow-Org",
                hint="leave the header out",
            )
        if not self._stands(org):
            raise IdentityNotFound(f"there is no organization {org[:80]!r}", field="X-Ironflow-Org")
        allowed = ADMIN if actor.may("platform:impersonate") else VIEWER
        return replace(actor, org=org, permissions=allowed | (actor.permissions & PLATFORM_ADMIN), environment="")

    def _stands(self, org: str) -> bool:
        """Whether there is that organization: with it go its keys and users."""
        return self._register.find(Org, org) is not None

    def _of_secret(self, secret: str) -> Recognised | None:
        if len(secret) > TOKEN_CHARS_MAX:
            return None
        hash = hash_of(secret)
        known = self._keys.get(hash)
        if known is not None and known.proof is not None:
            now = self._clock.now_us()
            if now < known.proof.until:
                self.used[known.proof.id] = now
                return known
        for key in self._register.keys_beginning(prefix_of(secret)):
            found = self._of_key(key, hash)
            if found is not None:
                if len(self._keys) >= KEYS_REMEMBERED_MAX:
                    self._keys.clear()
                self._keys[hash] = found
                return found
        return None

    def _of_key(self, key: Key, hash: str) -> Recognised | None:
        now = self._clock.now_us()
        until = key.expires_at or FOREVER
        if not hmac.compare_digest(key.hash, hash):
            if not hmac.compare_digest(key.previous_hash, hash):
                return None
            until = min(until, key.previous_until)
        if now >= until or not self._stands(key.org):
            return None
        self.used[key.id] = now
        return Recognised(self.actor_of(key), Proof(Key, key.id, hash, until))

    def _of_session(self, session: Session) -> Recognised | None:
        user = self._register.find(User, session.user)
        if user is None or not user.active or not self._stands(user.org):
            return None
        if session.position <= user.sessions_after or self._clock.now_us() >= session.expires_at:
            return None
        known = self._actors.get(session.id)
        if known is None:
            allowed = self._register.permissions(user.org, user.roles)
            known = self._actors[session.id] = Actor(user.id, "session", user.roles, allowed, user.org)
        return Recognised(known, Proof(Session, session.id, session.hash, session.expires_at))


BOOTSTRAP = "bootstrap"
"""The name of the key that a server makes for whoever can read its data directory."""


def unknown() -> Unauthenticated:
    return Unauthenticated(
        "these credentials are not known, or no longer",
        hint="`ironflow apikey list` shows the keys there are; was it revoked, rotated, or has it expired?",
    )


def made(prefix: str) -> str:
    """A new secret."""
    return prefix + os.urandom(SECRET_BYTES).hex()


def agent_of(header: Callable[[str], str | None]) -> str:
    """The program that calls, in its own words, as far as they can be shown."""
    told = (header("user-agent") or "")[:AGENT_CHARS_MAX]
    return "".join(one for one in told if one.isprintable())


def prefix_of(secret: str) -> str:
    """By which a key is found and shown."""
    return secret[: secret.find("_") + 1 + PREFIX_CHARS]


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
