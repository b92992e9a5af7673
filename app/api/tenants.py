"""/api/v1/orgs, /projects, /environments, /tenants: whose everything is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi
import msgspec

from app import clock
from app.access.records import Environment, Org, Project
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of
from app.api.parameters import query_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.access import (
    CreateEnvironmentRequest,
    CreateOrgRequest,
    DeletedResponse,
    EnvironmentResponse,
    ListEnvironmentsQuery,
    OrgPreferences,
    OrgResponse,
    ProjectRequest,
    ProjectResponse,
    ProvisionedEntry,
    ProvisionedKey,
    ProvisionRequest,
    ProvisionResponse,
    TenantResponse,
    UpdateEnvironmentRequest,
    UpdateOrgRequest,
    UpdateProjectRequest,
)

_org = msgspec.json.Decoder(CreateOrgRequest)
_org_change = msgspec.json.Decoder(UpdateOrgRequest)
_project = msgspec.json.Decoder(ProjectRequest)
_project_change = msgspec.json.Decoder(UpdateProjectRequest)
_environment = msgspec.json.Decoder(CreateEnvironmentRequest)
_environment_change = msgspec.json.Decoder(UpdateEnvironmentRequest)
_provision = msgspec.json.Decoder(ProvisionRequest)


class Orgs:
    def __init__(self, services: Services) -> None:
        self._tenancy = services.access.tenancy

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        answer(resp, [org_shown(org) for org in self._tenancy.orgs(caller_of(req).who)])

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: CreateOrgRequest = decoded(_org, await body_of(req))
        org, _ = await self._tenancy.found(caller_of(req).who, body.name)
        answer(resp, org_shown(org), 201)


class OneOrg:
    def __init__(self, services: Services) -> None:
        self._tenancy = services.access.tenancy

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, org_id: str) -> None:
        answer(resp, org_shown(self._tenancy.org(caller_of(req).who, org_id)))

    async def on_patch(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, org_id: str) -> None:
        body: UpdateOrgRequest = decoded(_org_change, await body_of(req))
        zone = None if body.preferences is None else body.preferences.default_timezone or ""
        org = await self._tenancy.update_org(caller_of(req).who, org_id, name=body.name, timezone=zone)
        answer(resp, org_shown(org))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, org_id: str) -> None:
        await self._tenancy.delete_org(caller_of(req).who, org_id)
        resp.status = 204


class Projects:
    def __init__(self, services: Services) -> None:
        self._tenancy = services.access.tenancy

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        answer(resp, [project_shown(one) for one in self._tenancy.projects(caller_of(req).who)])

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: ProjectRequest = decoded(_project, await body_of(req))
        made = await self._tenancy.create_project(caller_of(req).who, body.name, body.description or "")
        answer(resp, project_shown(made), 201)


class OneProject:
    def __init__(self, services: Services) -> None:
        self._tenancy = services.access.tenancy

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, project_id: str) -> None:
        body: UpdateProjectRequest = decoded(_project_change, await body_of(req))
        changed = await self._tenancy.update_project(
            caller_of(req).who, project_id, name=body.name, description=body.description
        )
        answer(resp, project_shown(changed))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, project_id: str) -> None:
        gone = await self._tenancy.delete_project(caller_of(req).who, project_id)
        answer(resp, DeletedResponse(deleted=gone.id))


class Environments:
    def __init__(self, services: Services) -> None:
        self._tenancy = services.access.tenancy

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        project = query_of(req, ListEnvironmentsQuery).project_id
        found = self._tenancy.environments(caller_of(req).who, project)
        answer(resp, [environment_shown(one) for one in found])

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: CreateEnvironmentRequest = decoded(_environment, await body_of(req))
        made = await self._tenancy.create_environment(
            caller_of(req).who, body.name, project=body.project_id, color=body.color
        )
        answer(resp, environment_shown(made), 201)


class OneEnvironment:
    def __init__(self, services: Services) -> None:
        self._tenancy = services.access.tenancy

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, environment_id: str) -> None:
        body: UpdateEnvironmentRequest = decoded(_environment_change, await body_of(req))
        changed = await self._tenancy.update_environment(
            caller_of(req).who, environment_id, name=body.name, color=body.color
        )
        answer(resp, environment_shown(changed))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, environment_id: str) -> None:
        gone = await self._tenancy.delete_environment(caller_of(req).who, environment_id)
        answer(resp, DeletedResponse(deleted=gone.id))


class Tenants:
    def __init__(self, services: Services) -> None:
        self._tenancy = services.access.tenancy

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        answer(resp, [self._shown(org) for org in self._tenancy.orgs(caller_of(req).who)])

    def _shown(self, org: Org) -> TenantResponse:
        environments, keys, _ = self._tenancy.counts(org)
        made = clock.rfc3339(org.created_at)
        return TenantResponse(id=org.id, name=org.name, env_count=environments, key_count=keys, created_at=made)


class Provision:
    def __init__(self, services: Services) -> None:
        self._tenancy = services.access.tenancy

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: ProvisionRequest = decoded(_provision, await body_of(req))
        made = await self._tenancy.provision(caller_of(req).who, body.org_name, body.env_name)
        content = ProvisionResponse(
            org=ProvisionedEntry(id=made.org.id, name=made.org.name),
            environment=ProvisionedEntry(id=made.environment.id, name=made.environment.name),
            api_key=ProvisionedKey(key=made.issued.secret, roles=list(made.issued.key.roles)),
        )
        answer(resp, content, 201)


def org_shown(org: Org) -> OrgResponse:
    return OrgResponse(
        id=org.id,
        name=org.name,
        created_at=clock.rfc3339(org.created_at),
        updated_at=clock.rfc3339(org.updated_at),
        preferences=OrgPreferences(default_timezone=org.timezone) if org.timezone else None,
    )


def project_shown(project: Project) -> ProjectResponse:
    return ProjectResponse(
        id=project.id,
        name=project.name,
        description=project.description,
        org_id=project.org,
        created_at=clock.rfc3339(project.created_at),
        updated_at=clock.rfc3339(project.updated_at),
    )


def environment_shown(environment: Environment) -> EnvironmentResponse:
    return EnvironmentResponse(
        id=environment.id,
        name=environment.name,
        project_id=environment.project,
        color=environment.color,
        created_at=clock.rfc3339(environment.created_at),
        updated_at=clock.rfc3339(environment.updated_at),
    )


def routes(services: Services) -> Sequence[Route]:
    return [*_of_orgs(services), *_of_projects(services), *_of_environments(services), *_of_tenants(services)]


def _of_orgs(services: Services) -> Sequence[Route]:
    org, missing = Answer("the organization", OrgResponse), {404: "no such organization"}
    taken: Mapping[int, str] = {409: "the name is taken"}
    every = {
        "GET": Operation(
            "One's own organization; every one for who looks after the platform",
            {200: Answer("organizations", list[OrgResponse])},
            permission="orgs:read",
        ),
        "POST": Operation(
            "Make an organization, with a project and an environment, both called default",
            {201: org, **taken},
            body=Body(CreateOrgRequest, {"name": "Acme"}),
            permission="platform:tenants:manage",
        ),
    }
    one = {
        "GET": Operation("An organization", {200: org, **missing}, permission="orgs:read"),
        "PATCH": Operation(
            "Change an organization",
            {200: org, **missing},
            body=Body(UpdateOrgRequest, {"preferences": {"default_timezone": "Europe/Paris"}}),
            permission="orgs:manage",
        ),
        "DELETE": Operation(
            "Delete an organization: its keys and sessions count no more",
            {204: "it is gone", **missing, 409: "it is the default one"},
            permission="platform:tenants:manage",
        ),
    }
    return [
        Route("/api/v1/orgs", Orgs(services), every),
        Route("/api/v1/platform/orgs", Orgs(services), {"POST": every["POST"]}),
        Route("/api/v1/orgs/{org_id}", OneOrg(services), one),
    ]


def _of_projects(services: Services) -> Sequence[Route]:
    project, missing = Answer("the project", ProjectResponse), {404: "no such project"}
    taken: Mapping[int, str] = {409: "the name is taken"}
    every = {
        "GET": Operation("Projects", {200: Answer("projects", list[ProjectResponse])}, permission="projects:read"),
        "POST": Operation(
            "Make a project",
            {201: project, **taken},
            body=Body(ProjectRequest, {"name": "shop", "description": "what customers see"}),
            permission="projects:manage",
        ),
    }
    one = {
        "PUT": Operation(
            "Change a project",
            {200: project, **missing, **taken},
            body=Body(UpdateProjectRequest, {"description": "what customers see"}),
            permission="projects:manage",
        ),
        "DELETE": Operation(
            "Delete a project that has no environment",
            {200: Answer("its id", DeletedResponse), **missing, 409: "it has environments"},
            permission="projects:manage",
        ),
    }
    return [
        Route("/api/v1/projects", Projects(services), every),
        Route("/api/v1/projects/{project_id}", OneProject(services), one),
    ]


def _of_environments(services: Services) -> Sequence[Route]:
    environment, missing = Answer("the environment", EnvironmentResponse), {404: "no such environment"}
    taken: Mapping[int, str] = {409: "the name is taken"}
    every = {
        "GET": Operation(
            "Environments that were made",
            {200: Answer("environments", list[EnvironmentResponse])},
            query=ListEnvironmentsQuery,
            permission="environments:read",
        ),
        "POST": Operation(
            "Make an environment",
            {201: environment, **taken},
            body=Body(CreateEnvironmentRequest, {"name": "staging", "color": "#3b82f6"}),
            permission="environments:manage",
        ),
    }
    one = {
        "PUT": Operation(
            "Change an environment",
            {200: environment, **missing, **taken},
            body=Body(UpdateEnvironmentRequest, {"color": "#ef4444"}),
            permission="environments:manage",
        ),
        "DELETE": Operation(
            "Delete an environment, and revoke the keys that are bound to it; history stays",
            {200: Answer("its id", DeletedResponse), **missing, 409: "it is the default one"},
            permission="environments:manage",
        ),
    }
    return [
        Route("/api/v1/environments", Environments(services), every),
        Route("/api/v1/environments/{environment_id}", OneEnvironment(services), one),
    ]


def _of_tenants(services: Services) -> Sequence[Route]:
    every = {
        "GET": Operation(
            "Organizations with what they have",
            {200: Answer("tenants", list[TenantResponse])},
            permission="platform:tenants:read",
        )
    }
    provision = {
        "POST": Operation(
            "Make an organization, its environment, and an administrator's key, at once",
            {201: Answer("all of it; the key is told once", ProvisionResponse), 409: "the name is taken"},
            body=Body(ProvisionRequest, {"org_name": "Globex", "env_name": "production"}),
            permission="platform:tenants:manage",
        )
    }
    return [
        Route("/api/v1/tenants", Tenants(services), every),
        Route("/api/v1/tenants/provision", Provision(services), provision),
    ]
