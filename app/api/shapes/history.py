"""Entries of history as REST shows them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.base import Instant, NextCursor, Shape, Since, Until
from app.history.explore import LIMIT_MAX


class ListEntriesQuery(msgspec.Struct):
    kind: Annotated[str, Meta(description="such as run.created or run.*, several with commas")] = ""
    stream: Annotated[str, Meta(description="such as run/<id>, event/<id>, entity/<type>/<id>")] = ""
    actor: Annotated[str, Meta(description="who did it")] = ""
    correlation: Annotated[str, Meta(description="the event it all began with")] = ""
    causation: Annotated[str, Meta(description="what it was recorded because of, such as run/<id>")] = ""
    since: Since = ""
    until: Until = ""
    at: Annotated[str, Meta(description="a position or a time: nothing after it")] = ""
    direction: Literal["forward", "backward"] = "forward"
    cursor: Annotated[int, Meta(ge=0, le=2**62, description="next_cursor of the page before")] | None = None
    after: Annotated[int, Meta(ge=0, le=2**62, description="a position, as cursor, for reading forward")] = 0
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = 100


class FacetsQuery(msgspec.Struct):
    kind: Annotated[str, Meta(description="such as run.created or run.*, several with commas")] = ""
    stream: Annotated[str, Meta(description="such as run/<id>, event/<id>, entity/<type>/<id>")] = ""
    actor: Annotated[str, Meta(description="who did it")] = ""
    since: Since = ""
    until: Until = ""
    at: Annotated[str, Meta(description="a position or a time: nothing after it")] = ""


class ExportEntriesQuery(FacetsQuery):
    format: Literal["jsonl", "csv"] = "jsonl"


class KindCount(Shape):
    kind: str
    count: int


class ActorCount(Shape):
    actor: str
    count: int


class LaneCount(Shape):
    """Of kinds that begin alike, such as run: how many in each part of the time, oldest first."""

    lane: str
    count: int
    slices: list[int]


class FacetsResponse(Shape, kw_only=True):
    """Counts of the entries that fit between two positions, the most frequent first."""

    entries: int
    first: Annotated[int, Meta(description="the first position that was looked at")]
    last: int
    since: Annotated[Instant, Meta(description="when the first was recorded")] | UnsetType = UNSET
    until: Instant | UnsetType = UNSET
    whole: Annotated[bool, Meta(description="false: there is more before the first")]
    kinds: list[KindCount]
    actors: list[ActorCount]
    lanes: Annotated[list[LaneCount], Meta(description="each with the same number of equal parts of the time")]


class VerifyProgress(Shape, kw_only=True):
    """How far the walk is."""

    type: Literal["progress"] = "progress"
    position: int
    head: int


class VerifyResult(Shape, kw_only=True):
    """Whether every entry holds; else the first that does not, and why."""

    type: Literal["result"] = "result"
    ok: bool
    entries: Annotated[int, Meta(description="how many hold, from the first on")]
    digest: Annotated[str, Meta(description="of the last that holds, in hexadecimal")]
    bad_position: int | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    redacted: Annotated[int, Meta(description="those of them whose payload was replaced, as history tells")]


class EntryResponse(Shape):
    """An entry: what happened, where, when, by whom, and what caused it."""

    position: int
    stream: str
    version: int
    kind: str
    data: msgspec.Raw
    metadata: msgspec.Raw
    actor: str
    correlation: str
    causation: str
    recorded_at: Instant


class ListEntriesResponse(Shape):
    """Entries of the environment, in order; there may be more although there are none on this page."""

    entries: list[EntryResponse]
    head: Annotated[int, Meta(description="the last position there is")]
    next_cursor: NextCursor = UNSET
    next_after: Annotated[int, Meta(description="up to where was looked, when reading forward")] | UnsetType = UNSET


class HeadResponse(Shape):
    """Where history ends, and the digest of all of it."""

    position: int
    digest: Annotated[str, Meta(description="SHA-256, in hexadecimal")]


class EffectResponse(Shape):
    """An entry, and what came of it."""

    entry: EntryResponse
    effects: list[EffectResponse]


class LineageResponse(Shape):
    """What caused an entry, the nearest first, and what came of it."""

    entry: EntryResponse
    causes: list[EntryResponse]
    effects: list[EffectResponse]
    truncated: bool
