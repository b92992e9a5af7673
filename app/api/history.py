"""/api/v1/history: the entries themselves, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import falcon.asgi
import msgspec

from app import clock
from app.api.answers import answer
from app.api.caller import environment_of
from app.api.middleware import int_param
from app.api.services import Operation, Route, Services
from app.history.entry import Entry
from storage import history

LIMIT_MAX = 1_000


class Entries:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        environment = environment_of(req)
        after = int_param(req, "after", 0, low=0, high=2**62)
        limit = int_param(req, "limit", 100, low=1, high=LIMIT_MAX)
        records = await self._services.storage.read(lambda tx: history.after(tx, after, limit))
        head = records[-1].position if records else after
        answer(
            resp,
            {
                "entries": [_shown(Entry(record)) for record in records if record.environment == environment],
                "next_after": head,
                "head": self._services.tail.head,
            },
        )


class Head:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        position, digest = await self._services.storage.read(history.head)
        answer(resp, {"position": position, "digest": digest.hex()})


def _shown(entry: Entry) -> dict[str, Any]:
    return {
        "position": entry.position,
        "stream": entry.stream,
        "version": entry.version,
        "kind": entry.kind,
        "data": msgspec.Raw(entry.data),
        "metadata": msgspec.Raw(entry.metadata),
        "actor": entry.actor,
        "correlation": entry.correlation,
        "causation": entry.causation,
        "recorded_at": clock.rfc3339(entry.recorded_at),
    }


def routes(services: Services) -> Sequence[Route]:
    entries = Operation(
        "Entries of the environment after a position, in order",
        {200: "entries, and the position to go on from"},
        query={"after": "a position, default 0", "limit": f"1 to {LIMIT_MAX}, default 100"},
    )
    head = Operation("Position and digest of the last entry", {200: "both"})
    return [
        Route("/api/v1/history", Entries(services), {"GET": entries}),
        Route("/api/v1/history/head", Head(services), {"GET": head}),
    ]
