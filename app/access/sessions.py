"""Signing in: by password, or by a link that counts once; and signing out.

What is tried is throttled by account and by address, and refused in the same words and after the same work whether
there is such a user or not. A session's token is told once; history has its SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import msgspec

from app.access.credentials import SESSION_PREFIX, hash_of, made
from app.access.proving import Proving
from app.access.records import Session, User
from app.access.register import Register
from app.access.users import Users
from app.clock import Clock
from app.errors import Unauthenticated
from app.history.kinds import Fact, SessionClosed, SessionOpened
from app.ids import Ids

LIFE_S = 24 * 3_600
LINK_LIFE_S = 15 * 60
LINKS_MAX = 100
SESSIONS_MAX = 100
"""Of one user at a time."""


class SignedIn(msgspec.Struct, frozen=True):
    """A session and the token that was made for it now."""

    session: Session
    user: User
    token: str


class Sessions:
    def __init__(self, *, register: Register, users: Users, proving: Proving, ids: Ids, clock: Clock) -> None:
        self._register = register
        self._users = users
        self._ids = ids
        self._clock = clock
        self._proving = proving
        self._links: dict[str, tuple[str, int]] = {}

    async def log_in(self, email: str, password: str, *, address: str = "") -> SignedIn:
        """Raises Unauthenticated, RateLimited."""
        user = self._users.named(email)
        keys = (f"account {email.strip().casefold()[:255]}", f"address {address}")
        if not await self._proving.proves(password, lambda: self._kept(user), *keys) or user is None:
            raise Unauthenticated(
                "the e-mail address or the password is wrong", hint="ask an administrator to reset it"
            )
        return await self._open(user, "password", address)

    async def _kept(self, user: User | None) -> str:
        return await self._users.password_of(user) if user is not None and user.active else ""

    def link(self, user: User) -> str:
        """A token that signs its bearer in as the user, once and soon, on this node."""
        now = self._clock.now_us()
        self._links = {hash: one for hash, one in self._links.items() if one[1] > now}
        while len(self._links) >= LINKS_MAX:
            del self._links[next(iter(self._links))]
        token = made("iflink_")
        self._links[hash_of(token)] = (user.id, now + LINK_LIFE_S * 1_000_000)
        return token

    async def exchange(self, token: str, *, address: str = "") -> SignedIn:
        """Sign in by a link's token. Raises Unauthenticated, RateLimited."""
        key = f"address {address}"
        self._proving.throttle.check(key)
        user_id, until = self._links.pop(hash_of(token), ("", 0))
        user = self._register.find(User, user_id)
        if user is None or not user.active or self._clock.now_us() >= until:
            self._proving.throttle.failed(key)
            raise Unauthenticated(
                "this link was used before, or is too old", hint="`ironflow login --link` prints another"
            )
        return await self._open(user, "link", address)

    async def log_out(self, session_id: str) -> None:
        """Nothing changes for one that is over."""
        session = self._register.find(Session, session_id)
        if session is not None:
            await self._close(session)

    async def _open(self, user: User, way: str, address: str) -> SignedIn:
        own = [one for one in self._register.of(user.org, Session) if one.user == user.id]
        over = [one for one in own if one.expires_at <= self._clock.now_us()]
        living = [one for one in own if one not in over]
        for old in (*over, *living[: max(0, len(living) - SESSIONS_MAX + 1)]):
            await self._close(old)
        token = made(SESSION_PREFIX)
        fact = SessionOpened(
            user=user.id,
            hash=hash_of(token),
            expires_at=self._clock.now_us() + LIFE_S * 1_000_000,
            way=way,
            address=address,
        )
        session = await self._register.record(
            user.org, Session, self._ids.session(), lambda known: [fact], actor=user.id
        )
        return SignedIn(session, user, token)

    async def _close(self, session: Session) -> None:
        def decide(known: Session | None) -> Sequence[Fact]:
            return [SessionClosed()] if known is not None else []

        await self._register.record(session.org, Session, session.id, decide, actor=session.user)


def csrf_of(token: str) -> str:
    """What a page has to send along with the session's cookie: only who was told it at the sign-in, or asks with the
    cookie from our own pages, knows it."""
    return hashlib.sha256(f"csrf {token}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def is_csrf_of(token: str, told: str) -> bool:
    return hmac.compare_digest(csrf_of(token).encode(), told.encode("utf-8", "surrogatepass"))
