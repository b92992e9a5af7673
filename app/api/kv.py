"""/api/v1/kv/buckets/…: keys, their revisions and counters. Values are any bytes; in JSON answers they are base64."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import falcon.asgi
import msgspec
from msgspec import UNSET

from app import clock, patterns
from app.api import live
from app.api.answers import answer, body_of, decoded
from app.api.caller import Caller, caller_of, environment_of
from app.api.conditions import CONDITIONS, expected_of, tagged
from app.api.live import FOLLOWING
from app.api.parameters import query_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import Text, given
from app.api.shapes.kv import (
    BucketDeletedUpdate,
    DeleteKeyQuery,
    GetValueQuery,
    KvUpdate,
    LevelItem,
    ListKeysQuery,
    ListKeysResponse,
    ListLevelQuery,
    ListLevelResponse,
    ListRevisionsQuery,
    ListRevisionsResponse,
    PutValueQuery,
    RevisionResponse,
    ValueResponse,
    WatchBucketQuery,
    WrittenResponse,
)
from app.api.table import BUCKETS, KEY
from app.durations import parse_duration
from app.errors import InvalidArgument
from app.history import moments
from app.history.entry import Entry
from app.history.interests import Interest
from app.history.kinds import BucketDeleted, KvPut
from app.runs import noun as runs
from app.values import buckets, kv
from app.values.keyspace import Keyspace, Value
from app.values.levels import Branch
from storage.kv import Described

TTL_CHARS_MAX = 40


class IncrementBody(msgspec.Struct, forbid_unknown_fields=True):
    """What to add."""

    by: int = 1


_increment = msgspec.json.Decoder(IncrementBody)


class Keys:
    def __init__(self, services: Services) -> None:
        self._keyspace = services.keyspace

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, bucket: str) -> None:
        query = query_of(req, ListKeysQuery)
        page = await self._keyspace.keys(
            environment_of(req), bucket, pattern=query.filter, after=query.cursor, limit=query.limit
        )
        answer(resp, ListKeysResponse(keys=page.keys, count=len(page.keys), next_cursor=given(page.next_cursor)))


class Level:
    def __init__(self, services: Services) -> None:
        self._keyspace = services.keyspace

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, bucket: str) -> None:
        query = query_of(req, ListLevelQuery)
        level = await self._keyspace.level(
            environment_of(req),
            bucket,
            prefix=query.prefix,
            pattern=query.filter,
            cursor=query.cursor,
            limit=query.limit,
        )
        items = [level_item(item) for item in level.items]
        answer(resp, ListLevelResponse(prefix=query.prefix, items=items, next_cursor=given(level.next_cursor)))


class Key:
    def __init__(self, services: Services) -> None:
        self._keyspace = services.keyspace
        self._storage = services.storage
        self._clock = services.clock

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, bucket: str, key: str) -> None:
        query = query_of(req, GetValueQuery)
        if query.at:
            at = await moments.position_of(self._storage, query.at, now=self._clock.now_us())
            found = await self._keyspace.get_at(environment_of(req), bucket, key, at)
        else:
            found = await self._keyspace.get(environment_of(req), bucket, key)
        tagged(resp, found.revision)
        if query.raw:
            resp.content_type = "application/octet-stream"
            resp.data = found.value
        else:
            answer(resp, value_shown(found))

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, bucket: str, key: str) -> None:
        expected, ttl_us = expected_of(req), _ttl_of(req)
        write = kv.Put(bucket, key, await body_of(req, types=()), expected, ttl_us)
        await _write(self._keyspace, req, resp, write)

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, bucket: str, key: str) -> None:
        purge = query_of(req, DeleteKeyQuery).purge
        await self._keyspace.write(
            environment_of(req),
            kv.Delete(bucket, key, purge, expected_of(req)),
            actor=caller_of(req).actor,
            causation=_cause_of(caller_of(req)),
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
        query = query_of(req, ListRevisionsQuery)
        entries = await self._keyspace.revisions(
            environment_of(req), bucket, key, before=query.before, limit=query.limit
        )
        revisions = [revision_shown(entry) for entry in entries]
        answer(resp, ListRevisionsResponse(key=key, revisions=revisions, count=len(revisions)))


class Watch:
    """Every revision in the bucket after a position, in order, as server-sent events."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, bucket: str) -> None:
        key = query_of(req, WatchBucketQuery).key
        interest = await watched(self._services.keyspace, environment_of(req), bucket, key)
        live.send(resp, live.watching(req, self._services, interest), update_shown)


