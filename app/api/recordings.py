"""/api/v1/runs/{id}/recording: a run as it can be replayed elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi

from app.api.answers import answer
from app.api.caller import environment_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.recordings import RecordingResponse, recording_shown
from app.runs.recording import load


class Recording:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        environment = environment_of(req)
        await self._services.runs.row(environment, run_id)
        answer(resp, recording_shown(*await self._services.storage.read(lambda tx: load(tx, environment, run_id))))


def routes(services: Services) -> Sequence[Route]:
    recording = Operation(
        "A run as `ironflow check` replays it: its event, the results of its steps, how it ended",
        {
            200: Answer("the recording", RecordingResponse),
            404: "there is no such run",
            409: "several begin like that",
        },
        permission="runs:read",
    )
    return [Route("/api/v1/runs/{run_id}/recording", Recording(services), {"GET": recording})]
