"""/api/v1/webhooks: where senders deliver to. /api/v1/webhook-sources: who may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi
import msgspec
from msgspec import UNSET

from app import clock
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of, environment_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.webhooks import (
    CreateSourceBody,
    DisableBody,
    ExpectedBody,
    ListSourcesResponse,
    PauseBody,
    ReceivedResponse,
    RotateSecretBody,
    SourceActivity,
    SourceResponse,
    UpdateSourceBody,
)
from app.errors import PayloadTooLarge, UnsupportedMediaType
from app.webhooks import descriptor as descriptors
from app.webhooks.deliveries import Activity
from app.webhooks.ingest import Received
from app.webhooks.noun import ACCEPTED
from app.webhooks.source import Change, NewSource
from app.webhooks.verification import Request
from storage.webhooks import WebhookSourceRow

INGEST = "/api/v1/webhooks/"

_create = msgspec.json.Decoder(CreateSourceBody)
_update = msgspec.json.Decoder(UpdateSourceBody)
_rotate = msgspec.json.Decoder(RotateSecretBody)
_disable = msgspec.json.Decoder(DisableBody)
_pause = msgspec.json.Decoder(PauseBody)
_expected = msgspec.json.Decoder(ExpectedBody)


class Ingest:
    def __init__(self, services: Services) -> None:
        self._ingest = services.ingest

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, source: str, token: str) -> None:
        row = await self._ingest.source_of(token, source)
        headers = {name.lower(): value for name, value in req.headers.items()}
        if headers.get("content-encoding", "identity") != "identity":
            raise UnsupportedMediaType(
                "a packed body is not read here: the signature is of its bytes", field="Content-Encoding", hint="none"
            )
        try:
            body = await body_of(req, types=())
        except PayloadTooLarge as error:
            await self._ingest.refuse(row, headers, error)
            raise
        received = await self._ingest.receive(row, Request(headers, body))
        if received.challenge:
            resp.content_type = falcon.MEDIA_TEXT
            resp.text = received.challenge
            return
        answer(resp, _received(received), 200 if received.status == ACCEPTED else 202)


class Sources:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        environment = environment_of(req)
        rows = await self._services.sources.list(environment)
        told = await self._services.deliveries.activity(environment, [row.id for row in rows])
        now = self._services.clock.now_us()
        sources = [shown(row, now, activity=told[row.id]) for row in rows]
        answer(resp, ListSourcesResponse(sources=sources, total_count=len(rows)))

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        caller = caller_of(req)
        body: CreateSourceBody = decoded(_create, await body_of(req))
        new = NewSource(
            name=body.name,
            provider=body.provider,
            event_prefix=body.event_prefix,
            descriptor=body.verify_config,
            secret=body.verify_secret,
            schema_version=body.schema_version,
            metadata=bytes(body.metadata),
        )
        opened = await self._services.sources.create(caller.environment, new, actor=caller.actor)
        answer(resp, shown(opened.row, self._services.clock.now_us(), token=opened.token), 201)


class Source:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, source: str) -> None:
        row = await self._services.sources.get(environment_of(req), source)
        answer(resp, shown(row, self._services.clock.now_us()))

    async def on_patch(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, source: str) -> None:
        caller = caller_of(req)
        body: UpdateSourceBody = decoded(_update, await body_of(req))
        change = Change(
            name=body.name,
            event_prefix=body.event_prefix,
            descriptor=body.verify_config,
            schema_version=body.schema_version,
            metadata=bytes(body.metadata) or None,
        )
        row = await self._services.sources.update(
            caller.environment, source, change, expected=_instant(body.expected_updated_at), actor=caller.actor
        )
        answer(resp, shown(row, self._services.clock.now_us()))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, source: str) -> None:
        caller = caller_of(req)
        await self._services.sources.delete(caller.environment, source, actor=caller.actor)
        resp.status = 204


class Pause:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, source: str) -> None:
        caller = caller_of(req)
        body: PauseBody = decoded(_pause, await body_of(req) or b"{}")
        row = await self._services.sources.pause(caller.environment, source, reason=body.reason, actor=caller.actor)
        answer(resp, shown(row, self._services.clock.now_us()))


class Resume:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, source: str) -> None:
        caller = caller_of(req)
        row = await self._services.sources.resume(caller.environment, source, actor=caller.actor)
        answer(resp, shown(row, self._services.clock.now_us()))


class Secret:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, source: str) -> None:
        caller = caller_of(req)
        body: RotateSecretBody = decoded(_rotate, await body_of(req))
        row = await self._services.sources.rotate_secret(
            caller.environment,
            source,
            body.verify_secret,
            grace_s=body.grace_seconds,
            expected=_instant(body.expected_updated_at),
            actor=caller.actor,
        )
        answer(resp, shown(row, self._services.clock.now_us()))


class DisableVerification:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, source: str) -> None:
        caller = caller_of(req)
        body: DisableBody = decoded(_disable, await body_of(req) or b"{}")
        row = await self._services.sources.disable_verification(
            caller.environment,
            source,
            grace_s=body.grace_seconds,
            expected=_instant(body.expected_updated_at),
            actor=caller.actor,
        )
        answer(resp, shown(row, self._services.clock.now_us()))


class PreviousSecret:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, source: str) -> None:
        caller = caller_of(req)
        row = await self._services.sources.expire_previous(caller.environment, source, actor=caller.actor)
        answer(resp, shown(row, self._services.clock.now_us()))


class Token:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, source: str) -> None:
        caller = caller_of(req)
        body: ExpectedBody = decoded(_expected, await body_of(req) or b"{}")
        opened = await self._services.sources.rotate_token(
            caller.environment, source, expected=_instant(body.expected_updated_at), actor=caller.actor
        )
        answer(resp, shown(opened.row, self._services.clock.now_us(), token=opened.token))


def shown(row: WebhookSourceRow, now: int, *, token: str = "", activity: Activity | None = None) -> SourceResponse:
    """A source as it is read; its token only where it was made now."""
    return SourceResponse(
        id=row.id,
        name=row.name,
        source_type=row.source_type,
        event_prefix=row.event_prefix,
        status=row.status,
        verify_config=descriptors.read(row.descriptor),
        verify_secret_set=bool(row.secret_id),
        verify_secret_prev_set=row.previous_until > now,
        schema_version=row.schema_version,
        metadata=msgspec.Raw(row.metadata.encode()),
        ingest_token_prefix=row.token_prefix,
        created_at=clock.rfc3339(row.created_at),
        updated_at=clock.rfc3339(row.updated_at),
        verify_secret_prev_expires_at=clock.rfc3339(row.previous_until) if row.previous_until > now else UNSET,
        ingest_token=given(token),
        ingest_path=f"{INGEST}{row.id}/{token}" if token else UNSET,
        activity=_activity(activity) if activity else UNSET,
    )


def _activity(activity: Activity) -> SourceActivity:
    last = activity.last
    return SourceActivity(
        deliveries=activity.deliveries,
        failed=activity.failed,
        exact=activity.exact,
        last_at=clock.rfc3339(last.received_at) if last else UNSET,
        last_status=last.status if last else UNSET,
    )


def _received(received: Received) -> ReceivedResponse:
    return ReceivedResponse(
        status=received.status,
        delivery_id=received.delivery_id,
        duplicate=received.duplicate,
        event_id=given(received.event_id),
    )


def _instant(text: str) -> int:
    return clock.parse_rfc3339(text, field="expected_updated_at") if text else 0


def routes(services: Services) -> Sequence[Route]:
    missing: Mapping[int, str] = {404: "there is none"}
    source = Answer("the source", SourceResponse)
    changed: Mapping[int, str | Answer] = {200: source, **missing, 409: "it was changed meanwhile"}
    ingest = Operation(
        "Deliver to a source: the body is verified byte for byte, and made an event",
        {
            200: Answer("it is an event, or was one before", ReceivedResponse),
            202: Answer("the source is paused, and holds it", ReceivedResponse),
            400: "verified, and no event can be made of it",
            401: "the signature is missing, too old, or not made with the secret",
            404: "there is no such source, or it has another token",
            413: "too large",
        },
        body=Body(bytes, '{"action": "opened"}', media="*/*"),
        open="who delivers has the token of the source",
    )
    every = {
        "GET": Operation(
            "Every source, without secrets", {200: Answer("sources", ListSourcesResponse)}, permission="webhooks:read"
        ),
        "POST": Operation(
            "Create a source; its token is told once",
            {201: source, 400: "refused", 409: "the name is taken"},
            body=Body(CreateSourceBody, {"name": "repo", "provider": "github", "verify_secret": "of the hook"}),
            permission="webhooks:manage",
        ),
    }
    one = {
        "GET": Operation("A source, by id or name", {200: source, **missing}, permission="webhooks:read"),
        "PATCH": Operation(
            "Change a source",
            changed,
            body=Body(UpdateSourceBody, {"event_prefix": "gh"}),
            permission="webhooks:manage",
        ),
        "DELETE": Operation(
            "Delete a source; its deliveries can still be read",
            {204: "it is gone", **missing},
            permission="webhooks:manage",
        ),
    }
    secret = Operation(
        "Give a new secret, beside which the one before counts for a while",
        {**changed, 412: "the source describes no signature"},
        body=Body(RotateSecretBody, {"verify_secret": "the next one", "grace_seconds": 3_600}),
        permission="webhooks:manage",
    )
    disable = Operation(
        "Ask for no signature any more",
        changed,
        body=Body(DisableBody, {"grace_seconds": 0}, required=False),
        permission="webhooks:manage",
    )
    token = Operation(
        "Give a new token; the old one is gone at once",
        changed,
        body=Body(ExpectedBody, {}, required=False),
        permission="webhooks:manage",
    )
    base = "/api/v1/webhook-sources"
    return [
        Route(f"{INGEST}{{source}}/{{token}}", Ingest(services), {"POST": ingest}),
        Route(base, Sources(services), every),
        Route(f"{base}/{{source}}", Source(services), one),
        Route(f"{base}/{{source}}/secret", Secret(services), {"PUT": secret}),
        Route(
            f"{base}/{{source}}/previous-secret",
            PreviousSecret(services),
            {
                "DELETE": Operation(
                    "The secret before no longer counts", {200: source, **missing}, permission="webhooks:manage"
                )
            },
        ),
        Route(f"{base}/{{source}}/disable-verification", DisableVerification(services), {"POST": disable}),
        Route(f"{base}/{{source}}/token", Token(services), {"POST": token}),
        Route(
            f"{base}/{{source}}/pause",
            Pause(services),
            {
                "POST": Operation(
                    "Hold what is delivered from now on",
                    {200: source, **missing},
                    body=Body(PauseBody, {"reason": "the shop moves"}, required=False),
                    permission="webhooks:manage",
                )
            },
        ),
        Route(
            f"{base}/{{source}}/resume",
            Resume(services),
            {
                "POST": Operation(
                    "Make events of what is delivered again", {200: source, **missing}, permission="webhooks:manage"
                )
            },
        ),
    ]
