"""A bucket as a tree: what comes next under a prefix, without reading what is below that.

    user.7, user.8, user.7/cart, stock        level ""        stock   user.  (3 keys)
                                              level "user."   7       8      7/  (1 key)

Keys of any shape fit: a level ends behind the first `.`, `/` or `:` after the prefix. A page costs a read of an index
for each of its items, which counts at most COUNTED_MAX keys, however large the bucket is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from app.patterns import Pattern
from storage import kv as rows
from storage.contract import Transaction
from storage.kv import LAST, Described

COUNTED_MAX = 1_000
LOOKED_AT_MAX = 10_000

_SEPARATOR = re.compile(r"[./:]")


class Branch(msgspec.Struct, frozen=True):
    """Keys that begin with `prefix`. Where there are more than COUNTED_MAX, `exact` is False, and `keys` and `bytes`
    are of the first of them."""

    prefix: str
    keys: int
    bytes: int
    exact: bool


class Level(msgspec.Struct, frozen=True):
    """Branches and keys in order; `next_cursor` is empty at the end."""

    items: Sequence[Branch | Described]
    next_cursor: str


def branch_of(key: str, prefix: str) -> str:
    """What the key has in common with its neighbours below the prefix, up to a separator; "" if it is of this level."""
    found = _SEPARATOR.search(key, len(prefix))
    return key[: found.end()] if found else ""


def level(tx: Transaction, environment: str, bucket: str, *, prefix: str, cursor: str, now: int, limit: int) -> Level:
    """What comes next under the prefix, after the cursor."""
    items: list[Branch | Described] = []
    last = cursor + LAST if cursor and cursor == branch_of(cursor, prefix) else cursor
    while len(items) <= limit:
        page = rows.described(tx, environment, bucket, prefix=prefix, after=last, now=now, limit=limit + 1)
        branch = ""
        for row in page:
            if branch and row.key.startswith(branch):
                continue
            branch = branch_of(row.key, prefix)
            items.append(_counted(tx, environment, bucket, branch, now) if branch else row)
            last = branch + LAST if branch else row.key
            if len(items) > limit:
                break
        if len(page) <= limit:
            break
    return Level(items[:limit], _name(items[limit - 1]) if len(items) > limit else "")


def matching(
    tx: Transaction, environment: str, bucket: str, *, pattern: Pattern, prefix: str, cursor: str, now: int, limit: int
) -> Level:
    """Keys that fit the pattern, all of which begin with `prefix`, after the cursor. Where few fit, a page ends early,
    after LOOKED_AT_MAX keys."""
    found: list[Branch | Described] = []
    last, looked_at = cursor, 0
    while looked_at < LOOKED_AT_MAX:
        page = rows.described(tx, environment, bucket, prefix=prefix, after=last, now=now, limit=COUNTED_MAX)
        for row in page:
            if pattern.matches(row.key):
                if len(found) == limit:
                    return Level(found, last)
                found.append(row)
            last = row.key
        looked_at += len(page)
        if len(page) < COUNTED_MAX:
            return Level(found, "")
    return Level(found, last)


def _counted(tx: Transaction, environment: str, bucket: str, prefix: str, now: int) -> Branch:
    keys, size = rows.branch(tx, environment, bucket, prefix=prefix, now=now, counted_max=COUNTED_MAX + 1)
    return Branch(prefix, min(keys, COUNTED_MAX), size, exact=keys <= COUNTED_MAX)


def _name(item: Branch | Described) -> str:
    return item.prefix if isinstance(item, Branch) else item.key
