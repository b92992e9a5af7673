"""A consumer group: its state, and what may become of it. Pure.

Each creation and each reset begins a generation: deliveries and positions belong to one, so that what is left of an
earlier one is never taken for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from app.errors import AlreadyExists, GroupNotFound, InvalidArgument
from app.events import selection
from app.history import revisions
from app.history.entry import Entry
from app.history.kinds import (
    Fact,
    GroupCreated,
    GroupDeleted,
    GroupPaused,
    GroupReset,
    GroupResumed,
    GroupSettings,
    GroupUpdated,
)
from storage import groups
from storage.contract import Transaction
from storage.records import GroupRow

INFLIGHT_MAX = 10_000
REDELIVERIES_MAX = 10_000
DELAY_MS_MAX = 24 * 3_600_000
ACK_WAIT_MS_MIN, ACK_WAIT_MS_MAX = 100, 24 * 3_600_000
NOW = -1
"""A start: with what is recorded from then on."""
METADATA_BYTES_MAX = 16 * 2**10
ACK_MODES = ("manual", "auto")
BACKPRESSURES = ("buffer", "block", "drop")

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.~-]{0,99}", re.ASCII)
_encode = msgspec.json.Encoder().encode


class Group(msgspec.Struct, frozen=True):
    """`start` is the position after which its generation begins, `anchor` that of the entry that began it, `born` that
    of its creation. `status` is active, paused or deleted."""

    environment: str
    name: str
    status: str
    settings: GroupSettings
    generation: int
    start: int
    anchor: int
    born: int
    created_at: int
    updated_at: int
    position: int

    @property
    def exists(self) -> bool:
        return self.status != "deleted"


def stream(name: str) -> str:
    return f"group/{name}"


class GroupNoun:
    prefix = "group"

    def apply(self, state: Group | None, entry: Entry) -> Group:
        at, position = entry.recorded_at, entry.position
        if isinstance(entry.fact, GroupCreated):
            return Group(
                environment=entry.environment,
                name=entry.stream.partition("/")[2],
                status="active",
                settings=entry.fact.settings,
                generation=state.generation + 1 if state else 1,
                start=entry.fact.start if entry.fact.start >= 0 else position,
                anchor=position,
                born=position,
                created_at=at,
                updated_at=at,
                position=position,
            )
        assert state is not None, f"{entry} changes a group that was not there"
        state = replace(state, updated_at=at, position=position)
        match entry.fact:
            case GroupUpdated() as fact:
                return replace(state, settings=fact.settings)
            case GroupPaused():
                return replace(state, status="paused")
            case GroupResumed():
                return replace(state, status="active")
            case GroupReset() as fact:
                start = fact.start if fact.start >= 0 else position
                return replace(state, generation=state.generation + 1, start=start, anchor=position)
            case GroupDeleted():
                return replace(state, status="deleted")
            case _:
                raise AssertionError(f"{entry} does not belong to a group")

    def changed_at(self, state: Group) -> int:
        return state.position

    def row(self, state: Group) -> GroupRow:
        return GroupRow(
            environment=state.environment,
            name=state.name,
            status=state.status,
            settings=_encode(state.settings).decode(),
            generation=state.generation,
            start=state.start,
            anchor=state.anchor,
            born=state.born,
            created_at=state.created_at,
            updated_at=state.updated_at,
            position=state.position,
        )

    def keep(self, state: Group) -> bool:
        return True

    def save(self, tx: Transaction, rows: Sequence[GroupRow]) -> None:
        groups.save(tx, rows)

    def clear(self, tx: Transaction) -> None:
        groups.clear(tx)

    def rows(self, tx: Transaction) -> Iterable[GroupRow]:
        return groups.everything(tx)


_settings = msgspec.json.Decoder(GroupSettings)


def of_row(row: GroupRow) -> Group:
    """The row is the whole state."""
    return Group(**{**row._asdict(), "settings": _settings.decode(row.settings)})


def decide_create(name: str, group: Group | None, settings: GroupSettings, start: int = NOW) -> list[Fact]:
    """Raises AlreadyExists."""
    if group is not None and group.exists:
        raise AlreadyExists(f"there is a group {name} already", field="name", hint="update it, or take another name")
    return [GroupCreated(settings=settings, start=start)]


def decide_update(name: str, group: Group | None, settings: GroupSettings) -> list[Fact]:
    """Raises GroupNotFound."""
    known = existing(name, group)
    return [GroupUpdated(settings=settings)] if known.settings != settings else []


def decide_status(name: str, group: Group | None, status: str, reason: str = "") -> list[Fact]:
    """Nothing if it is in that status already, but for a reason that is told later. Raises GroupNotFound."""
    if existing(name, group).status == status and not reason:
        return []
    return [GroupPaused(reason=reason) if status == "paused" else GroupResumed()]


def decide_reset(name: str, group: Group | None, start: int, reason: str = "") -> list[Fact]:
    """Raises GroupNotFound."""
    existing(name, group)
    return [GroupReset(start=start, reason=reason)]


def decide_delete(name: str, group: Group | None) -> list[Fact]:
    """Deleting what is not there changes nothing."""
    return [GroupDeleted()] if group is not None and group.exists else []


def check_expected(group: Group | None, expected: int | None) -> None:
    """Returns if the group is as it was at that position, or is not there, which is for who decides. Raises
    RevisionConflict."""
    if group is not None and group.exists:
        revisions.check(f"group {group.name}", found=group.position, expected=expected)


def existing(name: str, group: Group | None) -> Group:
    """Raises GroupNotFound."""
    if group is None or not group.exists:
        raise GroupNotFound(
            f"there is no group {name[:80]!r}", field="name", hint="create it first: `ironflow group create`"
        )
    return group


def check_name(name: str) -> None:
    """Raises InvalidArgument."""
    if not _NAME.fullmatch(name):
        raise InvalidArgument(
            f"{name[:80]!r} is not the name of a group",
            field="name",
            hint="1 to 100 letters, digits, `_`, `-`, `.`; not first a dot",
        )


def checked(settings: GroupSettings) -> GroupSettings:
    """Raises InvalidArgument naming the field."""
    selection.selection(settings.pattern, settings.filter)
    _one_of("ack_mode", settings.ack_mode, ACK_MODES)
    _one_of("backpressure", settings.backpressure, BACKPRESSURES)
    _within("max_inflight", settings.max_inflight, 1, INFLIGHT_MAX)
    _within("max_redeliveries", settings.max_redeliveries, 0, REDELIVERIES_MAX)
    _within("redeliver_delay_ms", settings.redeliver_delay_ms, 0, DELAY_MS_MAX)
    _within("ack_wait_ms", settings.ack_wait_ms, ACK_WAIT_MS_MIN, ACK_WAIT_MS_MAX)
    raw = bytes(settings.metadata)
    if not raw.lstrip().startswith(b"{") or len(raw) > METADATA_BYTES_MAX:
        raise InvalidArgument(
            "metadata must be a JSON object", field="metadata", hint=f"of at most {METADATA_BYTES_MAX} bytes"
        )
    return settings


def _one_of(field: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise InvalidArgument(f"{field} {value[:40]!r} is unknown", field=field, hint=" or ".join(known))


def _within(field: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InvalidArgument(f"{field} {value} is out of range", field=field, hint=f"{low} to {high}")
