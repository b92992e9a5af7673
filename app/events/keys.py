"""Idempotency keys: a key names what it came with. The id is derived from the key, so that a repeat finds the first."""

from __future__ import annotations

from app import ids
from app.errors import IdempotencyConflict, InvalidArgument

KEY_BYTES_MAX = 255


def check_key(key: str) -> None:
    """Returns for a usable idempotency key, or none. Raises InvalidArgument."""
    if not key:
        return
    if not key.isprintable() or " " in key or len(key.encode()) > KEY_BYTES_MAX:
        raise InvalidArgument(
            "idempotency_key is not usable",
            field="idempotency_key",
            hint=f"at most {KEY_BYTES_MAX} bytes of printable characters without spaces",
        )


def keyed_id(environment: str, key: str) -> str:
    """The event id that an idempotency key stands for. Raises InvalidArgument for one that cannot be used."""
    check_key(key)
    return ids.keyed("evt", environment, key)


def key_conflict(key: str, used_for: str) -> IdempotencyConflict:
    return IdempotencyConflict(
        f"idempotency key {key!r} was used for {used_for}",
        field="idempotency_key",
        hint="use a new key for new data, or send the same data again",
    )
