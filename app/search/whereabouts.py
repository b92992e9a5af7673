"""Where something is that is not where it was looked for: deleted here, in another environment, or nowhere ever.

History forgets nothing, so that a stream without an entry is of something that never was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Literal

import msgspec

from storage import history
from storage.contract import Storage, Transaction

Kind = Literal["run", "function", "projection", "bucket", "entity"]

ENVIRONMENTS_MAX = 200
"""So many are looked into, in the order of their names, of those that one may see."""
KNOWN_MAX = 10_000
"""So many are asked about, whether one may see them: others' have names before one's own."""


class Whereabouts(msgspec.Struct, frozen=True):
    """`here`: whether it is in the environment that was asked; `deleted_at` in µs, 0 if it was not deleted there;
    `elsewhere`: namespaces of the other environments in which it is, by name."""

    here: bool
    deleted_at: int
    elsewhere: Sequence[str]


async def find(storage: Storage, environment: str, kind: Kind, id: str, *, sees: Callable[[str], bool]) -> Whereabouts:
    """Where it is, as far as `sees` lets one look into environments other than the one asked for. It is not asked in a
    thread of the store."""
    stream = f"{kind}/{id}"
    known = await storage.read(lambda tx: history.environments(tx, limit=KNOWN_MAX))
    seen = [*islice((one for one in known if one != environment and sees(one)), ENVIRONMENTS_MAX)]

    def look(tx: Transaction) -> Whereabouts:
        last = history.last_of_stream(tx, environment, stream)
        gone = last is not None and _deleted(last.kind)
        return Whereabouts(
            here=last is not None and not gone,
            deleted_at=last.recorded_at if last is not None and gone else 0,
            elsewhere=[one for one in seen if _is_in(tx, one, stream)],
        )

    return await storage.read(look)


def _is_in(tx: Transaction, environment: str, stream: str) -> bool:
    last = history.last_of_stream(tx, environment, stream)
    return last is not None and not _deleted(last.kind)


def _deleted(kind: str) -> bool:
    return kind.endswith(".deleted")
