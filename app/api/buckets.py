"""/api/v1/kv/buckets: what holds key-values, with its limits and its usage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi
import msgspec

from app import clock
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of, environment_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.kv import BucketResponse, ListBucketsResponse
from app.api.table import BUCKETS
from app.values.buckets import Definition
from app.values.keyspace import Usage

_definition = msgspec.json.Decoder(Definition)


class Buckets:
    def __init__(self, services: Services) -> None:
        self._keyspace = services.keyspace

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        found = await self._keyspace.buckets(environment_of(req))
        answer(resp, ListBucketsResponse(buckets=[shown(usage) for usage in found], count=len(found)))

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        definition = decoded(_definition, await body_of(req))
        caller_of(req).about(f"kv/{definition.name}")
        made = await self._keyspace.create_bucket(environment_of(req), definition, actor=caller_of(req).actor)
        answer(resp, shown(made), 201)


class Bucket:
    def __init__(self, services: Services) -> None:
        self._keyspace = services.keyspace

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, bucket: str) -> None:
        answer(resp, shown(await self._keyspace.bucket(environment_of(req), bucket)))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, bucket: str) -> None:
        await self._keyspace.delete_bucket(environment_of(req), bucket, actor=caller_of(req).actor)
        resp.status = 204


def shown(usage: Usage) -> BucketResponse:
    """A bucket as it is read."""
    row = usage.row
    return BucketResponse(
        name=row.name,
        values=usage.keys,
        bytes=usage.bytes,
        history=row.history,
        created_at=clock.rfc3339(row.created_at),
        description=given(row.description),
        ttl_seconds=given(row.ttl_s),
        max_value_size=given(row.value_bytes_max),
        max_bytes=given(row.bytes_max),
    )


def routes(services: Services) -> Sequence[Route]:
    missing: Mapping[int, str] = {404: "no such bucket"}
    all_buckets = {
        "GET": Operation(
            "Every bucket, by name, with its usage", {200: Answer("buckets", ListBucketsResponse)}, permission="kv:read"
        ),
        "POST": Operation(
            "Create a bucket",
            {201: Answer("the bucket", BucketResponse), 400: "refused", 409: "it exists"},
            body=Body(Definition, {"name": "carts", "ttl_seconds": 3_600, "history": 5}),
            permission="kv:write",
        ),
    }
    bucket = {
        "GET": Operation(
            "One bucket with its usage", {200: Answer("the bucket", BucketResponse), **missing}, permission="kv:read"
        ),
        "DELETE": Operation("Delete a bucket and its keys", {204: "it is gone", **missing}, permission="kv:write"),
    }
    return [
        Route(BUCKETS, Buckets(services), all_buckets),
        Route(f"{BUCKETS}/{{bucket}}", Bucket(services), bucket),
    ]
