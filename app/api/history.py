"""/api/v1/history: the entries themselves, what caused them and what came of them."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi
import msgspec
from msgspec import UNSET

from app import clock
from app.api.answers import answer
from app.api.caller import environment_of
from app.api.parameters import instant, query_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.history import (
    EffectResponse,
    EntryResponse,
    HeadResponse,
    LineageResponse,
    ListEntriesQuery,
    ListEntriesResponse,
)
from app.errors import InvalidArgument
from app.events.lineage import Effect
from app.history import moments
from app.history.entry import Entry
from app.history.explore import SCANNED_MAX, Wanted
from storage import history


class Entries:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        services = self._services
        now = services.clock.now_us()
        query = query_of(req, ListEntriesQuery)
        wanted = Wanted(
            kinds=tuple(kind for kind in query.kind.split(",") if kind),
            stream=query.stream,
            actor=query.actor,
            correlation=query.correlation,
            causation=query.causation,
            since=instant(query.since, 0, now=now, field="since"),
            until=instant(query.until, 2**62, now=now, field="until"),
        )
        page = await services.explorer.page(
            environment_of(req),
            wanted,
            cursor=query.after if query.cursor is None else query.cursor,
            until=await moments.position_of(services.storage, query.at, now=now),
            backward=query.direction == "backward",
            limit=query.limit,
        )
        content = ListEntriesResponse(
            entries=[shown(entry) for entry in page.entries],
            head=services.tail.head,
            next_cursor=given(str(page.cursor or "")),
            next_after=page.reached if query.direction == "forward" else UNSET,
        )
        answer(resp, content)


class Head:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        position, digest = await self._services.storage.read(history.head)
        answer(resp, HeadResponse(position=position, digest=digest.hex()))


class OneEntry:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, position: str) -> None:
        entry = await self._services.explorer.get(environment_of(req), _position(position))
        answer(resp, shown(entry))


class LineageOfEntry:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, position: str) -> None:
        lineage = await self._services.lineage.of(environment_of(req), _position(position))
        content = LineageResponse(
            entry=shown(lineage.entry),
            causes=[shown(cause) for cause in lineage.causes],
            effects=[_effect_shown(effect) for effect in lineage.effects],
            truncated=lineage.truncated,
        )
        answer(resp, content)


def shown(entry: Entry) -> EntryResponse:
    return EntryResponse(
        position=entry.position,
        stream=entry.stream,
        version=entry.version,
        kind=entry.kind,
        data=msgspec.Raw(entry.data),
        metadata=msgspec.Raw(entry.metadata),
        actor=entry.actor,
        correlation=entry.correlation,
        causation=entry.causation,
        recorded_at=clock.rfc3339(entry.recorded_at),
    )


def _effect_shown(effect: Effect) -> EffectResponse:
    return EffectResponse(entry=shown(effect.entry), effects=[_effect_shown(below) for below in effect.effects])


def _position(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > moments.DIGITS_MAX:
        raise InvalidArgument(f"{text[:40]!r} is not a position", field="position", hint="a whole number from 1 on")
    return int(text)


def routes(services: Services) -> Sequence[Route]:
    entries = Operation(
        f"Entries of the environment, looking at {SCANNED_MAX:,} at a time: next_cursor may come with an empty page",
        {200: Answer("entries, and the cursor to go on from", ListEntriesResponse)},
        query=ListEntriesQuery,
        permission="history:read",
    )
    head = Operation(
        "Position and digest of the last entry", {200: Answer("both", HeadResponse)}, permission="history:read"
    )
    one = Operation(
        "One entry", {200: Answer("the entry", EntryResponse), 404: "there is none"}, permission="history:read"
    )
    lineage = Operation(
        "What caused an entry, back to where it began, and what came of it",
        {
            200: Answer("entry, causes (the nearest first) and effects (a tree)", LineageResponse),
            404: "there is no such entry",
        },
        permission="history:read",
    )
    return [
        Route("/api/v1/history", Entries(services), {"GET": entries}),
        Route("/api/v1/history/head", Head(services), {"GET": head}),
        Route("/api/v1/history/{position}", OneEntry(services), {"GET": one}),
        Route("/api/v1/history/{position}/lineage", LineageOfEntry(services), {"GET": lineage}),
    ]
