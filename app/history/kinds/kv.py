"""What happens to buckets and to the keys in them.

Each entry of a key tells all there is to know of it from then on, so that the last one is its state.
"""

from __future__ import annotations

import msgspec

from app.history.kinds.base import NULL, Fact


class BucketCreated(Fact, frozen=True):
    """stream bucket/<name>. `generation` counts buckets of that name; ttl_s and the limits are 0 for none."""

    kind = "bucket.created"
    generation: int
    description: str = ""
    ttl_s: int = 0
    history: int = 1
    value_bytes_max: int = 0
    bytes_max: int = 0


class BucketDeleted(Fact, frozen=True):
    """stream bucket/<name>; all keys of this generation are gone with it"""

    kind = "bucket.deleted"
    generation: int


class KvPut(Fact, frozen=True):
    """stream kv/<bucket>/<key>, as are all that follow. The value is JSON as it came, or any bytes in base64.
    `floor` is the first revision of the key that is still shown."""

    kind = "kv.put"
    generation: int
    floor: int
    value: msgspec.Raw = NULL
    base64: str | None = None
    expires_at: int = 0


class KvDeleted(Fact, frozen=True):
    kind = "kv.deleted"
    generation: int
    floor: int


class KvPurged(Fact, frozen=True):
    """The key is gone, and its earlier revisions are no longer shown."""

    kind = "kv.purged"
    generation: int
    floor: int


class KvExpired(Fact, frozen=True):
    """The time of the value was over at `expired_at`."""

    kind = "kv.expired"
    generation: int
    floor: int
    expired_at: int


FACTS: tuple[type[Fact], ...] = (BucketCreated, BucketDeleted, KvPut, KvDeleted, KvPurged, KvExpired)
