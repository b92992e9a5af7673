"""Key-values: `client.kv`. Values are JSON, or bytes as they are."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ironflow.calls import Call, Json, Page, Plan, chosen, quoted, sent
from ironflow.durations import Duration, seconds
from ironflow.errors import InvalidArgument
from ironflow.parts import AsyncPart, Awaited, Blocking, Part

BUCKETS = "/api/v1/kv/buckets"
KEYS_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class KvEntry:
    """A revision of a key. `operation` is put, or how the value went: delete, purge, expire. `raw` is its bytes."""

    bucket: str
    key: str
    raw: bytes
    revision: int
    operation: str
    created_at: str
    position: int
    expires_at: str | None = None

    @property
    def value(self) -> Any:
        """The value: of JSON what it says, else the bytes; None where there is no value."""
        if self.operation != "put":
            return None
        try:
            return json.loads(self.raw)
        except ValueError:
            return self.raw


def buckets() -> Plan[Sequence[Json]]:
    """Every bucket, by name, with how many values it has and their bytes."""
    found: Sequence[Json] = (yield Call("GET", BUCKETS, again=True))["buckets"]
    return found


def bucket(name: str) -> Plan[Json]:
    """One bucket."""
    return (yield from sent(Call("GET", _bucket(name), again=True)))


def create_bucket(
    name: str,
    *,
    ttl: Duration | None = None,
    history: int = 1,
    max_value_size: int = 0,
    max_bytes: int = 0,
    description: str = "",
) -> Plan[Json]:
    """Keys stay for `ttl` after each put, for ever without it; 0 is no limit. Raises Conflict if there is one."""
    body: Json = {"name": name, "history": history, "max_value_size": max_value_size, "max_bytes": max_bytes}
    body |= {"ttl_seconds": _whole_seconds(ttl) if ttl is not None else 0, "description": description}
    return (yield from sent(Call("POST", BUCKETS, body=body)))


def delete_bucket(name: str) -> Plan[None]:
    """With all its keys."""
    yield Call("DELETE", _bucket(name))


def get(bucket: str, key: str, *, at: int | str | datetime | None = None) -> Plan[KvEntry]:
    """The value now, or as of a position of history or of a time: an instant, or such as `15m` before now. Raises
    NotFound."""
    answer = yield Call("GET", _key(bucket, key), chosen(at=at), again=True)
    return _entry(bucket, answer)


def put(bucket: str, key: str, value: Any, *, ttl: Duration | None = None) -> Plan[int]:
    """Put the value, whatever is there; its revision. `ttl` is its own time to live."""
    return (yield from _put(bucket, key, value, ttl, {}))


def create(bucket: str, key: str, value: Any, *, ttl: Duration | None = None) -> Plan[int]:
    """Put the value where there is none; its revision. Raises Conflict otherwise."""
    return (yield from _put(bucket, key, value, ttl, {"If-None-Match": "*"}))


def cas(bucket: str, key: str, value: Any, *, revision: int, ttl: Duration | None = None) -> Plan[int]:
    """Put the value if the key is still at `revision`; the new one. Raises Conflict otherwise."""
    return (yield from _put(bucket, key, value, ttl, {"If-Match": str(revision)}))


def delete(bucket: str, key: str, *, purge: bool = False, revision: int | None = None) -> Plan[None]:
    """Delete the key; a missing one is no error. With `purge` its revisions so far are no longer shown. With `revision`
    only if it is still at that. Raises Conflict otherwise."""
    headers = {} if revision is None else {"If-Match": str(revision)}
    params = {"purge": "true"} if purge else {}
    yield Call("DELETE", _key(bucket, key), params, again=revision is None, headers=headers)


def incr(bucket: str, key: str, by: int = 1) -> Plan[int]:
    """Add to a whole number, 0 where there is none; what it is then."""
    path = f"{_bucket(bucket)}/counters/{quoted(key)}"
    return int((yield Call("POST", path, body={"by": by}))["value"])


def keys(bucket: str, pattern: str | None = None, *, limit: int = KEYS_PAGE, cursor: str | None = None) -> Plan[Page]:
    """Keys in order, those that fit the pattern: `user.*`, `user.>`. The items are texts."""
    answer = yield Call(
        "GET", f"{_bucket(bucket)}/keys", chosen(filter=pattern, limit=limit, cursor=cursor), again=True
    )
    return Page(answer["keys"], answer.get("next_cursor", ""))


def history(bucket: str, key: str, *, limit: int | None = None, before: int | None = None) -> Plan[Sequence[KvEntry]]:
    """Revisions, newest first: as many as the bucket says, or `limit`; those before revision `before`."""
    path = f"{_bucket(bucket)}/history/{quoted(key)}"
    answer = yield Call("GET", path, chosen(limit=limit, before=before), again=True)
    return [_entry(bucket, {**one, "key": key}) for one in answer["revisions"]]


class Kv(Part):
    buckets = Blocking(buckets)
    bucket = Blocking(bucket)
    create_bucket = Blocking(create_bucket)
    delete_bucket = Blocking(delete_bucket)
    get = Blocking(get)
    put = Blocking(put)
    create = Blocking(create)
    cas = Blocking(cas)
    delete = Blocking(delete)
    incr = Blocking(incr)
    keys = Blocking(keys)
    history = Blocking(history)

    def watch(self, bucket: str, pattern: str | None = None, *, after: int | None = None) -> Iterator[KvEntry]:
        """Every revision in the bucket, in order, for ever: those after position `after`, or from now on. A broken
        connection is resumed, and nothing is missed."""
        for told in self._client.watch(f"{_bucket(bucket)}/watch", {"key": pattern}, after):
            if told["type"] == "kv_update":
                yield _entry(bucket, told)


class AsyncKv(AsyncPart):
    buckets = Awaited(buckets)
    bucket = Awaited(bucket)
    create_bucket = Awaited(create_bucket)
    delete_bucket = Awaited(delete_bucket)
    get = Awaited(get)
    put = Awaited(put)
    create = Awaited(create)
    cas = Awaited(cas)
    delete = Awaited(delete)
    incr = Awaited(incr)
    keys = Awaited(keys)
    history = Awaited(history)

    async def watch(
        self, bucket: str, pattern: str | None = None, *, after: int | None = None
    ) -> AsyncIterator[KvEntry]:
        """Every revision in the bucket, in order, for ever: those after position `after`, or from now on. A broken
        connection is resumed, and nothing is missed."""
        async for told in self._client.watch(f"{_bucket(bucket)}/watch", {"key": pattern}, after):
            if told["type"] == "kv_update":
                yield _entry(bucket, told)


def _put(bucket: str, key: str, value: Any, ttl: Duration | None, condition: dict[str, str]) -> Plan[int]:
    headers = {**condition, "Content-Type": "application/json"}
    if isinstance(value, bytes):
        content, headers["Content-Type"] = value, "application/octet-stream"
    else:
        content = _json(value)
    params = {} if ttl is None else {"ttl": f"{round(_seconds(ttl) * 1_000)}ms"}
    again = not condition
    answer = yield Call("PUT", _key(bucket, key), params, again=again, content=content, headers=headers)
    return int(answer["revision"])


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument(f"the value is neither JSON nor bytes: {error}", code="INVALID_ARGUMENT") from error


def _entry(bucket: str, told: Json) -> KvEntry:
    return KvEntry(
        bucket=bucket,
        key=told["key"],
        raw=base64.b64decode(told["value"] or ""),
        revision=told["revision"],
        operation=told.get("reason") or told["operation"],
        created_at=told["created_at"],
        position=told["position"],
        expires_at=told.get("expires_at"),
    )


def _seconds(ttl: Duration) -> float:
    try:
        return seconds(ttl)
    except (ValueError, TypeError) as error:
        raise InvalidArgument(f"ttl: {error}", code="INVALID_ARGUMENT") from None


def _whole_seconds(ttl: Duration) -> int:
    whole = round(_seconds(ttl))
    if whole < 1:
        raise InvalidArgument(f"ttl {ttl!r} of a bucket is less than a second", code="INVALID_ARGUMENT")
    return whole


def _bucket(name: str) -> str:
    return f"{BUCKETS}/{quoted(name)}"


def _key(bucket: str, key: str) -> str:
    return f"{_bucket(bucket)}/keys/{quoted(key)}"
