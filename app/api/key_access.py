"""/api/v1/apikeys/{key_id}/access: what a key may, and what would be decided of a request of its."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from app.access.policy import Policy
from app.access.resolving import Decided, Resolving
from app.api.answers import answer
from app.api.caller import caller_of
from app.api.parameters import query_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.access import AskedPolicy, GivingRole, KeyAccessQuery, KeyAccessResponse, KeyDecision

POLICIES_READ = "policies:read"


class KeyAccess:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._resolving = Resolving(services.access, services.policies)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, key_id: str) -> None:
        query, caller = query_of(req, KeyAccessQuery), caller_of(req)
        access = self._services.access
        key = access.keys.get(caller.who, key_id)
        named = access.tenancy.namespace(caller.who, query.environment) if query.environment else caller.environment
        environment = key.environment or named
        held = self._resolving.held(key, environment)
        reads_policies = caller.who.may(POLICIES_READ)
        policies = held.policies if reads_policies else ()
        decision: KeyDecision | UnsetType = UNSET
        if query.action:
            now = self._services.clock.now_us()
            decided = self._resolving.decided(key, query.action, query.resource, environment, now)
            decision = _decision(decided if reads_policies else _bare(decided), query, access.tenancy.name(environment))
        content = KeyAccessResponse(
            id=key.id,
            name=key.name,
            roles=[GivingRole(id=one.id, name=one.name, permissions=sorted(one.permissions)) for one in held.roles],
            permissions=sorted(held.actor.permissions),
            withheld=list(held.withheld),
            policies=[_asked(one, enforced=one.enforces(held.actor)) for one in policies],
            decision=decision,
        )
        answer(resp, content)


def _asked(policy: Policy, *, enforced: bool) -> AskedPolicy:
    definition = policy.definition
    return AskedPolicy(
        id=policy.id,
        name=definition.name,
        mode=definition.mode,
        enforced=enforced,
        actions=list(definition.actions),
        resources=list(definition.resources),
        condition=definition.condition,
    )


def _bare(decided: Decided) -> Decided:
    """Without what policies say, for whoever may not read them."""
    reason = decided.reason if decided.denial is None else "a policy denies it"
    return replace(decided, reason=reason, denial=None, would_deny=())


def _decision(decided: Decided, query: KeyAccessQuery, environment: str) -> KeyDecision:
    denial = decided.denial
    return KeyDecision(
        action=query.action,
        resource=query.resource,
        environment=environment,
        allowed=decided.allowed,
        by=decided.by,
        reason=decided.reason,
        roles=[role.name for role in decided.roles],
        policy=denial.policy if denial is not None else UNSET,
        policy_version=denial.version if denial is not None else UNSET,
        would_deny=[one.reason for one in decided.would_deny],
    )


def routes(services: Services) -> Sequence[Route]:
    told = Operation(
        "What a key may, by which roles and policies; with an action, whether it may do that to a resource, and why",
        {200: Answer("what it may", KeyAccessResponse), 400: "the action is no permission", 404: "no such key"},
        query=KeyAccessQuery,
        permission="apikeys:read",
    )
    return [Route("/api/v1/apikeys/{key_id}/access", KeyAccess(services), {"GET": told})]
