"""The chain that makes tampering evident: each entry's digest covers the one before it and the entry's own bytes.

Canonical encoding of an entry: the MessagePack array of position, environment, stream, version, kind, data, metadata,
actor, correlation, causation and recorded_at, every value in its shortest form (MessagePack specification, "Formats").
digest(n) = SHA-256(digest(n-1) + encoding(n)); digest(0) is 32 zero bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from storage.records import EntryRecord

ORIGIN = bytes(32)

_encode = msgspec.msgpack.Encoder().encode


def chain(previous: bytes, fields: tuple[object, ...]) -> bytes:
    """The digest of an entry, given the one before it and the entry's fields up to recorded_at, in their order."""
    return sha256(previous + _encode(fields)).digest()


def first_bad(entries: Iterable[EntryRecord], *, previous: bytes = ORIGIN, position: int = 0) -> tuple[int, str] | None:
    """Position of the first entry that breaks the chain and what is wrong with it; None if all hold."""
    for entry in entries:
        position += 1
        if entry.position != position:
            return position, f"entry {position} is missing: {entry.position} follows {position - 1}"
        previous = chain(previous, entry[:-1])
        if bytes(entry.digest) != previous:
            return position, f"entry {position} ({entry.kind} of {entry.stream}) or one before it was changed"
    return None
