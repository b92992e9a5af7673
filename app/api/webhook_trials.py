"""/api/v1/webhook-sources/{source}/test: a delivery that the server makes up and signs, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi
import msgspec
from msgspec import UNSET

from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.webhooks import CheckResponse, TestSourceBody, TriedResponse
from app.webhooks import descriptor as descriptors
from app.webhooks.sampling import sample, without_signature
from app.webhooks.trying import tried
from app.webhooks.verification import verify

_test = msgspec.json.Decoder(TestSourceBody)


class Test:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, source: str) -> None:
        services, caller = self._services, caller_of(req)
        body: TestSourceBody = decoded(_test, await body_of(req) or b"{}")
        now = services.clock.now_us()
        row = await services.sources.get(caller.environment, source)
        descriptor = descriptors.read(row.descriptor)
        keys = await services.ingest.keys_of(row, now=now)
        made = sample(descriptor, keys.current, id=services.ids.delivery(), now=now)
        found, request = verify(descriptor, keys, made, now=now), without_signature(descriptor, made)
        trial = tried(
            descriptor,
            keys,
            request,
            event_prefix=row.event_prefix,
            now=now,
            secret_given=False,
            verification=found,
        )
        received = await services.ingest.receive(row, request, verification=found) if body.deliver else None
        content = TriedResponse(
            verified=trial.verification.verified,
            signature_key=trial.verification.key,
            checks=[
                CheckResponse(name=check.name, passed=check.passed, detail=check.detail)
                for check in trial.verification.checks
            ],
            event_name=trial.event_name or row.name,
            external_id=trial.dedup_id,
            request_headers=dict(request.headers),
            request_body=request.body.decode(),
            error=given(trial.error),
            status=received.status if received else UNSET,
            delivery_id=received.delivery_id if received else UNSET,
            event_id=given(received.event_id) if received else UNSET,
        )
        answer(resp, content)


def routes(services: Services) -> Sequence[Route]:
    test = Operation(
        "Make a delivery up, sign it, and see what the source says of it; with deliver it becomes an event",
        {200: Answer("what was looked at", TriedResponse), 404: "there is none"},
        body=Body(TestSourceBody, {"deliver": False}, required=False),
        permission="webhooks:manage",
    )
    return [Route("/api/v1/webhook-sources/{source}/test", Test(services), {"POST": test})]
