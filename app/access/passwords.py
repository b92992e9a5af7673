"""Passwords: what they are checked against, by scrypt (RFC 7914), which the standard library has and which costs
whoever steals the table 32 MiB of memory for each guess. argon2 would cost a dependency with a binary of its own, for
no guess less.

    scrypt$<log2 n>$<r>$<p>$<salt, hex>$<hash, hex>
"""

from __future__ import annotations

import hashlib
import hmac
import os

from app.errors import InvalidArgument

CHARS_MIN, CHARS_MAX = 10, 1_000
_LOG_N, _R, _P = 15, 8, 1
_MEMORY_MAX = 64 * 2**20
_SALT_BYTES, _HASH_BYTES = 16, 32


def check(password: str, *, field: str = "password") -> None:
    """Raises InvalidArgument for one that is too easy to guess, or no text."""
    if not CHARS_MIN <= len(password) <= CHARS_MAX:
        raise InvalidArgument(
            f"{field} must have {CHARS_MIN} to {CHARS_MAX} characters",
            field=field,
            hint="several words are easy to remember and hard to guess",
        )
    if len(set(password)) < 4:
        raise InvalidArgument(f"{field} repeats itself", field=field, hint="several words are hard to guess")


def hashed(password: str) -> str:
    """What to keep of it. Takes about a tenth of a second of a core: not for the event loop."""
    salt = os.urandom(_SALT_BYTES)
    return f"scrypt${_LOG_N}${_R}${_P}${salt.hex()}${_scrypt(password, salt, _LOG_N, _R, _P).hex()}"


def matches(password: str, kept: str) -> bool:
    """Whether it is the one of which `kept` was kept; an empty one matches nothing, and takes as long."""
    _, log_n, r, p, salt, hash = (kept or _NONE).split("$")
    made = _scrypt(password, bytes.fromhex(salt), int(log_n), int(r), int(p))
    return hmac.compare_digest(made, bytes.fromhex(hash)) and kept != ""


def _scrypt(password: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    text = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=salt, n=2**log_n, r=r, p=p, maxmem=_MEMORY_MAX, dklen=_HASH_BYTES)


_NONE = f"scrypt${_LOG_N}${_R}${_P}${'00' * _SALT_BYTES}${'00' * _HASH_BYTES}"
"""Compared with when there is nothing else, so that nobody can tell by the time it takes who has a password."""
