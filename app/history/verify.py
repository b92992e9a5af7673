"""Walk the digest chain of the whole history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.history import digest
from storage import history
from storage.contract import Storage, Transaction

Progress = Callable[[int], None]
"""Told the position reached."""


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """`bad_position` is None when every entry holds; `digest` is the last good one, in hexadecimal."""

    entries: int
    digest: str
    bad_position: int | None = None
    reason: str = ""


async def verify(storage: Storage, progress: Progress = lambda position: None) -> VerifyReport:
    """Check every entry against the chain, on one snapshot."""
    return await storage.read(lambda tx: _verify(tx, progress))


def _verify(tx: Transaction, progress: Progress) -> VerifyReport:
    position, previous = 0, digest.ORIGIN
    for page in history.everything(tx):
        bad = digest.first_bad(page, previous=previous, position=position)
        if bad is not None:
            good = bad[0] - 1 - position
            last = bytes(page[good - 1].digest) if good > 0 else previous
            return VerifyReport(bad[0] - 1, last.hex(), *bad)
        position, previous = page[-1].position, bytes(page[-1].digest)
        progress(position)
    return VerifyReport(position, previous.hex())
