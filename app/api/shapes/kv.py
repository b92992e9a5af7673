"""Buckets, keys and their revisions as REST shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.base import Base64, Cursor, FollowQuery, Instant, Moment, NextCursor, Position, Shape, Text
from app.values.keyspace import HISTORY_MAX, KEYS_MAX, LEVEL_MAX
from app.values.kv import KEY_BYTES_MAX


class ListKeysQuery(msgspec.Struct):
    filter: Annotated[str, Meta(description="a pattern such as user.* or user.>")] = ""
    limit: Annotated[int, Meta(ge=1, le=KEYS_MAX)] = KEYS_MAX
    cursor: Cursor = ""


class ListLevelQuery(msgspec.Struct):
    prefix: Annotated[
        str, Meta(max_length=KEY_BYTES_MAX, description="what keys begin with; a level ends behind `.`, `/` or `:`")
    ] = ""
    filter: Annotated[str, Meta(description="the keys that fit a pattern such as *.cart instead, not with prefix")] = ""
    limit: Annotated[int, Meta(ge=1, le=LEVEL_MAX)] = LEVEL_MAX
    cursor: Cursor = ""


class GetValueQuery(msgspec.Struct):
    at: Moment = ""
    raw: Annotated[bool, Meta(description="nothing but the bytes")] = False


class PutValueQuery(msgspec.Struct):
    ttl: Annotated[str, Meta(description="how long it stays, such as 30s; else as long as the bucket says")] | None = (
        None
    )


class DeleteKeyQuery(msgspec.Struct):
    purge: Annotated[bool, Meta(description="its revisions so far are no longer shown")] = False


class ListRevisionsQuery(msgspec.Struct):
    limit: Annotated[int, Meta(ge=1, le=HISTORY_MAX, description="default as the bucket says")] | None = None
    before: Annotated[Position, Meta(description="only those before this revision")] | None = None


class WatchBucketQuery(FollowQuery):
    key: Annotated[str, Meta(description="only keys that fit this pattern")] = ""


class BucketResponse(Shape):
    """A bucket with its usage; limits that it does not have are left out."""

    name: str
    values: Annotated[int, Meta(description="how many keys")]
    bytes: int
    history: Annotated[int, Meta(description="how many revisions of a key are shown unasked")]
    created_at: Instant
    description: Text = UNSET
    ttl_seconds: int | UnsetType = UNSET
    max_value_size: int | UnsetType = UNSET
    max_bytes: int | UnsetType = UNSET


class ListBucketsResponse(Shape):
    buckets: list[BucketResponse]
    count: int


class ListKeysResponse(Shape):
    """Keys in order."""

    keys: Sequence[str]
    count: int
    next_cursor: NextCursor = UNSET


class LevelItem(Shape):
    """A key with what is known of its value, or a branch: keys that begin with `name`, of which there are `keys` with
    values of so many bytes, or, unless `exact`, more."""

    kind: Annotated[str, Meta(description="key or branch")]
    name: str
    keys: int
    bytes: int
    exact: bool
    revision: int | UnsetType = UNSET
    updated_at: Instant | UnsetType = UNSET
    expires_at: Instant | UnsetType = UNSET


class ListLevelResponse(Shape):
    """What comes next under a prefix, in order."""

    prefix: str
    items: list[LevelItem]
    next_cursor: NextCursor = UNSET


class ValueResponse(Shape):
    """A key's value."""

    key: str
    value: Base64
    revision: int
    operation: str
    created_at: Instant
    position: int
    expires_at: Instant | UnsetType = UNSET


class WrittenResponse(Shape):
    """The revision that was written; of a counter, its value too."""

    revision: int
    value: int | UnsetType = UNSET


class RevisionResponse(Shape):
    """One revision of a key."""

    revision: int
    operation: str
    value: Base64
    created_at: Instant
    position: int
    actor: Text = UNSET
    caused_by: Text = UNSET
    expires_at: Instant | UnsetType = UNSET


class ListRevisionsResponse(Shape):
    """Revisions of a key, newest first."""

    key: str
    revisions: list[RevisionResponse]
    count: int


class KvUpdate(RevisionResponse, kw_only=True):
    """A revision as watchers get it. For them a value is put, or gone: `reason` says how."""

    type: str
    bucket: str
    key: str
    reason: Text = UNSET


class BucketDeletedUpdate(Shape):
    """The bucket is gone, and its keys with it."""

    type: str
    bucket: str
    position: int
