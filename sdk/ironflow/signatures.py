"""Signatures of the engine's requests: HMAC-SHA256 over the body, in the form that is bound to the time and in the
older one that is not."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

TOLERANCE_S = 300


def valid(header: str, body: bytes, *, keys: Sequence[str], now_s: float) -> bool:
    """Whether one of the keys signed the body: `t=<unix>,v1=<hex>` within five minutes of now, or `sha256=<hex>`."""
    kind, _, rest = header.partition("=")
    if kind == "sha256":
        return _signed(rest, body, keys)
    pairs = [part.strip().partition("=")[::2] for part in header.split(",")]
    instants = [value for name, value in pairs if name == "t"]
    if len(instants) != 1 or not _is_instant(instants[0]) or abs(int(instants[0]) - now_s) > TOLERANCE_S:
        return False
    told = f"{instants[0]}.".encode() + body
    return any(_signed(value, told, keys) for name, value in pairs if name == "v1")


def _signed(digest: str, told: bytes, keys: Sequence[str]) -> bool:
    given = digest.encode("utf-8", "surrogateescape")
    expected = (hmac.new(key.encode(), told, hashlib.sha256).hexdigest().encode() for key in keys)
    return any(hmac.compare_digest(given, one) for one in expected)


def _is_instant(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 12
