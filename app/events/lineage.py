"""Why an entry is there, and what came of it: the chain of causes back to where it began, and the effects after it.

An entry names its cause as a stream, or as one entry of it (`stream#version`). A cause that is a stream means what was
last recorded there before. Where an entry names none and is not the first of its run, its run's creation is the cause.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from app.events import looking
from app.history import explore
from app.history.entry import Entry
from app.history.kinds import DeliveryAccepted, DeliveryReplayed, EventEmitted, RunCreated
from storage import events, history
from storage.contract import Storage, Transaction

CAUSES_MAX = 100
EFFECTS_MAX = 200
DEPTH_MAX = 20
OF_RUN_MAX = 100
REEMITTED_MAX = 100


class Effect(msgspec.Struct):
    """An entry, and what it caused."""

    entry: Entry
    effects: list[Effect] = msgspec.field(default_factory=list)


class Lineage(msgspec.Struct, frozen=True):
    """`causes` begin with the nearest; `truncated` tells that there is more than is shown."""

    entry: Entry
    causes: list[Entry]
    effects: list[Effect]
    truncated: bool


class LineageReader:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def of(self, environment: str, position: int) -> Lineage:
        """Raises NotFound."""
        return await self._storage.read(lambda tx: _lineage(tx, environment, position))


def cause_of(tx: Transaction, entry: Entry) -> Entry | None:
    """The entry that caused this one; None where it began."""
    environment, position = entry.environment, entry.position
    if entry.causation:
        stream, _, version = entry.causation.rpartition("#")
        if stream and version.isdecimal():
            found = history.of_stream(tx, environment, stream, after_version=int(version) - 1, limit=1)
        else:
            found = history.of_stream_backwards(tx, environment, entry.causation, until=position - 1, limit=1)
    elif entry.version > 1 and entry.stream.startswith("run/"):
        found = history.of_stream(tx, environment, entry.stream, limit=1)
    else:
        found = []
    cause = Entry(found[0]) if found else None
    return cause if cause is not None and cause.position < position else None


def _lineage(tx: Transaction, environment: str, position: int) -> Lineage:
    entry = explore.get(tx, environment, position)
    causes: list[Entry] = []
    cause = cause_of(tx, entry)
    while cause is not None and len(causes) < CAUSES_MAX:
        causes.append(cause)
        cause = cause_of(tx, cause)
    effects, cut = _effects(tx, entry)
    return Lineage(entry, causes, effects, truncated=cut or cause is not None)


def _effects(tx: Transaction, entry: Entry) -> tuple[list[Effect], bool]:
    """What came of an entry, breadth first, so that what is cut off is the farthest; and whether anything was."""
    root = Effect(entry)
    level, count = [root], 0
    for _ in range(DEPTH_MAX):
        below: list[Effect] = []
        for effect in level:
            for caused in _caused(tx, effect.entry):
                if count >= EFFECTS_MAX:
                    return root.effects, True
                count += 1
                effect.effects.append(Effect(caused))
            below += effect.effects
        if not below:
            return root.effects, False
        level = below
    return root.effects, True


def _caused(tx: Transaction, entry: Entry) -> Iterator[Entry]:
    """An event's runs, and the events that were emitted anew of it; a webhook delivery's event; a run's events, and its
    last entry."""
    environment = entry.environment
    match entry.fact:
        case EventEmitted() as fact:
            for run_id in fact.run_ids:
                yield from map(Entry, history.of_stream(tx, environment, f"run/{run_id}", limit=1))
            yield from looking.entries(tx, environment, events.reemitted(tx, environment, fact.id, limit=REEMITTED_MAX))
        case DeliveryAccepted() | DeliveryReplayed() as delivered:
            yield from map(Entry, history.of_stream(tx, environment, f"event/{delivered.event_id}", limit=1))
        case RunCreated():
            run_id = entry.stream.removeprefix("run/")
            yield from looking.entries(tx, environment, events.of_run(tx, environment, run_id, limit=OF_RUN_MAX))
            yield from (
                Entry(record)
                for record in history.of_stream_backwards(tx, environment, entry.stream, limit=1)
                if record.version > 1
            )
        case _:
            pass
