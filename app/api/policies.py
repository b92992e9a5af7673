"""/api/v1/policies: rules in CEL that take away what roles allow; tried, explained, versioned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi
import msgspec

from app.access import policy as pure
from app.api.answers import answer, body_of, decoded
from app.api.authors import author_of
from app.api.caller import caller_of
from app.api.conditions import tagged, version_of
from app.api.parameters import query_of
from app.api.policies_json import EXAMPLE, defined, patched, shown, version_number, version_shown
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.policies import (
    AttachBody,
    GetPolicyQuery,
    ListPoliciesQuery,
    ListPolicyVersionsQuery,
    ListPolicyVersionsResponse,
    PolicyBody,
    PolicyPatch,
    PolicyResponse,
    PolicyVersionResponse,
    ReasonQuery,
)
from app.errors import Conflict, PolicyNotFound
from app.history import moments
from storage.records import PolicyRow

_body = msgspec.json.Decoder(PolicyBody)
_patch = msgspec.json.Decoder(PolicyPatch)
_attach = msgspec.json.Decoder(AttachBody)

CONDITION = {"If-Match": "the version that is to be changed"}


class Policies:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._policies = services.policies

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        query, author = query_of(req, ListPoliciesQuery), author_of(req)
        org = author.actor.org
        if query.at:
            at = await moments.position_of(self._services.storage, query.at, now=self._services.clock.now_us())
            rows = await self._policies.list_as_of(author.environment, org=org, at=at)
        else:
            rows = self._policies.list(author.environment, org=org)
        chosen = [row for row in rows if query.org_id in ("", pure.definition_of(row).org)]
        answer(resp, [self._shown(row) for row in chosen])

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        author = author_of(req)
        body: PolicyBody = decoded(_body, await body_of(req))
        row = await self._policies.create(author.environment, defined(body), author=author, reason=body.reason)
        tagged(resp, row.version)
        answer(resp, self._shown(row), 201)

    def _shown(self, row: PolicyRow) -> PolicyResponse:
        return shown(row, self._policies.would_deny[row.id])


class OnePolicy(Policies):
    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, policy: str = "") -> None:
        query, author = query_of(req, GetPolicyQuery), author_of(req)
        if query.at:
            at = await moments.position_of(self._services.storage, query.at, now=self._services.clock.now_us())
            row = await self._policies.get_as_of(author.environment, policy, org=author.actor.org, at=at)
        else:
            row = self._found(req, policy)
        self._tell(resp, row)

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, policy: str) -> None:
        expected, row = version_of(req, required=True), self._found(req, policy)
        body: PolicyBody = decoded(_body, await body_of(req))
        changed = await self._policies.change(
            row, defined(body), author=author_of(req), expected=expected, reason=body.reason
        )
        self._tell(resp, changed)

    async def on_patch(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, policy: str) -> None:
        expected, row = version_of(req), self._found(req, policy)
        body: PolicyPatch = decoded(_patch, await body_of(req))
        changed = await self._policies.change(
            row, patched(pure.definition_of(row), body), author=author_of(req), expected=expected, reason=body.reason
        )
        self._tell(resp, changed)

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, policy: str) -> None:
        row, reason = self._found(req, policy), query_of(req, ReasonQuery).reason
        await self._policies.delete(row, author=author_of(req), expected=version_of(req), reason=reason)
        resp.status = 204

    def _found(self, req: falcon.asgi.Request, policy: str) -> PolicyRow:
        author = author_of(req)
        row = self._policies.get(author.environment, policy, org=author.actor.org)
        for name in {row.id, row.name} - {policy}:  # a policy about policies may know it by either
            caller_of(req).about(f"policy/{name}")
        return row

    def _tell(self, resp: falcon.asgi.Response, row: PolicyRow) -> None:
        tagged(resp, row.version)
        answer(resp, self._shown(row))


class Disable(OnePolicy):
    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, policy: str = "") -> None:
        row, reason = self._found(req, policy), query_of(req, ReasonQuery).reason
        disabled = await self._policies.disable(row, author=author_of(req), expected=version_of(req), reason=reason)
        self._tell(resp, disabled)


class Enable(OnePolicy):
    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, policy: str = "") -> None:
        row, reason = self._found(req, policy), query_of(req, ReasonQuery).reason
        enabled = await self._policies.change(
            row, pure.definition_of(row), author=author_of(req), expected=version_of(req), reason=reason
        )
        self._tell(resp, enabled)


class OfRole(Policies):
    """Policies that are for one role."""

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, role_id: str = "") -> None:
        author = author_of(req)
        rows = self._policies.list(author.environment, org=author.actor.org)
        answer(resp, [self._shown(row) for row in rows if role_id in pure.definition_of(row).roles])

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, role_id: str = "") -> None:
        author = author_of(req)
        body: AttachBody = decoded(_attach, await body_of(req))
        row = self._policies.get(author.environment, body.policy_id, org=author.actor.org)
        definition = pure.definition_of(row)
        roles = tuple(dict.fromkeys((*definition.roles, role_id)))
        changed = await self._policies.change(
            row, msgspec.structs.replace(definition, roles=roles), author=author, expected=row.version
        )
        tagged(resp, changed.version)
        answer(resp, self._shown(changed))


class OneOfRole(OnePolicy):
    async def on_delete(  # type: ignore[override]
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, role_id: str = "", policy: str = ""
    ) -> None:
        row = self._found(req, policy)
        definition = pure.definition_of(row)
        if role_id not in definition.roles:
            raise PolicyNotFound(f"policy {row.name} is not for role {role_id[:80]!r}", field="role")
        roles = tuple(role for role in definition.roles if role != role_id)
        if not roles:
            raise Conflict(
                f"{role_id} is the only role of policy {row.name}: without it, it would be for everybody",
                field="role",
                hint="disable or delete the policy, or give it another role first",
            )
        without = msgspec.structs.replace(definition, roles=roles)
        await self._policies.change(row, without, author=author_of(req), expected=row.version)
        resp.status = 204


class Versions(OnePolicy):
    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, policy: str = "") -> None:
        query = query_of(req, ListPolicyVersionsQuery)
        entries = await self._policies.versions(self._found(req, policy), before=query.before, limit=query.limit)
        answer(resp, ListPolicyVersionsResponse(versions=[version_shown(entry) for entry in entries]))


class OneVersion(OnePolicy):
    async def on_get(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, policy: str = "", version: str = ""
    ) -> None:
        entry = await self._policies.version(self._found(req, policy), version_number(version))
        answer(resp, version_shown(entry))


class Rollback(OnePolicy):
    async def on_post(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, policy: str = "", version: str = ""
    ) -> None:
        expected, row = version_of(req, required=True), self._found(req, policy)
        reason = query_of(req, ReasonQuery).reason
        back = await self._policies.roll_back(
            row, version_number(version), author=author_of(req), expected=expected, reason=reason
        )
        self._tell(resp, back)


def routes(services: Services) -> Sequence[Route]:
    read, write = "policies:read", "policies:write"
    missing: Mapping[int, str] = {404: "there is none"}
    refused: Mapping[int, str] = {400: "it is no policy", 409: "it would lock you out"}
    stale: Mapping[int, str] = {412: "another version is there"}
    unsaid: Mapping[int, str] = {428: "If-Match is missing"}
    tag = {"ETag": "the version"}
    policy = Answer("the policy", PolicyResponse, headers=tag)
    listing = {
        "GET": Operation(
            "Policies of the environment and of its organization, by name",
            {200: Answer("them", list[PolicyResponse])},
            query=ListPoliciesQuery,
            permission=read,
        ),
        "POST": Operation("Make a policy", {201: policy, **refused}, body=Body(PolicyBody, EXAMPLE), permission=write),
    }
    one = {
        "GET": Operation("A policy, by id or name", {200: policy, **missing}, query=GetPolicyQuery, permission=read),
        "PUT": Operation(
            "Replace a policy, and enable it",
            {200: policy, **missing, **refused, **stale, **unsaid},
            body=Body(PolicyBody, EXAMPLE),
            headers=CONDITION,
            permission=write,
        ),
        "PATCH": Operation(
            "Change some of a policy, and enable it",
            {200: policy, **missing, **refused, **stale},
            body=Body(PolicyPatch, {"description": "secrets of production are for those on call"}),
            headers=CONDITION,
            permission=write,
        ),
        "DELETE": Operation(
            "Delete a policy; its versions stay",
            {204: "it is gone", **missing, **stale},
            query=ReasonQuery,
            headers=CONDITION,
            permission=write,
        ),
    }
    disable = Operation(
        "Keep a policy without asking it",
        {200: policy, **missing, **stale},
        query=ReasonQuery,
        headers=CONDITION,
        permission=write,
    )
    enable = Operation(
        "Ask a policy again",
        {200: policy, **missing, **refused, **stale},
        query=ReasonQuery,
        headers=CONDITION,
        permission=write,
    )
    versions = Operation(
        "Versions of a policy, newest first",
        {200: Answer("them", ListPolicyVersionsResponse), **missing},
        query=ListPolicyVersionsQuery,
        permission=read,
    )
    version = Operation(
        "One version of a policy", {200: Answer("it", PolicyVersionResponse), **missing}, permission=read
    )
    rollback = Operation(
        "Bring a version back, as a new one",
        {200: policy, **missing, **refused, **stale, **unsaid},
        query=ReasonQuery,
        headers=CONDITION,
        permission=write,
    )
    of_role = {
        "GET": Operation("Policies that are for a role", {200: Answer("them", list[PolicyResponse])}, permission=read),
        "POST": Operation(
            "Make a policy count for a role; one that was for everybody is for this role only, then",
            {200: policy, **missing, **refused},
            body=Body(AttachBody, {"policy_id": "no-production-secrets"}),
            permission=write,
        ),
    }
    detach = Operation(
        "Let a policy no longer count for a role",
        {204: "done", **missing, 409: "it has no other role"},
        permission=write,
    )
    base = "/api/v1/policies"
    named = f"{base}/{{policy}}"
    return [
        Route(base, Policies(services), listing),
        Route(named, OnePolicy(services), one),
        Route(f"{named}/disable", Disable(services), {"POST": disable}),
        Route(f"{named}/enable", Enable(services), {"POST": enable}),
        Route(f"{named}/versions", Versions(services), {"GET": versions}),
        Route(f"{named}/versions/{{version}}", OneVersion(services), {"GET": version}),
        Route(f"{named}/versions/{{version}}/rollback", Rollback(services), {"POST": rollback}),
        Route("/api/v1/roles/{role_id}/policies", OfRole(services), of_role),
        Route("/api/v1/roles/{role_id}/policies/{policy}", OneOfRole(services), {"DELETE": detach}),
    ]
