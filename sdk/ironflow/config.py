"""Configuration documents: `client.config`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ironflow.calls import Call, Json, Plan, chosen, quoted, sent
from ironflow.parts import AsyncPart, Awaited, Blocking, Part

CONFIG = "/api/v1/config"


def list_configs() -> Plan[Sequence[Json]]:
    """Every document's name and revision, by name."""
    found: list[Json] = []
    cursor = ""
    while True:
        answer = yield Call("GET", CONFIG, chosen(cursor=cursor), again=True)
        found += answer["configs"]
        cursor = answer.get("next_cursor", "")
        if not cursor:
            return found


def get(name: str, *, at: int | str | datetime | None = None, revision: int | None = None) -> Plan[Json]:
    """The document under `data`, with its revision: now, as of a position of history or a time (an instant, or such as
    `15m` before now), or one of its revisions."""
    return (yield from sent(Call("GET", _path(name), chosen(at=at, revision=revision), again=True)))


def set_config(name: str, data: Mapping[str, Any], *, revision: int | None = None) -> Plan[int]:
    """Replace the document, or make it; its revision. With `revision` only if it is still at that, 0 for: only if there
    is none. Raises Conflict otherwise."""
    return (yield from _change("POST", _path(name), dict(data), revision))


def patch(name: str, data: Mapping[str, Any], *, revision: int | None = None) -> Plan[int]:
    """Replace some members of the document, or make it; its revision. `revision` as for `set`."""
    return (yield from _change("PATCH", _path(name), dict(data), revision))


def restore(name: str, revision: int) -> Plan[int]:
    """Bring an earlier revision back; the new one."""
    return (yield from _change("POST", f"{_path(name)}/restore", {"revision": revision}, None))


def delete(name: str, *, revision: int | None = None) -> Plan[None]:
    """Delete the document; a missing one is no error."""
    yield Call("DELETE", _path(name), again=revision is None, headers=_condition(revision))


def history(name: str, *, limit: int = 50, before: int | None = None) -> Plan[Sequence[Json]]:
    """Revisions, newest first, those before revision `before`."""
    answer = yield Call("GET", f"{_path(name)}/history", chosen(limit=limit, before=before), again=True)
    found: Sequence[Json] = answer["revisions"]
    return found


def diff(name: str, *, before: int | None = None, after: int | None = None) -> Plan[Json]:
    """What changed from one revision to the other; without them, by the newest one."""
    return (yield from sent(Call("GET", f"{_path(name)}/diff", chosen(**{"from": before, "to": after}), again=True)))


class Config(Part):
    list = Blocking(list_configs)
    get = Blocking(get)
    set = Blocking(set_config)
    patch = Blocking(patch)
    restore = Blocking(restore)
    delete = Blocking(delete)
    history = Blocking(history)
    diff = Blocking(diff)

    def watch(self, name: str = "*", *, after: int | None = None) -> Iterator[Json]:
        """Every revision of the document, or of all, in order, for ever; resumed when the connection breaks."""
        return self._client.watch(f"{_path(name)}/watch", {}, after)


class AsyncConfig(AsyncPart):
    list = Awaited(list_configs)
    get = Awaited(get)
    set = Awaited(set_config)
    patch = Awaited(patch)
    restore = Awaited(restore)
    delete = Awaited(delete)
    history = Awaited(history)
    diff = Awaited(diff)

    def watch(self, name: str = "*", *, after: int | None = None) -> AsyncIterator[Json]:
        """Every revision of the document, or of all, in order, for ever; resumed when the connection breaks."""
        return self._client.watch(f"{_path(name)}/watch", {}, after)


def _change(method: str, path: str, body: Json, revision: int | None) -> Plan[int]:
    answer = yield Call(method, path, body=body, headers=_condition(revision))
    return int(answer["revision"])


def _condition(revision: int | None) -> dict[str, str]:
    if revision is None:
        return {}
    return {"If-Match": str(revision)} if revision else {"If-None-Match": "*"}


def _path(name: str) -> str:
    return f"{CONFIG}/{quoted(name)}"
