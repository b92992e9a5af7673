"""…/redact: the payload of an event, a step or a run goes, for good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi
import msgspec

from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.redactions import RedactBody, RedactedResponse
from app.projections.redactions import Redacted
from app.runs.past import step_meant

_body = msgspec.json.Decoder(RedactBody)


class RedactEvent:
    def __init__(self, services: Services) -> None:
        self._redactions = services.redactions

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, event_id: str) -> None:
        caller, body = caller_of(req), decoded(_body, await body_of(req))
        done = await self._redactions.event(caller.environment, event_id, reason=body.reason, actor=caller.actor)
        answer(resp, shown(done))


class RedactRun:
    def __init__(self, services: Services) -> None:
        self._redactions = services.redactions

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        caller, body = caller_of(req), decoded(_body, await body_of(req))
        done = await self._redactions.run(caller.environment, run_id, reason=body.reason, actor=caller.actor)
        answer(resp, shown(done))


class RedactStep:
    def __init__(self, services: Services) -> None:
        self._redactions = services.redactions
        self._runs = services.runs

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str, step: str) -> None:
        caller, body = caller_of(req), decoded(_body, await body_of(req))
        step_id = step_meant(await self._runs.get(caller.environment, run_id), step).step_id
        done = await self._redactions.step(caller.environment, step_id, reason=body.reason, actor=caller.actor)
        answer(resp, shown(done))


def shown(done: Redacted) -> RedactedResponse:
    return RedactedResponse(redacted=done.entries, rebuilding=list(done.rebuilding), event_id=given(done.event_id))


def routes(services: Services) -> Sequence[Route]:
    redact = "events:redact"
    done = Answer("what was redacted", RedactedResponse)
    missing: Mapping[int, str] = {404: "there is none", 400: "the reason is missing"}
    unended: Mapping[int, str] = {412: "the run has not ended"}
    body = Body(RedactBody, {"reason": "the customer asked for it"})
    event = Operation(
        "Replace the data of an event by a placeholder, for good", {200: done, **missing}, body=body, permission=redact
    )
    run = Operation(
        "Replace all payloads of a run by placeholders, and those of its event if that started no other run",
        {200: done, **missing, **unended},
        body=body,
        permission=redact,
    )
    step = Operation(
        "Replace outputs and failures of a step by placeholders",
        {200: done, **missing, **unended},
        body=body,
        permission=redact,
    )
    return [
        Route("/api/v1/events/{event_id}/redact", RedactEvent(services), {"POST": event}),
        Route("/api/v1/runs/{run_id}/redact", RedactRun(services), {"POST": run}),
        Route("/api/v1/runs/{run_id}/steps/{step}/redact", RedactStep(services), {"POST": step}),
    ]
