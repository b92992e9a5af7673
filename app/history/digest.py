"""The chain that makes tampering evident: each entry's digest covers the one before it and the entry's own bytes.

Canonical encoding of an entry: the MessagePack array of position, environment, stream, version, kind, data, metadata,
actor, correlation, causation and recorded_at, every value in its shortest form (MessagePack specification, "Formats").
digest(n) = SHA-256(digest(n-1) + encoding(n)); digest(0) is 32 zero bytes. An entry that was redacted keeps the
digest it had; app/history/verify.py says how it is checked.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

ORIGIN = bytes(32)

_encode = msgspec.msgpack.Encoder().encode


def chain(previous: bytes, fields: tuple[object, ...]) -> bytes:
    """The digest of an entry, given the one before it and the entry's fields up to recorded_at, in their order."""
    return sha256(previous + _encode(fields)).digest()


def row(fields: tuple[object, ...]) -> bytes:
    """SHA-256 of the same encoding alone: what a redaction says an entry is from then on."""
    return sha256(_encode(fields)).digest()
