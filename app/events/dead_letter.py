"""What a group could not deliver, by the position of the entry, until it is requeued or discarded. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from app.errors import DeadLetterNotFound
from app.history.entry import Entry
from app.history.kinds import Fact, GroupDeadLettered, GroupDiscarded, GroupRequeued
from storage import dead_letters
from storage.contract import Transaction
from storage.records import DeadLetterRow


class DeadLetter(msgspec.Struct, frozen=True):
    """`held` tells that it waits for somebody to decide what becomes of it."""

    row: DeadLetterRow
    held: bool


def stream(group: str, entry: int) -> str:
    return f"deadletter/{group}/{entry}"


class DeadLetterNoun:
    prefix = "deadletter"

    def apply(self, state: DeadLetter | None, entry: Entry) -> DeadLetter:
        match entry.fact:
            case GroupDeadLettered() as fact:
                row = DeadLetterRow(
                    environment=entry.environment,
                    group_name=fact.group,
                    entry=fact.entry,
                    fed=fact.fed,
                    event_id=fact.event_id,
                    topic=fact.topic,
                    deliveries=fact.deliveries,
                    cause=fact.cause,
                    reason=fact.reason,
                    dead_at=entry.recorded_at,
                    position=entry.position,
                )
                return DeadLetter(row, held=True)
            case GroupRequeued() | GroupDiscarded():
                assert state is not None, f"{entry} settles what was not there"
                return DeadLetter(state.row._replace(position=entry.position), held=False)
            case _:
                raise AssertionError(f"{entry} does not belong to a dead letter")

    def changed_at(self, state: DeadLetter) -> int:
        return state.row.position

    def row(self, state: DeadLetter) -> DeadLetter:
        return state

    def keep(self, state: DeadLetter) -> bool:
        return False

    def save(self, tx: Transaction, rows: Sequence[DeadLetter]) -> None:
        for letter in rows:
            if not letter.held:
                dead_letters.remove(tx, letter.row.environment, letter.row.group_name, letter.row.entry)
        dead_letters.save(tx, [letter.row for letter in rows if letter.held])

    def clear(self, tx: Transaction) -> None:
        dead_letters.clear(tx)

    def rows(self, tx: Transaction) -> Iterable[DeadLetterRow]:
        return dead_letters.everything(tx)


def decide_bury(letter: DeadLetter | None, fact: GroupDeadLettered) -> list[Fact]:
    """Recording the same failure again changes nothing."""
    if letter is not None and letter.held and letter.row.fed >= fact.fed:
        return []
    return [fact]


def decide_requeue(letter: DeadLetter | None, group: str, entry: int, reason: str = "") -> list[Fact]:
    """Raises DeadLetterNotFound."""
    _held(letter, group, entry)
    return [GroupRequeued(group=group, entry=entry, reason=reason)]


def decide_discard(letter: DeadLetter | None, group: str, entry: int, reason: str = "") -> list[Fact]:
    """Raises DeadLetterNotFound."""
    _held(letter, group, entry)
    return [GroupDiscarded(group=group, entry=entry, reason=reason)]


def _held(letter: DeadLetter | None, group: str, entry: int) -> None:
    if letter is None or not letter.held:
        raise DeadLetterNotFound(
            f"group {group} has no dead letter of position {entry}",
            field="position",
            hint=f"see `ironflow dlq list {group}`",
        )
