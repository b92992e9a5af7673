"""/api/v1/projections/{name}/rows: the table of a SQL projection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import falcon.asgi
import msgspec
from msgspec import Meta

from app.api.answers import answer
from app.api.caller import environment_of
from app.api.parameters import query_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.base import Moment, Shape
from app.history import moments
from app.projections.tables import LIMIT, OFFSET_MAX


class ProjectionRowsQuery(msgspec.Struct):
    where: Annotated[str, Meta(description="SQL over the columns of the table")] = ""
    order_by: Annotated[str, Meta(description="SQL, such as total desc")] = ""
    limit: Annotated[int, Meta(ge=1, le=LIMIT[1])] = LIMIT[0]
    offset: Annotated[int, Meta(ge=0, le=OFFSET_MAX)] = 0
    at: Moment = ""


class ProjectionRowsResponse(Shape, kw_only=True):
    """A page of the rows of a SQL projection."""

    columns: list[str]
    rows: Annotated[list[list[Any]], Meta(description="values in the order of columns")]
    total_count: Annotated[int, Meta(description="how many there are without limit and offset")]


class ProjectionRows:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        query, projections = query_of(req, ProjectionRowsQuery), self._services.projections
        at = await moments.position_of(self._services.storage, query.at, now=self._services.clock.now_us())
        table, count = await projections.tables.rows(
            projections.registry.get(environment_of(req), name),
            where=query.where,
            order_by=query.order_by,
            limit=query.limit,
            offset=query.offset,
            at=at,
        )
        rows = list(map(list, table.rows))
        answer(resp, ProjectionRowsResponse(columns=list(table.columns), rows=rows, total_count=count))


def routes(services: Services) -> Sequence[Route]:
    listing = Operation(
        "Rows of the table of a SQL projection",
        {
            200: Answer("them", ProjectionRowsResponse),
            404: "no such projection",
            412: "it has no table, or not yet, or too many events lie before that position",
        },
        query=ProjectionRowsQuery,
        permission="projections:read",
    )
    return [Route("/api/v1/projections/{name}/rows", ProjectionRows(services), {"GET": listing})]
