"""Folds of a projection in this process, without a server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from ironflow.folding import reduced, value_at
from ironflow.patterns import matches
from ironflow.projection import GLOBAL, ProjectedEvent, Projection
from ironflow.testing.result import START

Told = ProjectedEvent | Mapping[str, Any] | tuple[str, Any]


def fold(projection: Projection, events: Iterable[Told], *, now: datetime = START) -> dict[str, Any]:
    """The state of each partition after the events, in order: dicts with `name` and `data`, or pairs of both. Events
    that the projection is not for are passed over; one that its reducer cannot take raises what it raises, or is left
    out if the projection skips those. An external projection's handler is called for each."""
    states: dict[str, Any] = {}
    for number, told in enumerate(events, 1):
        event = _event(told, number, now + timedelta(seconds=number), projection.partition_key)
        if not any(matches(pattern, event.name) for pattern in projection.events):
            continue
        if not projection.managed:
            projection.function(projection.read(event))
            continue
        before = states.get(event.partition, projection.first_state())
        try:
            given = projection.function(json.loads(json.dumps(before)), projection.read(event))
            state = reduced(projection, given)
        except Exception:
            if projection.on_error == "stop":
                raise
            state = before
        states[event.partition] = json.loads(json.dumps(state, allow_nan=False))
    return states


def _event(told: Told, number: int, at: datetime, path: str) -> ProjectedEvent:
    if isinstance(told, ProjectedEvent):
        return told
    given: Mapping[str, Any] = {"name": told[0], "data": told[1]} if isinstance(told, tuple) else told
    envelope = {"id": f"evt_{number}", "metadata": {}, "version": 1, "source": "test", "data": None, **given}
    partition = value_at(envelope, path) if path else None
    return ProjectedEvent(
        id=envelope["id"],
        name=envelope["name"],
        data=envelope["data"],
        timestamp=at,
        metadata=envelope["metadata"],
        version=envelope["version"],
        source=envelope["source"],
        position=number,
        partition=partition or GLOBAL,
    )
