"""Dead letters of a group, many at once: those that fit are found, and requeued or discarded part by part.

A part is one commit. Letters are gone through once, by position, so that one that dies again meanwhile is left for the
next time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import msgspec

from app import texts
from app.errors import InvalidArgument
from app.events import dead_letter
from app.events.dead_letter import DeadLetter
from app.events.groups import DEAD_LETTERS_MAX, Groups
from app.history.kinds import Fact
from storage.records import DeadLetterRow

PART_MAX = 100
NAMED_MAX = 1_000
SETTLED_MAX = 10_000
LOOKED_AT_MAX = 100_000
SAMPLE_MAX = 5
SEARCH_CHARS_MAX = 200
CAUSES = ("redelivered", "terminated", "unreadable")


class Wanted(msgspec.Struct, frozen=True):
    """Which dead letters: those at `positions`, or, without any, all with that cause and with `search` in their topic,
    the id of their event or the reason; "" is any."""

    positions: tuple[int, ...] = ()
    cause: str = ""
    search: str = ""

    def fits(self, row: DeadLetterRow) -> bool:
        if self.cause and row.cause != self.cause:
            return False
        text = self.search.lower()
        return not text or any(text in part.lower() for part in (row.topic, row.event_id, row.reason))


class Outcome(msgspec.Struct, frozen=True):
    """What became, or would become, of those that fit: `sample` are the first of them, `positions` those that were
    settled, `gone` those that were named and are no dead letters. `exact` is False where more fit than are settled at
    once: ask again for the others."""

    matched: int
    positions: Sequence[int]
    gone: Sequence[int]
    sample: Sequence[DeadLetterRow]
    exact: bool


class Page(msgspec.Struct, frozen=True):
    """By position; `after` is where the next page begins, 0 at the end."""

    rows: Sequence[DeadLetterRow]
    after: int


async def page(groups: Groups, environment: str, name: str, wanted: Wanted, *, after: int, limit: int) -> Page:
    """Those that fit, after a position. Where few do, a page ends early. Raises GroupNotFound, InvalidArgument."""
    check(wanted)
    found: list[DeadLetterRow] = []
    looked_at, together = 0, DEAD_LETTERS_MAX if wanted.cause or wanted.search else limit + 1
    while looked_at < SETTLED_MAX:
        rows = await groups.dead_letters(environment, name, after=after, limit=together)
        for row in rows:
            if wanted.fits(row):
                if len(found) == limit:
                    return Page(found, after)
                found.append(row)
            after = row.entry
        looked_at += len(rows)
        if len(rows) < together:
            return Page(found, 0)
    return Page(found, after)


async def preview(groups: Groups, environment: str, name: str, wanted: Wanted) -> Outcome:
    """What settling them would find. Raises GroupNotFound, InvalidArgument."""
    check(wanted)
    rows: list[DeadLetterRow] = []
    exact = False
    async for part, all_of_them in _parts(groups, environment, name, wanted):
        rows += part
        exact = all_of_them
    gone = sorted(set(wanted.positions) - {row.entry for row in rows})
    return Outcome(len(rows), (), gone, rows[:SAMPLE_MAX], exact)


async def settle(
    groups: Groups,
    environment: str,
    name: str,
    wanted: Wanted,
    *,
    discard: bool,
    reason: str = "",
    actor: str = "",
) -> Outcome:
    """Discard them, or have the group get them once more. Raises GroupNotFound, InvalidArgument."""
    check(wanted)
    texts.reason(reason)

    def decide(letter: DeadLetter | None, entry: int) -> Sequence[Fact]:
        if discard:
            return dead_letter.decide_discard(letter, name, entry, reason)
        return dead_letter.decide_requeue(letter, name, entry, reason)

    matched, exact = 0, False
    sample: list[DeadLetterRow] = []
    done: list[int] = []
    async for part, all_of_them in _parts(groups, environment, name, wanted):
        exact = all_of_them
        matched += len(part)
        sample += part[: SAMPLE_MAX - len(sample)]
        for start in range(0, len(part), PART_MAX):
            entries = [row.entry for row in part[start : start + PART_MAX]]
            done += await groups.settle_together(environment, name, entries, decide, actor=actor)
    gone = sorted(set(wanted.positions) - set(done))
    return Outcome(matched, done, gone, sample, exact)


def check(wanted: Wanted) -> None:
    """Raises InvalidArgument."""
    if wanted.cause and wanted.cause not in CAUSES:
        raise InvalidArgument(f"cause {wanted.cause[:40]!r} is unknown", field="cause", hint=", ".join(CAUSES))
    texts.check(wanted.search, field="search")
    if len(wanted.search) > SEARCH_CHARS_MAX:
        raise InvalidArgument("search is too long", field="search", hint=f"at most {SEARCH_CHARS_MAX} characters")
    if len(wanted.positions) > NAMED_MAX:
        raise InvalidArgument(
            f"{len(wanted.positions)} positions are too many", field="positions", hint=f"at most {NAMED_MAX}, or all"
        )


async def _parts(
    groups: Groups, environment: str, name: str, wanted: Wanted
) -> AsyncIterator[tuple[Sequence[DeadLetterRow], bool]]:
    """Those that fit, at most SETTLED_MAX of them and of the first LOOKED_AT_MAX; with each part, whether these are all
    that there are."""
    if wanted.positions:
        yield await groups.dead_letters_at(environment, name, wanted.positions), True
        return
    left, looked_at, after = SETTLED_MAX, 0, 0
    while True:
        rows = await groups.dead_letters(environment, name, after=after, limit=DEAD_LETTERS_MAX)
        fitting = [row for row in rows if wanted.fits(row)]
        looked_at += len(rows)
        last = len(rows) < DEAD_LETTERS_MAX
        yield fitting[:left], last and len(fitting) <= left
        left -= len(fitting)
        if last or left <= 0 or looked_at >= LOOKED_AT_MAX:
            return
        after = rows[-1].entry
