"""Who looks after the platform: its users and their roles, which are those of the organization that is there from the
start, and the first of them.

A role is the platform's if it was made for it, or allows something of it; so is a user who has one. They are the same
users and roles as in that organization's own lists; here nobody sees or changes any others.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from app.access import passwords
from app.access.actor import ORG_DEFAULT, Actor
from app.access.permissions import SYSTEM_ROLES
from app.access.records import Role, User
from app.access.roles import Roles, not_found
from app.access.users import ADMIN_EMAIL, Users
from app.errors import Conflict, InvalidArgument

FIRST_ROLES = ("admin", "platform_admin")
"""Of the first user."""


class Platform:
    """What each raises, the same of `Users` and `Roles` does."""

    def __init__(self, *, users: Users, roles: Roles) -> None:
        self._users = users
        self._roles = roles

    # Users.

    def users(self, actor: Actor) -> Sequence[User]:
        """In the order in which they were made."""
        ours = {role.id for role in self.roles(actor)}
        return [user for user in self._users.list(_at_home(actor)) if not ours.isdisjoint(user.roles)]

    def user(self, actor: Actor, id: str) -> User:
        """Raises IdentityNotFound, also for one that is not the platform's."""
        for user in self.users(actor):
            if user.id == id:
                return user
        raise not_found("user", id)

    async def create_user(self, actor: Actor, email: str, password: str, *, name: str, roles: Sequence[str]) -> User:
        """Raises InvalidArgument also for roles of which none is the platform's."""
        return await self._users.create(
            _at_home(actor), email, password, name=name, roles=self._of_ours(actor, roles, field="role_ids")
        )

    async def update_user(
        self,
        actor: Actor,
        id: str,
        *,
        email: str | None,
        name: str | None,
        password: str | None,
        active: bool | None,
        roles: Sequence[str] | None,
    ) -> User:
        """What is None stays as it is. With another password they are signed out everywhere."""
        self.user(actor, id)
        home = _at_home(actor)
        if password is not None:
            passwords.check(password)
        wanted = None if roles is None else self._of_ours(actor, roles, field="role_ids")
        changed = await self._users.update(home, id, email=email, name=name, roles=wanted, active=active)
        if password is not None:
            await self._users.set_password(home, id, password)
        return changed

    async def delete_user(self, actor: Actor, id: str) -> None:
        """Raises Conflict for oneself."""
        user = self.user(actor, id)
        if user.id == actor.id:
            raise Conflict("you would delete yourself", field="id", hint="let somebody else do it")
        await self._users.delete(_at_home(actor), user.id)

    async def bootstrap(self, actor: Actor, email: str, password: str, *, name: str) -> User:
        """The first user, who may do everything: with a password, which the administrator that is there from the start
        has not. Raises Conflict once somebody looks after the platform."""
        for user in self.users(actor):
            if user.email != ADMIN_EMAIL or await self._users.password_of(user):
                raise Conflict(
                    f"{user.email} looks after the platform already",
                    hint="sign in as they, and make more with POST /api/v1/platform/users",
                )
        if not password:
            raise InvalidArgument("the first user needs a password", field="password")
        return await self._users.create(_at_home(actor), email, password, name=name, roles=FIRST_ROLES)

    # Roles.

    def roles(self, actor: Actor) -> Sequence[Role]:
        """Those of the system first."""
        return [role for role in self._roles.list(ORG_DEFAULT) if role.of_platform]

    def role(self, actor: Actor, id: str) -> Role:
        """By id or name. Raises IdentityNotFound, also for one that is not the platform's."""
        for role in self.roles(actor):
            if id in (role.id, role.name):
                return role
        raise not_found("role", id)

    async def create_role(self, actor: Actor, name: str, allowed: Sequence[str]) -> Role:
        return await self._roles.create(_at_home(actor), name, allowed, platform=True)

    async def update_role(self, actor: Actor, id: str, *, name: str | None, allowed: Sequence[str] | None) -> Role:
        role = self.role(actor, id)
        return await self._roles.update(_at_home(actor), role.id, name=name, allowed=allowed)

    async def delete_role(self, actor: Actor, id: str) -> None:
        await self._roles.delete(_at_home(actor), self.role(actor, id).id)

    def _of_ours(self, actor: Actor, named: Sequence[str], *, field: str) -> Sequence[str]:
        """The roles, if one of them is the platform's. Raises InvalidArgument."""
        ours = self.roles(actor)
        if not any(one in (role.id, role.name) for role in ours for one in named):
            raise InvalidArgument(
                f"{field} has no role of the platform", field=field, hint=f"such as {', '.join(_SYSTEM)}"
            )
        return named


_SYSTEM = tuple(id for id in SYSTEM_ROLES if id.startswith("platform_"))


def _at_home(actor: Actor) -> Actor:
    """The actor where the platform's own are, wherever it acts."""
    return actor if actor.org == ORG_DEFAULT else replace(actor, org=ORG_DEFAULT)
