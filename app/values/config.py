"""Configuration documents: JSON objects under a name, every revision kept. Pure.

One stream a document, `config/<name>`; a revision is a version of it. Each entry holds the whole document, so that the
last one is the state and any two can be compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from app import jsonvalue
from app.errors import ConfigNotFound, InvalidArgument, RevisionConflict
from app.history.entry import Entry
from app.history.kinds import ConfigDeleted, ConfigUpdated
from app.values.kv import ABSENT, PRESENT
from storage import configs
from storage.contract import Transaction
from storage.records import ConfigRow

SIZE_BYTES_MAX = 2**20
KEPT_BYTES_MAX = 64 * 2**10

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}", re.ASCII)
_encode = msgspec.json.Encoder().encode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Config(msgspec.Struct):
    """A document's state; `data` is None once it is deleted."""

    environment: str
    name: str
    data: bytes | None
    revision: int
    updated_at: int
    position: int


def stream(name: str) -> str:
    return f"config/{name}"


class ConfigNoun:
    prefix = "config"
    last_tells: Literal[True] = True

    def apply(self, state: Config | None, entry: Entry) -> Config:
        fact = entry.fact
        assert isinstance(fact, ConfigUpdated | ConfigDeleted), f"{entry} does not belong to a config"
        return Config(
            environment=entry.environment,
            name=entry.stream.partition("/")[2],
            data=bytes(fact.data) if isinstance(fact, ConfigUpdated) else None,
            revision=entry.version,
            updated_at=entry.recorded_at,
            position=entry.position,
        )

    def changed_at(self, state: Config) -> int:
        return state.position

    def row(self, state: Config) -> Config:
        return state

    def keep(self, state: Config) -> bool:
        return state.data is None or len(state.data) <= KEPT_BYTES_MAX

    def save(self, tx: Transaction, rows: Sequence[Config]) -> None:
        for state in rows:
            if state.data is None:
                configs.remove(tx, state.environment, state.name)
        configs.save(tx, [_row(state, state.data) for state in rows if state.data is not None])

    def clear(self, tx: Transaction) -> None:
        configs.clear(tx)

    def rows(self, tx: Transaction) -> Iterable[ConfigRow]:
        return configs.everything(tx)


def decide_set(name: str, config: Config | None, data: bytes, expected: int | None) -> list[ConfigUpdated]:
    """Raises RevisionConflict."""
    _check_expected(name, config, expected)
    return [ConfigUpdated(data=msgspec.Raw(data))]


def decide_patch(name: str, config: Config | None, patch: bytes, expected: int | None) -> list[ConfigUpdated]:
    """Members of the patch replace those of the document, or make the document. Raises RevisionConflict."""
    _check_expected(name, config, expected)
    merged = merge(config.data if config and config.data is not None else b"{}", patch)
    checked(merged, field="the merged document")
    return [ConfigUpdated(data=msgspec.Raw(merged), operation="patch")]


def decide_restore(
    name: str, config: Config | None, data: bytes, revision: int, expected: int | None
) -> list[ConfigUpdated]:
    """Raises RevisionConflict."""
    _check_expected(name, config, expected)
    return [ConfigUpdated(data=msgspec.Raw(data), operation="restore", restored_from=revision)]


def decide_delete(name: str, config: Config | None, expected: int | None) -> list[ConfigDeleted]:
    """Raises RevisionConflict."""
    _check_expected(name, config, expected)
    return [ConfigDeleted()] if config is not None and config.data is not None else []


def merge(document: bytes, patch: bytes) -> bytes:
    """A shallow merge: whole members are replaced, and keep the bytes that they came in; null is a value."""
    return _encode(_members.decode(document) | _members.decode(patch))


def changes(before: Any, after: Any, path: str = "") -> Iterator[dict[str, Any]]:
    """What leads from one document to the other, by JSON Pointer (RFC 6901), in the order of the members."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            below = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
            if name not in after:
                yield {"op": "remove", "path": below, "before": before[name]}
            elif name not in before:
                yield {"op": "add", "path": below, "after": after[name]}
            else:
                yield from changes(before[name], after[name], below)
    elif not _same(before, after):
        yield {"op": "replace", "path": path, "before": before, "after": after}


def checked(raw: bytes, *, field: str) -> bytes:
    """The JSON object. Raises InvalidArgument, PayloadTooLarge."""
    if not isinstance(jsonvalue.check(raw, field=field, size_max=SIZE_BYTES_MAX), dict):
        raise InvalidArgument(f"{field} must be a JSON object", field=field, hint='such as {"limit": 10}')
    return raw.strip(b" \t\r\n")


def check_name(name: str) -> None:
    """Raises InvalidArgument."""
    if not _NAME.fullmatch(name):
        raise InvalidArgument(
            f"config name {name[:80]!r} is not usable",
            field="name",
            hint="1 to 100 letters, digits, dots, dashes and underscores, without a dot in front",
        )


def not_found(name: str, when: str = "") -> ConfigNotFound:
    """`when` says which one of it was asked for."""
    hint = f"`ironflow config history {name[:80]}` shows its revisions" if when else "`ironflow config list` shows all"
    return ConfigNotFound(f"there is no config {name[:80]!r}{when}", field="name", hint=hint)


def _same(before: Any, after: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return _encode(before) == _encode(after)


def _check_expected(name: str, config: Config | None, expected: int | None) -> None:
    there = config.revision if config and config.data is not None else ABSENT
    if expected is None or (expected == PRESENT and there != ABSENT) or expected == there:
        return
    wanted = {ABSENT: "no document", PRESENT: "a document"}.get(expected, f"revision {expected}")
    raise RevisionConflict(
        f"config {name}: expected {wanted}, found {f'revision {there}' if there else 'none'}",
        hint="read it again, then try with the revision that it has",
    )


def _row(state: Config, data: bytes) -> ConfigRow:
    return ConfigRow(state.environment, state.name, state.revision, len(data), state.updated_at, state.position)
