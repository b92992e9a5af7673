"""The commands that wait for the committer: whose turn it is, who goes together, and how many may wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from app.history.rush import Rush

if TYPE_CHECKING:
    from app.history.committer import Command, Done

BATCH_WEIGHT_MAX = 1_000
WAITING_WEIGHT_MAX = 50_000
OVERTAKEN_WEIGHT_MAX = WAITING_WEIGHT_MAX // 2
"""Of all that waits, while somebody may still go first: a report frees a slot before it is recorded, so that where
workers are faster than the store, starts without such an end would keep it waiting until there is no room."""


class Waiting(msgspec.Struct, frozen=True):
    """`group` is the same for commands submitted together, and 0 for one that was submitted alone."""

    command: Command
    done: Done
    group: int = 0


class CommandQueue:
    """First come, first served, but for those that go before all others, unless too many wait. Groups stay in one
    piece. The queue says when there is a `rush`."""

    def __init__(self, rush: Rush) -> None:
        self._rush = rush
        self._first: list[Waiting] = []
        self._others: list[Waiting] = []
        self._weight = 0
        self._first_weight = 0
        self._groups = 0
        self._group = 0
        self._group_is_refused = False

    def __len__(self) -> int:
        return len(self._first) + len(self._others)

    @property
    def fills_a_batch(self) -> bool:
        """Whether the next batch has no room for what comes meanwhile."""
        return self._weight >= BATCH_WEIGHT_MAX

    def put(self, command: Command, done: Done, *, first: bool) -> bool:
        """Whether there was room for it. Nobody goes before the others in a group, nor where many wait."""
        if self._group_is_refused if self._group else self._weight >= WAITING_WEIGHT_MAX:
            return False
        if first and not self._group and self._weight < OVERTAKEN_WEIGHT_MAX:
            self._first.append(Waiting(command, done))
            self._first_weight += command.weight
            self._rush.on = self._rush.on or self._first_weight >= BATCH_WEIGHT_MAX
        else:
            self._others.append(Waiting(command, done, self._group))
        self._weight += command.weight
        return True

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is put in here makes a group: there is room for all of it or for none."""
        self._groups += 1
        self._group = self._groups
        self._group_is_refused = self._weight >= WAITING_WEIGHT_MAX
        try:
            yield
        finally:
            self._group = 0

    def take_batch(self) -> Sequence[Waiting]:
        """Those who go first, then those who wait longest: as many as BATCH_WEIGHT_MAX allows, but at least one, and
        with it its group."""
        batch: list[Waiting] = []
        first = _move(self._first, batch, 0)
        self._first_weight -= first
        self._rush.on = self._rush.on and bool(self._first)
        self._weight -= _move(self._others, batch, first)
        return batch

    def take_all(self) -> Sequence[Waiting]:
        """Nobody waits any more."""
        everybody = [*self._first, *self._others]
        self._first, self._others, self._weight, self._first_weight = [], [], 0, 0
        self._rush.on = False
        return everybody


def apart(batch: Sequence[Waiting]) -> Sequence[Sequence[Waiting]]:
    """The commands one by one, but for those that were submitted together."""
    parts: list[list[Waiting]] = []
    for waiting in batch:
        if parts and waiting.group and waiting.group == parts[-1][-1].group:
            parts[-1].append(waiting)
        else:
            parts.append([waiting])
    return parts


def _move(queue: list[Waiting], batch: list[Waiting], weight: int) -> int:
    """From the head of a queue to a batch of that weight, as many as it has room for; what it weighs then."""
    count = group = 0
    for waiting in queue:
        grown = weight + waiting.command.weight
        if grown > BATCH_WEIGHT_MAX and (batch or count) and not (group and waiting.group == group):
            break
        group, weight = waiting.group, grown
        count += 1
    batch += queue[:count]
    del queue[:count]
    return weight
