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


class TurnsBody(msgspec.Struct, forbid_unknown_fields=True):
    """Expressions in CEL, asked of every entry of a run past a position."""

    expressions: Annotated[
        list[str], Meta(description=f"over {', '.join(sorted(VARIABLES))}; at most {EXPRESSIONS_MAX}")
    ]
    after: Annotated[int, Meta(ge=0, le=2**62, description="after of the page before; 0 from the beginning")] = 0


class TurnShown(Shape):
    """An entry at which one of them was not what it had been before; what each was, in the order of expressions."""

    position: int
    version: Annotated[int, Meta(description="its place in the run, from 1")]
    summary: Annotated[str, Meta(description="what happened, in a line")]
    values: list[WatchedValue]


class TurnsResponse(Shape):
    """Turns in order; a page of few, or none, may have where to go on."""

    run_id: str
    turns: list[TurnShown]
    looked: Annotated[int, Meta(description="how many entries were looked at for it")]
    of: Annotated[int, Meta(description="how many the run has")]
    until: Annotated[int, Meta(description="position of the last entry that was looked at")]
    after: Annotated[int, Meta(description="give as after: the page after")] | UnsetType = UNSET


_turns_body = msgspec.json.Decoder(TurnsBody)
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


class WatchTurns:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        body: TurnsBody = decoded(_turns_body, await body_of(req))
        found = await self._services.watching.turns(environment_of(req), run_id, body.expressions, after=body.after)
        turns = [
            TurnShown(
                position=turn.position,
                version=turn.version,
                summary=turn.summary,
                values=[watched_shown(value) for value in turn.values],
            )
            for turn in found.turns
        ]
        told = TurnsResponse(
            run_id=run_id,
            turns=turns,
            looked=found.looked,
            of=found.of,
            until=found.until,
            after=given(found.after),
        )
        answer(resp, told)


def watched_shown(watched: Watched) -> WatchedValue:
    return WatchedValue(value=watched.value, error=given(watched.error), code=given(watched.code))


def routes(services: Services) -> Sequence[Route]:
    watch = Operation(
        "What expressions over a run were, as of positions or times",
        {200: Answer("their values", WatchResponse), 404: "there is no such run, or was not by then"},
        body=Body(WatchBody, {"expressions": ["state.charge.amount", 'run.status == "failed"'], "at": ["2829", ""]}),
        permission="runs:read",
    )
    turns = Operation(
        "Where expressions over a run were not what they had been before, entry by entry",
        {200: Answer("a page of turns", TurnsResponse), 404: "there is no such run, or was not by then"},
        body=Body(TurnsBody, {"expressions": ["state.charge.amount"], "after": 0}),
        permission="runs:read",
    )
    return [
        Route("/api/v1/runs/{run_id}/watch", Watch(services), {"POST": watch}),
        Route("/api/v1/runs/{run_id}/watch/turns", WatchTurns(services), {"POST": turns}),
    ]
