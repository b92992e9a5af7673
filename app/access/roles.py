"""Roles: those of the system, the same everywhere, and those that an organization makes itself.

Nobody gives what they do not have: who makes a role, or gives one to a key or a user, has all of its permissions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.access import permissions
from app.access.actor import Actor
from app.access.permissions import OF_THE_ORGANIZATION, SYSTEM_ROLES
from app.access.records import Key, Role, User
from app.access.register import Register
from app.errors import AlreadyExists, Conflict, IdentityNotFound, InvalidArgument, PermissionDenied
from app.history.kinds import Fact, RoleChanged, RoleCreated, RoleDeleted
from app.ids import Ids

ROLES_MAX = 20
NAME_CHARS_MAX = 100


class Roles:
    def __init__(self, register: Register, ids: Ids) -> None:
        self._register = register
        self._ids = ids

    def list(self, org: str) -> Sequence[Role]:
        """Those of the system first."""
        system = [
            Role(id=id, org=org, name=id, permissions=tuple(sorted(allowed))) for id, allowed in SYSTEM_ROLES.items()
        ]
        return [*system, *self._register.of(org, Role)]

    def get(self, org: str, id: str) -> Role:
        """By id or name. Raises IdentityNotFound."""
        for role in self.list(org):
            if id in (role.id, role.name):
                return role
        raise not_found("role", id)

    def ids_of(self, actor: Actor, named: Sequence[str], *, field: str = "role_ids") -> tuple[str, ...]:
        """The ids of roles that the actor may give: who is bound to an environment makes keys that are bound too, and
        gives none of what reaches beyond it. Raises InvalidArgument, IdentityNotFound, PermissionDenied."""
        if not 1 <= len(named) <= ROLES_MAX:
            raise InvalidArgument(f"{field} needs 1 to {ROLES_MAX} roles", field=field, hint="such as viewer")
        found = [self.get(actor.org, one) for one in dict.fromkeys(named)]
        for role in found:
            given = [one for one in role.permissions if one.startswith("platform:") or not _drops(actor, one)]
            may_give(actor, given, what=f"role {role.name}")
        return tuple(role.id for role in found)

    def holders(self, role: Role) -> int:
        """How many keys have it."""
        return sum(role.id in key.roles for key in self._register.of(role.org, Key))

    async def create(self, actor: Actor, name: str, allowed: Sequence[str], *, platform: bool = False) -> Role:
        """`platform`: for those who look after the platform, whatever it allows. Raises AlreadyExists, InvalidArgument,
        PermissionDenied."""
        checked(actor, allowed)
        check_name(name)

        def decide(known: Role | None) -> Sequence[Fact]:
            self._refuse_taken(actor.org, name)
            return [RoleCreated(name=name, permissions=tuple(sorted(set(allowed))), platform=platform)]

        return await self._register.record(actor.org, Role, self._ids.role(), decide, actor=actor.id)

    async def update(self, actor: Actor, id: str, *, name: str | None, allowed: Sequence[str] | None) -> Role:
        """Raises IdentityNotFound, PermissionDenied, AlreadyExists, InvalidArgument."""
        role = self._own(actor, id)
        wanted = role.name if name is None else name
        check_name(wanted)
        may_give(actor, role.permissions, what=f"role {role.name}")
        permitted = role.permissions if allowed is None else tuple(sorted(set(allowed)))
        checked(actor, permitted)

        def decide(known: Role | None) -> Sequence[Fact]:
            if known is None:
                raise not_found("role", id)
            if wanted != known.name:
                self._refuse_taken(actor.org, wanted)
            return [RoleChanged(name=wanted, permissions=permitted)]

        return await self._register.record(actor.org, Role, role.id, decide, actor=actor.id)

    async def delete(self, actor: Actor, id: str) -> None:
        """Raises IdentityNotFound, PermissionDenied, Conflict for one that somebody has."""
        role = self._own(actor, id)

        def decide(known: Role | None) -> Sequence[Fact]:
            given = [one.roles for one in self._register.of(role.org, Key)]
            given += [one.roles for one in self._register.of(role.org, User)]
            if any(role.id in roles for roles in given):
                raise Conflict(f"role {role.name} is in use", field="id", hint="take it from its keys and users first")
            return [RoleDeleted()] if known is not None else []

        await self._register.record(role.org, Role, role.id, decide, actor=actor.id)

    def _own(self, actor: Actor, id: str) -> Role:
        role = self.get(actor.org, id)
        if role.id in SYSTEM_ROLES:
            raise PermissionDenied(
                f"{role.name} is a role of the system", field="id", hint="make one of your own: `ironflow role create`"
            )
        return role

    def _refuse_taken(self, org: str, name: str) -> None:
        if any(name in (role.id, role.name) for role in self.list(org)):
            raise AlreadyExists(f"there is a role {name!r}", field="name", hint="take another name")


def _drops(actor: Actor, permission: str) -> bool:
    """Whether a key that the actor makes does not have that anyway."""
    return actor.environment != "" and permission in OF_THE_ORGANIZATION


def may_give(actor: Actor, allowed: Iterable[str], *, what: str) -> None:
    """Raises PermissionDenied if there is something that the actor does not have."""
    lacking = sorted(one for one in allowed if not actor.may(one))
    if lacking:
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        raise PermissionDenied(
            f"{what} has permissions that you have not: {', '.join(lacking[:3])}{more}",
            hint="ask somebody who has them",
        )


def checked(actor: Actor, allowed: Sequence[str]) -> None:
    """Raises InvalidArgument for what is no permission, PermissionDenied for what is not the actor's to give."""
    unknown = permissions.unknown(allowed)
    if unknown:
        raise InvalidArgument(
            f"{unknown[0][:80]!r} is no permission",
            field="permissions",
            hint="`ironflow role get admin` shows them",
        )
    may_give(actor, allowed, what="it")


def check_name(name: str, field: str = "name") -> None:
    """Raises InvalidArgument."""
    if not name.strip() or len(name) > NAME_CHARS_MAX or not name.isprintable():
        raise InvalidArgument(
            f"{field} {name[:80]!r} is not usable", field=field, hint=f"1 to {NAME_CHARS_MAX} printable characters"
        )


def not_found(what: str, id: str) -> IdentityNotFound:
    return IdentityNotFound(f"there is no {what} {id[:80]!r}", field="id", hint=f"`ironflow {what} list` shows them")
