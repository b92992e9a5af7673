"""A bucket as a tree: what comes next under a prefix, without reading what is below that.

    user.7, user.8, user.7/cart, stock        level ""        stock   user.  (3 keys)
                                              level "user."   7       8      7/  (1 key)

Keys of any shape fit: a level ends behind the first `.`, `/` or `:` after the prefix. A page costs a read of an index
for each of its items, and one query more, which counts at most COUNTED_MAX keys, however large the bucket is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from app.patterns import Pattern
from storage import kv as rows
from storage.contract import Transaction
from storage.kv import LAST, Described

COUNTED_MAX = 20_000
"""In all branches of a page, each of which gets the same share of it."""
COUNTED_IN_ONE_MAX = 1_000
LOOKED_AT_MAX = 10_000
PAGE = 1_000
JUMPED_AT_MIN = 4

_SEPARATOR = re.compile(r"[./:]")


class Branch(msgspec.Struct, frozen=True):
    """Keys that begin with `prefix`. Where there are more than were counted, `exact` is False, and `keys` and `bytes`
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
    items: list[str | Described] = []
    last = cursor + LAST if cursor and cursor == branch_of(cursor, prefix) else cursor
    most = limit + 1
    while len(items) <= limit:
        page = rows.described(tx, environment, bucket, prefix=prefix, after=last, now=now, limit=most)
        branch, before = "", len(items)
        for row in page:
            if branch and row.key.startswith(branch):
                continue
            branch = branch_of(row.key, prefix)
            items.append(branch or row)
            last = branch + LAST if branch else row.key
            if len(items) > limit:
                break
        if len(page) < most:
            break
        most = min(limit + 1, max(JUMPED_AT_MIN, 2 * (len(items) - before)))  # most of a large branch is jumped over
    return Level(
        _counted(tx, environment, bucket, items[:limit], now), _name(items[limit - 1]) if len(items) > limit else ""
    )


def matching(
    tx: Transaction, environment: str, bucket: str, *, pattern: Pattern, prefix: str, cursor: str, now: int, limit: int
) -> Level:
    """Keys that fit the pattern, all of which begin with `prefix`, after the cursor. Where few fit, a page ends early,
    after LOOKED_AT_MAX keys."""
    found: list[Branch | Described] = []
    last, looked_at = cursor, 0
    while looked_at < LOOKED_AT_MAX:
        page = rows.described(tx, environment, bucket, prefix=prefix, after=last, now=now, limit=PAGE)
        for row in page:
            if pattern.matches(row.key):
                if len(found) == limit:
                    return Level(found, last)
                found.append(row)
            last = row.key
        looked_at += len(page)
        if len(page) < PAGE:
            return Level(found, "")
    return Level(found, last)


def _counted(
    tx: Transaction, environment: str, bucket: str, items: Sequence[str | Described], now: int
) -> list[Branch | Described]:
    """The same with branches in place of their names."""
    branches = [one for one in items if isinstance(one, str)]
    if not branches:
        return [one for one in items if not isinstance(one, str)]
    most = min(COUNTED_IN_ONE_MAX, COUNTED_MAX // len(branches))
    counted = rows.branches(tx, environment, bucket, branches, now=now, counted_max=most + 1)

    def branch(prefix: str) -> Branch:
        keys, size = counted[prefix]
        return Branch(prefix, min(keys, most), size, exact=keys <= most)

    return [branch(one) if isinstance(one, str) else one for one in items]


def _name(item: str | Described) -> str:
    return item if isinstance(item, str) else item.key
