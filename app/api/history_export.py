"""/api/v1/history/facets, /export and /verify: what there is in history, all of it as a file, and whether it holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import falcon.asgi
import msgspec
from msgspec import UNSET

from app import clock
from app.access.tenancy import SEE_ALL
from app.api import audit_export, live
from app.api.answers import answer
from app.api.caller import caller_of, environment_of
from app.api.parameters import instant, query_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.history import (
    ActorCount,
    ExportEntriesQuery,
    FacetsQuery,
    FacetsResponse,
    KindCount,
    LaneCount,
    VerifyProgress,
    VerifyResult,
)
from app.api.shapes.subscriptions import StreamError
from app.history import facets as counting
from app.history import moments
from app.history.entry import Entry
from app.history.explore import HistoryPage, Wanted
from app.history.verify import Verifying, VerifyReport, Walked

PAGE = 500
CHANGED = "that entry or one before it is not what was recorded; `ironflow history verify` says which, and how"
"""It may be another organization's: what it is called is told where the store is."""
JSONL, CSV = "application/x-ndjson", "text/csv"
COLUMNS = ("position", "time", "kind", "stream", "version", "actor", "correlation", "causation", "data", "metadata")

_encode = msgspec.json.Encoder().encode


class Facets:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        services, query = self._services, query_of(req, FacetsQuery)
        now = services.clock.now_us()
        until = await moments.position_of(services.storage, query.at, now=now)
        told = await counting.facets(services.storage, environment_of(req), wanted_of(query, now), until=until)
        content = FacetsResponse(
            entries=told.entries,
            first=told.first,
            last=told.last,
            since=clock.rfc3339(told.since) if told.entries else UNSET,
            until=clock.rfc3339(told.until) if told.entries else UNSET,
            whole=told.whole,
            kinds=[KindCount(kind=kind, count=count) for kind, count in told.kinds],
            actors=[ActorCount(actor=actor, count=count) for actor, count in told.actors],
            lanes=[LaneCount(lane=lane, count=sum(slices), slices=list(slices)) for lane, slices in told.lanes.items()],
        )
        answer(resp, content)


class Export:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        services, query = self._services, query_of(req, ExportEntriesQuery)
        now = services.clock.now_us()
        wanted, environment = wanted_of(query, now), environment_of(req)
        until = await moments.position_of(services.storage, query.at, now=now)

        async def page(cursor: int) -> HistoryPage:
            return await services.explorer.page(
                environment, wanted, cursor=cursor, until=until, backward=True, limit=PAGE
            )

        first = await page(0)  # so that what cannot be asked for is an error

        async def written() -> AsyncIterator[bytes]:
            write, told = (_as_csv if query.format == "csv" else _jsonl), first
            yield audit_export.csv_line(COLUMNS) if query.format == "csv" else b""
            while True:
                yield b"".join(map(write, told.entries))
                if not told.cursor:
                    return
                told = await page(told.cursor)

        resp.content_type = CSV if query.format == "csv" else JSONL
        resp.set_header("Content-Disposition", f'attachment; filename="history.{query.format}"')
        resp.stream = written()


class Verify:
    def __init__(self, services: Services) -> None:
        self._tenancy = services.access.tenancy
        self._verifying = Verifying(services.storage)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        caller = caller_of(req)
        if not self._tenancy.sees_all(caller.who):  # there is one chain, and the others' entries are in it
            caller.also(SEE_ALL, "history/*")
        live.send_states(resp, self._verifying.walk(), _walk_shown)


def wanted_of(query: FacetsQuery, now: int) -> Wanted:
    """Raises InvalidArgument."""
    return Wanted(
        kinds=tuple(kind for kind in query.kind.split(",") if kind),
        stream=query.stream,
        actor=query.actor,
        since=instant(query.since, 0, now=now, field="since"),
        until=instant(query.until, 2**62, now=now, field="until"),
    )


def _walk_shown(told: msgspec.Struct) -> VerifyProgress | VerifyResult:
    if isinstance(told, Walked):
        return VerifyProgress(position=told.position, head=told.head)
    assert isinstance(told, VerifyReport)
    return VerifyResult(
        ok=told.bad_position is None,
        entries=told.entries,
        digest=told.digest,
        bad_position=given(told.bad_position or 0),
        reason=CHANGED if told.bad_position else UNSET,
        redacted=told.redacted,
    )


def _jsonl(entry: Entry) -> bytes:
    return _encode(dict(zip(COLUMNS, _cells(entry), strict=True))) + b"\n"


def _as_csv(entry: Entry) -> bytes:
    cells = [bytes(cell).decode() if isinstance(cell, msgspec.Raw) else cell for cell in _cells(entry)]
    return audit_export.csv_line(cells)


def _cells(entry: Entry) -> Sequence[object]:
    return (
        entry.position,
        clock.rfc3339(entry.recorded_at),
        entry.kind,
        entry.stream,
        entry.version,
        entry.actor,
        entry.correlation,
        entry.causation,
        msgspec.Raw(entry.data),
        msgspec.Raw(entry.metadata),
    )


def routes(services: Services) -> Sequence[Route]:
    facets = Operation(
        f"How many entries there are by kind, by actor, and over time by noun: of the newest {counting.COUNTED_MAX:,} "
        "positions that could fit",
        {200: Answer("counts, and of which positions", FacetsResponse)},
        query=FacetsQuery,
        permission="history:read",
    )
    export = Operation(
        "All entries that fit, newest first, as lines of JSON, or as CSV whose cells no spreadsheet takes for formulas",
        {200: Answer("entries", str, JSONL)},
        query=ExportEntriesQuery,
        permission="audit:export",
    )
    verify = Operation(
        "Walk the digest chain of all of history, of every environment: how far that is, and in the end whether it "
        "holds, as server-sent events. One at a time on a node. Where there are several organizations it takes "
        f"{SEE_ALL} as well",
        {
            200: Answer(
                "progress, and in the end the result", (VerifyProgress, VerifyResult, StreamError), "text/event-stream"
            )
        },
        permission="audit:export",
    )
    return [
        Route("/api/v1/history/facets", Facets(services), {"GET": facets}),
        Route("/api/v1/history/export", Export(services), {"GET": export}),
        Route("/api/v1/history/verify", Verify(services), {"GET": verify}),
    ]
