"""Buckets as steps write to them: `step.kv("stock").put(…)`. What a step writes is recorded in the same commit as its
result, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

from ironflow import jsonvalue
from ironflow.body import current_body
from ironflow.durations import Duration, seconds
from ironflow.naming import NAME_CHARS_MAX, misuse
from ironflow.reports import KvWrite

T = TypeVar("T")


class StepBucket(Generic[T]):
    """Inside a step, a write goes with the step's result: it is made when the function of the step has returned, and
    gives nothing back. If one is refused (the revision is another, the bucket is full or missing), nothing of the step
    is written, and the step fails with the code of that, REVISION_CONFLICT say; tried again, it reads anew.

    Outside a step a write is a step of its own, `kv:{bucket}/{key}`, to be awaited in async functions.
    """

    __slots__ = ("_name", "_send")

    def __init__(self, name: str, send: Callable[[KvWrite], T]) -> None:
        if not isinstance(name, str) or not name:
            raise misuse(f"{name!r} cannot name a bucket; write step.kv('stock')")
        self._name = name
        self._send = send

    def put(self, key: str, value: Any, *, ttl: Duration | None = None) -> T:
        """Put the value, JSON or bytes, whatever is there. `ttl` is its own time to live."""
        return self._put(key, value, ttl, None)

    def create(self, key: str, value: Any, *, ttl: Duration | None = None) -> T:
        """Put the value if there is none."""
        return self._put(key, value, ttl, 0)

    def cas(self, key: str, value: Any, *, revision: int, ttl: Duration | None = None) -> T:
        """Put the value if the key is still at `revision`."""
        return self._put(key, value, ttl, revision)

    def delete(self, key: str, *, purge: bool = False, revision: int | None = None) -> T:
        """Delete the key; a missing one is no error. With `purge` its revisions so far are no longer shown. With
        `revision` only if it is still at that."""
        return self._write("purge" if purge else "delete", key, revision=revision)

    def incr(self, key: str, by: int = 1) -> T:
        """Add to a whole number, 0 where there is none."""
        if type(by) is not int:
            raise misuse(f"{by!r} is not a whole number")
        return self._write("incr", key, by=by)

    def _put(self, key: str, value: Any, ttl: Duration | None, revision: int | None) -> T:
        raw = value if isinstance(value, bytes) else jsonvalue.encode(value, what=f"the value of {key!r}")
        ttl_ms = None if ttl is None else max(1, round(seconds(ttl) * 1_000))
        return self._write("put", key, value=raw, revision=revision, ttl_ms=ttl_ms)

    def _write(self, operation: Literal["put", "incr", "delete", "purge"], key: str, **more: Any) -> T:
        if not isinstance(key, str) or not key:
            raise misuse(f"{key!r} cannot be a key; it is a text")
        return self._send(KvWrite(operation, self._name, key, **more))


def collected(run_id: str, write: KvWrite) -> bool:
    """Let it go with the step of the run that is being run, if there is one."""
    body = current_body.get()
    if body is None or body.run_id != run_id:
        return False
    body.writes.append(write)
    return True


def step_name(write: KvWrite) -> str:
    """What the step is called that does nothing else."""
    return f"kv:{write.bucket}/{write.key}"[:NAME_CHARS_MAX]
