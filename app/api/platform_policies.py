"""/api/v1/platform/orgs/{org}/…/monitor: who looks after the platform lets a policy of an organization deny nothing any
more, such as one that shuts all of them out. The organization sees who did it and why, and can enforce it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi
import msgspec

from app.access import authoring, policy_set
from app.api.answers import answer, body_of, decoded
from app.api.authors import author_of
from app.api.caller import caller_of
from app.api.conditions import tagged
from app.api.policies_json import shown
from app.api.policy_set import set_shown
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.platform import MonitorRequest
from app.api.shapes.policies import PolicyResponse
from app.api.shapes.policy_set import PolicySetResponse
from app.errors import AmbiguousId, PolicyNotFound
from storage.records import PolicyRow

_body = msgspec.json.Decoder(MonitorRequest)
EXAMPLE = {"reason": "it keeps all of them out; ticket 4711"}


class MonitorSet:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._policies = services.policies
        self._tenancy = services.access.tenancy

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, org_id: str) -> None:
        self._tenancy.known(org_id)
        row = self._policies.get(org_id, policy_set.NAME, org=org_id)
        changed = await self._watched(req, row)
        tagged(resp, changed.version)
        answer(resp, set_shown(changed))

    async def _watched(self, req: falcon.asgi.Request, row: PolicyRow) -> PolicyRow:
        body: MonitorRequest = decoded(_body, await body_of(req))
        return await self._policies.watch(row, author=author_of(req), reason=body.reason)


class MonitorOne(MonitorSet):
    async def on_post(  # type: ignore[override]
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, org_id: str, policy: str
    ) -> None:
        org = self._tenancy.known(org_id)
        found = [row for row in self._policies.named(policy) if self._tenancy.owner(row.environment) == org.id]
        if not found:
            raise PolicyNotFound(f"{org.name} has no policy {policy[:100]!r}", field="policy")
        if len(found) > 1:
            raise AmbiguousId(
                f"{org.name} has {len(found)} policies {policy[:100]!r}",
                field="policy",
                hint=f"name it by its id: {', '.join(row.id for row in found[:5])}",
            )
        caller_of(req).about(f"platform/{org.id}/{found[0].id}")
        changed = await self._watched(req, found[0])
        tagged(resp, changed.version)
        answer(resp, shown(changed, self._policies.would_deny[changed.id]))


def routes(services: Services) -> Sequence[Route]:
    missing: Mapping[int, str] = {400: "the reason is missing", 404: "no such organization, or it has none"}
    tag = {"ETag": "the version"}
    whole = Operation(
        "Let an organization's policy set deny nothing, and only tell",
        {200: Answer("the set", PolicySetResponse, headers=tag), **missing},
        body=Body(MonitorRequest, EXAMPLE),
        permission=authoring.PLATFORM_WRITE,
    )
    one = Operation(
        "Let a policy of an organization, or of one of its environments, deny nothing, and only tell",
        {200: Answer("the policy", PolicyResponse, headers=tag), **missing, 409: "several have the name"},
        body=Body(MonitorRequest, EXAMPLE),
        permission=authoring.PLATFORM_WRITE,
    )
    base = "/api/v1/platform/orgs/{org_id}"
    return [
        Route(f"{base}/policy-set/monitor", MonitorSet(services), {"POST": whole}),
        Route(f"{base}/policies/{{policy}}/monitor", MonitorOne(services), {"POST": one}),
    ]
