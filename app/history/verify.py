"""Walk the digest chain of the whole history.

An entry that was redacted no longer gives its digest. It counts as pending, and the walk goes on from the digest that
stands there, until an entry `history.redacted`, which itself holds, vouches for exactly this: the digest before it, its
own, and what it is now. What nobody vouched for at the end was changed; so was an entry whose payload came back.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import NamedTuple

import msgspec

from app.errors import Conflict
from app.history import digest, kinds, redaction
from app.history.kinds import HistoryRedacted
from storage import history
from storage.contract import Storage, Transaction
from storage.records import EntryRecord

PAGE = 2_000
"""Entries that are walked at a time, while others are served."""

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


class Walked(msgspec.Struct, frozen=True):
    """How far a walk is, and where it ends."""

    position: int
    head: int


class Verifying:
    """Verifies for whoever asks while the server goes on: page after page, so that no snapshot is held for long, and
    one walk at a time on a node."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._walking = False

    async def walk(self) -> AsyncGenerator[Walked | VerifyReport | None, None]:
        """How far it is, after each page, and in the end the report of all that was there at the start. Raises
        Conflict while another one walks."""
        if self._walking:
            raise Conflict("history is being verified already", hint="wait for that to end: it reads all there is")
        self._walking = True
        try:
            head = (await self._storage.read(history.head))[0]
            walk = _Walk()
            while walk.position < head:
                await self._storage.read(partial(_page, walk, head))
                yield Walked(walk.position, head)
            report = walk.report()
            if report.bad_position is not None:  # or it was redacted between two pages: a snapshot tells
                report = await verify(self._storage)
            yield report
        finally:
            self._walking = False


def _page(walk: _Walk, head: int, tx: Transaction) -> None:
    entries = history.after(tx, walk.position, PAGE)
    for entry in entries:
        if entry.position <= head:
            walk.step(entry)
    if not entries or entries[0].position > head:  # what was there is gone: the snapshot says where
        walk.skip(head)


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

    def skip(self, position: int) -> None:
        """There is nothing up to a position, and there was."""
        self._break(self.position + 1, self._previous, f"entry {self.position + 1} is missing")
        self.position = position

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
