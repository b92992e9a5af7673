"""/api/v1/groups/{name}/dead-letters: what a group could not deliver, and what becomes of it, one or many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi
import msgspec
from msgspec import UNSET

from app import clock
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of, environment_of
from app.api.parameters import query_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.groups import (
    DeadLetter,
    DeadLetterAction,
    DiscardQuery,
    ListDeadLettersQuery,
    ListDeadLettersResponse,
    ReasonBody,
    SettleBody,
    SettledResponse,
)
from app.errors import InvalidArgument
from app.events import letters
from app.events.letters import Wanted
from storage.records import DeadLetterRow

_reason = msgspec.json.Decoder(ReasonBody)
_settle = msgspec.json.Decoder(SettleBody)


class DeadLetters:
    def __init__(self, services: Services) -> None:
        self._groups = services.groups

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        query = query_of(req, ListDeadLettersQuery)
        if query.cursor and not (query.cursor.isascii() and query.cursor.isdecimal() and len(query.cursor) <= 18):
            raise InvalidArgument("cursor is not one of this list", field="cursor", hint="send next_cursor as it came")
        page = await letters.page(
            self._groups,
            environment_of(req),
            name,
            Wanted(cause=query.cause, search=query.search),
            after=int(query.cursor or 0),
            limit=query.limit,
        )
        content = ListDeadLettersResponse(
            dead_letters=[letter_shown(row) for row in page.rows],
            next_cursor=str(page.after) if page.after else UNSET,
        )
        answer(resp, content)


class Settle:
    """Requeue or discard those that are named, or all that fit."""

    def __init__(self, services: Services, *, discard: bool) -> None:
        self._groups = services.groups
        self._discard = discard

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        body: SettleBody = decoded(_settle, await body_of(req))
        if body.all == bool(body.positions):
            raise InvalidArgument("which dead letters is not said", field="positions", hint="name some, or say all")
        if body.positions and (body.cause or body.search):
            raise InvalidArgument(
                "positions and a filter exclude each other", field="positions", hint="with all, the filter counts"
            )
        caller = caller_of(req)
        wanted = Wanted(tuple(body.positions), body.cause, body.search)
        if body.preview:
            told = await letters.preview(self._groups, caller.environment, name, wanted)
        else:
            told = await letters.settle(
                self._groups,
                caller.environment,
                name,
                wanted,
                discard=self._discard,
                reason=body.reason,
                actor=caller.actor,
            )
        content = SettledResponse(
            group=name,
            result="discarded" if self._discard else "requeued",
            matched=told.matched,
            positions=told.positions,
            gone=told.gone,
            sample=[letter_shown(row) for row in told.sample],
            exact=told.exact,
            preview=body.preview,
        )
        answer(resp, content)


class Requeue:
    def __init__(self, services: Services) -> None:
        self._groups = services.groups

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str, position: str) -> None:
        body: ReasonBody = decoded(_reason, await body_of(req) or b"{}")
        caller = caller_of(req)
        await self._groups.requeue(
            caller.environment, name, _position(position), reason=body.reason, actor=caller.actor
        )
        answer(resp, DeadLetterAction(group=name, position=int(position), result="requeued"))


class OneDeadLetter:
    def __init__(self, services: Services) -> None:
        self._groups = services.groups

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str, position: str) -> None:
        query = query_of(req, DiscardQuery)
        caller = caller_of(req)
        await self._groups.discard(
            caller.environment, name, _position(position), reason=query.reason, actor=caller.actor
        )
        answer(resp, DeadLetterAction(group=name, position=int(position), result="discarded"))


def letter_shown(row: DeadLetterRow) -> DeadLetter:
    return DeadLetter(
        position=row.entry,
        event_id=row.event_id,
        topic=row.topic,
        deliveries=row.deliveries,
        cause=row.cause,
        reason=row.reason,
        dead_at=clock.rfc3339(row.dead_at),
    )


def _position(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise InvalidArgument(f"{text[:40]!r} is not a position", field="position", hint="see the list of dead letters")
    return int(text)


def routes(services: Services) -> Sequence[Route]:
    missing: Mapping[int, str] = {404: "no such group, or no dead letter there"}
    listing = {
        "GET": Operation(
            "What a group could not deliver",
            {200: Answer("dead letters", ListDeadLettersResponse), **missing},
            query=ListDeadLettersQuery,
            permission="groups:read",
        )
    }
    settled = Answer("what became of them, or would", SettledResponse)
    many = {
        "POST": Operation(
            "Deliver dead letters once more: those named, or all that fit",
            {200: settled, **missing},
            body=Body(SettleBody, {"all": True, "cause": "redelivered", "preview": True}),
            permission="groups:manage",
        )
    }
    none = {
        "POST": Operation(
            "Discard dead letters: those named, or all that fit",
            {200: settled, **missing},
            body=Body(SettleBody, {"all": True, "search": "no such order", "preview": True}),
            permission="groups:manage",
        )
    }
    done = Answer("what became of it", DeadLetterAction)
    requeue = {
        "POST": Operation(
            "Deliver a dead letter once more",
            {200: done, **missing},
            body=Body(ReasonBody, {}, required=False),
            permission="groups:manage",
        )
    }
    letter = {
        "DELETE": Operation(
            "Discard a dead letter", {200: done, **missing}, query=DiscardQuery, permission="groups:manage"
        )
    }
    base = "/api/v1/groups/{name}/dead-letters"
    return [
        Route(base, DeadLetters(services), listing),
        Route(f"{base}/requeue", Settle(services, discard=False), many),
        Route(f"{base}/discard", Settle(services, discard=True), none),
        Route(f"{base}/{{position}}/requeue", Requeue(services), requeue),
        Route(f"{base}/{{position}}", OneDeadLetter(services), letter),
    ]
