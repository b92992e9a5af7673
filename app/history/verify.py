"""Walk the digest chain of the whole history.

An entry that was redacted no longer gives its digest. It counts as pending, and the walk goes on from the digest that
stands there, until an entry `history.redacted`, which itself holds, vouches for exactly this: the digest before it, its
own, and what it is now. What nobody vouched for at the end was changed; so was an entry whose payload came back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from app.history import digest, kinds, redaction
from app.history.kinds import HistoryRedacted
from storage import history
from storage.contract import Storage, Transaction
from storage.records import EntryRecord

Progress = Callable[[int], None]
"""Told the position reached."""


class VerifyReport(msgspec.Struct, frozen=True):
    """`bad_position` is None when every entry holds; `digest` is the last good one, in hexadecimal, and `entries` its
    position. `redacted` are those among them whose payload was replaced, as recorded."""

    entries: int
    digest: str
    bad_position: int | None = None
    reason: str = ""
    redacted: int = 0


async def verify(storage: Storage, progress: Progress = lambda position: None) -> VerifyReport:
    """Check every entry against the chain, on one snapshot."""
    return await storage.read(lambda tx: _verify(tx, progress))


def _verify(tx: Transaction, progress: Progress) -> VerifyReport:
    walk = _Walk()
    for page in history.everything(tx):
        for entry in page:
            walk.step(entry)
        progress(walk.position)
    return walk.report()


class _Bad(NamedTuple):
    position: int
    previous: bytes
    reason: str


class _Pending(NamedTuple):
    """A placeholder that nobody vouched for yet."""

    previous: bytes
    digest: bytes
    row: str


class _Walk:
    def __init__(self) -> None:
        self.position = 0
        self._previous = digest.ORIGIN
        self._bad: _Bad | None = None
        self._pending: dict[int, _Pending] = {}
        self._vouched: set[int] = set()

    def step(self, entry: EntryRecord) -> None:
        position, previous = self.position + 1, self._previous
        if entry.position != position:
            self._break(position, previous, f"entry {position} is missing: {entry.position} follows {position - 1}")
        found = bytes(entry.digest)
        if digest.chain(previous, entry[:-1]) == found:
            if entry.kind == HistoryRedacted.kind:
                self._forgive(entry)
        elif redaction.is_redacted(entry):
            self._pending[entry.position] = _Pending(previous, found, redaction.row_of(entry))
        else:
            what = f"entry {entry.position} ({entry.kind} of {entry.stream})"
            self._break(entry.position, previous, f"{what} or one before it was changed")
        self.position, self._previous = entry.position, found

    def _break(self, position: int, previous: bytes, reason: str) -> None:
        if self._bad is None or position < self._bad.position:
            self._bad = _Bad(position, previous, reason)

    def _forgive(self, entry: EntryRecord) -> None:
        fact = kinds.decode(entry.kind, entry.data)
        assert isinstance(fact, HistoryRedacted)
        for voucher in fact.vouchers:
            pending = self._pending.get(voucher.position)
            told = (voucher.previous, voucher.digest, voucher.row)
            if pending is not None and told == (pending.previous.hex(), pending.digest.hex(), pending.row):
                del self._pending[voucher.position]
                self._vouched.add(voucher.position)
            elif pending is None and voucher.position not in self._vouched:
                reason = f"entry {voucher.position} was redacted by entry {entry.position}, but its payload is there"
                self._break(voucher.position, bytes.fromhex(voucher.previous), reason)

    def report(self) -> VerifyReport:
        if self._pending:
            first = min(self._pending)
            reason = f"the payload of entry {first} was replaced, and no entry history.redacted tells of it"
            self._break(first, self._pending[first].previous, reason)
        if self._bad is None:
            return VerifyReport(self.position, self._previous.hex(), redacted=len(self._vouched))
        bad = self._bad
        redacted = sum(position < bad.position for position in self._vouched)
        return VerifyReport(bad.position - 1, bad.previous.hex(), bad.position, bad.reason, redacted)
