"""Organizations, their projects, and the environments in them: who may name which, and what a name means.

Every row, subject, cursor and entry carries a namespace. In the organization that is there from the start, the
namespace of an environment is its name, and any name will do: environments begin by being used. Other organizations
make their environments, whose namespaces are their ids, so that two tenants can both have a `production`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from app import ids as id_shapes
from app import patterns
from app.access.actor import ORG_DEFAULT, Actor
from app.access.keys import Issued, Keys
from app.access.records import Environment, Identity, Key, Org, Project, User
from app.access.register import (
    ENVIRONMENT_DEFAULT,
    NAMESPACE_DEFAULT,
    PROJECT_DEFAULT,
    Register,
)
from app.access.roles import check_name, not_found
from app.errors import AlreadyExists, Conflict, EnvironmentNotFound, IdentityNotFound, InvalidArgument
from app.history.kinds import (
    EnvironmentChanged,
    EnvironmentCreated,
    EnvironmentDeleted,
    Fact,
    OrgChanged,
    OrgCreated,
    OrgDeleted,
    ProjectChanged,
    ProjectCreated,
    ProjectDeleted,
)
from app.ids import Ids

SEE_ALL = "platform:tenants:read"
DEFAULT_NAMES = ("", "default", ENVIRONMENT_DEFAULT)
TEXT_CHARS_MAX = 1_000


class Tenant(msgspec.Struct, frozen=True):
    """What was made for a new one."""

    org: Org
    environment: Environment
    issued: Issued


class Tenancy:
    def __init__(self, *, register: Register, keys: Keys, ids: Ids) -> None:
        self._register = register
        self._keys = keys
        self._ids = ids

    # What a name means.

    def namespace(self, actor: Actor, named: str) -> str:
        """The namespace that the actor means by an environment's id or name, or by naming none. Raises
        EnvironmentNotFound, also for one that is not the actor's, and InvalidArgument."""
        if actor.environment:
            if named in DEFAULT_NAMES or self._meant(actor.org, named) == actor.environment:
                return actor.environment
            raise _no_environment(named)
        if named in DEFAULT_NAMES and actor.org == ORG_DEFAULT:
            return NAMESPACE_DEFAULT
        found = self._meant(actor.org, named) if named else None
        if found is None and named in DEFAULT_NAMES:
            found = next((one.namespace for one in self._register.of(actor.org, Environment)), None)
        if found is None:
            raise _no_environment(named)
        return found

    def shown(self, namespace: str) -> str:
        """The id by which clients know a namespace."""
        known = self._register.environment_of(namespace)
        return known.id if known is not None else namespace

    def name(self, namespace: str) -> str:
        """What people call it."""
        known = self._register.environment_of(namespace)
        return known.name if known is not None else namespace

    def _meant(self, org: str, named: str) -> str | None:
        known = self._register.namespace(org, named)
        if known is not None or org != ORG_DEFAULT:
            return known
        check_environment(named)
        if self._register.environment_of(named) is not None or id_shapes.valid("env", named):
            return None  # another organization's
        return named

    # Organizations.

    def orgs(self, actor: Actor) -> Sequence[Org]:
        """The actor's own; every one for who looks after the platform."""
        if actor.may(SEE_ALL):
            return self._register.all(Org)
        return [self.org(actor, actor.org)]

    def sees_all(self, actor: Actor) -> bool:
        """Whether the actor may know what tells of every organization: it looks after them, or there is only its own,
        and it is not bound to one environment of that."""
        if actor.may(SEE_ALL):
            return True
        return not actor.environment and len(self._register.all(Org)) == 1

    def org(self, actor: Actor, id: str) -> Org:
        """Raises IdentityNotFound."""
        found = self._register.find(Org, id)
        if found is None or (id != actor.org and not actor.may(SEE_ALL)):
            raise not_found("org", id)
        return found

    def known(self, org_id: str) -> Org:
        """For who looks after all of them. Raises IdentityNotFound."""
        found = self._register.find(Org, org_id)
        if found is None:
            raise not_found("org", org_id)
        return found

    def owner(self, namespace: str) -> str:
        """The id of the organization whose environment, or whose own, a namespace is."""
        known = self._register.environment_of(namespace)
        if known is not None:
            return known.org
        return namespace if namespace.startswith("org_") else ORG_DEFAULT

    async def create_org(self, actor: Actor, name: str) -> Org:
        """Raises AlreadyExists, InvalidArgument."""
        check_name(name)
        id = self._ids.org()

        def decide(known: Org | None) -> Sequence[Fact]:
            if any(org.name == name for org in self._register.all(Org)):
                raise AlreadyExists(f"there is an organization {name!r}", field="name", hint="take another name")
            return [OrgCreated(name=name)]

        return await self._register.record(id, Org, id, decide, actor=actor.id)

    async def update_org(self, actor: Actor, id: str, *, name: str | None, timezone: str | None) -> Org:
        """Raises IdentityNotFound, InvalidArgument."""
        org = self.org(actor, id)
        wanted = org.name if name is None else name
        check_name(wanted)
        zone = org.timezone if timezone is None else timezone[:TEXT_CHARS_MAX]

        def decide(known: Org | None) -> Sequence[Fact]:
            begun: list[Fact] = [] if known is not None else [OrgCreated(name=org.name)]
            return [*begun, OrgChanged(name=wanted, timezone=zone)]

        return await self._register.record(id, Org, id, decide, actor=actor.id)

    async def delete_org(self, actor: Actor, id: str) -> None:
        """Its keys and sessions count no more, at once. What was recorded stays in history. Raises IdentityNotFound,
        Conflict."""
        org = self.org(actor, id)
        if id == ORG_DEFAULT:
            raise Conflict("the default organization stays", field="id", hint="delete what is in it")

        def decide(known: Org | None) -> Sequence[Fact]:
            return [OrgDeleted()] if known is not None else []

        await self._register.record(org.id, Org, org.id, decide, actor=actor.id)

    # Projects.

    def projects(self, actor: Actor) -> Sequence[Project]:
        return self._register.of(actor.org, Project)

    def project(self, actor: Actor, id: str) -> Project:
        """By id or name. Raises IdentityNotFound."""
        for one in self.projects(actor):
            if id in (one.id, one.name):
                return one
        raise not_found("project", id)

    async def create_project(self, actor: Actor, name: str, description: str = "") -> Project:
        """Raises AlreadyExists, InvalidArgument."""
        check_name(name)

        def decide(known: Project | None) -> Sequence[Fact]:
            _refuse_taken(self.projects(actor), name, "project")
            return [ProjectCreated(name=name, description=description[:TEXT_CHARS_MAX])]

        return await self._register.record(actor.org, Project, self._ids.project(), decide, actor=actor.id)

    async def update_project(self, actor: Actor, id: str, *, name: str | None, description: str | None) -> Project:
        """Raises IdentityNotFound, AlreadyExists, InvalidArgument."""
        project = self.project(actor, id)
        wanted = project.name if name is None else name
        check_name(wanted)
        told = project.description if description is None else description[:TEXT_CHARS_MAX]

        def decide(known: Project | None) -> Sequence[Fact]:
            if wanted != project.name:
                _refuse_taken(self.projects(actor), wanted, "project")
            begun: list[Fact] = [] if known is not None else [ProjectCreated(name=project.name)]
            return [*begun, ProjectChanged(name=wanted, description=told)]

        return await self._register.record(project.org, Project, project.id, decide, actor=actor.id)

    async def delete_project(self, actor: Actor, id: str) -> Project:
        """Raises IdentityNotFound, Conflict while it has environments."""
        project = self.project(actor, id)
        if any(one.project == project.id for one in self._register.of(actor.org, Environment)):
            raise Conflict(f"project {project.name} has environments", field="id", hint="delete them first")
        if project.id == PROJECT_DEFAULT:
            raise Conflict("the default project stays", field="id")

        def decide(known: Project | None) -> Sequence[Fact]:
            return [ProjectDeleted()] if known is not None else []

        return await self._register.record(project.org, Project, project.id, decide, actor=actor.id)

    # Environments.

    def environments(self, actor: Actor, project: str = "") -> Sequence[Environment]:
        """Those that were made; of one project if it is given; to who is bound to one, that one."""
        found = self._register.of(actor.org, Environment)
        return [
            one
            for one in found
            if (not project or one.project == project) and (not actor.environment or one.namespace == actor.environment)
        ]

    def environment(self, actor: Actor, id: str) -> Environment:
        """By id or name. Raises EnvironmentNotFound."""
        for one in self.environments(actor):
            if id in (one.id, one.name):
                return one
        raise _no_environment(id)

    async def create_environment(self, actor: Actor, name: str, *, project: str = "", color: str = "") -> Environment:
        """In the organization's first project if none is given. Raises AlreadyExists, InvalidArgument,
        IdentityNotFound."""
        check_environment(name)
        into = self.project(actor, project) if project else next(iter(self.projects(actor)), None)
        if into is None:
            raise IdentityNotFound("the organization has no project", field="project_id", hint="make one first")
        id = self._ids.environment()
        namespace = name if actor.org == ORG_DEFAULT else id

        def decide(known: Environment | None) -> Sequence[Fact]:
            _refuse_taken(self._register.of(actor.org, Environment), name, "environment")
            return [EnvironmentCreated(name=name, project=into.id, namespace=namespace, color=color[:32])]

        return await self._register.record(actor.org, Environment, id, decide, actor=actor.id)

    async def update_environment(self, actor: Actor, id: str, *, name: str | None, color: str | None) -> Environment:
        """Raises EnvironmentNotFound, AlreadyExists, InvalidArgument, Conflict."""
        found = self.environment(actor, id)
        wanted = found.name if name is None else name
        check_environment(wanted)
        if wanted != found.name and found.org == ORG_DEFAULT:
            raise Conflict(
                "an environment of the default organization is known by its name", field="name", hint="make another"
            )
        told = found.color if color is None else color[:32]

        def decide(known: Environment | None) -> Sequence[Fact]:
            if wanted != found.name:
                _refuse_taken(self._register.of(actor.org, Environment), wanted, "environment")
            begun: list[Fact] = [] if known is not None else [_begun(found)]
            return [*begun, EnvironmentChanged(name=wanted, color=told)]

        return await self._register.record(found.org, Environment, found.id, decide, actor=actor.id)

    async def delete_environment(self, actor: Actor, id: str) -> Environment:
        """Keys that are bound to it are revoked. What was recorded in it stays in history. Raises EnvironmentNotFound,
        Conflict."""
        found = self.environment(actor, id)
        if found.id == ENVIRONMENT_DEFAULT:
            raise Conflict("the default environment stays", field="id")
        for key in self._register.of(found.org, Key):
            if key.environment == found.namespace:
                await self._keys.revoke(actor, key.id, reason=f"environment {found.name} was deleted")

        def decide(known: Environment | None) -> Sequence[Fact]:
            return [EnvironmentDeleted()] if known is not None else []

        return await self._register.record(found.org, Environment, found.id, decide, actor=actor.id)

    # Tenants.

    async def provision(self, actor: Actor, org_name: str, env_name: str = "") -> Tenant:
        """A new organization with a project, an environment and an administrator's key. Raises AlreadyExists,
        InvalidArgument."""
        org, environment = await self.found(actor, org_name, env_name)
        issued = await self._keys.create(_within(actor, org), f"{org_name[:90]} admin", ("admin",))
        return Tenant(org, environment, issued)

    async def found(self, actor: Actor, org_name: str, env_name: str = "") -> tuple[Org, Environment]:
        """A new organization with a project and an environment, without which nobody could be in it. Raises
        AlreadyExists, InvalidArgument."""
        check_environment(env_name or "default")
        org = await self.create_org(actor, org_name)
        within = _within(actor, org)
        project = await self.create_project(within, "default")
        return org, await self.create_environment(within, env_name or "default", project=project.id)

    def counts(self, org: Org) -> tuple[int, int, int]:
        """How many environments, keys and users an organization has."""
        of = self._register.of
        return len(of(org.id, Environment)), len(of(org.id, Key)), len(of(org.id, User))


def _within(actor: Actor, org: Org) -> Actor:
    """Who makes an organization, in it."""
    return Actor(actor.id, actor.kind, actor.roles, frozenset(("*",)), org.id)


def check_environment(name: str) -> None:
    """Raises InvalidArgument for what cannot be an environment's name."""
    if "." in name or "/" in name or name.startswith("org_"):
        raise InvalidArgument(
            f"environment {name[:80]!r} has a dot or a slash, or begins with org_", field="environment"
        )
    patterns.validate_name(name, field="environment")


def _begun(found: Environment) -> EnvironmentCreated:
    return EnvironmentCreated(name=found.name, project=found.project, namespace=found.namespace)


def _refuse_taken(there: Sequence[Identity], name: str, what: str) -> None:
    if any(name in (one.id, getattr(one, "name", "")) for one in there):
        raise AlreadyExists(f"there is a {what} {name!r}", field="name", hint="take another name")


def _no_environment(named: str) -> EnvironmentNotFound:
    return EnvironmentNotFound(
        f"there is no environment {named[:80]!r}",
        field="environment",
        hint="`ironflow env list` shows those that these credentials may name",
    )
