"""POST /api/v1/runs/{run_id}/watch: expressions over a run, as of positions or times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import falcon.asgi
import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.api.answers import answer, body_of, decoded
from app.api.caller import environment_of
from app.api.past import position_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import Shape, given
from app.runs.watching import EXPRESSIONS_MAX, POSITIONS_MAX, VARIABLES, Watched


class WatchBody(msgspec.Struct, forbid_unknown_fields=True):
    """Expressions in CEL, and the moments that they are asked of."""

    expressions: Annotated[
        list[str], Meta(description=f"over {', '.join(sorted(VARIABLES))}; at most {EXPRESSIONS_MAX}")
    ]
    at: Annotated[list[str], Meta(description=f"positions or times, at most {POSITIONS_MAX}; an empty one is now")] = (
        msgspec.field(default_factory=lambda: [""])
    )


class WatchedValue(Shape):
    """What an expression was; `error` in its place where it did not fit what there was, or is no CEL."""

    value: Any
    error: Annotated[str, Meta(description="what was wrong")] | UnsetType = UNSET
    code: Annotated[str, Meta(description="why it is not told: the code of an error")] | UnsetType = UNSET


class WatchedExpression(Shape):
    """Its values in the order of the moments."""

    expression: str
    values: list[WatchedValue]


class WatchResponse(Shape):
    run_id: str
    expressions: list[WatchedExpression]


_body = msgspec.json.Decoder(WatchBody)


class Watch:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        services, environment = self._services, environment_of(req)
        body: WatchBody = decoded(_body, await body_of(req))
        positions = [await position_of(services, at) for at in body.at[: POSITIONS_MAX + 1]]
        found = await services.watching.values(environment, run_id, body.expressions, positions)
        told = [
            WatchedExpression(expression=text, values=[watched_shown(one) for one in values])
            for text, values in zip(body.expressions, found, strict=True)
        ]
        answer(resp, WatchResponse(run_id=run_id, expressions=told))


def watched_shown(watched: Watched) -> WatchedValue:
    return WatchedValue(value=watched.value, error=given(watched.error), code=given(watched.code))


def routes(services: Services) -> Sequence[Route]:
    watch = Operation(
        "What expressions over a run were, as of positions or times",
        {200: Answer("their values", WatchResponse), 404: "there is no such run, or was not by then"},
        body=Body(WatchBody, {"expressions": ["state.charge.amount", 'run.status == "failed"'], "at": ["2829", ""]}),
        permission="runs:read",
    )
    return [Route("/api/v1/runs/{run_id}/watch", Watch(services), {"POST": watch})]
