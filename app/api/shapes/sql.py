"""Queries as REST takes and answers them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from app.api.shapes.base import Shape
from app.history.sql import ROWS_DEFAULT, ROWS_MAX, TIMEOUT_MS_DEFAULT, TIMEOUT_MS_MAX


class SqlBody(msgspec.Struct, forbid_unknown_fields=True):
    """A query, and what its parameters `:name` stand for: texts, numbers, booleans or null."""

    query: str
    params: dict[str, Any] = msgspec.field(default_factory=dict)
    timeout_ms: Annotated[int, Meta(ge=1, le=TIMEOUT_MS_MAX)] = TIMEOUT_MS_DEFAULT
    max_rows: Annotated[int, Meta(ge=1, le=ROWS_MAX)] = ROWS_DEFAULT


class SqlResponse(Shape):
    """What a query answered. A row has a value for each column."""

    columns: list[str]
    rows: list[list[Any]]
    row_count: int
    truncated: Annotated[bool, Meta(description="there was more than max_rows")]


class ViewResponse(Shape):
    name: str
    about: str
    columns: list[str]


class ViewsResponse(Shape):
    """What can be asked for."""

    views: list[ViewResponse]
