"""What is around a run at a position: entity streams that it appended to, key-values that it wrote, and secrets that
its function declares. Of secrets only the names: nothing here can ask for their values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol

from ironflow import Client
from ironflow.errors import NotFound

WRITTEN_MAX = 200
"""Streams, and keys, that are shown."""
EVENTS_MAX = 100
"""Of a stream, the newest."""
ENTRIES_MAX = 1_000
"""Of what a run wrote, the newest."""


class Written(NamedTuple):
    """Something that a run wrote: what is said of it at once, and how to get what is in it."""

    about: str
    load: Callable[[], Any]


class Surroundings(Protocol):
    """Raises what the SDK raises."""

    def written(self, run_id: str, at: int | None) -> Mapping[str, Written]:
        """Streams (`order/42`) and keys (`carts:42`) that the run had written by a position, as they were then; or by
        now."""
        ...

    def secrets(self, run_id: str, function_id: str, at: int) -> Mapping[str, str]:
        """The secrets that the function declared, by name, and whether there was one of that name."""
        ...

    def code_hash(self, function_id: str, at: int) -> str:
        """Of the function's code as it was registered at a position; "" if that is not known."""
        ...


class ServerSurroundings:
    def __init__(self, client: Client) -> None:
        self._client = client

    def written(self, run_id: str, at: int | None) -> Mapping[str, Written]:
        return {**dict(self._streams(run_id, at)), **dict(self._keys(run_id, at))}

    def _streams(self, run_id: str, at: int | None) -> Iterator[tuple[str, Written]]:
        streams = self._client.streams
        for one in self._client.runs.streams(run_id)[:WRITTEN_MAX]:
            type_, id_ = one["entityType"], one["entityId"]
            try:
                version = int(streams.info(type_, id_, at=at)["version"])
            except NotFound:
                continue  # the run appended to it later

            def load(type_: str = type_, id_: str = id_) -> Any:
                page = streams.read(type_, id_, direction="backward", limit=EVENTS_MAX, at=at)
                return {f"{one['version']} {one['name']}": one["data"] for one in reversed(page.items)}

            yield f"{type_}/{id_}", Written(f"version {version}", load)

    def _keys(self, run_id: str, at: int | None) -> Iterator[tuple[str, Written]]:
        seen: dict[tuple[str, str], None] = {}
        for entry in self._written_keys(run_id, at):
            _, bucket, key = entry["stream"].split("/", 2)
            seen[bucket, key] = None
        for bucket, key in list(seen)[:WRITTEN_MAX]:
            try:
                found = self._client.kv.get(bucket, key, at=at)
            except NotFound:
                yield f"{bucket}:{key}", Written("deleted", lambda: None)
                continue
            yield f"{bucket}:{key}", Written(f"revision {found.revision}", partial(getattr, found, "value"))

    def _written_keys(self, run_id: str, at: int | None) -> Iterator[Mapping[str, Any]]:
        """What the run wrote, newest first, no further back than its beginning."""
        began = self._client.runs.timeline_page(run_id, limit=1).items[0].position
        cursor, count = None, 0
        while count < ENTRIES_MAX:
            page = self._client.history.list(
                kind="kv.*", causation=f"run/{run_id}", at=at, direction="backward", limit=ENTRIES_MAX, cursor=cursor
            )
            yield from page.items
            count += len(page.items)
            cursor = page.next_cursor
            if not cursor or int(cursor) <= began:
                return

    def secrets(self, run_id: str, function_id: str, at: int) -> Mapping[str, str]:
        names = self._client.functions.get(function_id, at=at).get("secrets") or ()
        return {name: self._secret(name, at) for name in names}

    def code_hash(self, function_id: str, at: int) -> str:
        try:
            return str(self._client.functions.get(function_id, at=at)["metadata"].get("__ironflow_code_hash", ""))
        except NotFound:
            return ""

    def _secret(self, name: str, at: int) -> str:
        found = self._client.history.list(stream=f"secret/{name}", at=at, direction="backward", limit=1).items
        if not found or found[0]["kind"] == "secret.deleted":
            return "not set"
        return f"revision {found[0]['data'].get('revision', 1)}"  # of a new one it is left out