async def watched(keyspace: Keyspace, environment: str, bucket: str, pattern: str) -> Interest:
    """The revisions of a bucket's keys that fit the pattern, or of all of them, and the end of the bucket. Raises
    InvalidArgument, NotFound."""
    wanted = patterns.compile(pattern, field="key") if pattern else None
    await keyspace.bucket(environment, bucket)
    of_bucket, itself = kv.stream(bucket, ""), buckets.stream(bucket)

    def wants(entry: Entry) -> bool:
        if not entry.stream.startswith(of_bucket):
            return entry.kind == BucketDeleted.kind and entry.stream == itself
        return wanted is None or wanted.matches(kv.place(entry.stream)[1])

    return Interest(environment, ("kv", "bucket"), wants, asked=(f"kv/{bucket}/{pattern or '>'}",))


async def _write(keyspace: Keyspace, req: falcon.asgi.Request, resp: falcon.asgi.Response, write: kv.Write) -> None:
    written = await written_by(caller_of(req), keyspace, write)
    tagged(resp, written.revision)
    answer(resp, written)


async def written_by(caller: Caller, keyspace: Keyspace, write: kv.Write) -> WrittenResponse:
    """Write, and what the writer is told."""
    change = await keyspace.write(caller.environment, write, actor=caller.actor, causation=_cause_of(caller))
    return WrittenResponse(revision=change.revision, value=UNSET if change.number is None else change.number)


def _cause_of(caller: Caller) -> str:
    return runs.stream(caller.run_id) if caller.run_id else ""


def _ttl_of(req: falcon.asgi.Request) -> int | None:
    """How long the value stays, in µs; None if the request leaves that to the bucket. Raises InvalidArgument."""
    text = query_of(req, PutValueQuery).ttl
    if text is None:
        return None
    ttl_us = parse_duration(text[:TTL_CHARS_MAX], field="ttl")
    if ttl_us == 0:
        raise InvalidArgument("ttl 0 would be over at once", field="ttl", hint="such as 30s; without it, as the bucket")
    return ttl_us


def level_item(item: Branch | Described) -> LevelItem:
    """A key or a branch of a level."""
    if isinstance(item, Branch):
        return LevelItem(kind="branch", name=item.prefix, keys=item.keys, bytes=item.bytes, exact=item.exact)
    return LevelItem(
        kind="key",
        name=item.key,
        keys=1,
        bytes=item.bytes,
        exact=True,
        revision=item.revision,
        updated_at=clock.rfc3339(item.recorded_at),
        expires_at=_expiry(item.expires_at or 0),
    )


def value_shown(found: Value) -> ValueResponse:
    return ValueResponse(
        key=found.key,
        value=base64.b64encode(found.value).decode(),
        revision=found.revision,
        operation="put",
        created_at=clock.rfc3339(found.recorded_at),
        position=found.position,
        expires_at=_expiry(found.expires_at),
    )


def revision_shown(entry: Entry) -> RevisionResponse:
    """An entry of a key as one of its revisions."""
    return RevisionResponse(**_revision(entry))


def update_shown(entry: Entry) -> KvUpdate | BucketDeletedUpdate:
    """An entry as watchers get it. For them a value is put, or gone: `reason` says how."""
    if isinstance(entry.fact, BucketDeleted):
        return BucketDeletedUpdate(
            type="bucket_deleted", bucket=entry.stream.partition("/")[2], position=entry.position
        )
    bucket, key = kv.place(entry.stream)
    told = _revision(entry)
    if told["operation"] != "put":
        told |= {"operation": "delete", "reason": told["operation"]}
    return KvUpdate(type="kv_update", bucket=bucket, key=key, **told)


