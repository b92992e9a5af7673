"""/api/v1/kv: buckets, keys, their revisions and counters. Values are any bytes; in JSON answers they are base64."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import falcon.asgi
import msgspec

from app import clock, patterns
from app.api import live
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of, environment_of
from app.api.conditions import expected_of, tagged
from app.api.live import Interest
from app.api.middleware import int_param
from app.api.services import Operation, Route, Services
from app.durations import parse_duration
from app.errors import InvalidArgument
from app.history.entry import Entry
from app.history.kinds import BucketDeleted, KvPut
from app.runs import noun as runs
from app.values import buckets, kv
from app.values.buckets import Definition
from app.values.keyspace import HISTORY_MAX, KEYS_MAX, Usage, Value

POSITION_MAX = 2**62
TTL_CHARS_MAX = 40


class IncrementBody(msgspec.Struct, forbid_unknown_fields=True):
    """What to add."""

    by: int = 1


_definition = msgspec.json.Decoder(Definition)
_increment = msgspec.json.Decoder(IncrementBody)


class Buckets:
    def __init__(self, services: Services) -> None:
        self._keyspace = services.keyspace

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        found = await self._keyspace.buckets(environment_of(req))
        answer(resp, {"buckets": [shown(usage) for usage in found], "count": len(found)})

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        definition = decoded(_definition, await body_of(req))
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


class Keys:
    def __init__(self, services: Services) -> None:
        self._keyspace = services.keyspace

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, bucket: str) -> None:
        page = await self._keyspace.keys(
            environment_of(req),
            bucket,
            pattern=req.get_param("filter") or "",
            after=req.get_param("cursor") or "",
            limit=int_param(req, "limit", KEYS_MAX, low=1, high=KEYS_MAX),
        )
        content: dict[str, Any] = {"keys": page.keys, "count": len(page.keys)}
        if page.next_cursor:
            content["next_cursor"] = page.next_cursor
        answer(resp, content)


class Key:
    def __init__(self, services: Services) -> None:
        self._keyspace = services.keyspace

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, bucket: str, key: str) -> None:
        at = int_param(req, "at", 0, low=1, high=POSITION_MAX)
        if at:
            found = await self._keyspace.get_at(environment_of(req), bucket, key, at)
        else:
            found = await self._keyspace.get(environment_of(req), bucket, key)
        tagged(resp, found.revision)
        if req.get_param_as_bool("raw"):
            resp.content_type = "application/octet-stream"
            resp.data = found.value
        else:
            answer(resp, _value_shown(found))

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, bucket: str, key: str) -> None:
        expected, ttl_us = expected_of(req), _ttl_of(req)
        put = kv.Put(bucket, key, await body_of(req, types=()), expected, ttl_us)
        await _write(self._keyspace, req, resp, put)

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, bucket: str, key: str) -> None:
        purge = bool(req.get_param_as_bool("purge"))
        await self._keyspace.write(
            environment_of(req),
            kv.Delete(bucket, key, purge, expected_of(req)),
            actor=caller_of(req).actor,
            causation=_cause_of(req),
        )
        resp.status = 204


class Counter:
    def __init__(self, services: Services) -> None:
        self._keyspace = services.keyspace

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, bucket: str, key: str) -> None:
        body: IncrementBody = decoded(_increment, await body_of(req) or b"{}")
        if not kv.COUNTER_MIN <= body.by <= kv.COUNTER_MAX:
            raise InvalidArgument(f"by {body.by} does not fit 64 bits", field="by")
        await _write(self._keyspace, req, resp, kv.Increment(bucket, key, body.by, expected_of(req)))


class Revisions:
    def __init__(self, services: Services) -> None:
        self._keyspace = services.keyspace

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, bucket: str, key: str) -> None:
        limit = int_param(req, "limit", 0, low=1, high=HISTORY_MAX)
        before = int_param(req, "before", 0, low=1, high=POSITION_MAX)
        entries = await self._keyspace.revisions(
            environment_of(req), bucket, key, before=before or None, limit=limit or None
        )
        answer(resp, {"key": key, "revisions": [revision_shown(entry) for entry in entries], "count": len(entries)})


class Watch:
    """Every revision in the bucket after a position, in order, as server-sent events."""

    def __init__(self, services: Services) -> None:
        self._keyspace = services.keyspace
        self._live = services.live

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, bucket: str) -> None:
        environment, pattern = environment_of(req), req.get_param("key") or ""
        wanted = patterns.compile(pattern, field="key") if pattern else None
        await self._keyspace.bucket(environment, bucket)
        of_bucket, itself = kv.stream(bucket, ""), buckets.stream(bucket)

        def wants(entry: Entry) -> bool:
            if not entry.stream.startswith(of_bucket):
                return entry.kind == BucketDeleted.kind and entry.stream == itself
            return wanted is None or wanted.matches(kv.place(entry.stream)[1])

        live.send(resp, live.subscribed(req, self._live, Interest(environment, ("kv", "bucket"), wants)), update_shown)


async def _write(keyspace: Any, req: falcon.asgi.Request, resp: falcon.asgi.Response, write: kv.Write) -> None:
    change: kv.Change = await keyspace.write(
        environment_of(req), write, actor=caller_of(req).actor, causation=_cause_of(req)
    )
    tagged(resp, change.revision)
    content = {"revision": change.revision}
    answer(resp, content if change.number is None else {**content, "value": change.number})


def _cause_of(req: falcon.asgi.Request) -> str:
    run_id = caller_of(req).run_id
    return runs.stream(run_id) if run_id else ""


def _ttl_of(req: falcon.asgi.Request) -> int | None:
    """How long the value stays, in µs; None if the request leaves that to the bucket. Raises InvalidArgument."""
    text = req.get_param("ttl")
    if text is None:
        return None
    ttl_us = parse_duration(text[:TTL_CHARS_MAX], field="ttl")
    if ttl_us == 0:
        raise InvalidArgument("ttl 0 would be over at once", field="ttl", hint="such as 30s; without it, as the bucket")
    return ttl_us


def shown(usage: Usage) -> dict[str, Any]:
    """A bucket as it is read."""
    row = usage.row
    content: dict[str, Any] = {
        "name": row.name,
        "values": usage.keys,
        "bytes": usage.bytes,
        "history": row.history,
        "created_at": clock.rfc3339(row.created_at),
    }
    optional = {
        "description": row.description,
        "ttl_seconds": row.ttl_s,
        "max_value_size": row.value_bytes_max,
        "max_bytes": row.bytes_max,
    }
    return content | {name: value for name, value in optional.items() if value}


def _value_shown(found: Value) -> dict[str, Any]:
    content: dict[str, Any] = {
        "key": found.key,
        "value": base64.b64encode(found.value).decode(),
        "revision": found.revision,
        "operation": "put",
        "created_at": clock.rfc3339(found.recorded_at),
        "position": found.position,
    }
    return content | _expiry_shown(found.expires_at)


def revision_shown(entry: Entry) -> dict[str, Any]:
    """An entry of a key as one of its revisions."""
    fact = entry.fact
    value = kv.value_of(fact) if isinstance(fact, KvPut) else b""
    content: dict[str, Any] = {
        "revision": entry.version,
        "operation": kv.operation(fact),
        "value": base64.b64encode(value).decode(),
        "created_at": clock.rfc3339(entry.recorded_at),
        "position": entry.position,
    }
    if entry.actor:
        content["actor"] = entry.actor
    if entry.causation:
        content["caused_by"] = entry.causation
    return content | _expiry_shown(fact.expires_at if isinstance(fact, KvPut) else 0)


def update_shown(entry: Entry) -> dict[str, Any]:
    """An entry as watchers get it. For them a value is put, or gone: `reason` says how."""
    if isinstance(entry.fact, BucketDeleted):
        return {"type": "bucket_deleted", "bucket": entry.stream.partition("/")[2], "position": entry.position}
    bucket, key = kv.place(entry.stream)
    content = {"type": "kv_update", "bucket": bucket, "key": key, **revision_shown(entry)}
    if content["operation"] != "put":
        content |= {"operation": "delete", "reason": content["operation"]}
    return content


def _expiry_shown(expires_at: int) -> dict[str, str]:
    return {"expires_at": clock.rfc3339(expires_at)} if expires_at else {}


def routes(services: Services) -> Sequence[Route]:
    missing = {404: "no such bucket or key"}
    condition = {412: "another revision is there than If-Match or If-None-Match says"}
    all_buckets = {
        "GET": Operation("Every bucket, by name, with its usage", {200: "buckets"}),
        "POST": Operation(
            "Create a bucket",
            {201: "the bucket", 400: "refused", 409: "it exists"},
            body="{name, description?, ttl_seconds?, history?, max_value_size?, max_bytes?}",
        ),
    }
    bucket = {
        "GET": Operation("One bucket with its usage", {200: "the bucket", **missing}),
        "DELETE": Operation("Delete a bucket and its keys", {204: "it is gone", **missing}),
    }
    keys = {
        "GET": Operation(
            "Keys in order",
            {200: "a page of keys", **missing},
            query={
                "filter": "a pattern such as user.* or user.>",
                "limit": f"1 to {KEYS_MAX}, the default",
                "cursor": "next_cursor of the page before",
            },
        )
    }
    key = {
        "GET": Operation(
            "A value",
            {200: "the value", **missing},
            query={"at": "as of a position of history", "raw": "true for nothing but the bytes"},
        ),
        "PUT": Operation(
            "Put a value: the body, byte for byte. If-Match: REVISION, If-None-Match: *",
            {200: "its revision", **missing, **condition, 413: "too large"},
            query={"ttl": "how long it stays, such as 30s; else as long as the bucket says"},
            body="any bytes",
        ),
        "DELETE": Operation(
            "Delete a key; a missing one is no error",
            {204: "it is gone", **missing, **condition},
            query={"purge": "true: its revisions so far are no longer shown"},
        ),
    }
    counter = {
        "POST": Operation(
            "Add to a whole number",
            {200: "revision and value", **missing, 412: "what is there is no whole number, or the condition fails"},
            body="{by?: 1}",
        )
    }
    revisions = {
        "GET": Operation(
            "Revisions of a key, newest first",
            {200: "revisions", **missing},
            query={
                "limit": f"1 to {HISTORY_MAX}, default as the bucket says",
                "before": "only those before this revision",
            },
        )
    }
    watch = {
        "GET": Operation(
            "Follow a bucket: every revision in order, as server-sent events",
            {200: "a stream of kv_update, each with its position as id", **missing},
            query={
                "key": "only keys that fit this pattern",
                "after": "a position; else Last-Event-ID, else from now on",
                "backpressure": "when slow: buffer (nothing is missed), drop, or disconnect",
            },
        )
    }
    base = "/api/v1/kv/buckets"
    return [
        Route(base, Buckets(services), all_buckets),
        Route(f"{base}/{{bucket}}", Bucket(services), bucket),
        Route(f"{base}/{{bucket}}/watch", Watch(services), watch),
        Route(f"{base}/{{bucket}}/keys", Keys(services), keys),
        Route(f"{base}/{{bucket}}/keys/{{key:path}}", Key(services), key),
        Route(f"{base}/{{bucket}}/counters/{{key:path}}", Counter(services), counter),
        Route(f"{base}/{{bucket}}/history/{{key:path}}", Revisions(services), revisions),
    ]
