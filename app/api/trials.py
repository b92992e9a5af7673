"""Policies that are tried before they are saved: validated, asked about a request; and CEL evaluated by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import falcon.asgi
import msgspec
from msgspec import UNSET

from app import clock, expressions
from app.api import policy_doubts
from app.api.answers import answer, body_of, decoded
from app.api.authors import author_of
from app.api.policies_json import EXAMPLE, asked, defined, denial_shown, explained_shown, fields_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.policies import (
    CelBody,
    CelResponse,
    DryRunBody,
    DryRunResponse,
    PolicyBody,
    ValidPolicyResponse,
)
from app.errors import InvalidArgument

_body = msgspec.json.Decoder(PolicyBody)
_dry_run = msgspec.json.Decoder(DryRunBody)
_cel = msgspec.json.Decoder(CelBody)


class Validate:
    def __init__(self, services: Services) -> None:
        self._policies = services.policies
        self._roles = services.access.roles

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: PolicyBody = decoded(_body, await body_of(req))
        author = author_of(req)
        definition = self._policies.checked(author.environment, defined(body), author=author)
        roles = {text for role in self._roles.list(author.actor.org) for text in (role.id, role.name)}
        warnings = policy_doubts.of_policy(definition, roles)
        answer(resp, ValidPolicyResponse(valid=True, policy=fields_of(definition), warnings=warnings))


class DryRun:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        author = author_of(req)
        body: DryRunBody = decoded(_dry_run, await body_of(req))
        now = self._services.clock.now_us()
        ruling, told = self._services.policies.dry_run(
            asked(body.input, author.environment, author.actor.org),
            defined(body.policy) if body.policy is not None else None,
            at=clock.parse_instant(body.input.now, now, field="input.now") if body.input.now else now,
        )
        content = DryRunResponse(
            decision="allow" if ruling.denial is None else "deny",
            denial=denial_shown(ruling.denial) if ruling.denial is not None else UNSET,
            would_deny=[denial_shown(denial) for denial in ruling.monitored],
            explain=[explained_shown(one) for one in told] if body.explain else UNSET,
            warnings=policy_doubts.of_request(body.input.action, body.input.resource),
        )
        answer(resp, content)


class Evaluate:
    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: CelBody = decoded(_cel, await body_of(req))
        answer(resp, evaluated(body.expression, body.variables))


def evaluated(expression: str, variables: Mapping[str, Any]) -> CelResponse:
    """The value of an expression. Raises InvalidArgument, also where it cannot be evaluated."""
    from app import cel

    compiled = expressions.compile(expression, variables=frozenset(variables), field="expression")
    budget = cel.Budget()
    try:
        value = cel.plain(compiled.evaluate(variables, budget=budget))
    except expressions.EvaluationFailed as error:
        raise InvalidArgument(f"it cannot be evaluated: {error}", field="expression") from None
    return CelResponse(value=value, cost=budget.spent, cost_max=budget.cost_max)


def routes(services: Services) -> Sequence[Route]:
    read = "policies:read"
    tried = {"subject": {"id": "ak_x", "roles": ["developer"]}, "action": "secrets:read", "resource": "secret/stripe"}
    validate = Operation(
        "Whether a policy could be saved",
        {
            200: Answer("it could", ValidPolicyResponse),
            400: "it could not",
            409: "it would deny you to change it again",
        },
        body=Body(PolicyBody, EXAMPLE),
        permission=read,
    )
    dry_run = Operation(
        "What policies would say to a request, with one that is not saved if you like, and why",
        {200: Answer("the decision", DryRunResponse)},
        body=Body(DryRunBody, {"input": tried, "policy": EXAMPLE, "explain": True}),
        permission=read,
    )
    cel = Operation(
        "Evaluate a CEL expression",
        {200: Answer("its value", CelResponse), 400: "it cannot be evaluated"},
        body=Body(CelBody, {"expression": "total > limit", "variables": {"total": 12, "limit": 10}}),
        permission=read,
    )
    return [
        Route("/api/v1/policies/validate", Validate(services), {"POST": validate}),
        Route("/api/v1/policies/dry-run", DryRun(services), {"POST": dry_run}),
        Route("/api/v1/cel/eval", Evaluate(), {"POST": cel}),
    ]
