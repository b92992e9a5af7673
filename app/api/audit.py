"""/api/v1/audit: what happened and what was decided, by whom; what is recorded of it; and how a policy would have
decided."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import falcon.asgi
import msgspec
from msgspec import UNSET

from app import clock
from app.access import would_deny
from app.access.audit import Audit as Recorder
from app.access.audit_event import AuditEvent
from app.access.audit_reading import AuditFilter, AuditPage
from app.access.replay import Flip, Replay
from app.api import audit_export
from app.api.answers import answer, body_of, decoded
from app.api.authors import author_of
from app.api.caller import environment_of
from app.api.parameters import instant, query_of
from app.api.policies_json import EXAMPLE, defined, denial_shown
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.audit import (
    AuditEventResponse,
    AuditQuery,
    AuditSettingsBody,
    AuditSettingsResponse,
    ExportAuditQuery,
    FlipResponse,
    ListAuditQuery,
    PolicyWouldDeny,
    ReplayBody,
    ReplayResponse,
    RunAuditQuery,
    RunAuditResponse,
    WouldDenyQuery,
    WouldDenyResponse,
)
from app.api.shapes.base import given
from app.errors import PermissionDenied
from app.history.kinds import AuditSettings

INSTANT_MAX = 2**62
JSONL, CSV = "application/x-ndjson", "text/csv"

_settings = msgspec.json.Decoder(AuditSettingsBody)
_replay = msgspec.json.Decoder(ReplayBody)


class Events:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        query = query_of(req, ListAuditQuery)
        chosen = chosen_of(query, self._services.clock.now_us())
        page = await self._services.audit_reader.page(
            namespace_of(req, query), chosen, cursor=query.cursor, limit=query.limit
        )
        answer(resp, page_shown(page))


class OfRun:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        query = query_of(req, RunAuditQuery)
        now = self._services.clock.now_us()
        chosen = AuditFilter(
            event_type=query.event_type,
            since=instant(query.from_, 0, now=now, field="from"),
            until=instant(query.to, INSTANT_MAX, now=now, field="to"),
        )
        page = await self._services.audit_reader.of_run(
            environment_of(req), run_id, chosen, cursor=query.cursor, limit=query.limit
        )
        answer(resp, page_shown(page))


class Export:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        query = query_of(req, ExportAuditQuery)
        chosen = chosen_of(query, self._services.clock.now_us())
        events = self._services.audit_reader.everything(namespace_of(req, query), chosen)
        first = [event async for event in _upto(events, 1)]  # so that what cannot be asked for is an error
        resp.content_type = CSV if query.format == "csv" else JSONL
        resp.set_header("Content-Disposition", f'attachment; filename="audit.{query.format}"')
        resp.stream = _written(first, events, csv=query.format == "csv")


class Settings:
    def __init__(self, services: Services) -> None:
        self._audit = services.audit

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        answer(resp, settings_shown(self._audit, environment_of(req)))

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        author = author_of(req)
        body: AuditSettingsBody = decoded(_settings, await body_of(req))
        settings = AuditSettings(
            body.authz_successful_reads,
            body.authz_successful_writes,
            tuple(body.authz_excluded_actions),
            tuple(body.payload_redaction_fields),
        )
        await self._audit.set(author.environment, settings, actor=author.actor.id, reason=body.reason)
        answer(resp, settings_shown(self._audit, author.environment))


class ReplayDecisions:
    def __init__(self, services: Services) -> None:
        self._replay = Replay(services.storage, services.policies, services.clock)

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: ReplayBody = decoded(_replay, await body_of(req))
        done = await self._replay.of(environment_of(req), defined(body.policy), limit=body.limit)
        flips = [flip_shown(flip) for flip in done.flips]
        answer(resp, ReplayResponse(decisions=done.decisions, skipped=done.skipped, flips=flips))


class WouldDeny:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        since = instant(query_of(req, WouldDenyQuery).since, 0, now=self._services.clock.now_us(), field="since")
        told = await would_deny.since(self._services.storage, environment_of(req), since)
        policies = [
            PolicyWouldDeny(
                policy=one.policy, count=one.count, actors=len(one.actors), last_at=clock.rfc3339(one.last_at)
            )
            for one in told.policies
        ]
        since_at = clock.rfc3339(since)
        answer(
            resp,
            WouldDenyResponse(policies=policies, since=since_at, suppressed=told.suppressed, whole=told.whole),
        )


def namespace_of(req: falcon.asgi.Request, query: AuditQuery) -> str:
    """Where the entries are: what belongs to an organization is recorded under its id. Raises PermissionDenied."""
    author = author_of(req)
    if query.scope == "environment":
        return author.environment
    if author.actor.environment:
        raise PermissionDenied(
            "you are bound to one environment", field="scope", hint="ask for the audit of your environment"
        )
    return author.actor.org


def chosen_of(query: AuditQuery, now: int) -> AuditFilter:
    """Raises InvalidArgument."""
    return AuditFilter(
        action=query.action,
        actor=query.api_key_id,
        event_type=query.event_type,
        function_id=query.function_id,
        run_id=query.run_id,
        since=instant(query.from_, 0, now=now, field="from"),
        until=instant(query.to, INSTANT_MAX, now=now, field="to"),
    )


def page_shown(page: AuditPage) -> RunAuditResponse:
    return RunAuditResponse(
        events=[event_shown(event) for event in page.events],
        total_count=len(page.events),
        retention_days=0,
        next_cursor=given(str(page.cursor or "")),
    )


def event_shown(event: AuditEvent) -> AuditEventResponse:
    decided = bool(event.decision)
    return AuditEventResponse(
        id=str(event.position),
        event_type=event.type,
        created_at=clock.rfc3339(event.at),
        environment_id=event.environment,
        run_id=event.run_id,
        function_id=event.function_id,
        step_id=given(event.step_id),
        payload=event.payload,
        kind=event.kind,
        actor=event.actor,
        resource=event.resource,
        action=given(event.action),
        decision=given(event.decision),
        policy=given(event.policy),
        policy_version=given(event.policy_version),
        reason=given(event.reason),
        via=given(event.via),
        method=given(event.method),
        address=given(event.address),
        outcome=given(event.outcome),
        count=event.count if decided else UNSET,
    )


def settings_shown(audit: Recorder, environment: str) -> AuditSettingsResponse:
    settings = audit.settings(environment)
    return AuditSettingsResponse(
        authz_successful_reads=settings.reads,
        authz_successful_writes=settings.writes,
        authz_excluded_actions=list(settings.excluded_actions),
        payload_redaction_enabled=bool(settings.redacted_fields),
        payload_redaction_fields=list(settings.redacted_fields),
        capture_scope="everything that changes, denied requests, administrative acts",
        function_recording="always",
        kv_capture=True,
        retention_days=0,
        changes_require_restart=False,
        delivery_guarantee="changes: with their commit; decisions: moments after",
        delivery_healthy=audit.failed_total == 0,
        delivery_failure_count=audit.failed_total,
    )


def flip_shown(flip: Flip) -> FlipResponse:
    request, denial = flip.request, flip.after or flip.before
    return FlipResponse(
        actor=request.actor.id,
        roles=list(request.actor.roles),
        action=request.action,
        resource=request.resource,
        address=request.address,
        decided_at=clock.rfc3339(flip.at),
        before="allow" if flip.before is None else "deny",
        after="allow" if flip.after is None else "deny",
        denial=denial_shown(denial) if denial is not None else UNSET,
    )


async def _upto(events: AsyncIterator[AuditEvent], count: int) -> AsyncIterator[AuditEvent]:
    for _ in range(count):
        try:
            yield await anext(events)
        except StopAsyncIteration:
            return


async def _written(
    first: Sequence[AuditEvent], events: AsyncIterator[AuditEvent], *, csv: bool
) -> AsyncIterator[bytes]:
    write = audit_export.as_csv if csv else audit_export.jsonl
    if csv:
        yield audit_export.csv_header()
    for event in first:
        yield write(event)
    async for event in events:
        yield write(event)


def routes(services: Services) -> Sequence[Route]:
    read = "audit:read"
    events = Operation(
        "What happened and what was decided, newest first",
        {200: Answer("events", RunAuditResponse), 400: "the type is unknown"},
        query=ListAuditQuery,
        permission=read,
    )
    of_run = Operation(
        "What happened to a run, newest first",
        {200: Answer("events", RunAuditResponse), 404: "there is no such run"},
        query=RunAuditQuery,
        permission=read,
    )
    export = Operation(
        "All of it as lines of JSON, or as CSV whose cells no spreadsheet takes for formulas",
        {200: Answer("events, newest first", str, JSONL)},
        query=ExportAuditQuery,
        permission="audit:export",
    )
    settings = {
        "GET": Operation(
            "What is recorded, and what is not shown",
            {200: Answer("the settings", AuditSettingsResponse)},
            permission=read,
        ),
        "PUT": Operation(
            "Say what is recorded of decisions, and what is not shown",
            {200: Answer("the settings", AuditSettingsResponse), 400: "it would hide what must be seen"},
            body=Body(AuditSettingsBody, {"authz_successful_reads": True, "payload_redaction_fields": ["email"]}),
            permission="audit:manage",
        ),
    }
    replay = Operation(
        "Which of the last decisions a policy that is not saved would turn",
        {200: Answer("them", ReplayResponse), 400: "it is no policy"},
        body=Body(ReplayBody, {"policy": EXAMPLE, "limit": 100}),
        permission="policies:read",
    )
    denying = Operation(
        "What policies would have denied that only tell, or are enforced for a part of the callers",
        {200: Answer("counts", WouldDenyResponse)},
        query=WouldDenyQuery,
        permission="policies:read",
    )
    return [
        Route("/api/v1/audit", Events(services), {"GET": events}),
        Route("/api/v1/audit/would-deny", WouldDeny(services), {"GET": denying}),
        Route("/api/v1/audit/export", Export(services), {"GET": export}),
        Route("/api/v1/audit/settings", Settings(services), settings),
        Route("/api/v1/runs/{run_id}/audit", OfRun(services), {"GET": of_run}),
        Route("/api/v1/policies/replay", ReplayDecisions(services), {"POST": replay}),
    ]
