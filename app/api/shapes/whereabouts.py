"""Where something is, as REST shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app import clock
from app.api.shapes.base import Instant, Shape
from app.search.whereabouts import Kind, Whereabouts

ID_CHARS_MAX = 1_000


class WhereaboutsQuery(msgspec.Struct, kw_only=True):
    kind: Annotated[Kind, Meta(description="what is looked for")]
    id: Annotated[
        str, Meta(min_length=1, max_length=ID_CHARS_MAX, description="its id or name; of an entity: its type/id")
    ]


class WhereaboutsResponse(Shape, kw_only=True):
    """Without `deleted_at` and environments it never was, as far as one may see."""

    here: Annotated[bool, Meta(description="whether it is in the environment that was asked")]
    deleted_at: Annotated[Instant, Meta(description="when it was deleted there")] | UnsetType = UNSET
    environments: Annotated[list[str], Meta(description="names of the others in which it is")]


def whereabouts_shown(one: Whereabouts, name: Callable[[str], str]) -> WhereaboutsResponse:
    return WhereaboutsResponse(
        here=one.here,
        deleted_at=clock.rfc3339(one.deleted_at) if one.deleted_at else UNSET,
        environments=[name(each) for each in one.elsewhere],
    )
