"""/api/v1/sql: queries over history and what is derived from it."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi
import msgspec

from app.api.answers import answer, body_of, decoded
from app.api.caller import environment_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.sql import SqlBody, SqlResponse, ViewResponse, ViewsResponse
from app.history.sql import VIEWS

_body = msgspec.json.Decoder(SqlBody)


class Sql:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        views = [ViewResponse(name=name, about=view.about, columns=list(view.columns)) for name, view in VIEWS.items()]
        answer(resp, ViewsResponse(views=views))

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: SqlBody = decoded(_body, await body_of(req))
        table = await self._services.sql.ask(
            environment_of(req), body.query, body.params, timeout_ms=body.timeout_ms, rows_max=body.max_rows
        )
        content = SqlResponse(
            columns=list(table.columns),
            rows=[list(row) for row in table.rows],
            row_count=len(table.rows),
            truncated=table.truncated,
        )
        answer(resp, content)


def routes(services: Services) -> Sequence[Route]:
    views = Operation(
        "The views that queries are asked of", {200: Answer("names and columns", ViewsResponse)}, permission="sql:read"
    )
    ask = Operation(
        "Ask with SQL: one SELECT over the views, which sees the environment's rows and changes nothing",
        {200: Answer("columns and rows", SqlResponse), 400: "it is refused", 408: "it took too long"},
        body=Body(
            SqlBody,
            {
                "query": "select name, count(*) as seen from events where name like :like group by name",
                "params": {"like": "order.%"},
            },
        ),
        permission="sql:read",
    )
    return [Route("/api/v1/sql", Sql(services), {"GET": views, "POST": ask})]
