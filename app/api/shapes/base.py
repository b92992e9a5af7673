"""What shapes are made of."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

T = TypeVar("T")


class Shape(msgspec.Struct, kw_only=True):
    """An answer, or a part of one. A key that is UNSET is left out, never null."""


Instant = Annotated[str, Meta(description="RFC 3339, in UTC", extra_json_schema={"format": "date-time"})]
Text = str | UnsetType
Base64 = Annotated[str, Meta(extra_json_schema={"contentEncoding": "base64"})]

Since = Annotated[str, Meta(description="not before: RFC 3339, or such as 15m before now")]
Until = Annotated[str, Meta(description="not after: RFC 3339, or such as 15m before now")]
Moment = Annotated[str, Meta(description="as of a position of history, or a time: RFC 3339, or such as 15m before now")]
Cursor = Annotated[str, Meta(description="next_cursor of the page before")]
Position = Annotated[int, Meta(ge=1, le=2**62)]

Backpressure = Annotated[
    Literal["buffer", "block", "drop", "disconnect"],
    Meta(description="for slow readers: buffer or block (nothing is missed), drop, or disconnect"),
]

NextCursor = Annotated[str, Meta(description="where the next page begins; left out at the end")] | UnsetType


class FollowQuery(msgspec.Struct):
    """Of every stream of server-sent events."""

    after: (
        Annotated[int, Meta(ge=0, le=2**62, description="a position, else from now on; Last-Event-ID counts before it")]
        | None
    ) = None
    backpressure: Backpressure = "buffer"


def given(value: T) -> T | UnsetType:
    """The value, or UNSET for an empty one."""
    return value or UNSET
