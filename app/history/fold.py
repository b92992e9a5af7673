"""From entries to state: which noun a stream belongs to, and how its entries fold.

A noun derives, from its own streams only, a state and at most one row of a list. `apply` is pure in effect: it may
change the state it is given, which nobody else holds, and never fails on an entry that was recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from app.history.entry import Entry
from app.history.kinds import Fact
from storage import history
from storage.contract import Transaction


class Noun(Protocol):
    """How one kind of stream folds, and the table that lists it."""

    prefix: str
    """What the stream's name begins with, up to the slash."""

    def apply(self, state: Any, entry: Entry) -> Any:
        """The state after `entry`; `state` is None before the first."""
        ...

    def changed_at(self, state: Any) -> int:
        """Position of the last entry that changed the row."""
        ...

    def row(self, state: Any) -> Any:
        """The row that lists this stream."""
        ...

    def keep(self, state: Any) -> bool:
        """Whether a state is worth keeping in memory: something is likely to follow soon."""
        ...

    def save(self, tx: Transaction, rows: Sequence[Any]) -> None: ...
    def clear(self, tx: Transaction) -> None: ...
    def rows(self, tx: Transaction) -> Iterable[Any]:
        """Every row of its tables, each in the order of its key."""
        ...


class Rowless:
    """What a noun without a table does: nothing is derived from its streams, whose entries stand for themselves."""

    def apply(self, state: Fact | None, entry: Entry) -> Fact:
        return entry.fact

    def changed_at(self, state: Fact) -> int:
        return 0

    def row(self, state: Fact) -> None:
        return None

    def keep(self, state: Fact) -> bool:
        return False

    def save(self, tx: Transaction, rows: Sequence[Any]) -> None:
        assert not rows, "it has no row"

    def clear(self, tx: Transaction) -> None:
        """There is no table."""

    def rows(self, tx: Transaction) -> Iterable[Any]:
        return ()


@runtime_checkable
class LastTells(Protocol):
    """A noun whose every entry tells the whole state, whatever came before: the last one of a stream is enough, however
    long the stream is."""

    last_tells: Literal[True]


class Payloads(Noun, Protocol):
    """A noun whose state or row has parts of payloads, so that it is folded anew when one is redacted."""

    has_payloads: Literal[True]


@runtime_checkable
class Restoring(Protocol):
    """A noun whose row is its whole state, so that a long stream need not be folded anew."""

    def restore(self, tx: Transaction, environment: str, stream: str) -> Restored | None:
        """What the stream's row says; None if there is no row."""
        ...


class Restored(NamedTuple):
    """A state, and the version and position it is as of."""

    state: Any
    version: int
    position: int


@runtime_checkable
class Renewing(Protocol):
    """A noun whose state does not depend on all of its stream, however long that grows."""

    def renews(self, entry: Entry) -> bool:
        """Whether the state after `entry` is the same whatever came before it."""
        ...


class Slot:
    """A stream's state in memory, and how far it has been folded."""

    __slots__ = ("noun", "state", "version")

    def __init__(self, noun: Noun) -> None:
        self.noun = noun
        self.version = 0
        self.state: Any = None

    def apply(self, entry: Entry) -> None:
        self.state = self.noun.apply(self.state, entry)
        self.version = entry.version


class Fold:
    def __init__(self, nouns: Sequence[Noun]) -> None:
        self.nouns: Mapping[str, Noun] = {noun.prefix: noun for noun in nouns}

    def slot(self, stream: str) -> Slot:
        """An empty slot for the stream. Raises KeyError for a stream of no known noun."""
        return Slot(self.nouns[stream.partition("/")[0]])

    def load(self, tx: Transaction, environment: str, stream: str, *, until: int = history.END) -> Slot:
        """The stream's state as of position `until`: its row's, where that is the whole state, else folded from its own
        entries."""
        slot = self.slot(stream)
        if isinstance(slot.noun, LastTells):
            last = history.last_of_stream(tx, environment, stream, until=until)
            if last is not None:
                slot.apply(Entry(last))
            return slot
        if isinstance(slot.noun, Renewing):
            for entry in _since_renewal(tx, slot.noun, environment, stream, until):
                slot.apply(entry)
            return slot
        restored = slot.noun.restore(tx, environment, stream) if isinstance(slot.noun, Restoring) else None
        if restored is not None and restored.position <= until:
            slot.state, slot.version = restored.state, restored.version
            return slot
        for record in history.whole_stream(tx, environment, stream, until=until):
            slot.apply(Entry(record))
        return slot

    def save(self, tx: Transaction, slots: Iterable[Slot], *, before: int, refolded: Collection[Slot] = ()) -> None:
        """Write the rows that entries after position `before` changed, and those that were folded anew."""
        rows: dict[str, list[Any]] = {}
        for slot in slots:
            noun, state = slot.noun, slot.state
            if noun.changed_at(state) > before or slot in refolded:
                rows.setdefault(noun.prefix, []).append(noun.row(state))
        for prefix, changed in rows.items():
            self.nouns[prefix].save(tx, changed)


def _since_renewal(tx: Transaction, noun: Renewing, environment: str, stream: str, until: int) -> list[Entry]:
    """The last entries of the stream, oldest first, from the one on that says all that counts."""
    entries: list[Entry] = []
    for record in history.stream_backwards(tx, environment, stream, until=until):
        entries.append(Entry(record))
        if noun.renews(entries[-1]):
            break
    return entries[::-1]
