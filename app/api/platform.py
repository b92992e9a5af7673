"""/api/v1/platform: what published clients look after organizations by. Tenants are organizations, by other routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi
import msgspec

from app import clock
from app.access.actor import ORG_DEFAULT
from app.access.audit_reading import AuditFilter
from app.access.records import Org
from app.api.answers import answer, body_of, decoded
from app.api.audit import event_shown
from app.api.caller import caller_of
from app.api.parameters import instant, query_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.platform import (
    PlatformAuditQuery,
    PlatformAuditResponse,
    PlatformProvisionTenantRequest,
    PlatformTenantResponse,
)

INSTANT_MAX = 2**62

_provision = msgspec.json.Decoder(PlatformProvisionTenantRequest)


class Tenants:
    def __init__(self, services: Services) -> None:
        self._tenancy = services.access.tenancy

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        answer(resp, [shown(org) for org in self._tenancy.orgs(caller_of(req).who)])

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: PlatformProvisionTenantRequest = decoded(_provision, await body_of(req))
        made = await self._tenancy.provision(caller_of(req).who, body.name)
        content = PlatformTenantResponse(**_told(made.org), api_key=made.issued.secret)
        answer(resp, content, 201)


class Tenant:
    def __init__(self, services: Services) -> None:
        self._tenancy = services.access.tenancy

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, org_id: str) -> None:
        answer(resp, shown(self._tenancy.org(caller_of(req).who, org_id)))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, org_id: str) -> None:
        await self._tenancy.delete_org(caller_of(req).who, org_id)
        resp.status = 204


class Audit:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        query, now = query_of(req, PlatformAuditQuery), self._services.clock.now_us()
        chosen = AuditFilter(
            action="platform:*",
            actor=query.platform_key_id,
            event_type=query.event_type,
            resource=f"org/{query.impersonated_org_id}" if query.impersonated_org_id else "",
            since=instant(query.from_, 0, now=now, field="from"),
            until=instant(query.to, INSTANT_MAX, now=now, field="to"),
        )
        page = await self._services.audit_reader.page(ORG_DEFAULT, chosen, cursor=query.cursor, limit=query.limit)
        events = [event_shown(event) for event in page.events]
        content = PlatformAuditResponse(events=events, total=len(events), next_cursor=given(str(page.cursor or "")))
        answer(resp, content)


def shown(org: Org) -> PlatformTenantResponse:
    return PlatformTenantResponse(**_told(org))


def _told(org: Org) -> dict[str, str]:
    return {
        "id": org.id,
        "name": org.name,
        "created_at": clock.rfc3339(org.created_at),
        "updated_at": clock.rfc3339(org.updated_at),
    }


def routes(services: Services) -> Sequence[Route]:
    tenant, missing = Answer("the tenant", PlatformTenantResponse), {404: "no such tenant"}
    every: Mapping[str, Operation] = {
        "GET": Operation(
            "Organizations, as tenants of the platform",
            {200: Answer("tenants", list[PlatformTenantResponse])},
            permission="platform:tenants:read",
        ),
        "POST": Operation(
            "Make an organization with a project, an environment and an administrator's key",
            {201: Answer("the tenant; its key is told once", PlatformTenantResponse), 409: "the name is taken"},
            body=Body(PlatformProvisionTenantRequest, {"name": "Initech"}),
            permission="platform:tenants:manage",
        ),
    }
    one = {
        "GET": Operation("A tenant", {200: tenant, **missing}, permission="platform:tenants:read"),
        "DELETE": Operation(
            "Delete a tenant: its keys and sessions count no more",
            {204: "it is gone", **missing, 409: "it is the default one"},
            permission="platform:tenants:manage",
        ),
    }
    audit = Operation(
        "What was done to the platform, and in whose organization somebody acted, newest first",
        {200: Answer("events", PlatformAuditResponse), 400: "the type is unknown"},
        query=PlatformAuditQuery,
        permission="platform:audit:read",
    )
    return [
        Route("/api/v1/platform/tenants", Tenants(services), every),
        Route("/api/v1/platform/tenants/{org_id}", Tenant(services), one),
        Route("/api/v1/platform/audit", Audit(services), {"GET": audit}),
    ]
