"""What there is in a stretch of history, counted: kinds, actors, and over time by noun.

History has no index but its positions and its streams: so the newest entries up to a position are counted, and no more
of them than are read in a moment. The answer says which they were.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from app.history.explore import Wanted, kinds_of
from storage import history
from storage.contract import Storage, Transaction

COUNTED_MAX = 20_000
SLICES = 60
KINDS_MAX, ACTORS_MAX = 100, 50


class Facets(msgspec.Struct, frozen=True):
    """The entries that fit between two positions, and the time between these: `lanes` have by noun how many there are
    in each of SLICES equal parts of it. Kinds and actors are the most frequent; `whole` if nothing before was left out.
    """

    entries: int
    first: int
    last: int
    since: int
    until: int
    whole: bool
    kinds: Sequence[tuple[str, int]]
    actors: Sequence[tuple[str, int]]
    lanes: Mapping[str, Sequence[int]]


async def facets(storage: Storage, environment: str, wanted: Wanted, *, until: int = history.END) -> Facets:
    """Of the newest positions up to `until`, at most COUNTED_MAX. Raises InvalidArgument for a kind that is none."""
    kinds = kinds_of(wanted.kinds)
    return await storage.read(lambda tx: _facets(tx, environment, wanted, kinds, until))


def _facets(tx: Transaction, environment: str, wanted: Wanted, kinds: Sequence[str], until: int) -> Facets:
    last = min(until, history.head(tx)[0])
    if wanted.until < history.END:
        last = min(last, history.position_at(tx, wanted.until))
    first = history.position_at(tx, wanted.since - 1) + 1 if wanted.since else 1
    bounded = first if wanted.stream else max(first, last - COUNTED_MAX + 1)
    began, ended = _instant(tx, bounded), _instant(tx, last)
    if last < bounded or began is None or ended is None:
        return Facets(0, bounded, last, 0, 0, True, (), (), {})
    rows = history.facets(
        tx,
        environment,
        stream=wanted.stream,
        kinds=kinds,
        actor=wanted.actor,
        after=bounded - 1,
        before=last + 1,
        since=began,
        span=ended - began + 1,
        slices=SLICES,
        limit=COUNTED_MAX,
    )
    found = _counted(rows)
    looked_at = _length(tx, environment, wanted.stream, bounded, last) if wanted.stream else 0
    return Facets(found[0], bounded, last, began, ended, bounded == first and looked_at <= COUNTED_MAX, *found[1:])


def _length(tx: Transaction, environment: str, stream: str, first: int, last: int) -> int:
    """How many entries the stream has between two positions, these included: its versions have no gap."""
    before, newest = (history.last_of_stream(tx, environment, stream, until=until) for until in (first - 1, last))
    return (newest.version if newest else 0) - (before.version if before else 0)


def _instant(tx: Transaction, position: int) -> int | None:
    record = history.at(tx, position) if position > 0 else None
    return record.recorded_at if record is not None else None


def _counted(
    rows: Sequence[history.Facet],
) -> tuple[int, Sequence[tuple[str, int]], Sequence[tuple[str, int]], Mapping[str, Sequence[int]]]:
    kinds: Counter[str] = Counter()
    actors: Counter[str] = Counter()
    lanes: dict[str, list[int]] = defaultdict(lambda: [0] * SLICES)
    for row in rows:
        kinds[row.kind] += row.entries
        actors[row.actor] += row.entries
        lanes[row.kind.partition(".")[0]][row.slice] += row.entries
    return kinds.total(), kinds.most_common(KINDS_MAX), actors.most_common(ACTORS_MAX), dict(sorted(lanes.items()))
