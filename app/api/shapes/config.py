"""Configuration documents as REST shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.base import Cursor, Instant, Moment, NextCursor, Position, Shape, Text
from app.values.configs import HISTORY_MAX, LIST_MAX


class ListConfigsQuery(msgspec.Struct):
    limit: Annotated[int, Meta(ge=1, le=LIST_MAX)] = LIST_MAX
    cursor: Cursor = ""


class GetConfigQuery(msgspec.Struct):
    at: Moment = ""
    revision: Annotated[Position, Meta(description="one of its revisions; not with at")] | None = None


class ListConfigRevisionsQuery(msgspec.Struct):
    limit: Annotated[int, Meta(ge=1, le=HISTORY_MAX)] = 50
    before: Annotated[Position, Meta(description="only those before this revision")] | None = None


class DiffConfigQuery(msgspec.Struct):
    from_: Annotated[Position, Meta(description="default the one before")] | None = msgspec.field(
        default=None, name="from"
    )
    to: Annotated[Position, Meta(description="default the newest")] | None = None


class ConfigSummary(Shape):
    name: str
    revision: int
    updatedAt: Instant


class ListConfigsResponse(Shape):
    """Every document, by name."""

    configs: list[ConfigSummary]
    next_cursor: NextCursor = UNSET


class ConfigResponse(Shape):
    """A document."""

    name: str
    data: msgspec.Raw
    revision: int
    updatedAt: Instant
    position: int


class ConfigSetResult(Shape):
    """The revision that was written."""

    name: str
    revision: int


class ConfigRevision(Shape):
    """One revision of a document; `data` is null where it was deleted."""

    revision: int
    operation: str
    data: msgspec.Raw | None
    updatedAt: Instant
    position: int
    restored_from: int | UnsetType = UNSET
    actor: Text = UNSET


class ListConfigRevisionsResponse(Shape):
    """Revisions of a document, newest first."""

    name: str
    revisions: list[ConfigRevision]
    count: int


class DiffConfigResponse(Shape):
    """What changed from one revision to another."""

    name: str
    from_: int = msgspec.field(name="from")
    to: int
    changes: Sequence[Mapping[str, Any]]


class ConfigUpdate(ConfigRevision, kw_only=True):
    """A revision as watchers get it."""

    type: str
    name: str
