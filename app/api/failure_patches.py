"""/api/v1/failures/{fingerprint}/apply: what mended one run of a group, given to the others."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi
import msgspec

from app.api.answers import answer, body_of, decoded
from app.api.asking import HEADERS, request_of
from app.api.caller import caller_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.failure_patches import ApplyPatchBody, ApplyPatchResponse, applied_shown

_apply = msgspec.json.Decoder(ApplyPatchBody)


class Apply:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, fingerprint: str) -> None:
        caller = caller_of(req)
        body: ApplyPatchBody = decoded(_apply, await body_of(req))
        caller.about(f"failure/{fingerprint}")
        caller.also("runs:read", f"run/{body.from_run}")  # the answer tells what a step of it was given

        def asks(run_id: str) -> None:
            caller.about(f"run/{run_id}")
            caller.also("runs:resume", f"run/{run_id}")

        outcome = await self._services.search.applying.apply(
            caller.environment,
            fingerprint,
            from_run=body.from_run,
            step=body.step,
            run_ids=body.run_ids,
            expected=body.expected_versions,
            dry_run=body.dry_run,
            request=request_of(req, body.reason),
            asks=asks,
        )
        answer(resp, applied_shown(outcome, dry_run=body.dry_run))


def routes(services: Services) -> Sequence[Route]:
    apply = Operation(
        "Give what mended one run of the group to the others that rest failed or paused, and resume them",
        {
            200: Answer("what comes of each run", ApplyPatchResponse),
            403: "it takes runs:read of that run too, and runs:resume of each that is changed",
            404: "no failure has that fingerprint, or there is no such run",
            412: "that run has not gone well with another output",
        },
        body=Body(
            ApplyPatchBody,
            {"from_run": "run_0123456789abcdefghjkmnpqrs", "dry_run": True, "reason": "the tariff is known now"},
        ),
        headers={"Idempotency-Key": HEADERS["Idempotency-Key"]},
        permission="runs:patch",
    )
    return [Route("/api/v1/failures/{fingerprint}/apply", Apply(services), {"POST": apply})]
