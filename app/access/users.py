"""Users: people who sign in with an e-mail address and a password."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.access import passwords
from app.access.actor import Actor
from app.access.proving import Proving
from app.access.records import User
from app.access.register import Register
from app.access.roles import Roles, check_name, may_give, not_found
from app.clock import Clock
from app.errors import AlreadyExists, Conflict, InvalidArgument, PermissionDenied
from app.history.kinds import Fact, UserChanged, UserCreated, UserDeleted, UserPasswordChanged
from app.ids import Ids
from storage import identities
from storage.contract import Storage

ADMIN_EMAIL = "admin@ironflow.local"

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


class Users:
    def __init__(
        self, *, register: Register, roles: Roles, storage: Storage, proving: Proving, ids: Ids, clock: Clock
    ) -> None:
        self._register = register
        self._roles = roles
        self._storage = storage
        self._ids = ids
        self._clock = clock
        self._proving = proving

    def list(self, actor: Actor) -> Sequence[User]:
        """In the order in which they were made."""
        return self._register.of(actor.org, User)

    def get(self, actor: Actor, id: str) -> User:
        """Raises IdentityNotFound."""
        user = self._register.find(User, id)
        if user is None or user.org != actor.org:
            raise not_found("user", id)
        return user

    def named(self, email: str) -> User | None:
        """Of any organization: an address is somebody's once."""
        wanted = email.strip().casefold()
        return next((user for user in self._register.all(User) if user.email == wanted), None)

    async def create(self, actor: Actor, email: str, password: str, *, name: str = "", roles: Sequence[str]) -> User:
        """Without a password nobody can sign in as the user but by a link. Raises AlreadyExists, InvalidArgument,
        IdentityNotFound, PermissionDenied."""
        email = _checked(email)
        wanted = self._roles.ids_of(actor, roles, field="roles")
        if name:
            check_name(name)
        if password:
            passwords.check(password)

        def decide(known: User | None) -> Sequence[Fact]:
            self._refuse_taken(email)
            return [UserCreated(email=email, name=name, roles=wanted)]

        user = await self._register.record(actor.org, User, self._ids.user(), decide, actor=actor.id)
        if password:
            await self._keep(user, password)
        return user

    async def update(
        self,
        actor: Actor,
        id: str,
        *,
        email: str | None = None,
        name: str | None = None,
        roles: Sequence[str] | None = None,
        active: bool | None = None,
    ) -> User:
        """Who is no longer active is signed out everywhere, and cannot sign in. Raises IdentityNotFound, AlreadyExists,
        InvalidArgument, PermissionDenied, and Conflict for shutting oneself out."""
        user = self._managed(actor, id)
        if active is False and actor.id == id:
            raise Conflict("you would shut yourself out", field="is_active", hint="let somebody else do it")
        told = user.email if email is None else _checked(email)
        wanted = user.roles if roles is None else self._roles.ids_of(actor, roles, field="roles")
        called = user.name if name is None else name
        if called:
            check_name(called)

        def decide(known: User | None) -> Sequence[Fact]:
            if known is None:
                raise not_found("user", id)
            if told != known.email:
                self._refuse_taken(told)
            going = known.active if active is None else active
            return [UserChanged(email=told, name=called, roles=wanted, active=going)]

        return await self._register.record(user.org, User, user.id, decide, actor=actor.id)

    async def change_password(self, actor: Actor, id: str, password: str, *, current: str = "") -> None:
        """One's own, by telling the current one; or another's, by who may manage users. Every session of the user is
        over. Raises IdentityNotFound, PermissionDenied, InvalidArgument, and RateLimited for who guesses the current
        one."""
        own = actor.id == id
        if own:
            user = self.get(actor, id)
            await self._prove(user, current)
        else:
            if not actor.may("users:manage"):
                raise PermissionDenied("this needs the permission users:manage")
            user = self._managed(actor, id)
        await self._replace_password(actor, user, password, field="new_password")

    async def set_password(self, actor: Actor, id: str, password: str) -> None:
        """Another's, by who may manage them; every session of theirs is over. Raises IdentityNotFound,
        PermissionDenied, InvalidArgument."""
        await self._replace_password(actor, self._managed(actor, id), password, field="password")

    async def delete(self, actor: Actor, id: str) -> None:
        """Their sessions are over too. Raises IdentityNotFound, PermissionDenied."""
        user = self._managed(actor, id)

        def decide(known: User | None) -> Sequence[Fact]:
            return [UserDeleted()] if known is not None else []

        await self._register.record(user.org, User, user.id, decide, actor=actor.id)
        await self._storage.write(lambda tx: identities.remove_password(tx, user.id))

    async def password_of(self, user: User) -> str:
        """What it is checked against; "" if there is none."""
        return await self._storage.read(lambda tx: identities.password(tx, user.id))

    async def _prove(self, user: User, current: str) -> None:
        """Returns if that is the user's password, or there is none yet. Raises PermissionDenied, RateLimited."""
        if not await self.password_of(user):
            return
        if not await self._proving.proves(current, lambda: self.password_of(user), user.id):
            raise PermissionDenied("the current password is another", field="current_password")

    async def _replace_password(self, actor: Actor, user: User, password: str, *, field: str) -> None:
        passwords.check(password, field=field)
        await self._keep(user, password)
        await self._register.record(user.org, User, user.id, lambda known: [UserPasswordChanged()], actor=actor.id)

    async def _keep(self, user: User, password: str) -> None:
        hash, now = await self._proving.hashed(password), self._clock.now_us()
        await self._storage.write(lambda tx: identities.save_password(tx, user.id, hash, set_at=now))

    def _managed(self, actor: Actor, id: str) -> User:
        """One that the actor may change: who could sign in as them would have no more than before."""
        user = self.get(actor, id)
        may_give(actor, self._register.permissions(user.org, user.roles), what=user.email)
        return user

    def _refuse_taken(self, email: str) -> None:
        if self.named(email) is not None:
            raise AlreadyExists(f"there is a user {email!r}", field="email", hint="take another address")


def _checked(email: str) -> str:
    """The address as it is compared. Raises InvalidArgument."""
    told = email.strip().casefold()
    if not _EMAIL.fullmatch(told) or not told.isprintable():
        raise InvalidArgument(f"email {email[:80]!r} is no address", field="email", hint="such as ada@example.com")
    return told
