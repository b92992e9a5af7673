"""Failures as the rebuild makes them anew: everything that the collector would have derived, in one transaction.

Where a model embeds, the vectors of a rebuild are those of the features built in: a model is not part of history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from app.history.entry import Entry
from app.search.collect import CURSOR, REGROUPING, TOGETHER_MAX, save
from app.search.embed import HASHED, embed
from app.search.failure import KINDS, derive
from storage import cursors, failures, history
from storage.contract import Transaction
from storage.failures import FailureVectorRow
from storage.records import EntryRecord


class DerivedFailures:
    """`rows` are compared by `ironflow rebuild --check` up to where a collector has come: it may be a little behind."""

    prefix = "failures"

    def rows(self, tx: Transaction) -> Iterable[tuple[object, ...]]:
        return failures.everything(tx)

    def refold(self, tx: Transaction, *, until: int) -> None:
        """Anew, from all of history up to a position."""
        failures.clear(tx)
        cursors.save(tx, CURSOR, 0)
        telling = self._telling(tx, until)
        while some := list(islice(telling, TOGETHER_MAX)):
            entries = [Entry(record) for record in some]
            found = [one for entry in entries if entry.kind in KINDS and (one := derive(tx, entry)) is not None]
            vectors = [FailureVectorRow(one.row.environment, one.row.position, HASHED, embed(one)) for one in found]
            save(
                tx,
                found,
                vectors,
                some[-1].position,
                regrouping=[entry for entry in entries if entry.kind in REGROUPING],
            )
        cursors.save(tx, CURSOR, until)

    def until(self, tx: Transaction) -> int:
        """How far the collector has come."""
        return cursors.get(tx, CURSOR)

    @staticmethod
    def _telling(tx: Transaction, until: int) -> Iterator[EntryRecord]:
        for page in history.everything(tx):
            yield from (record for record in page if record.kind in KINDS | REGROUPING and record.position <= until)
            if page[-1].position >= until:
                return
