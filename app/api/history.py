"""/api/v1/history: the entries themselves, what caused them and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import falcon.asgi
import msgspec

from app import clock
from app.api.answers import answer
from app.api.caller import environment_of
from app.api.middleware import instant_param, int_param
from app.api.services import Operation, Route, Services
from app.errors import InvalidArgument
from app.events.lineage import Effect
from app.history import moments
from app.history.entry import Entry
from app.history.explore import LIMIT_MAX, SCANNED_MAX, Wanted
from storage import history

LIMIT_DEFAULT = 100
POSITION_MAX = 2**62


class Entries:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        services = self._services
        now = services.clock.now_us()
        direction = req.get_param("direction") or "forward"
        if direction not in ("forward", "backward"):
            raise InvalidArgument(
                f"direction {direction[:40]!r} is unknown", field="direction", hint="forward or backward"
            )
        kinds = tuple(kind for kind in (req.get_param("kind") or "").split(",") if kind)
        wanted = Wanted(
            kinds=kinds,
            stream=req.get_param("stream") or "",
            actor=req.get_param("actor") or "",
            correlation=req.get_param("correlation") or "",
            since=instant_param(req, "since", 0, now=now),
            until=instant_param(req, "until", 2**62, now=now),
        )
        after = int_param(req, "after", 0, low=0, high=POSITION_MAX)
        cursor = int_param(req, "cursor", after, low=0, high=POSITION_MAX)
        page = await services.explorer.page(
            environment_of(req),
            wanted,
            cursor=cursor,
            until=await moments.position_of(services.storage, req.get_param("at") or "", now=now),
            backward=direction == "backward",
            limit=int_param(req, "limit", LIMIT_DEFAULT, low=1, high=LIMIT_MAX),
        )
        content: dict[str, Any] = {
            "entries": [shown(entry) for entry in page.entries],
            "head": services.tail.head,
        }
        if page.cursor:
            content["next_cursor"] = str(page.cursor)
        if direction == "forward":
            content["next_after"] = page.reached
        answer(resp, content)


class Head:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        position, digest = await self._services.storage.read(history.head)
        answer(resp, {"position": position, "digest": digest.hex()})


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
        content = {
            "entry": shown(lineage.entry),
            "causes": [shown(cause) for cause in lineage.causes],
            "effects": [_effect_shown(effect) for effect in lineage.effects],
            "truncated": lineage.truncated,
        }
        answer(resp, content)


def shown(entry: Entry) -> dict[str, Any]:
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


def _effect_shown(effect: Effect) -> dict[str, Any]:
    return {"entry": shown(effect.entry), "effects": [_effect_shown(below) for below in effect.effects]}


def _position(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > moments.DIGITS_MAX:
        raise InvalidArgument(f"{text[:40]!r} is not a position", field="position", hint="a whole number from 1 on")
    return int(text)


def routes(services: Services) -> Sequence[Route]:
    entries = Operation(
        f"Entries of the environment, looking at {SCANNED_MAX:,} at a time: next_cursor may come with an empty page",
        {200: "entries, and the cursor to go on from"},
        query={
            "kind": "such as run.created or run.*, several with commas",
            "stream": "such as run/<id>, event/<id>, entity/<type>/<id>",
            "actor": "who did it",
            "correlation": "the event it all began with",
            "since": "RFC 3339, or such as 15m",
            "until": "RFC 3339, or such as 15m",
            "at": "a position or a time: nothing after it",
            "direction": "forward or backward",
            "cursor": "next_cursor of the page before",
            "after": "a position, as cursor, for reading forward",
            "limit": f"1 to {LIMIT_MAX}, default {LIMIT_DEFAULT}",
        },
    )
    head = Operation("Position and digest of the last entry", {200: "both"})
    one = Operation("One entry", {200: "the entry", 404: "there is none"})
    lineage = Operation(
        "What caused an entry, back to where it began, and what came of it",
        {200: "entry, causes (the nearest first) and effects (a tree)", 404: "there is no such entry"},
    )
    return [
        Route("/api/v1/history", Entries(services), {"GET": entries}),
        Route("/api/v1/history/head", Head(services), {"GET": head}),
        Route("/api/v1/history/{position}", OneEntry(services), {"GET": one}),
        Route("/api/v1/history/{position}/lineage", LineageOfEntry(services), {"GET": lineage}),
    ]
