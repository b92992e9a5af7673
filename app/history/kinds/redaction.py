"""What happens to history itself: payloads that were replaced."""

from __future__ import annotations

import msgspec

from app.history.kinds.base import Fact


class Voucher(msgspec.Struct, frozen=True):
    """What one entry was, and what it is now: the digest before it and its own, which no longer follows from its
    fields, and the SHA-256 of the canonical encoding of the fields it has since. All in hexadecimal."""

    position: int
    previous: str
    digest: str
    row: str


class HistoryRedacted(Fact, frozen=True):
    """stream redaction/<id>. The payloads of entries of one stream, oldest first, were replaced by placeholders."""

    kind = "history.redacted"
    stream: str
    vouchers: tuple[Voucher, ...]
    reason: str = ""


FACTS: tuple[type[Fact], ...] = (HistoryRedacted,)
