"""/api/v1/policy-set: the organization's policies as one versioned document, as newer published clients keep them; and
/api/v1/platform/policy-set: the one that counts in every organization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import falcon.asgi
import msgspec
from msgspec import UNSET

from app import clock
from app.access import authoring, clauses, policy_set
from app.access import policy as pure
from app.access.authoring import Author
from app.api.answers import answer, body_of, decoded
from app.api.authors import author_of
from app.api.conditions import tagged, version_of
from app.api.policies_json import asked, version_number
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.policy_set import (
    PolicySetBody,
    PolicySetDryRunBody,
    PolicySetDryRunResponse,
    PolicySetResponse,
    PolicySetValidateResponse,
    PolicySetVersionsResponse,
    PolicySetVersionSummary,
)
from app.errors import PolicyNotFound, RevisionConflict
from app.expressions import EvaluationFailed
from app.history.entry import Entry
from app.history.kinds import PolicyChanged, PolicyCreated, PolicyDefinition
from storage.records import PolicyRow

_body = msgspec.json.Decoder(PolicySetBody)
_dry_run = msgspec.json.Decoder(PolicySetDryRunBody)

CONDITION = {"If-Match": "the version that is to be changed; 0 if there is no set yet"}
EXAMPLE = {
    "modules": {"no-secrets": 'request.action == "secrets:read" && !("oncall" in subject.roles)'},
    "mode": "monitor",
}


class PolicySet:
    """Of the caller's organization; or the platform's."""

    def __init__(self, services: Services, *, platform: bool) -> None:
        self._services = services
        self._policies = services.policies
        self._platform = platform

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        row = self._row(author_of(req))
        if row is None:
            answer(resp, PolicySetResponse(modules={}, mode=pure.MONITOR, version=0, enforcement_active=False))
            return
        _tell(resp, row)

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        author, first = author_of(req), (req.get_header("If-Match") or "").strip(' "') == "0"
        expected = 0 if first else version_of(req, required=True)
        body: PolicySetBody = decoded(_body, await body_of(req))
        definition, row = self._defined(body, author), self._row(author)
        if row is None and expected in (0, None):
            changed = await self._policies.create(author.environment, definition, author=author)
        elif row is None or expected == 0:
            there = f"version {row.version} is" if row else "no set is"
            raise RevisionConflict(f"{there} there, not version {expected}", hint="read it again")
        else:
            changed = await self._policies.change(row, definition, author=author, expected=expected)
        _tell(resp, changed)

    def _org(self, author: Author) -> str:
        return policy_set.PLATFORM if self._platform else author.actor.org

    def _defined(self, body: PolicySetBody, author: Author) -> PolicyDefinition:
        """Raises InvalidArgument."""
        return policy_set.defined(self._org(author), body.modules, decision=body.decision or "", mode=body.mode)

    def _row(self, author: Author) -> PolicyRow | None:
        try:
            return self._of(author)
        except PolicyNotFound:
            return None

    def _found(self, req: falcon.asgi.Request) -> PolicyRow:
        return self._of(author_of(req))

    def _of(self, author: Author) -> PolicyRow:
        """Raises PolicyNotFound."""
        org = self._org(author)
        return self._policies.get(org, policy_set.name_in(org), org=org)


class Validate(PolicySet):
    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        pure.checked(self._defined(decoded(_body, await body_of(req)), author_of(req)))
        answer(resp, PolicySetValidateResponse(valid=True))


class DryRun(PolicySet):
    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        author = author_of(req)
        body: PolicySetDryRunBody = decoded(_dry_run, await body_of(req))
        row = self._row(author) if body.set is None else None
        if body.set is not None:
            definition = pure.checked(self._defined(body.set, author))
        elif row is not None:
            definition = pure.definition_of(row)
        else:
            raise PolicyNotFound("there is no policy set", hint="send one in `set`, or PUT it first")
        now = self._services.clock.now_us()
        request = asked(body.input, author.environment, author.actor.org)
        at = clock.parse_instant(body.input.now, now, field="input.now") if body.input.now else now
        variables = clauses.variables(request, clauses.resource_of(request), at)
        told = {name: _said(source, variables) for name, source in modules_of(definition).items()}
        asked_for = {name: one for name, one in told.items() if definition.decision in ("", name)}
        denying = [name for name, (denies, _) in asked_for.items() if denies]
        errors = [f"{name}: {error}" for name, (_, error) in asked_for.items() if error]
        lines = [
            f"{name}: {'denies' if denies else 'says nothing'}{error and f' ({error})'}"
            for name, (denies, error) in told.items()
        ]
        content = PolicySetDryRunResponse(
            decision="deny" if denying else "allow",
            mode=definition.mode,
            version=row.version if row is not None else 0,
            entrypoint=given(definition.decision),
            error=given("; ".join(errors)),
            explain="\n".join(lines) if body.explain else UNSET,
            reasons=denying,
        )
        answer(resp, content)


class Versions(PolicySet):
    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        entries = await self._policies.versions(self._found(req), limit=200)
        told = [summary(entry) for entry in entries if isinstance(entry.fact, PolicyCreated | PolicyChanged)]
        answer(resp, PolicySetVersionsResponse(versions=told))


class OneVersion(PolicySet):
    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, number: str = "") -> None:
        entry = await self._policies.version(self._found(req), version_number(number))
        definition = _definition(entry)
        content = PolicySetResponse(
            modules=modules_of(definition),
            mode=definition.mode,
            version=entry.version,
            decision=given(definition.decision),
            enforcement_active=False,
            updated_at=clock.rfc3339(entry.recorded_at),
            updated_by=given(entry.actor),
        )
        answer(resp, content)


class Rollback(PolicySet):
    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, number: str = "") -> None:
        expected, row = version_of(req, required=True), self._found(req)
        back = await self._policies.roll_back(row, version_number(number), author=author_of(req), expected=expected)
        _tell(resp, back)


def set_shown(row: PolicyRow) -> PolicySetResponse:
    definition = pure.definition_of(row)
    return PolicySetResponse(
        modules=modules_of(definition),
        mode=definition.mode,
        version=row.version,
        decision=given(definition.decision),
        enforcement_active=row.status == pure.ACTIVE and definition.mode == pure.ENFORCE,
        updated_at=clock.rfc3339(row.updated_at),
        updated_by=given(row.updated_by),
    )


def _tell(resp: falcon.asgi.Response, row: PolicyRow) -> None:
    tagged(resp, row.version)
    answer(resp, set_shown(row))


def modules_of(definition: PolicyDefinition) -> dict[str, str]:
    return dict(definition.modules) or {definition.name: definition.condition}


def summary(entry: Entry) -> PolicySetVersionSummary:
    definition = _definition(entry)
    return PolicySetVersionSummary(
        version=entry.version,
        mode=definition.mode,
        created_at=clock.rfc3339(entry.recorded_at),
        created_by=given(entry.actor),
        decision=given(definition.decision),
    )


def _definition(entry: Entry) -> PolicyDefinition:
    """Raises PolicyNotFound for a version that is none of a definition."""
    fact = entry.fact
    if not isinstance(fact, PolicyCreated | PolicyChanged):
        raise PolicyNotFound(f"version {entry.version} has no modules", hint="it was disabled or deleted then")
    return fact.definition


def _said(source: str, variables: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether a module denies, and why it cannot be evaluated, which denies as well."""
    try:
        return clauses.compile(source).holds(variables, clauses.Meter()), ""
    except EvaluationFailed as error:
        return True, str(error)


