"""What became of an event at the projections that it is for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from app.history.entry import Entry
from app.history.kinds import EventEmitted
from app.projections.noun import Generation, Projection
from app.projections.service import Projections

Fate = Literal["folded", "behind", "stopped", "parked", "skipped", "left_out"]


class Taken(NamedTuple):
    """A projection, how far the generation that serves has come, and what became of the event there."""

    projection: Projection
    position: int
    fate: Fate


async def taken(projections: Projections, entry: Entry) -> Sequence[Taken]:
    """By name."""
    assert isinstance(entry.fact, EventEmitted)
    found: list[Taken] = []
    for projection in projections.registry.wanting(entry.environment, entry.fact.name):
        reached, _ = await projections.feed.reached(projection, projection.serving)
        found.append(Taken(projection, reached, fate(projection.serving, entry.position, reached)))
    return found


def fate(serving: Generation, position: int, reached: int) -> Fate:
    """What became of the event at a position, where all are in the state up to `reached`."""
    for passed in serving.passed:
        if passed.position == position:
            return "parked" if passed.parked else "skipped"
    if serving.error and serving.error_position == position:
        return "stopped"
    if serving.skipped_position == position:
        return "skipped"
    if position <= serving.after or serving.until < position <= serving.resumed_after:
        return "left_out"
    return "folded" if position <= reached else "behind"
