"""/api/v1/webhook-deliveries: what senders have delivered."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import falcon.asgi
from msgspec import UNSET

from app import clock
from app.api.answers import answer
from app.api.caller import caller_of, environment_of
from app.api.parameters import query_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.webhooks import (
    CapturedResponse,
    CheckResponse,
    DeliveryResponse,
    ListDeliveriesQuery,
    ListDeliveriesResponse,
    ReplayedResponse,
)
from app.webhooks.deliveries import Captured
from storage.webhooks import WebhookDeliveryRow


class Deliveries:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        environment, query = environment_of(req), query_of(req, ListDeliveriesQuery)
        source = await self._services.sources.get(environment, query.source) if query.source else None
        page = await self._services.deliveries.list(
            environment,
            source_id=source.id if source else "",
            status=query.status,
            limit=query.limit,
            cursor=query.cursor,
        )
        content = ListDeliveriesResponse(
            deliveries=[DeliveryResponse(**_delivery(row)) for row in page.rows], next_cursor=given(page.next_cursor)
        )
        answer(resp, content)


class Delivery:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, delivery_id: str) -> None:
        answer(resp, _captured(await self._services.deliveries.get(environment_of(req), delivery_id)))


class Replay:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, delivery_id: str) -> None:
        caller = caller_of(req)
        told = await self._services.deliveries.replay(caller.environment, delivery_id, actor=caller.actor)
        content = ReplayedResponse(delivery_id=told.delivery_id, event_id=told.event_id, event_name=told.event_name)
        answer(resp, content)


def _delivery(row: WebhookDeliveryRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "source_id": row.source_id,
        "external_id": row.external_id,
        "status": row.status,
        "signature_key": row.signature_key,
        "event_id": row.event_id,
        "event_name": row.event_name,
        "body_bytes": row.body_bytes,
        "replays": row.replays,
        "created_at": clock.rfc3339(row.received_at),
        "code": given(row.code),
        "error": given(row.error),
    }


def _captured(captured: Captured) -> CapturedResponse:
    receipt = captured.receipt
    return CapturedResponse(
        **_delivery(captured.row),
        checks=[
            CheckResponse(name=check.name, passed=check.passed, detail=check.detail)
            for check in receipt.verification.checks
        ],
        request_headers=receipt.headers,
        request_body=captured.body.decode(errors="replace"),
        request_body_base64=base64.b64encode(captured.body).decode() if receipt.in_base64 else UNSET,
        body_cut=captured.cut,
    )


def routes(services: Services) -> Sequence[Route]:
    missing: Mapping[int, str] = {404: "there is none"}
    replayed = Operation(
        "Make a delivery an event again; one that was refused is verified as of when it came",
        {200: Answer("the event", ReplayedResponse), **missing, 401: "refused still", 412: "its body was not kept"},
        permission="webhooks:manage",
    )
    base = "/api/v1/webhook-deliveries"
    return [
        Route(
            base,
            Deliveries(services),
            {
                "GET": Operation(
                    "Deliveries, newest first",
                    {200: Answer("a page of them", ListDeliveriesResponse), **missing},
                    query=ListDeliveriesQuery,
                    permission="webhooks:read",
                )
            },
        ),
        Route(
            f"{base}/{{delivery_id}}",
            Delivery(services),
            {
                "GET": Operation(
                    "A delivery, with what was looked at",
                    {200: Answer("it", CapturedResponse), **missing},
                    permission="webhooks:read",
                )
            },
        ),
        Route(f"{base}/{{delivery_id}}/replay", Replay(services), {"POST": replayed}),
    ]