def routes(services: Services) -> Sequence[Route]:
    own = _routes(services, "/api/v1/policy-set", authoring.READ, authoring.WRITE, platform=False)
    every = _routes(
        services, "/api/v1/platform/policy-set", authoring.PLATFORM_READ, authoring.PLATFORM_WRITE, platform=True
    )
    return [*own, *every]


def _routes(services: Services, base: str, read: str, write: str, *, platform: bool) -> Sequence[Route]:
    whose = "the policy set that counts in every organization" if platform else "the organization's policy set"
    missing: Mapping[int, str] = {404: "there is none"}
    stale: Mapping[int, str] = {412: "another version is there", 428: "If-Match is missing"}
    told = Answer("the set", PolicySetResponse, headers={"ETag": "the version"})
    one = {
        "GET": Operation(f"{whose.capitalize()}; version 0 if there is none", {200: told}, permission=read),
        "PUT": Operation(
            f"Replace {whose}",
            {200: told, 400: "a module is no condition", 409: "it would lock you out", **stale},
            body=Body(PolicySetBody, EXAMPLE),
            headers=CONDITION,
            permission=write,
        ),
    }
    validate = Operation(
        f"Whether one could be saved as {whose}",
        {200: Answer("it could", PolicySetValidateResponse), 400: "it could not"},
        body=Body(PolicySetBody, EXAMPLE),
        permission=read,
    )
    tried = {"subject": {"roles": ["developer"]}, "action": "secrets:read", "resource": "secret/stripe"}
    dry_run = Operation(
        f"What {whose} would say to a request, or one that is not saved",
        {200: Answer("the decision", PolicySetDryRunResponse), **missing},
        body=Body(PolicySetDryRunBody, {"input": tried, "set": EXAMPLE, "explain": True}),
        permission=read,
    )
    versions = Operation(
        f"Versions of {whose}, newest first",
        {200: Answer("them", PolicySetVersionsResponse), **missing},
        permission=read,
    )
    version = Operation(f"One version of {whose}", {200: Answer("it", PolicySetResponse), **missing}, permission=read)
    rollback = Operation(
        f"Bring a version of {whose} back, as a new one",
        {200: told, **missing, **stale},
        headers=CONDITION,
        permission=write,
    )
    given_to: Mapping[str, tuple[PolicySet, Mapping[str, Operation]]] = {
        base: (PolicySet(services, platform=platform), one),
        f"{base}/validate": (Validate(services, platform=platform), {"POST": validate}),
        f"{base}/dry-run": (DryRun(services, platform=platform), {"POST": dry_run}),
        f"{base}/versions": (Versions(services, platform=platform), {"GET": versions}),
        f"{base}/versions/{{number}}": (OneVersion(services, platform=platform), {"GET": version}),
        f"{base}/versions/{{number}}/rollback": (Rollback(services, platform=platform), {"POST": rollback}),
    }
    return [Route(path, resource, operations) for path, (resource, operations) in given_to.items()]
