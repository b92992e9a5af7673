"""Schemas of events as REST shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from app.api.shapes.base import Instant, Shape
from app.events.schemas import TRAFFIC_HOURS_MAX

HOURS_DEFAULT = 24


class ListSchemasQuery(msgspec.Struct):
    event_name: Annotated[str, Meta(description="of one event")] = ""


class DeleteSchemaQuery(msgspec.Struct):
    reason: Annotated[str, Meta(description="why; kept in history")] = ""


class EnforcementQuery(ListSchemasQuery):
    hours: Annotated[int, Meta(ge=1, le=TRAFFIC_HOURS_MAX, description="how far to look back")] = HOURS_DEFAULT


class SchemaResponse(Shape):
    """What the data of one version of an event look like; as text and as JSON."""

    event_name: str
    version: int
    schema_json: str
    schema: msgspec.Raw
    schema_hash: str
    description: str
    created_at: Instant
    updated_at: Instant


class ListSchemasResponse(Shape):
    """Schemas, by event and version."""

    schemas: list[SchemaResponse]
    count: int


class RegisteredSchemaResponse(SchemaResponse, kw_only=True):
    """The schema, and whether it is new."""

    status: Annotated[str, Meta(description="created, updated or unchanged")]
    problems: Annotated[Sequence[str], Meta(description="what it refuses that the version before took")]


class EventSchemasResponse(SchemaResponse, kw_only=True):
    """The newest schema of an event, and all of its versions."""

    schemas: list[SchemaResponse]


class DeletedSchemaResponse(Shape):
    event_name: str
    version: int
    deleted: bool


class DeletedSchemasResponse(Shape):
    event_name: str
    versions: list[int]
    deleted: bool


class VersionTraffic(Shape):
    version: int
    count: int


class SchemaCheck(Shape):
    """A schema, whether it refuses anything, and which versions of the event were seen."""

    event_name: str
    version: int
    schema_hash: str
    asserts: bool
    traffic: list[VersionTraffic]
    traffic_truncated: bool


class EnforcementResponse(Shape):
    """Whether schemas are enforced."""

    mode: str
    schemas: list[SchemaCheck]
    traffic_window_hours: int


class ModeResponse(Shape):
    mode: str


class UpcastResponse(Shape, rename="camel"):
    """Data as a later version has them, and the steps that made them so: none, since the server has no upcasters."""

    data: msgspec.Raw
    steps_applied: Sequence[str]
