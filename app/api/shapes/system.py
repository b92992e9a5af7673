"""A node and its store, as REST tells of them."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.base import Instant, Shape


class SnapshotsShape(Shape):
    """How many snapshots there are, of entities and of projections."""

    entities: int
    projections: int
    whole: Annotated[bool, Meta(description="false: there are more than are counted")]


class StoreShape(Shape, kw_only=True):
    """What the store takes up. What is not told of one kind of store is left out."""

    kind: Annotated[str, Meta(description="sqlite or postgres")]
    position: Annotated[int, Meta(description="the last position of history")]
    database_bytes: int
    free_bytes: Annotated[int, Meta(description="within it, to be used again")] | UnsetType = UNSET
    log_bytes: Annotated[int, Meta(description="of its write-ahead log, beside it")] | UnsetType = UNSET
    history_bytes: Annotated[int, Meta(description="within it")] | UnsetType = UNSET
    snapshots_bytes: Annotated[int, Meta(description="within it")] | UnsetType = UNSET
    snapshots: SnapshotsShape


Bound = Annotated[float, Meta(description="at most: a bound of the histogram; left out beyond the last")]


class RouteFigures(Shape, kw_only=True):
    """How requests of a route went, on this node since its start."""

    route: str
    count: int
    mean_ms: float
    p50_ms: Bound | UnsetType = UNSET
    p95_ms: Bound | UnsetType = UNSET
    p99_ms: Bound | UnsetType = UNSET


class RequestsShape(Shape):
    """HTTP requests that this node answered since its start; the routes asked for most."""

    total: int
    failed: Annotated[int, Meta(description="with a status of 500 or more")]
    routes: list[RouteFigures]


class RefusalCount(Shape):
    code: str
    count: int


class SystemResponse(Shape, kw_only=True):
    """How a node is, and its store. What counts the doings of every organization is for who sees all of them."""

    version: str
    python: str
    node: str
    now: Annotated[Instant, Meta(description="by its clock")]
    started_at: Instant
    uptime_seconds: float
    store: StoreShape | UnsetType = UNSET
    requests: RequestsShape | UnsetType = UNSET
    refusals: (
        Annotated[list[RefusalCount], Meta(description="requests refused, by code, the most frequent first")]
        | UnsetType
    ) = UNSET
    withheld: (
        Annotated[str, Meta(description="why store, requests and refusals are left out, where they are")] | UnsetType
    ) = UNSET
    problems: Annotated[dict[str, str], Meta(description="what keeps it from being ready, by component")]
    switches: Annotated[dict[str, bool], Meta(description="settings that are on or off")]