def _revision(entry: Entry) -> dict[str, Any]:
    fact = entry.fact
    value = kv.value_of(fact) if isinstance(fact, KvPut) else b""
    return {
        "revision": entry.version,
        "operation": kv.operation(fact),
        "value": base64.b64encode(value).decode(),
        "created_at": clock.rfc3339(entry.recorded_at),
        "position": entry.position,
        "actor": given(entry.actor),
        "caused_by": given(entry.causation),
        "expires_at": _expiry(fact.expires_at if isinstance(fact, KvPut) else 0),
    }


def _expiry(expires_at: int) -> Text:
    return clock.rfc3339(expires_at) if expires_at else UNSET


def routes(services: Services) -> Sequence[Route]:
    missing: Mapping[int, str] = {404: "no such bucket or key"}
    condition: Mapping[int, str] = {412: "another revision is there than If-Match or If-None-Match says"}
    tag = {"ETag": "the revision"}
    written = Answer("its revision", WrittenResponse, headers=tag)
    keys = {
        "GET": Operation(
            "Keys in order",
            {200: Answer("a page of keys", ListKeysResponse), **missing},
            query=ListKeysQuery,
            permission="kv:read",
        )
    }
    level = {
        "GET": Operation(
            "A bucket as a tree: what comes next under a prefix, with sizes",
            {200: Answer("a page of keys and branches", ListLevelResponse), **missing},
            query=ListLevelQuery,
            permission="kv:read",
        )
    }
    key = {
        "GET": Operation(
            "A value; with raw=true nothing but its bytes, as application/octet-stream",
            {200: Answer("the value", ValueResponse, headers=tag), **missing},
            query=GetValueQuery,
            permission="kv:read",
        ),
        "PUT": Operation(
            "Put a value: the body, byte for byte",
            {200: written, **missing, **condition, 413: "too large"},
            query=PutValueQuery,
            body=Body(bytes, "any bytes", media="*/*"),
            headers=CONDITIONS,
            permission="kv:write",
        ),
        "DELETE": Operation(
            "Delete a key; a missing one is no error",
            {204: "it is gone", **missing, **condition},
            query=DeleteKeyQuery,
            headers=CONDITIONS,
            permission="kv:write",
        ),
    }
    counter = {
        "POST": Operation(
            "Add to a whole number",
            {200: written, **missing, 412: "what is there is no whole number, or the condition fails"},
            body=Body(IncrementBody, {"by": 1}, required=False),
            headers=CONDITIONS,
            permission="kv:write",
        )
    }
    revisions = {
        "GET": Operation(
            "Revisions of a key, newest first",
            {200: Answer("revisions", ListRevisionsResponse), **missing},
            query=ListRevisionsQuery,
            permission="kv:read",
        )
    }
    watch = {
        "GET": Operation(
            "Follow a bucket: every revision in order, as server-sent events",
            {
                200: Answer(
                    "a stream of updates, each with its position as id",
                    (KvUpdate, BucketDeletedUpdate),
                    "text/event-stream",
                ),
                **missing,
            },
            query=WatchBucketQuery,
            headers=FOLLOWING,
            permission="kv:read",
        )
    }
    base = BUCKETS
    return [
        Route(f"{base}/{{bucket}}/watch", Watch(services), watch),
        Route(f"{base}/{{bucket}}/keys", Keys(services), keys),
        Route(f"{base}/{{bucket}}/level", Level(services), level),
        Route(KEY, Key(services), key),
        Route(f"{base}/{{bucket}}/counters/{{key:path}}", Counter(services), counter),
        Route(f"{base}/{{bucket}}/history/{{key:path}}", Revisions(services), revisions),
    ]
