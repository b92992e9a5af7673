"""/api/v1/nodes: who serves this store."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi

from app import clock
from app.api.answers import answer
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.nodes import NodeShape


class Nodes:
    def __init__(self, services: Services) -> None:
        self._nodes = services.nodes

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        content = [
            NodeShape(
                id=row.id,
                url=row.address,
                version=row.version,
                started_at=clock.rfc3339(row.started_at),
                leads=number == 0,
                answers=row.id == self._nodes.id,
            )
            for number, row in enumerate(self._nodes.listed())
        ]
        answer(resp, content)


def routes(services: Services) -> Sequence[Route]:
    listing = Operation(
        "Nodes that serve this store, the oldest first",
        {200: Answer("nodes", list[NodeShape])},
        permission="functions:list",
    )
    return [Route("/api/v1/nodes", Nodes(services), {"GET": listing})]
